"""The checker itself: it finds every planted bug, and nothing where there is none."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.test_migration_faults import BLIND
from tests.support.harness.checker import Verdict, judge
from tests.support.harness.lanes import Harness
from tests.support.harness.plants import PLANTS
from tests.support.harness.scenarios import SCENARIOS
from tests.support.harness.shim import Strike
from tests.support.harness.sweep import Point, try_point
from tests.support.harness.trial import trial

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
NEW_VISITOR = BY_NAME["chat: a new visitor"]

FOUND = [
    ("the chat answers before its commit", "chat: a new visitor", Strike("firestore Commit", 2, "before"), "lost"),
    ("an alert is not counted", "slack: delivered", None, "unbalanced slack lead: 0 accepted and not archived, 1"),
    ("an alert has no wake_at", "slack: delivered", None, "is queued with wake_at None"),
    ("delivered is saved before sending", "slack: delivered", Strike("slack", 1, "exit_before"), "lost"),
    ("the sweep skips queued alerts", "sweep: a lost task", None, "something waits after the drain: ['queued']"),
    ("the sweep skips queued alerts", "sweep: a lost task", None, "lost"),
    ("a 500 is taken for success", "slack: 500, repeated", None, "lost"),
    ("nobody is told", "slack: rejected", None, "lost"),
    ("nobody is told", "sweep: an expired lease fails", None, "lost"),
    ("no dead letter", "slack: 500, parked", None, ""),
    ("no dead letter", "slack: rejected", None, "dead letters {}"),
    ("unknown drops the alert", "slack: unknown", None, "lost"),
    ("sent twice", "slack: delivered", None, "1 duplicates at slack: unexplained"),
    ("something else is sent too", "slack: delivered", None, "unexpected"),
    ("another key each time", "monday: unknown, but accepted", None, "1 duplicates at monday: sent, answer not seen"),
]


def verdict_of(harness: Harness, scenario: str, strike: Strike | None, plant: str | None) -> Verdict:
    """One point, with a bug or without."""

    async def tried() -> Verdict:
        calls, _ = await try_point(harness, Point(BY_NAME[scenario])) if strike else ((), None)
        _, verdict = await try_point(harness, Point(BY_NAME[scenario], calls, strike), plant=plant, drain=4.0)
        return verdict

    return harness.run(tried())


@pytest.mark.parametrize(("plant", "scenario", "strike", "finding"), [each for each in FOUND if each[3]])
def test_a_planted_bug_is_found(
    harness: Harness, plant: str, scenario: str, strike: Strike | None, finding: str
) -> None:
    """By what it says; and the same without the bug is clean."""
    wrong = verdict_of(harness, scenario, strike, plant).wrong
    assert any(finding in each for each in wrong), wrong
    assert verdict_of(harness, scenario, strike, None).wrong == []


@pytest.mark.parametrize("plant", [None, "a claim without a lease"])
def test_sending_without_a_lease_is_found(harness: Harness, plant: str | None) -> None:
    """One task delivered four times at once: with a lease one send, without several that nothing explains."""

    async def tried() -> Verdict:
        async with trial(harness, plant=plant, policy={"lease": 60.0}) as made:  # it outlasts their meeting
            await made.lead()
            task = await made.delivery()
            await asyncio.gather(*(made.run(task) for _ in range(4)))
            await made.heal()
            return judge(made)

    verdict = harness.run(tried())
    if plant is None:
        assert verdict.wrong == []
        assert not verdict.duplicates
    else:
        assert any("duplicates at slack: unexplained" in each for each in verdict.wrong)


def test_every_bug_that_can_be_planted_is_looked_for() -> None:
    """But the poisons, which are no bugs of ours to be found: what they do is in the numbered faults."""
    looked_for = {each[0] for each in FOUND} | {"a claim without a lease", BLIND}
    assert looked_for == {name for name in PLANTS if "poison" not in name}
