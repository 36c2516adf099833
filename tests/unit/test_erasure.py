"""The ledger of an erasure: what it counts, when it is over, and the certificate it ends with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.alert import LEAD, WAITING, Alert, Attempt, State, create
from shared.domain.erasure import DONE, KEPT, RUNNING, Erasure, asked, certificate, erased, later, perhaps_shown
from shared.domain.escalation import overdue
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(60)
MOMENT = timedelta(microseconds=1)
AGAIN, WAIT = timedelta(hours=1), timedelta(minutes=5)
BEGUN = Erasure("hash", RUNNING, "c1", NOW, NOW)


def alert(alert_id: str = "a1", channel: str = "slack", route: tuple[str, ...] = (), conversation: str = "c1") -> Alert:
    """A lead's alert as a turn makes it."""
    return create(
        alert_id,
        conversation_id=conversation,
        channel=channel,
        kind=LEAD,
        payload={"email": "ana@example.com"},
        now=NOW,
        nonce="first",
        grace=POLICY.grace,
        route=route,
    )


def test_a_conversation_is_found_once() -> None:
    """However often it is looked for; in the order in which they were found."""
    twice = BEGUN.found(["c1", "c2"]).found(["c2", "c3", "c3"])
    assert twice == replace(BEGUN, conversations=("c1", "c2", "c3"))


def test_what_was_removed_adds_up() -> None:
    """From pass to pass; where nothing was, nothing is listed."""
    removed = BEGUN.counted({"messages": 3, "alerts": 0}).counted({"messages": 2, "leads": 1})
    assert removed == replace(BEGUN, erased={"messages": 5, "leads": 1})
    assert BEGUN.erased == {}


def test_an_alert_is_noted_where_it_may_be_shown() -> None:
    """Once a channel; one that went from channel to channel at each of them."""
    relayed = alert("a3", "email", route=("email", "slack"))
    noted = BEGUN.noted(alert("a1")).noted(alert("a2")).noted(alert("a1")).noted(relayed).noted(relayed)
    assert noted == replace(BEGUN, sent={"slack": ("a1", "a2", "a3"), "email": ("a3",)})


def test_only_mondays_items_can_be_deleted() -> None:
    """They are found by the alerts they were made of."""
    assert BEGUN.noted(alert("a1")).noted(alert("a2", "monday")).items == ("a2",)
    assert BEGUN.items == ()


@pytest.mark.parametrize(
    ("standing", "perhaps"),
    [
        (alert(), False),
        (replace(alert(), state=State.PARKED), False),
        (replace(alert(), maybe_shown=True), True),
        (replace(alert(), attempts=1), True),
        (replace(alert(), history=(Attempt(NOW, "blocked", "no_team"),)), True),
        (replace(alert(), state=State.SENDING), True),
        (replace(alert(), state=State.DELIVERED), True),
    ],
)
def test_what_was_ever_attempted_may_be_shown(standing: Alert, *, perhaps: bool) -> None:
    """Only what no attempt was ever begun at is nowhere else for certain."""
    assert perhaps_shown(standing) is perhaps


@pytest.mark.parametrize("state", sorted(set(State) - {State.SENDING}))
def test_an_erased_alert_says_nothing_of_the_visitor(state: State) -> None:
    """Nor where its item was shown; it is final, whatever it was."""
    standing = replace(alert(), state=state, shown_at="https://example.com/item", blocked=state is State.PARKED)
    wake_at = {"wake_at": NOW} if state in WAITING else {}
    after = erased(replace(standing, **wake_at), now=LATER, nonce="n")
    assert after == replace(
        alert(), state=State.ERASED, wake_at=None, ended_at=LATER, payload={}, shown_at="", nonce="n"
    )


def test_an_attempt_under_way_comes_to_its_outcome_first() -> None:
    """Or the outcome would be written over the erasure."""
    with pytest.raises(ValueError, match=r"^an alert that is being sent is not erased before its outcome$"):
        erased(replace(alert(), state=State.SENDING), now=LATER, nonce="n")


