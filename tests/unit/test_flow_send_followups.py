"""The run that makes follow-ups: page after page, each number once, and what stops it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain import followups
from shared.domain.alert import Alert
from shared.domain.followups import Quiet
from shared.errors import Conflict, StorageError, StorageUnavailable, Unavailable
from shared.flows.send_followups import FollowedUp, SendFollowups
from shared.ports.rights import DueConversation, FollowupStore
from tests.support.fakes import (
    NOW,
    POLICY,
    FakeChance,
    FakeClock,
    FakeContinuation,
    FakeQueue,
    RecordedEvents,
    RefusingContinuation,
    RefusingQueue,
    seconds,
)

DELAYS = (timedelta(hours=24), timedelta(hours=72))
Made = tuple[str, dict[int, Alert], datetime | None]


def quiet(name: str, hours: float = 24, **changes: Any) -> Quiet:
    """A conversation that has been quiet for so long."""
    since = NOW - timedelta(hours=hours)
    stands = Quiet(name, "ana@example.com", "Ana", "en", True, since, "hash", frozenset(), False)
    return replace(stands, **changes)


class Conversations(FollowupStore):
    """Conversations in memory; each moves on once something was made of it.

    Attributes:
        made: what was made of which, and when the next one is due.
        asked: how many were asked for, and how many follow-ups each can have.
        raced: others are always faster at these.
        passes: seconds that go by with each page.
    """

    def __init__(self, *found: Quiet, clock: FakeClock | None = None, passes: float = 0) -> None:
        self.left = list(found)
        self.made: list[Made] = []
        self.asked: list[tuple[int, int]] = []
        self.raced: set[str] = set()
        self.fails: StorageError | None = None
        self.clock, self.passes = clock or FakeClock(), passes

    def due(self, limit: int, numbers: int) -> tuple[list[DueConversation], datetime]:
        """See ``FollowupStore``."""
        if self.fails is not None:
            raise self.fails
        self.asked.append((limit, numbers))
        self.clock.advance(self.passes)
        return [DueConversation(each, NOW) for each in self.left[:limit]], NOW

    def make(self, due: DueConversation, made: Mapping[int, Alert], next_at: datetime | None) -> None:
        """See ``FollowupStore``."""
        if due.quiet.conversation_id in self.raced:
            raise Conflict(due.quiet.conversation_id)
        self.left.remove(due.quiet)
        self.made.append((due.quiet.conversation_id, dict(made), next_at))


class Run:
    """The flow over fakes."""

    def __init__(self, *found: Quiet, passes: float = 0, page: int = 2, **parts: Any) -> None:
        self.clock, self.events = FakeClock(), RecordedEvents()
        self.store = Conversations(*found, clock=self.clock, passes=passes)
        self.queue, self.again = parts.pop("queue", FakeQueue()), parts.pop("again", FakeContinuation())
        self.flow = SendFollowups(
            store=self.store,
            queue=self.queue,
            again=self.again,
            delays=DELAYS,
            business="Atelier",
            grace=POLICY.grace,
            page=page,
            run_seconds=30,
            clock=self.clock,
            chance=FakeChance(),
            events=self.events,
        )


def test_what_is_due_is_made_queued_and_told() -> None:
    """With the time of the next one, under one nonce for each conversation."""
    stands = quiet("c1")
    run = Run(stands)
    assert run.flow() == FollowedUp(made=1, looked_at=1, more=False)
    given = {"now": NOW, "nonce": f"{1:032x}", "grace": POLICY.grace}
    alert = followups.followup(stands, 1, "Atelier", **given)
    assert run.store.made == [("c1", {1: alert}, NOW + seconds(48 * 3600))]
    assert (run.store.asked, [task.alert_id for task in run.queue.asked]) == ([(2, 2)], [alert.id])
    assert run.events.lines == [
        ("alert_made", {"alert_id": alert.id, "channel": "email", "kind": "followup"}),
        ("followups_finished", {"count": 1}),
    ]
    assert run.again.asked == {}


def test_a_run_that_comes_late_makes_all_that_is_due() -> None:
    """And those of a visitor who may not be written to are only put away."""
    run = Run(quiet("c1", 100), quiet("c2", 100, opted_out=True), page=3)
    assert run.flow() == FollowedUp(made=2, looked_at=2, more=False)
    assert [(name, list(made), at) for name, made, at in run.store.made] == [("c1", [1, 2], None), ("c2", [], None)]


def test_page_after_page_until_one_is_not_full() -> None:
    """Five make three pages of two."""
    run = Run(*(quiet(f"c{number}") for number in range(5)))
    assert run.flow() == FollowedUp(made=5, looked_at=5, more=False)
    assert len(run.store.asked) == 3
    assert run.events.of("followups_finished") == [{"count": 5}]


@pytest.mark.parametrize(("passes", "pages"), [(15, 3), (15.1, 2), (31, 1)])
def test_a_run_that_takes_long_is_gone_on_with_by_another(passes: float, pages: int) -> None:
    """It begins no page after its time; a page that it began it ends."""
    run = Run(*(quiet(f"c{number}") for number in range(9)), passes=passes)
    assert run.flow() == FollowedUp(made=2 * pages, looked_at=2 * pages, more=True)
    [key] = run.again.asked
    assert key == f"followups {2 * pages + 1:032x}"


def test_another_run_that_cannot_be_asked_for_comes_by_itself() -> None:
    """With the next time of the job."""
    run = Run(*(quiet(f"c{number}") for number in range(4)), passes=31, again=RefusingContinuation())
    assert run.flow().more
    assert run.events.lines[-2:] == [
        ("enqueue_failed", {"error": "ServiceUnavailable"}),
        ("followups_finished", {"count": 2}),
    ]


def test_a_conversation_that_moved_on_holds_up_no_other() -> None:
    """The visitor wrote, or another run was faster: nothing is queued for it."""
    run = Run(quiet("c1"), quiet("c2"), quiet("c3"))
    run.store.raced = {"c1"}
    assert run.flow() == FollowedUp(made=2, looked_at=5, more=False)
    assert [name for name, _, _ in run.store.made] == ["c2", "c3"]
    assert len(run.queue.asked) == 2


def test_a_page_of_which_nothing_moves_is_not_read_for_ever() -> None:
    """All of it is somebody else's: the next run looks again."""
    run = Run(quiet("c1"), quiet("c2"), quiet("c3"))
    run.store.raced = {"c1", "c2"}
    assert run.flow() == FollowedUp(made=0, looked_at=2, more=False)


def test_what_cannot_be_queued_is_left_to_the_sweep() -> None:
    """It is made all the same."""
    run = Run(quiet("c1"), queue=RefusingQueue())
    assert run.flow().made == 1
    [failed] = run.events.of("enqueue_failed")
    [(_, made, _)] = run.store.made
    assert failed == {"alert_id": made[1].id, "channel": "email", "error": "ServiceUnavailable"}


def test_storage_that_does_not_answer_is_told() -> None:
    """The job fails, so that it is run again."""
    run = Run()
    run.store.fails = StorageUnavailable("down")
    with pytest.raises(Unavailable):
        run.flow()
    assert run.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]
