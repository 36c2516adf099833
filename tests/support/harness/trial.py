"""One trial: a fresh project, arranged, struck at one call, healed, drained; what it came to is for the checker."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.standins.faults import Fault
from tests.support.harness.lanes import Harness, Lane, Project
from tests.support.harness.shim import SENDING, Strike
from tests.support.harness.workers import Answer, Worker

SEND_SECONDS = 1.0
MARGIN_SECONDS = 0.3
"""What an attempt may take in all, and what must be left of the lease after it."""

POLICY = {
    "lease": 1.8,
    "grace": 0.3,
    "scheduled_wait": 0.2,
    "backoff_max": 0.02,
}
"""Seconds instead of minutes. A lease lasts long enough for a machine that does much else."""

SETTINGS = {
    "QUICK_ATTEMPTS": "2",
    "DEAD_LETTER_MAX_ATTEMPTS": "1",
    "LEAD_CHANNELS": "slack",
    "ESCALATION_CHANNELS": "email, slack",
    "DRAIN_PACES": "slack=100,email=100",
    "SWEEP_GRACE_SECONDS": "0.3",
    "BREAKER_RESET_SECONDS": "0.5",
    "CHAT_RATE_LIMIT": "1000 per minute",
}
DRAIN_SECONDS = 90.0
SETTLE_SECONDS = 60.0
"""For the canary's next runs, after the drain."""

INSTANCES = 2
"""Each step goes to another process than the one before it: what one remembers, the next one does not know."""

LATE = timedelta(seconds=0.15)
"""An alert's lease begins with its claim's commit, ``wake_at`` with the read before: the sweep leaves it so long."""

LOGS = {"slack": "slack", "monday": "monday", "email": "smtp", "webhook": "webhook"}
"""A channel → the stand-in whose log tells what arrived."""


@dataclass(frozen=True)
class Step:
    """Something a worker does: ``chat``, ``deliver``, ``sweep``, ``followups`` and so on; and of which alert."""

    do: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ran:
    """A step that was carried out, as the judge of duplicates looks at it.

    Attributes:
        step: what.
        answer: what came of it.
        strike: what happened to one of its calls.
    """

    step: Step
    answer: Answer
    strike: Strike | None = None


