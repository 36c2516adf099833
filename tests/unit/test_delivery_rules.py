"""What a transition leaves behind, whole: nothing of an earlier stage stays, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import breaker as breakers
from shared.domain.alert import CANARY, ESCALATION, FOLLOWUP, LEAD, Alert, Attempt, State, create
from shared.domain.breaker import BREAKER_OPEN, OPEN, Breaker
from shared.domain.claims import Claimed, Moved
from shared.domain.delivery import claim, requeue, settle, unsent, withhold
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(5)
GIVEN: dict[str, Any] = {"now": LATER, "nonce": "n", "policy": POLICY}
SETTLED: dict[str, Any] = {**GIVEN, "jitter": 0.5}


def alert(**changes: Any) -> Alert:
    """A lead's alert that waits for its task."""
    made = create(
        "a",
        conversation_id="c",
        channel="slack",
        kind=LEAD,
        payload={},
        now=NOW,
        nonce="first",
        grace=POLICY.grace,
    )
    return replace(made, **changes)


def sending(**changes: Any) -> Alert:
    """One under its holder's lease, its first attempt."""
    held = {"state": State.SENDING, "attempts": 1, "wake_at": NOW + POLICY.lease, "first_sent_at": NOW}
    return alert(**held | changes)


def claimed(stands: Alert, breaker: Breaker | None = None, **how: Any) -> Claimed | Moved:
    """What its task may do."""
    given = {"lease_age": timedelta(days=1), "delivered_before": False} | how
    decision = claim(stands, 1, breaker=breaker, **SETTLED, **given)
    assert isinstance(decision, Claimed | Moved)
    return decision


ILL = Breaker("slack", state=OPEN, opened_at=NOW, cause="http_500", probe_at=LATER + seconds(1), epoch=2)


def test_nothing_is_sent_while_a_breaker_is_open() -> None:
    """The alert waits for it, and has used no attempt."""
    parked = alert(state=State.PARKED, blocked=True, cause=BREAKER_OPEN, wake_at=LATER + POLICY.long_wait, nonce="n")
    assert claimed(alert(), ILL) == Moved(parked)


def test_one_claim_takes_an_open_breakers_probe() -> None:
    """In its own commit, for a lease and a grace: so long a holder can take."""
    due = replace(ILL, probe_at=LATER)
    leased = breakers.lease_probe(due, now=LATER, nonce="n", lease=POLICY.lease + POLICY.grace)
    held = sending(wake_at=LATER + POLICY.lease, first_sent_at=LATER, nonce="n")
    assert claimed(alert(), due) == Claimed(held, None, leased)
    assert claimed(alert(), Breaker("slack")) == Claimed(held, None, None)


def test_a_receipt_ends_an_alert_whatever_its_lease() -> None:
    """It was delivered by a holder that lost it."""
    line = Attempt(LATER, "delivered", None)
    ended = sending(state=State.DELIVERED, wake_at=None, ended_at=LATER, history=(line,), nonce="n")
    assert claimed(sending(), lease_age=timedelta(0), delivered_before=True) == Moved(ended)


def test_a_claim_finds_that_all_attempts_are_used() -> None:
    """Its holder died before it could say so: it fails for the cause it had, or for that."""
    spent = alert(attempts=POLICY.attempts, cause="http_500")
    failed = replace(spent, state=State.FAILED, wake_at=None, ended_at=LATER, nonce="n")
    assert claimed(spent) == Moved(failed)
    assert claimed(replace(spent, cause=None)) == Moved(replace(failed, cause="attempts_spent"))


def test_an_attempt_that_was_not_begun_is_not_counted() -> None:
    """The alert waits; its next attempt has another key, unless an earlier one may have been shown."""
    waits = {"state": State.PARKED, "blocked": True, "cause": BREAKER_OPEN, "wake_at": LATER + POLICY.long_wait}
    after = unsent(sending(digest="d"), BREAKER_OPEN, **GIVEN)
    assert after == alert(**waits, key=2, nonce="n")
    doubtful = unsent(sending(maybe_shown=True), BREAKER_OPEN, **GIVEN)
    assert doubtful == alert(**waits, maybe_shown=True, first_sent_at=NOW, nonce="n")


