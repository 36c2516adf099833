"""Follow-ups, opting out and erasing on real parts, every outgoing call of theirs struck in every mode."""

from __future__ import annotations

import pytest

from tests.support.harness.lanes import Harness
from tests.support.harness.scenarios import RIGHTS, SCENARIOS
from tests.support.harness.sweep import Point, sweep, try_point

OURS = [each for each in SCENARIOS if each.name.startswith(RIGHTS)]


@pytest.mark.parametrize("scenario", OURS, ids=lambda scenario: scenario.name)
def test_undisturbed_it_comes_to_what_it_should(harness: Harness, scenario: object) -> None:
    """And nothing is lost, sent twice, or left of whoever was erased."""
    _, verdict = harness.run(try_point(harness, Point(scenario)))  # type: ignore[arg-type]
    assert verdict.wrong == []


@pytest.mark.crash_points
@pytest.mark.timeout(2400)
def test_rights_hold_at_every_crash_point(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed at any call: each number at most once and none forgotten; an erasure goes on to its end."""
    result = harness.run(sweep(harness, OURS))
    with capsys.disabled():
        print(f"\ncrash points of rights: {result}")  # noqa: T201 - the result is asked for
        for point, wrong in sorted(result.wrong.items()):
            print(f"  {point}: {wrong}")  # noqa: T201 - all of them
    assert result.wrong == {}
