"""A game day tells of what it was to show: a lead that is lost, a command that was not run or ended in another way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gamedays.day import Day, evaluated
from tests.support.gamedays.page import Page
from tests.support.gamedays.session import Session

ANA = "ana@example.com"
PAGE = """# X

## See

```bash
false
```

## Mend

1. Then:

   ```bash
   echo mended
   ```
"""


class System:
    """What a day asks of a system; the alerts of one lead, and how often each is shown."""

    def __init__(self) -> None:
        self.alerts: dict[str, str] = {"slack": "delivered", "monday": "delivered"}
        self.shown: dict[str, int] = {"slack": 1, "monday": 1}
        self.letter: dict[str, Any] | None = None
        self.balanced = True

    def firestore(self) -> System:
        """Its own client."""
        return self

    def close(self) -> None:
        """Nothing is open."""

    def document(self, _collection: str, _name: str) -> System:
        """The dead letter."""
        return self

    def get(self) -> System:
        """As it is."""
        return self

    def to_dict(self) -> dict[str, Any] | None:
        """Its fields; None where there is none."""
        return self.letter

    def alerts_of(self, _email: str, _client: object) -> dict[tuple[str, str], dict[str, Any]]:
        """By channel and kind."""
        return {(name, "lead"): {"id": name, "state": state} for name, state in self.alerts.items()}

    def received(self, _email: str, destination: str) -> list[int]:
        """As often as it is shown."""
        return [1] * self.shown[destination]

    def entries(self) -> list[dict[str, Any]]:
        """What it logged."""
        return []

    def console(self, _path: str) -> dict[str, bool]:
        """The balance."""
        return {"balanced": self.balanced}


@pytest.fixture
def system() -> System:
    """One with a lead that arrived everywhere."""
    return System()


@pytest.fixture
def day(tmp_path: Path, system: System) -> Iterator[Day]:
    """A day on it, with a page that no policy leads to."""
    path = tmp_path / "x.md"
    path.write_text(PAGE)
    (tmp_path / "here").mkdir()
    session = Session(tmp_path / "here", {})
    page = Page(path, evaluated)
    for block in page.blocks:
        block.example.namespace["session"] = session
    made = Day(page, system, system, session, tmp_path / "place.yaml")
    made.accepted(ANA)
    yield made
    session.close()


def test_a_lead_that_arrived_everywhere_once_is_not_lost(day: Day) -> None:
    """Nor one that was ended by a person, or whose failure a person was told of."""
    day.loses_nothing(seconds=0)
    assert day.figures.lost == 0


@pytest.mark.parametrize(
    ("alerts", "shown", "letter", "said"),
    [
        ({}, 1, None, "there is no alert"),
        ({"slack": "queued"}, 0, None, "slack: queued, and it shows 0"),
        ({"slack": "delivered"}, 0, None, "slack: delivered, and it shows 0"),
        ({"slack": "delivered"}, 2, None, "slack: delivered, and it shows 2"),
        ({"monday": "delivered", "slack": "failed"}, 0, {"escalated_at": None}, "slack: failed, and it shows 0"),
        ({"slack": "failed"}, 0, None, "slack: failed, and it shows 0"),
    ],
)
def test_a_lead_that_is_lost_is_told(
    day: Day, system: System, alerts: dict[str, str], shown: int, letter: dict[str, Any] | None, said: str
) -> None:
    """Not made, not there yet, not shown, shown twice, failed and nobody told."""
    system.alerts, system.letter = alerts, letter
    system.shown["slack"] = shown
    with pytest.raises(AssertionError, match=said):
        day.loses_nothing(seconds=0)
    assert day.figures.lost == 1


def test_a_failure_that_a_person_was_told_of_is_none(day: Day, system: System) -> None:
    """Nor is what somebody ended."""
    system.alerts, system.letter = {"slack": "failed", "monday": "waived"}, {"escalated_at": "2026-01-05"}
    day.loses_nothing(seconds=0)


def test_books_that_do_not_balance_fail_the_day(day: Day, system: System) -> None:
    """Whatever the leads of the day became."""
    system.balanced = False
    with pytest.raises(AssertionError):
        day.loses_nothing(seconds=0)


def test_a_command_that_fails_or_does_not_fails_the_day(day: Day) -> None:
    """Where the day said otherwise."""
    with pytest.raises(AssertionError, match=r"line 5.*\n.*1: false"):
        day.follows("See")


def test_parts_are_followed_in_order_and_all_of_them(day: Day) -> None:
    """A day that ends before its page does is none, nor one that nobody measured."""
    day.follows("See", exits={"false": 1})
    with pytest.raises(AssertionError, match="comes before"):
        day.follows("See", exits={"false": 1})
    with pytest.raises(AssertionError, match=r"the lines \[13\] were not run"):
        day.ends()
    with pytest.raises(AssertionError, match="were to fail and did not"):
        day.follows("Mend", exits={"echo": 1})
    with pytest.raises(AssertionError, match="no part 'Undo'"):
        day.follows("Undo")
    with pytest.raises(AssertionError, match="whether it recovered"):
        day.ends()
    day.begins("nothing")
    day.recovers()
    with pytest.raises(AssertionError, match="whether something was lost"):
        day.ends()
    day.loses_nothing(seconds=0)
    day.ends()


def test_a_value_that_the_page_does_not_introduce_is_refused(day: Day) -> None:
    """Its reader would not know to set it."""
    with pytest.raises(AssertionError, match="introduces no ALERT_ID"):
        day.given(ALERT_ID="x")