def test_what_goes_out_again_has_left_its_digest() -> None:
    """And is held up by nothing."""
    parked = alert(state=State.PARKED, blocked=True, digest="d", wake_at=NOW)
    assert requeue(parked, **GIVEN) == alert(generation=2, wake_at=LATER + POLICY.grace, nonce="n")


def test_what_is_held_up_has_left_its_digest() -> None:
    """It waits for the repair."""
    parked = alert(state=State.PARKED, digest="d", wake_at=NOW)
    wait = {"state": State.PARKED, "blocked": True, "cause": "no_team", "wake_at": LATER + POLICY.long_wait}
    assert withhold(parked, "no_team", **GIVEN) == alert(**wait, nonce="n")
    assert settle(sending(digest="d"), Blocked("no_team"), **SETTLED) == alert(
        **wait, nonce="n", key=2, history=(Attempt(LATER, "blocked", "no_team"),)
    )


def test_a_canary_that_is_held_up_looks_again_with_the_next_pass() -> None:
    """It is no part of what is drained after the repair."""
    parked = alert(kind=CANARY, state=State.PARKED, wake_at=NOW)
    at = LATER + POLICY.scheduled_wait
    assert withhold(parked, "no_team", **GIVEN) == replace(parked, cause="no_team", wake_at=at, nonce="n")


def test_an_alert_keeps_where_it_is_shown() -> None:
    """What a repeat tells is newer; one that tells nothing takes nothing away."""
    known = sending(shown_at="https://example.com/1")
    assert settle(known, Delivered(), **SETTLED).shown_at == "https://example.com/1"
    assert settle(known, Delivered(shown_at="https://example.com/2"), **SETTLED).shown_at == "https://example.com/2"
    assert settle(sending(), Delivered(shown_at="https://example.com/2"), **SETTLED).shown_at == "https://example.com/2"


def test_a_bounced_mail_to_a_visitor_has_ended() -> None:
    """Nobody needs to act; an alert for the team fails by the same answer."""
    mail = sending(kind=FOLLOWUP, channel="email")
    ended = {"wake_at": None, "ended_at": LATER, "cause": "bounced_550", "nonce": "n", "key": 2, "first_sent_at": None}
    history = (Attempt(LATER, "rejected", "bounced_550"),)
    outcome = Rejected("bounced_550")
    assert settle(mail, outcome, **SETTLED) == replace(mail, state=State.SUPPRESSED, history=history, **ended)
    to_us = sending(channel="email")
    assert settle(to_us, outcome, **SETTLED) == replace(to_us, state=State.FAILED, history=history, **ended)


@pytest.mark.parametrize("outcome", [Retry("http_500", maybe_shown=True), Unknown("timeout")])
def test_a_mail_that_began_to_leave_fails_now(outcome: Outcome) -> None:
    """It may have arrived: it is sent at most once."""
    after = settle(sending(kind=FOLLOWUP, channel="email", data_started=True), outcome, **SETTLED)
    assert (after.state, after.cause, after.ended_at, after.nonce) == (State.FAILED, "unconfirmed", LATER, "n")


def test_what_nobody_knows_the_end_of_fails_after_its_repeats() -> None:
    """At that moment, unconfirmed."""
    after = settle(sending(unknowns=2), Unknown("timeout"), **SETTLED)
    assert (after.state, after.cause, after.ended_at) == (State.FAILED, "unconfirmed", LATER)


def test_a_relayed_alert_begins_anew_at_its_next_channel() -> None:
    """With all its attempts, its rich form, and no doubts of the channel before."""
    relayed = sending(kind=ESCALATION, route=("slack", "email"), attempts=3, unknowns=2, plain=True)
    after = settle(relayed, Rejected("no_text"), **SETTLED)
    assert (after.channel, after.hop, after.attempts, after.unknowns, after.plain) == ("email", 1, 0, 0, False)
    assert (after.state, after.generation, after.wake_at) == (State.QUEUED, 2, LATER + POLICY.grace)
