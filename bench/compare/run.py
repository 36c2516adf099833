"""One comparison: start everything side by side, measure each alone in turn, break all of them alike, judge."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bench.compare.judge import Evidence, Verdict, judge
from bench.compare.plan import Fault, Plan
from bench.compare.record import recorded
from bench.compare.systems import STRIKES, System
from bench.compare.visitors import Visitors
from infra.local.standins.faults import Fault as Break

_LOOK_SECONDS = 0.02
_TRIAL_SECONDS = 120.0
MOST_TURNED_AWAY = 10
"""Of so many who are accepted while nothing is broken, one may be turned away: the machine may do much else."""


class NotDelivering(Exception):  # noqa: N818 - what happened
    """A system does not deliver even while nothing is wrong; what it would be compared by says nothing."""


@dataclass
class Measured:
    """What came of one system.

    Attributes:
        rates: deliveries a second, a round each.
        turned_away: visitors of these rounds and of those of latency who got no 200.
        waits: seconds from a chat request to Slack's receipt, of all rounds, the shortest first.
        verdicts: by the key of a fault.
        later: of the lost, by the key of a fault, those that were shown after all before the end of everything.
    """

    rates: list[float] = field(default_factory=list)
    turned_away: int = 0
    waits: tuple[float, ...] = ()
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    later: dict[str, int] = field(default_factory=dict)


class Comparison:
    """One run.

    Args:
        systems: not started yet.
        faults: to be met.
        plan: how much and how long.
        say: called with a line for people about what is being done.
    """

    def __init__(
        self, systems: Sequence[System], faults: Sequence[Fault], plan: Plan, say: Callable[[str], None]
    ) -> None:
        self._systems, self._faults, self._plan, self._say = systems, faults, plan, say
        self._measured = {system.name: Measured() for system in systems}
        self._checked: set[str] = set()

    async def run(self) -> Mapping[str, Measured]:
        """Do it; everything that is started is ended, whatever happens.

        Raises:
            NotReady, StartFailed, NotDelivering: one of them does not work.
        """
        async with AsyncExitStack() as ending:
            for system in reversed(self._systems):  # Bellhop last: a fresh emulator takes longer than its deadlines
                self._say(f"starting {system.name}")
                ending.push_async_callback(system.slack.stop)
                system.slack_url = await system.slack.start()
                ending.push_async_callback(system.stop)
                await system.start()
                await self._try_out(system)
            await self._rounds()
            asked = [(fault, await self._meet(fault)) for fault in self._faults]
            self._look_again(asked)
        return self._measured

    async def _try_out(self, system: System) -> None:
        """One visitor after the other until each of its processes has connected to what it needs."""
        for _ in range(3):
            visitors = Visitors(system.url)
            await visitors.crowd(self._plan.lines, self._plan.lines)
            await self._all_shown(system, visitors, _TRIAL_SECONDS)

    async def _rounds(self) -> None:
        """Each system alone, in turn and again, so that whatever else the machine does meets all of them."""
        waits: dict[str, list[float]] = {system.name: [] for system in self._systems}
        for number in range(self._plan.rounds):
            for system in self._systems[:: -1 if number % 2 else 1]:  # nobody always comes after the same one
                await asyncio.sleep(self._plan.settle)
                rate = await self._throughput(system)
                self._measured[system.name].rates.append(rate)
                waits[system.name] += await self._latency(system)
                self._say(f"round {number + 1} of {self._plan.rounds}: {system.name}, {rate:.0f} deliveries a second")
        for name, found in waits.items():
            self._measured[name].waits = tuple(sorted(found))

    async def _throughput(self, system: System) -> float:
        visitors, began = Visitors(system.url), time.monotonic()
        await visitors.crowd(self._plan.crowd, self._plan.lines)
        verdict = await self._all_shown(system, visitors, self._plan.patience)
        self._measured[system.name].turned_away += verdict.turned_away
        return verdict.accepted / (system.slack.shown[-1].at - began)

    async def _latency(self, system: System) -> tuple[float, ...]:
        visitors = Visitors(system.url)
        await visitors.stream(self._plan.pace, self._plan.seconds)
        verdict = await self._all_shown(system, visitors, self._plan.patience)
        self._measured[system.name].turned_away += verdict.turned_away
        return verdict.waits

    async def _all_shown(self, system: System, visitors: Visitors, patience: float) -> Verdict:
        """Wait for it.

        Raises:
            NotDelivering: it did not come about.
        """
        end = time.monotonic() + patience
        while True:
            verdict = judge(Evidence(visitors.asked, system.slack.shown))
            many = verdict.turned_away * MOST_TURNED_AWAY > verdict.accepted
            if verdict.accepted and not verdict.lost and not many:
                return verdict
            if many or time.monotonic() > end:
                raise NotDelivering(
                    f"{system.name}, while nothing was broken: {verdict.accepted} accepted, {verdict.turned_away} "
                    f"turned away, {len(verdict.lost)} not shown after {patience:g} s"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def _meet(self, fault: Fault) -> Mapping[str, Visitors]:
        """Break all systems alike while visitors come to each, heal, wait, judge; who came."""
        if fault.checked:
            for system in self._systems:
                await system.check_body()
        plan = self._plan
        self._say(f"{fault.title}: {plan.before + plan.broken + plan.after:g} s, and {fault.wait:g} s to come right")
        visitors = {system.name: Visitors(system.url) for system in self._systems}
        for system in self._systems:
            system.slack.latency = fault.latency
        try:
            await asyncio.gather(*(self._suffer(system, fault, visitors[system.name]) for system in self._systems))
            await asyncio.sleep(fault.wait)
        finally:
            for system in self._systems:
                system.slack.latency = 0.0
        for system in self._systems:
            verdict = await self._judge(system, visitors[system.name])
            self._measured[system.name].verdicts[fault.key] = verdict
            self._say(
                f"{fault.title}: {system.name}: {len(verdict.lost)} lost of {verdict.accepted}, {verdict.twice} twice"
            )
        return visitors

    async def _suffer(self, system: System, fault: Fault, visitors: Visitors) -> None:
        plan = self._plan
        coming = asyncio.create_task(visitors.stream(plan.rate, plan.before + plan.broken + plan.after))
        try:
            await asyncio.sleep(plan.before)
            match fault.what:
                case "kill":
                    for number in range(STRIKES):
                        await asyncio.gather(system.strike(number), asyncio.sleep(plan.broken / STRIKES))
                case "queue":
                    await asyncio.gather(system.queue_stops(), asyncio.sleep(plan.broken))
                    await system.queue_goes_on()
                case "slack":
                    await system.slack.set_fault(Break(fault.mode))
                    await asyncio.sleep(plan.broken)
                    await system.slack.heal()
            await coming
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _judge(self, system: System, visitors: Visitors) -> Verdict:
        found: Mapping[str, str] = {}
        if system.project is not None:
            found = await recorded(os.environ["FIRESTORE_EMULATOR_HOST"], system.project)
        return judge(Evidence(visitors.asked, system.slack.shown, system.told(), found))

    def _look_again(self, asked: Sequence[tuple[Fault, Mapping[str, Visitors]]]) -> None:
        """Who was lost by the end of a fault's wait, and is shown by now."""
        for fault, everyone in asked:
            for system in self._systems:
                measured = self._measured[system.name]
                now = judge(Evidence(everyone[system.name].asked, system.slack.shown))
                measured.later[fault.key] = len(measured.verdicts[fault.key].lost) - len(now.lost)