class Trial:
    """The hands of a scenario, and the record of what happened.

    Attributes:
        ran: every step, in order of their ends.
        answered: the bodies visitors got with a 200.
        snapshots: every look at alerts and destinations.
        last: everything, at the end.
        drained: nothing waited any more at the end.
        working: the processes that carry out a step just now.
        exempt: conversations that are to get no follow-up.
        erased: addresses whose owners had everything erased.
    """

    def __init__(self, harness: Harness, lane: Lane, **options: Any) -> None:
        self.ran: list[Ran] = []
        self.answered: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.last: dict[str, Any] = {}
        self.drained = False
        self.exempt: set[str] = set()
        self.erased: list[str] = []
        self.project: Project
        self.working: set[Worker] = set()
        self.policy = POLICY | options.pop("policy", {})
        self._harness, self._lane = harness, lane
        self._plant = options.pop("plant", None)
        self._drain_seconds = options.pop("drain", DRAIN_SECONDS)
        self._options = {"remind": 86400.0, "claim": 60.0, "skew": 0.0, "run_seconds": 45.0} | options
        self._options |= {"send_seconds": SEND_SECONDS, "margin_seconds": MARGIN_SECONDS}
        self._marks = {name: len(standin.received) for name, standin in lane.destinations.by_name.items()}
        self._changed = asyncio.Event()
        self._idle: list[Worker] = []
        self._stays: dict[str, str] = {}

    async def run(self, step: Step, strike: Strike | None = None, **changed: Any) -> Answer:
        """Carry out a step in a worker.

        Args:
            step: what.
            strike: what happens to one of its calls.
            changed: of the trial, for this step: ``skew``, ``plant``.
        """
        trial = {"environ": self.project.environ, "policy": self.policy, "plant": self._plant, **self._options}
        worker = self._idle.pop(0) if len(self._idle) >= INSTANCES else await self._harness.workers.take()
        order = {
            "trial": trial | changed,
            "do": step.do,
            "arguments": step.arguments,
            "strike": asdict(strike) if strike is not None else None,
            "hosts": self._lane.hosts,
        }
        async with self._harness.turn:
            self.working.add(worker)
            answer = await worker.do(order)
            self.working.discard(worker)
        if answer.died:
            self._harness.workers.forget(worker)
        else:
            self._idle.append(worker)
        if step.do in ("chat", "deliver", "sweep", "cleanup", "followups", "unsubscribe", "canary"):
            self.ran.append(Ran(step, answer, strike))
        if step.do == "chat" and answer.status == 200:
            self.answered.append(answer.answer | {"email": step.arguments["email"]})
        return answer

    async def task(self, function: str, body: dict[str, Any]) -> int | None:
        """A task of the project's queues; see ``lanes.Served``."""
        answer = await self.run(Step(function, body))
        self._changed.set()
        return answer.status

    async def alerts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The alerts as they stand, by channel and kind, each with its ``id``; of several one that is queued."""
        found = (await self.look())["alerts"].items()
        order = ("parked", "sending", "queued")
        by_need = sorted(found, key=lambda each: order.index(each[1]["state"]) if each[1]["state"] in order else -1)
        return {(each["channel"], each["kind"]): each | {"id": name} for name, each in by_need}

    async def look(self) -> dict[str, Any]:
        """A look at alerts and destinations."""
        looked: dict[str, Any] = (await self.run(Step("alerts"))).done
        self.snapshots.append(looked)
        return looked

    async def documents(self, collection: str) -> dict[str, Any]:
        """A collection as it stands."""
        found: dict[str, Any] = (await self.run(Step("collection", {"name": collection}))).done
        return found

    def logged(self, name: str) -> list[dict[str, Any]]:
        """The events of that name, of all steps that ended."""
        return [event for ran in self.ran for event in ran.answer.events if event["event"] == name]

    def chat(self, **arguments: Any) -> Step:
        """A visitor who leaves an address that nobody else has."""
        return Step("chat", {"email": f"visitor-{uuid.uuid4().hex[:12]}@example.com"} | arguments)

    async def delivery(self, channel: str = "slack", kind: str = "lead") -> Step:
        """The task of the alert of that channel and kind, as it stands."""
        alert = (await self.alerts())[channel, kind]
        return Step("deliver", {"alert_id": alert["id"], "generation": alert["generation"], "channel": channel})

    async def deliver(self, channel: str = "slack", kind: str = "lead") -> str:
        """Carry that task out; the alert's state afterwards."""
        state: str = (await self.run(await self.delivery(channel, kind))).done
        return state

    async def lead(self, **arguments: Any) -> None:
        """A visitor who is answered."""
        assert (await self.run(self.chat(**arguments))).status == 200

    async def wait_for_wake(self, channel: str = "slack", kind: str = "lead") -> None:
        """Until the time has come at which the sweep may pick up that alert."""
        await until(wake_of((await self.alerts())[channel, kind]) + LATE)

    async def break_(self, name: str, mode: str, *, for_good: bool = False) -> None:
        """Break a destination, until the trial heals or for good."""
        await self._lane.standin(name).set_fault(Fault(mode))
        if for_good:
            self._stays[name] = mode

    async def mend(self, name: str) -> None:
        """Mend a destination."""
        await self._lane.standin(name).heal()

    def received(self, channel: str) -> list[dict[str, Any]]:
        """What the channel's destination took in this trial."""
        name = LOGS[channel]
        shown: list[dict[str, Any]] = self._lane.standin(name).received[self._marks[name] :]
        return shown

    def canaries(self, name: str) -> list[dict[str, Any]]:
        """What the target for canaries shows of this trial."""
        shown: list[dict[str, Any]] = self._lane.standin(name).canaries
        return shown

    def requests(self, name: str) -> int:
        """How often a destination was asked."""
        asked: int = self._lane.standin(name).requests
        return asked

    async def heal(self, *, again: Step | None = None) -> None:
        """No more faults: queues dispatch, the visitor asks again if they do, the sweep runs until nothing waits."""
        for name in self._lane.destinations.by_name:
            if name not in self._stays:
                await self.mend(name)
        self.project.resume()
        end = time.monotonic() + self._drain_seconds
        while again is not None and time.monotonic() < end:
            answer = await self.run(again)
            if answer.status == 200:
                break
            await asyncio.sleep(0.1)  # as a browser would: the claim of the request that died ends by itself
        if "FOLLOWUP_DELAYS" in self.project.environ:
            await self.run(Step("followups"))  # the scheduler's next slot
        await self._drain(end)
        if "CANARY_KEYS" in self.project.environ:
            await self._settle(time.monotonic() + SETTLE_SECONDS)
        self.last = (await self.run(Step("everything"))).done
        self.snapshots.append(self.last)

    async def _settle(self, end: float) -> None:
        """The canary's next runs, which send none themselves, until nothing is left to be judged or removed."""
        while time.monotonic() < end:
            await self.run(Step("canary", {"off": True}))
            if not any(run["open"] for run in (await self.documents("canary_runs")).values()):
                return
            await asyncio.sleep(0.2)

    async def _drain(self, end: float) -> None:
        """Sweep whenever something is due, as the scheduler would at its next slot."""
        while time.monotonic() < end:
            self._changed.clear()
            looked = await self.look()
            waiting = [each for each in looked["alerts"].values() if each["state"] in ("queued", "sending", "parked")]
            waiting += [each for each in looked["erasures"].values() if each["state"] == "running"]
            if not waiting:
                self.drained = True
                return
            looks = [*_looks(looked["destinations"]), *_breakers(looked["breakers"])]
            due = min([wake_of(each) for each in waiting] + looks)
            left = (due - datetime.now(UTC)).total_seconds()
            if left <= 0:
                await self.run(Step("sweep"))
                left = 0.05
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(max(left, 0.02), 0.5))

    def leave(self) -> None:
        """Others may have its workers."""
        self._harness.workers.give_back(self._idle)


