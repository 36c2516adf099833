"""The sweep over crash points: every scenario undisturbed, then once for each of its step's calls and each mode."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.support.harness.checker import Verdict, judge
from tests.support.harness.lanes import LANES, Harness
from tests.support.harness.scenarios import Scenario
from tests.support.harness.shim import MODES, Strike
from tests.support.harness.trial import trial


@dataclass(frozen=True)
class Point:
    """A call of a scenario's step, and what happens to it; ``strike`` is None for the undisturbed run."""

    scenario: Scenario
    calls: tuple[str, ...] = ()
    strike: Strike | None = None

    def __str__(self) -> str:
        if self.strike is None:
            return f"{self.scenario.name}, undisturbed"
        return f"{self.scenario.name}, {self.strike.label} {self.strike.number}, {self.strike.mode}"


@dataclass
class Result:
    """What a sweep came to.

    Attributes:
        tried: how many points.
        missed: points whose call was not made again: a busy machine's undisturbed run had repeated a read.
        calls: how many calls they strike.
        lost: how many alerts.
        unexpected: likewise.
        duplicates: by window and channel.
        wrong: by point, whatever must not be.
    """

    tried: int = 0
    missed: int = 0
    calls: int = 0
    lost: int = 0
    unexpected: int = 0
    duplicates: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def add(self, point: Point, verdict: Verdict) -> None:
        """Count one point."""
        self.tried += point.strike is not None and not verdict.missed
        self.missed += verdict.missed
        self.lost += len(verdict.lost)
        self.unexpected += len(verdict.unexpected)
        self.duplicates += verdict.duplicates
        if verdict.wrong:
            self.wrong[str(point)] = verdict.wrong

    def __str__(self) -> str:
        windows = [f"{number} at {channel} ({window})" for (window, channel), number in sorted(self.duplicates.items())]
        return (
            f"{self.tried} points at {self.calls} calls: {self.lost} lost, {self.unexpected} unexpected, "
            f"duplicates: {', '.join(windows) or 'none'}; {self.missed} calls were not made again"
        )


async def sweep(harness: Harness, scenarios: Iterable[Scenario], **options: object) -> Result:
    """Try every point of the scenarios, many at a time.

    Args:
        harness: where.
        scenarios: what.
        options: of all trials, for example ``plant``.
    """
    result, room = Result(), asyncio.Semaphore(LANES)

    async def tried(point: Point) -> tuple[str, ...]:
        async with room:
            calls, verdict = await try_point(harness, point, **options)
        result.add(point, verdict)
        return calls

    async def explored(scenario: Scenario) -> None:
        calls = await tried(Point(scenario))
        result.calls += len(calls)
        await asyncio.gather(*(tried(Point(scenario, calls, strike)) for strike in strikes(calls)))

    await asyncio.gather(*(explored(scenario) for scenario in scenarios))
    return result


def strikes(calls: Iterable[str]) -> Iterator[Strike]:
    """Every call in every mode."""
    numbers: dict[str, Iterator[int]] = {}
    for label in calls:
        number = next(numbers.setdefault(label, count(1)))
        yield from (Strike(label, number, mode) for mode in MODES)


async def try_point(harness: Harness, point: Point, **options: object) -> tuple[tuple[str, ...], Verdict]:
    """One trial: the calls its step made (none are known where it died), and what it came to."""
    scenario = point.scenario
    async with trial(harness, settings=scenario.settings, **scenario.options | options) as made:
        step = await scenario.arrange(made)
        answer = await made.run(step, point.strike, **scenario.changed)
        await made.heal(again=step if scenario.again else None)
        verdict = judge(made, calls=point.calls, unseen=scenario.unseen, single=scenario.again)
        if point.strike is None and scenario.comes_to is not None and answer.answer != scenario.comes_to:
            verdict.broken.append(f"undisturbed it came to {answer}")
        if point.strike is not None and not answer.died and not answer.struck:
            verdict.missed = True
    return answer.calls, verdict
