"""A digest's members: who may be one, what it says of them, and what they become by its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import delivery
from shared.domain.alert import CANARY, ESCALATION, HOT, LEAD, Alert, Attempt, State, create
from shared.domain.digest import Digest, divided, fits, join, settled, shown, spaced, withheld
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(90)
DIGEST = Digest("d", "slack", ("a",), NOW, NOW + seconds(40))
GIVEN: dict[str, Any] = {"now": LATER, "nonce": "n", "policy": POLICY}
LONG = POLICY.scheduled_wait * 12


def member(**changes: Any) -> Alert:
    """A lead that waits."""
    made = create(
        "a",
        conversation_id="c",
        channel="slack",
        kind=LEAD,
        payload={"name": "Ana", "email": "", "phone": None, "score": 85, HOT: True, "internal": "not shown"},
        now=NOW,
        nonce="first",
        grace=POLICY.grace,
    )
    return replace(made, **{"state": State.PARKED, "attempts": 3, "digest": "d"} | changes)


def sending(**changes: Any) -> Alert:
    """A member while its digest is being sent."""
    return member(state=State.SENDING, attempts=4, first_sent_at=NOW, **changes)


@pytest.mark.parametrize(
    ("alert", "may"),
    [
        (member(), True),
        (member(kind=HOT), True),
        (member(attempts=POLICY.attempts - 1), True),
        (member(attempts=POLICY.attempts), False),
        (member(channel="email"), False),
        (member(kind=CANARY), False),
        (member(kind=ESCALATION), False),
        (member(state=State.QUEUED), False),
    ],
)
def test_a_member_is_a_lead_that_waits_with_attempts_left(alert: Alert, *, may: bool) -> None:
    """What tells people of trouble goes out by itself, and so does a canary."""
    assert fits(alert, POLICY) is may


def test_a_member_is_found_again_if_nothing_comes_of_its_digest() -> None:
    """Some graces after the digest's task was to run; until then nobody else takes it."""
    alert = join(member(digest="", blocked=True), DIGEST, nonce="n", policy=POLICY)
    assert alert == member(wake_at=NOW + seconds(40) + POLICY.grace * 6, nonce="n")


def test_a_member_says_what_is_needed_to_act() -> None:
    """What is known of the person, and which alert it is; nothing else of the payload, and nothing that is empty."""
    assert shown(member(maybe_shown=True)) == {
        "name": "Ana",
        "score": 85,
        HOT: True,
        "alert_id": "a",
        "kind": LEAD,
        "created_at": NOW,
        "maybe_shown": True,
    }


def test_a_member_whose_digest_is_not_sent_waits_for_the_repair() -> None:
    """It leaves the digest and uses no attempt."""
    alert = withheld(member(), "no_team", **GIVEN)
    assert alert == member(digest="", cause="no_team", blocked=True, wake_at=LATER + LONG, nonce="n")


def test_a_refused_digest_costs_its_members_nothing() -> None:
    """It may be another's fault: each is due again at once, under another key."""
    alert = settled(sending(), Rejected("invalid_blocks"), jitter=0.5, **GIVEN)
    due = {"cause": "invalid_blocks", "wake_at": LATER, "digest": "", "key": 2, "nonce": "n"}
    assert alert == member(attempts=3, blocked=False, first_sent_at=None, **due)


def lines(outcome: Outcome) -> tuple[Attempt, ...]:
    """The history after an outcome."""
    return (Attempt(LATER, type(outcome).__name__.lower(), getattr(outcome, "cause", None)),)


def test_a_delivered_digest_delivers_its_members() -> None:
    """Each has ended."""
    outcome = Delivered()
    alert = settled(sending(), outcome, jitter=0.5, **GIVEN)
    assert alert == replace(
        sending(),
        state=State.DELIVERED,
        digest="",
        history=lines(outcome),
        wake_at=None,
        ended_at=LATER,
        nonce="n",
    )


@pytest.mark.parametrize("attempts", range(1, POLICY.attempts))
def test_a_member_is_never_repeated_within_seconds(attempts: int) -> None:
    """However few attempts it has used: it waits for the next digest."""
    outcome = Retry("http_500")
    alert = settled(replace(sending(), attempts=attempts), outcome, jitter=0.5, **GIVEN)
    assert (alert.state, alert.wake_at) == (State.PARKED, LATER + POLICY.scheduled_wait)
    assert (alert.attempts, alert.history, alert.nonce) == (attempts, lines(outcome), "n")


@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout")])
def test_a_member_has_as_many_attempts_as_any_alert(outcome: Outcome) -> None:
    """Those it made by itself and those in digests together; then it has failed."""
    alert = settled(replace(sending(), attempts=POLICY.attempts), outcome, jitter=0.5, **GIVEN)
    assert (alert.state, alert.cause, alert.nonce) == (State.FAILED, outcome.cause, "n")


def test_a_block_gives_the_attempt_back() -> None:
    """As it does for an alert by itself."""
    outcome = Blocked("no_team")
    assert settled(sending(), outcome, jitter=0.5, **GIVEN) == delivery.settle(sending(), outcome, jitter=0.1, **GIVEN)


@pytest.mark.parametrize(
    ("members", "halves"),
    [("", ()), ("a", ("a",)), ("ab", ("a", "b")), ("abc", ("ab", "c")), ("abcd", ("ab", "cd"))],
)
def test_a_refused_digest_is_halved(members: str, halves: tuple[str, ...]) -> None:
    """Until each is alone: so in a few steps the bad one is found."""
    assert divided(members) == halves


@pytest.mark.parametrize(("before", "wait"), [(0, 0), (4, 0), (5, 0.5), (6, 1), (25, 10.5)])
def test_the_messages_of_a_backlog_are_spaced(before: int, wait: float) -> None:
    """By the destination's pace and the backlog's share of it; the first few are not."""
    assert spaced(before, 4, 0.5, 5) == seconds(wait)
