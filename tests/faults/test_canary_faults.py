"""The canary on real parts, every call of its runs struck in every mode: nothing is left, no lead is harmed."""

from __future__ import annotations

import pytest

from tests.support.harness.canary_scenarios import RUNS, SCENARIOS
from tests.support.harness.lanes import Harness
from tests.support.harness.sweep import Point, sweep, try_point


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_undisturbed_it_comes_to_what_it_should(harness: Harness, scenario: object) -> None:
    """And the next runs leave nothing of it; the lead beside it arrives, once."""
    _, verdict = harness.run(try_point(harness, Point(scenario)))  # type: ignore[arg-type]
    assert verdict.wrong == []


@pytest.mark.crash_points
@pytest.mark.timeout(2400)
def test_nothing_is_left_at_any_crash_point(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    """Failed or killed at any call, before or after it took effect: the next runs go on, and the books balance."""
    result = harness.run(sweep(harness, RUNS))
    with capsys.disabled():
        print(f"\ncrash points of the canary: {result}")  # noqa: T201 - the result is asked for
        for point, wrong in sorted(result.wrong.items()):
            print(f"  {point}: {wrong}")  # noqa: T201 - all of them
    assert result.tried > 100
    assert result.missed * 20 < result.tried
    assert result.wrong == {}