@contextlib.asynccontextmanager
async def trial(harness: Harness, *, settings: dict[str, str] | None = None, **options: Any) -> AsyncIterator[Trial]:
    """A trial in a lane and a project of its own."""
    async with harness.lane() as lane:
        made = Trial(harness, lane, **options)
        with harness.project(made, lane, **SETTINGS | (settings or {})) as project:
            made.project = project
            try:
                yield made
            finally:
                made.leave()


def wake_of(alert: dict[str, Any]) -> datetime:
    """When the sweep may pick an alert up; at once where it does not say."""
    return datetime.fromisoformat(alert["wake_at"]) if alert["wake_at"] else datetime.now(UTC)


async def until(moment: datetime) -> None:
    """Let time pass."""
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds() + 0.005))


def _looks(destinations: dict[str, dict[str, Any]]) -> list[datetime]:
    """When the sweep has something to do for a destination."""
    at_once = datetime.now(UTC)
    blocked = [each for each in destinations.values() if each["cause"] is not None]
    draining = [at_once for each in destinations.values() if each["draining"]]
    return [datetime.fromisoformat(each["probe_at"]) if each["probe_at"] else at_once for each in blocked] + draining


def _breakers(breakers: dict[str, dict[str, Any]]) -> list[datetime]:
    """The same for its breaker."""
    at_once = datetime.now(UTC)
    held = [each for each in breakers.values() if each["state"] != "closed"]
    draining = [at_once for each in breakers.values() if each["draining"]]
    return [datetime.fromisoformat(each["probe_at"]) if each["probe_at"] else at_once for each in held] + draining


def sending_of(channel: str) -> str:
    """The label of the call by which a channel's destination may show an alert."""
    return "smtp mail" if channel == "email" else channel


assert {sending_of(channel) for channel in LOGS} == set(SENDING)
