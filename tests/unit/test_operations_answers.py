"""What an operator is told of an alert, a dead letter, a redrive and a census: every key, as JSON has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.alert import LEAD, Attempt, State, create
from shared.domain.conservation import STATES, Census, ChannelCounts, WrongAlert
from shared.flows.operations_answers import (
    alert_view,
    census_view,
    dead_letter_view,
    missing,
    not_so,
    redrive_view,
)
from shared.ports.operations import DeadLetter, Marked, Redrive, Selection, Wanted
from tests.support.fakes import NOW, POLICY

LATER = NOW + timedelta(minutes=5)
TRIED = (Attempt(NOW, "unknown", None), Attempt(LATER, "blocked", "no_team"))
ATTEMPTS = [
    {"at": NOW.isoformat(), "outcome": "unknown", "cause": None},
    {"at": LATER.isoformat(), "outcome": "blocked", "cause": "no_team"},
]
LETTER = DeadLetter("a", "pending", "c", "slack", LEAD, "no_team", 2, 3, TRIED, LATER, NOW, LATER, None)


def test_an_alert_is_told_whole() -> None:
    """With what its dead letter says; nothing of its payload."""
    made = create(
        "a", conversation_id="c", channel="slack", kind=LEAD, payload={"x": 1}, now=NOW, nonce="n", grace=POLICY.grace
    )
    ended = {"wake_at": None, "ended_at": LATER, "history": TRIED, "cause": "no_team", "attempts": 2, "epoch": 3}
    failed = replace(made, state=State.FAILED, **ended)
    told = {
        "id": "a",
        "channel": "slack",
        "kind": "lead",
        "state": "failed",
        "epoch": 3,
        "attempts": ATTEMPTS,
        "attempts_used": 2,
        "cause": "no_team",
        "wake_at": None,
        "created_at": NOW.isoformat(),
        "ended_at": LATER.isoformat(),
        "conversation_id": "c",
        "escalated_at": LATER.isoformat(),
        "dead_letter": "failed",
    }
    assert alert_view(Marked(failed, replace(LETTER, status="failed", escalated_at=LATER))) == told
    assert alert_view(Marked(failed, None)) == told | {"escalated_at": None, "dead_letter": None}
    assert alert_view(Marked(made, None))["wake_at"] == (NOW + POLICY.grace).isoformat()


def test_a_dead_letter_is_told_whole() -> None:
    """With the page that says what to do."""
    assert dead_letter_view(replace(LETTER, escalated_at=NOW)) == {
        "id": "a",
        "status": "pending",
        "channel": "slack",
        "kind": "lead",
        "cause": "no_team",
        "epoch": 3,
        "attempts": ATTEMPTS,
        "attempts_used": 2,
        "next_attempt_at": LATER.isoformat(),
        "created_at": NOW.isoformat(),
        "entered_at": LATER.isoformat(),
        "conversation_id": "c",
        "escalated_at": NOW.isoformat(),
        "runbook": "destination-blocked.md",
    }


@pytest.mark.parametrize(
    ("cause", "history", "page"),
    [
        ("no_team", (Attempt(NOW, "rejected", "no_team"),), "alert-failed.md"),
        ("no_team", (Attempt(NOW, "rejected", "no_text"),), "destination-blocked.md"),
        ("no_team", (), "destination-blocked.md"),
        ("odd", (Attempt(NOW, "blocked", "odd"),), "destination-blocked.md"),
        ("odd", (Attempt(NOW, "blocked", "odd"), Attempt(NOW, "retry", "http_500")), "alert-failed.md"),
        (None, (), "alert-failed.md"),
    ],
)
def test_the_page_is_of_the_attempt_that_the_cause_is_of(
    cause: str | None, history: tuple[Attempt, ...], page: str
) -> None:
    """The last one, if it is; else the cause alone says."""
    assert dead_letter_view(replace(LETTER, cause=cause, history=history))["runbook"] == page


def test_a_redrive_is_told_whole() -> None:
    """What was taken up and not queued was skipped."""
    asked = Redrive("r", Selection(None, Wanted()), NOW, "why", "Eve", NOW, timedelta(0), selected=5, queued=3, total=9)
    told = {
        "id": "r",
        "state": "running",
        "total": 9,
        "selected": 5,
        "queued": 3,
        "skipped": 2,
        "requested_at": NOW.isoformat(),
        "finished_at": None,
        "by": "Eve",
        "reason": "why",
    }
    assert redrive_view(asked) == told
    done = replace(asked, done=True, finished_at=LATER)
    assert redrive_view(done) == told | {"state": "done", "finished_at": LATER.isoformat()}


def test_a_census_is_told_whole() -> None:
    """Every state of every channel, those that nothing is in as well."""
    counted = ChannelCounts(accepted=6, archived=1, states={"queued": 2, "failed": 3}, alerts=5)
    census = Census({"slack": counted}, (WrongAlert("a", "no wake_at"),), complete=False)
    states = dict.fromkeys(STATES, 0) | {"queued": 2, "failed": 3}
    assert census_view(census) == {
        "channels": {"slack": {"accepted": 6, **states, "archived": 1}},
        "balanced": False,
        "alerts": [{"id": "a", "problem": "no wake_at"}],
        "complete": False,
    }
    assert census_view(replace(census, wrong=()))["balanced"] is True
    for wrong in (replace(counted, accepted=5), replace(counted, alerts=6)):
        assert census_view(Census({"slack": wrong}))["balanced"] is False


def test_what_is_missing_or_not_so_is_a_problem() -> None:
    """With its status, its kind and its title."""
    gone, wrong = missing("A thing"), not_so("It is not.")
    assert (gone.status, gone.detail, gone.slug, gone.title) == (
        404,
        "A thing does not exist.",
        "not-found",
        "Not found",
    )
    assert (wrong.status, wrong.detail, wrong.slug, wrong.title) == (
        409,
        "It is not.",
        "wrong-state",
        "The alert is in another state",
    )
