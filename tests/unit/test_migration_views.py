"""What an operator is told of a migration's ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.flows.migration_views import ledger_view
from shared.migrations.decide import Problem
from shared.migrations.ledger import Counts, Entry, Ledger, State
from shared.ports.migrations import StoredLedger
from tests.support.migration_flow import LEASE, a_step

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=3)
STEP = a_step("0002", requires=("0001",), title="A title")
FULL = Ledger(
    "0002",
    State.DONE,
    "sum-1",
    run=2,
    slice=7,
    passes=3,
    counts=Counts(1, 2, 3, 4, 5, 6, 7),
    total=9,
    problems=(Problem("x", "why"),),
    reasons={"why": 4},
    requested_at=AT,
    finished_at=LATER,
    seconds=1.26,
    cause="so",
    log=(Entry(AT, "run", "me"), Entry(LATER, "accept", "you", "a comment")),
)


def viewed(ledger: Ledger, idle: timedelta = timedelta(0)) -> dict[str, Any]:
    """As it is told under a lease of 30 seconds."""
    return ledger_view(STEP, StoredLedger(ledger, None, idle, AT), LEASE)


def test_an_operator_is_told_all_of_a_ledger_but_how_it_is_worked_at() -> None:
    """As JSON, which holds nothing but ids of documents."""
    row = viewed(FULL)
    assert row == {
        "id": "0002",
        "title": "A title",
        "description": "Renames a field.",
        "state": "done",
        "stalled": False,
        "requires": ["0001"],
        "checksum": "sum-1",
        "changed": False,
        "counts": {
            "read": 1,
            "written": 2,
            "unchanged": 3,
            "failed": 4,
            "verified": 5,
            "restored": 6,
            "kept": 7,
        },
        "total": 9,
        "run": 2,
        "passes": 3,
        "errors": [{"id": "x", "reason": "why"}],
        "reasons": {"why": 4},
        "cause": "so",
        "by": "you",
        "requested_at": "2026-01-05T09:00:00+00:00",
        "finished_at": "2026-01-05T09:03:00+00:00",
        "duration_seconds": 1.3,
        "log": [
            {"at": "2026-01-05T09:00:00+00:00", "what": "run", "by": "me", "reason": None},
            {"at": "2026-01-05T09:03:00+00:00", "what": "accept", "by": "you", "reason": "a comment"},
        ],
    }
    assert json.loads(json.dumps(row)) == row


def test_what_nobody_has_touched_has_no_times_and_the_code_there_is() -> None:
    """Nothing of it is changed, either."""
    row = viewed(Ledger("0002"))
    found = {name: row[name] for name in ("state", "checksum", "changed", "requested_at", "finished_at", "by", "log")}
    assert found == {
        "state": "pending",
        "checksum": "sum-1",
        "changed": False,
        "requested_at": None,
        "finished_at": None,
        "by": None,
        "log": [],
    }


@pytest.mark.parametrize(
    ("state", "idle", "stalled"),
    [
        (State.RUNNING, LEASE, True),
        (State.ROLLING_BACK, LEASE, True),
        (State.RUNNING, LEASE - timedelta.resolution, False),
        (State.DONE, timedelta(days=9), False),
        (State.FAILED, timedelta(days=9), False),
    ],
)
def test_what_was_begun_stands_still_once_its_lease_is_over(state: State, idle: timedelta, stalled: bool) -> None:  # noqa: FBT001
    """What is over does not."""
    assert viewed(replace(FULL, state=state), idle)["stalled"] is stalled


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        (State.RUNNING, True),
        (State.DONE, True),
        (State.FAILED, True),
        (State.ROLLING_BACK, True),
        (State.ROLLED_BACK, False),
        (State.PENDING, False),
    ],
)
def test_changed_code_matters_where_the_old_one_was_applied(state: State, changed: bool) -> None:  # noqa: FBT001
    """The checksum that is told is that of the code that was run."""
    row = viewed(replace(FULL, state=state, checksum="sum-0"))
    assert (row["changed"], row["checksum"]) == (changed, "sum-0")