def test_an_alert_of_several_goes_on_to_tell_of_the_others() -> None:
    """It loses the lines of the one conversation, and still waits to be sent."""
    waiting = (alert("a1"), replace(alert("a2", conversation="c2"), payload={"email": "ben@example.com"}))
    told = overdue(waiting, ("email",), now=LATER, nonce="told", policy=POLICY)
    after = erased(told, now=LATER, nonce="n", conversation_id="c1")
    assert (after.state, after.nonce, after.conversation_ids) == (State.QUEUED, "n", ("c2",))
    assert "ana@example.com" in str(told.payload)
    assert "ana@example.com" not in str(after.payload)
    assert "ben@example.com" in str(after.payload)


def test_it_waits_and_says_why() -> None:
    """Each thing that was in the way is kept once, the last one by itself; a wait without a problem clears that."""
    waited = later(later(later(BEGUN, LATER, "timeout"), LATER, "http_500"), LATER, "timeout")
    assert waited == replace(BEGUN, wake_at=LATER, problem="timeout", problems=("timeout", "http_500"))
    assert later(waited, NOW) == replace(waited, wake_at=NOW, problem=None)


def test_items_that_could_not_be_deleted_are_tried_again() -> None:
    """What was deleted counts; the second look has not begun."""
    tried = asked(BEGUN, 2, "http_500", now=NOW, again=AGAIN, wait=WAIT)
    assert tried == replace(
        BEGUN, erased={"monday": 2}, tries=1, wake_at=NOW + WAIT, problem="http_500", problems=("http_500",)
    )


def test_items_are_looked_for_again_after_a_while() -> None:
    """An attempt that was under way at the first look may have made one since (guarantee 26)."""
    first = asked(replace(BEGUN, problem="http_500", tries=1), 1, None, now=NOW, again=AGAIN, wait=WAIT)
    at = NOW + AGAIN
    assert first == replace(BEGUN, erased={"monday": 1}, tries=2, wake_at=at, relook_at=at)
    early = asked(replace(first, problem="timeout"), 0, None, now=at - MOMENT, again=AGAIN, wait=WAIT)
    assert early == replace(first, tries=3, looked_again=False)
    assert asked(first, 1, None, now=at, again=AGAIN, wait=WAIT) == replace(
        first, tries=3, erased={"monday": 2}, looked_again=True
    )


def test_the_certificate_of_an_erasure_that_is_over() -> None:
    """What was erased where; what could not be, why, and by which alerts people find it; what is kept."""
    done = replace(
        BEGUN.found(["c1", "c2"]).noted(alert("a1")).noted(alert("a2", "monday")).noted(alert("a3", "pager")),
        state=DONE,
        erased={"messages": 4, "monday": 1},
        tries=3,
        problems=("timeout",),
        looked_again=True,
        finished_at=LATER,
    )
    assert certificate(done) == {
        "id": "hash",
        "state": "done",
        "requested_at": NOW.isoformat(),
        "finished_at": LATER.isoformat(),
        "erased": [
            {"where": "conversations", "count": 2},
            {"where": "messages", "count": 4},
            {"where": "monday", "count": 1},
        ],
        "not_erased": [
            {"where": "pager", "count": 1, "why": "it cannot be deleted there", "alerts": ["a3"]},
            {
                "where": "slack",
                "count": 1,
                "why": "an incoming webhook cannot delete a message; delete it in the channel by the alert's id",
                "alerts": ["a1"],
            },
        ],
        "kept": [dict(each) for each in KEPT],
        "monday": {"items_of": 1, "deleted": 1, "tries": 3, "looked_again": True, "problems": ["timeout"]},
    }


def test_the_certificate_of_one_that_goes_on() -> None:
    """No end yet; items that cannot be deleted now are listed as such."""
    said = certificate(later(BEGUN.noted(alert("a2", "monday")), LATER, "no_token"))
    assert (said["finished_at"], said["erased"]) == (None, [{"where": "conversations", "count": 0}])
    assert said["not_erased"] == [
        {
            "where": "monday",
            "count": 1,
            "why": "Monday.com is not configured any more; delete the item on the board by the alert's id",
            "alerts": ["a2"],
        }
    ]
    assert said["monday"] == {
        "items_of": 1,
        "deleted": 0,
        "tries": 0,
        "looked_again": False,
        "problems": ["no_token"],
    }
