"""One soak: start the whole system, let visitors come while everything breaks, heal, drain, judge."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from bench.soak import evidence, meter, plan
from bench.soak.judge import Verdict, judge
from bench.soak.storm import Hand, Seeded
from bench.soak.visitors import Visitors
from infra.local import wiring
from infra.local.supervise import ProcessSpec
from infra.local.system import LocalSystem
from infra.manifest import ROOT, load

INSTANCES = 2
WAITING_MOST = 400
"""Alerts that were accepted and are not yet shown: with more, no further visitor comes for the moment."""

QUIET_SECONDS = 20.0
"""After the last visitor the storm ends when so long nothing has arrived, or when nearly everything has."""

DRAIN_SECONDS = 600.0
LOOK_SECONDS = 1.0
PACE = 50

SETTINGS: Mapping[str, str] = {
    "BELLHOP_FAST": "1",
    "DESTINATION_DEADLINE_SECONDS": "2",
    "SWEEP_GRACE_SECONDS": "5",  # a backlog of minutes in the queues would be looked at again every second
    "ESCALATION_CHANNELS": "email, slack",
}


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        alerts: how many are to be accepted; rounded up to whole visitors.
        seed: of faults and actions.
        fault_rate: the share of requests that fail outside blocks.
        minutes: the storm ends after so long, whatever is left.
        channels: leads' ones.
    """

    alerts: int
    seed: int
    fault_rate: float
    minutes: float
    channels: tuple[str, ...] = ("slack", "monday", "webhook")

    @property
    def visitors(self) -> int:
        """How many have to come."""
        return -(-self.alerts // len(self.channels))


@dataclass
class Soaked:
    """What a soak came to.

    Attributes:
        verdict: of its judge.
        met: the requests of each destination by what they met.
        done: what was done to functions and queues.
        refused: what visitors got instead of an answer.
        gave_up: visitors who were never answered.
        missing: visitors who did not come, as the time was over.
        storm_seconds: from the first visitor to the healing.
        drain_seconds: from there until nothing waited.
        drained: whether that came about.
        costs: Firestore's operations by function.
    """

    verdict: Verdict
    met: Mapping[str, Counter[str]]
    done: Counter[str]
    refused: Counter[str]
    gave_up: int
    missing: int
    storm_seconds: float
    drain_seconds: float
    drained: bool
    costs: Mapping[str, Mapping[str, int]]


@dataclass
class Progress:
    """How far it is, for whoever watches."""

    phase: str = "starting"
    visitors: int = 0
    answered: int = 0
    arrived: int = 0
    requests: int = 0
    done: Counter[str] = field(default_factory=Counter)


class Soak:
    """One run; everything it starts it ends.

    Args:
        options: what is asked for.

    Attributes:
        progress: kept up to date.
    """

    def __init__(self, options: Options) -> None:
        self.progress = Progress(visitors=options.visitors)
        self._options = options
        self._refused: Counter[str] = Counter()
        self._said: list[str] = []
        self._folder = Path()

    async def run(self) -> Soaked:
        """Do it.

        Raises:
            StartFailed, NotReady, EmulatorFailed, MissingPrerequisite: the system does not start.
        """
        async with AsyncExitStack() as ending:
            self._folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="bellhop-soak-")))
            environ = {name: value for name, value in os.environ.items() if not name.startswith("BELLHOP_")}
            paces = ",".join(f"{name}={PACE}" for name in ("slack", "monday", "webhook", "email"))
            environ |= SETTINGS | {"BELLHOP_PACES": paces, "LEAD_CHANNELS": ",".join(self._options.channels)}
            system = LocalSystem(
                wiring.paced(load(), environ),
                environ,
                port=0,
                say=self._said.append,
                shape=self._shape,
                hear=self._hear,
            )
            ending.push_async_callback(system.stop)
            await system.start()
            return await self._soak(system)

    async def _soak(self, system: LocalSystem) -> Soaked:
        visitors = Visitors(system.url, self._options.seed)
        hand = Hand(system, self._actions())
        switches = self._switches(system, hand)
        watching = asyncio.create_task(self._watch(system, visitors, hand))
        try:
            began = time.monotonic()
            await self._storm(visitors, hand)
            for switch in switches.values():
                switch.on = False
            await hand.heal()
            healed = time.monotonic()
            drained = await self._drain(system)
            drain_seconds = time.monotonic() - healed
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await hand.heal()
        self.progress.phase = "judging"
        verdict = await self._judge(system, visitors)
        return Soaked(
            verdict=verdict,
            met={name: switch.met for name, switch in switches.items()},
            done=hand.done,
            refused=visitors.refused,
            gave_up=visitors.gave_up,
            missing=self._options.visitors - len(visitors.answered) - visitors.gave_up,
            storm_seconds=healed - began,
            drain_seconds=drain_seconds,
            drained=drained,
            costs=meter.counted(self._folder),
        )

    def _actions(self) -> Any:
        requests = self._options.alerts * 1.5
        every = max(12, min(150, int(requests / 60)))
        return (
            plan.actions(self._options.seed, self._options.channels, every=every)
            if self._options.fault_rate
            else iter(())
        )

    def _switches(self, system: LocalSystem, hand: Hand) -> dict[str, Seeded]:
        gap = max(40, min(900, self._options.visitors // 3))
        switches = {}
        for channel in (*self._options.channels, "email"):
            name = evidence.LOGS[channel]
            faults = plan.Faults(self._options.seed, name, self._options.fault_rate, gap)
            switches[name] = Seeded(faults, hand.told)
            standin: Any = system.destinations[name]
            standin._switch = switches[name]  # noqa: SLF001 - its interface takes one mode at a time
            switches[name].on = True
        return switches

    async def _storm(self, visitors: Visitors, hand: Hand) -> None:
        """Let everybody come while everything breaks, and go on until nearly all has arrived or nothing comes."""
        self.progress.phase = "storm"
        until = time.monotonic() + self._options.minutes * 60
        working = asyncio.create_task(hand.work())
        try:
            await visitors.come(self._options.visitors, room=lambda: self._waiting() < WAITING_MOST, until=until)
            last, since = -1, time.monotonic()
            while self._waiting() > self._options.alerts // 50 and time.monotonic() < until:
                if self.progress.arrived != last:
                    last, since = self.progress.arrived, time.monotonic()
                if time.monotonic() - since > QUIET_SECONDS:
                    break
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    def _waiting(self) -> int:
        return self.progress.answered * len(self._options.channels) - self.progress.arrived

    async def _watch(self, system: LocalSystem, visitors: Visitors, hand: Hand) -> None:
        while True:
            self.progress.answered = len(visitors.answered)
            self.progress.arrived = sum(
                len(system.destinations[evidence.LOGS[channel]].received) for channel in self._options.channels
            )
            self.progress.requests, self.progress.done = hand.requests, hand.done
            await asyncio.sleep(0.1)

    async def _drain(self, system: LocalSystem) -> bool:
        """Wait until no alert waits any more, by the console's own count."""
        self.progress.phase = "drain"
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            counts = await self._conservation(system)
            if counts and not any(
                each[state] for each in counts["channels"].values() for state in ("queued", "sending", "parked")
            ):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _conservation(self, system: LocalSystem) -> dict[str, Any] | None:
        headers = {"X-ADMIN-API-KEY": system.info()["admin_api_key"]}
        timeout = aiohttp.ClientTimeout(total=110)
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
                session.get(f"{system.url}/admin_console/conservation") as answer,
            ):
                found: dict[str, Any] = await answer.json()
                return found if answer.ok else None
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    async def _judge(self, system: LocalSystem, visitors: Visitors) -> Verdict:
        info = system.info()
        found = await asyncio.to_thread(evidence.stored, info["firestore"], info["project"])
        counts = await self._conservation(system)
        received = {channel: system.destinations[name].received for channel, name in evidence.LOGS.items()}
        return judge(
            evidence.evidence(
                visitors.answered,
                self._options.channels,
                received,
                found,
                refused=self._refused,
                balanced=bool(counts and counts["balanced"]),
            )
        )

    def _shape(self, spec: ProcessSpec) -> ProcessSpec:
        """A function in two processes that count what they do in Firestore."""
        argv = [
            str(ROOT / "bench" / "soak" / "entry.py") if part == str(ROOT / "main.py") else part for part in spec.argv
        ]
        instances = INSTANCES if spec.name in plan.FUNCTIONS else 1
        added = {meter.FOLDER: str(self._folder), meter.FUNCTION: spec.name, "WORKERS": str(instances)}
        return replace(spec, argv=tuple(argv), env={**spec.env, **added})

    def _hear(self, _function: str, line: str) -> None:
        """Count the outcomes that were refused, as their holder's lease was over."""
        if '"alert_outcome_lost"' in line:
            with suppress(ValueError):
                self._refused[json.loads(line)["alert_id"]] += 1
