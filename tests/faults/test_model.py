"""The model beside the code holds, and a mistake planted into it is found; the whole of it is ``make model``."""

from __future__ import annotations

import os
import re

import pytest

from tests.support import spin


@pytest.fixture
def _programs() -> None:
    if spin.missing():
        # CI must not pass for want of them (.ci/run).
        (pytest.fail if os.environ.get("BELLHOP_SKIP_NOTHING") else pytest.skip)(spin.MISSING)


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("property_", [spin.SAFE, spin.LIVE])
def test_a_small_scenario_holds(property_: str) -> None:
    """All of its states are looked at."""
    found = spin.search("faults without copies", property_)
    assert found.error == ""
    assert found.whole
    assert found.states > 1000


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("mistake", ["BUG_SENDS_TWICE", "BUG_RELAY_GIVES_UP"])
def test_a_planted_mistake_is_found(mistake: str) -> None:
    """One by an assertion, one because something never comes about."""
    scenario, property_ = spin.MISTAKES[mistake]
    assert spin.search(scenario, property_, mistake).error


def test_every_mistake_in_the_model_is_looked_for() -> None:
    """In a scenario that there is, for what is checked there."""
    assert set(re.findall(r"BUG_[A-Z_]*[A-Z]", spin.MODEL.read_text(encoding="utf-8"))) == set(spin.MISTAKES)
    assert {scenario for scenario, _ in spin.MISTAKES.values()} | set(spin.LIVELY) <= set(spin.SCENARIOS)
