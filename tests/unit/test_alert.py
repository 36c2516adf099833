"""An alert's life: every transition, and what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.alert import (
    HISTORY_KEPT,
    Alert,
    Busy,
    Claimed,
    Ignored,
    Moved,
    State,
    backoff,
    claim,
    create,
    expire,
    postpone,
    requeue,
    settle,
)
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(5)
DAY = timedelta(days=1)


def new() -> Alert:
    """An alert as a turn makes it."""
    return create(
        "a" * 32,
        conversation_id="c" * 32,
        channel="slack",
        kind="lead",
        payload={"email": "ana@example.com"},
        now=NOW,
        nonce="first",
        grace=POLICY.grace,
    )


def asked(
    alert: Alert, generation: int = 1, *, age: timedelta = DAY, receipt: bool = False
) -> Claimed | Moved | Ignored | Busy:
    """What a task of a generation may do."""
    return claim(
        alert,
        generation,
        now=LATER,
        lease_age=age,
        delivered_before=receipt,
        nonce="claim",
        jitter=0.5,
        policy=POLICY,
    )


def held(attempts: int = 1) -> Alert:
    """An alert that is being sent, its n-th attempt."""
    return replace(new(), state=State.SENDING, attempts=attempts, wake_at=LATER + POLICY.lease)


def settled(alert: Alert, outcome: Outcome, jitter: float = 0.5) -> Alert:
    """What an alert becomes by an outcome."""
    return settle(alert, outcome, now=LATER, nonce="settled", jitter=jitter, policy=POLICY)


def test_a_new_alert_is_queued_and_wakes_after_the_grace() -> None:
    """Its first task is expected at once; from the grace on the sweep may look for it."""
    alert = new()
    assert (alert.state, alert.wake_at, alert.generation, alert.epoch) == (State.QUEUED, NOW + seconds(10), 1, 1)
    assert (alert.attempts, alert.maybe_shown, alert.nonce, alert.cause) == (0, False, "first", None)
    assert (alert.history, alert.created_at, alert.ended_at) == ((), NOW, None)
    assert alert.waiting


def test_a_claim_takes_the_lease_and_counts_the_attempt() -> None:
    """The attempt is counted before it is made, so that one that kills its process counts too."""
    decision = asked(new())
    assert isinstance(decision, Claimed)
    wanted = replace(new(), state=State.SENDING, wake_at=LATER + POLICY.lease, attempts=1, nonce="claim")
    assert decision.alert == wanted


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.PARKED])
@pytest.mark.parametrize("receipt", [True, False])
def test_a_task_of_an_alert_that_rests_does_nothing(state: State, *, receipt: bool) -> None:
    """Final alerts are done; parked ones wait for the sweep, which gives them a new generation."""
    assert asked(replace(new(), state=state), receipt=receipt) == Ignored(f"alert is {state}")


@pytest.mark.parametrize("generation", [1, 3])
@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
@pytest.mark.parametrize("receipt", [True, False])
def test_a_task_of_another_generation_does_nothing(generation: int, state: State, *, receipt: bool) -> None:
    """Only the newest task of an alert counts."""
    alert = replace(new(), generation=2, state=state)
    assert asked(alert, generation, receipt=receipt) == Ignored("task is of another generation")


@pytest.mark.parametrize("age", [timedelta(0), POLICY.lease - seconds(0.001)])
def test_f06_a_live_lease_is_respected(age: timedelta) -> None:
    """Of parallel tasks one sends, the others come back."""
    assert asked(held(), age=age) == Busy()


@pytest.mark.parametrize("age", [POLICY.lease, DAY])
def test_an_expired_lease_is_an_unknown_outcome(age: timedelta) -> None:
    """Nobody knows whether the holder that died had sent it."""
    decision = asked(held(), age=age)
    assert isinstance(decision, Moved)
    moved = decision.alert
    assert (moved.state, moved.generation, moved.attempts, moved.maybe_shown) == (State.QUEUED, 2, 1, True)
    assert (moved.cause, moved.history[-1].outcome, moved.nonce) == ("lease_expired", "unknown", "claim")


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
def test_a_receipt_ends_an_alert_without_sending_it(state: State) -> None:
    """A holder that had lost its lease delivered it: it is done, even under another's live lease."""
    decision = asked(replace(new(), state=state), age=timedelta(0), receipt=True)
    assert isinstance(decision, Moved)
    assert (decision.alert.state, decision.alert.attempts) == (State.DELIVERED, 0)


def test_delivered_is_final() -> None:
    """It sleeps for good and its cause is gone."""
    alert = settled(replace(held(), cause="http_500"), Delivered())
    assert (alert.state, alert.wake_at, alert.ended_at, alert.cause) == (State.DELIVERED, None, LATER, None)
    assert not alert.waiting


def test_rejected_is_final_and_keeps_its_cause() -> None:
    """No repeat can help."""
    alert = settled(held(), Rejected("invalid_payload"))
    assert (alert.state, alert.wake_at, alert.ended_at) == (State.FAILED, None, LATER)
    assert (alert.cause, alert.waiting) == ("invalid_payload", False)


@pytest.mark.parametrize("attempts", [1, 3, 9])
def test_f10_blocked_parks_without_using_an_attempt(attempts: int) -> None:
    """The alert did nothing wrong; it waits for the repair."""
    alert = settled(held(attempts), Blocked("no_active_hooks"))
    assert (alert.state, alert.wake_at) == (State.PARKED, LATER + POLICY.scheduled_wait)
    assert (alert.attempts, alert.cause, alert.maybe_shown) == (attempts - 1, "no_active_hooks", False)


@pytest.mark.parametrize(("attempts", "wait"), [(1, 0.75), (2, 1.5)])
def test_a_retry_within_the_quick_attempts_is_queued_again(attempts: int, wait: float) -> None:
    """A new generation, so that its task has a new name, expected after the backoff."""
    alert = settled(held(attempts), Retry("http_500"))
    assert (alert.state, alert.generation) == (State.QUEUED, 2)
    assert (alert.attempts, alert.wake_at) == (attempts, LATER + seconds(wait) + POLICY.grace)


@pytest.mark.parametrize("attempts", [3, 4, 40])
@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout")])
def test_after_the_quick_attempts_an_alert_is_parked(attempts: int, outcome: Outcome) -> None:
    """From then on it is tried once each scheduled wait, for as long as it takes."""
    alert = settled(held(attempts), outcome)
    assert (alert.state, alert.generation, alert.attempts) == (State.PARKED, 1, attempts)
    assert alert.wake_at == LATER + POLICY.scheduled_wait


@pytest.mark.parametrize(("attempts", "state"), [(1, State.QUEUED), (3, State.PARKED)])
def test_f09_a_wait_that_the_destination_asks_for_is_kept(attempts: int, state: State) -> None:
    """Retry-After is the least that is waited, quick attempt or not."""
    alert = settled(held(attempts), Retry("rate_limited", timedelta(hours=1)))
    wait = timedelta(hours=1) + (POLICY.grace if state is State.QUEUED else timedelta(0))
    assert (alert.state, alert.wake_at) == (state, LATER + wait)


@pytest.mark.parametrize(
    ("outcome", "before", "after"),
    [
        (Unknown("timeout"), False, True),
        (Retry("http_500", maybe_shown=True), False, True),
        (Retry("connection_failed"), False, False),
        (Retry("connection_failed"), True, True),
        (Blocked("no_service"), True, True),
    ],
)
def test_f12_an_alert_remembers_that_it_may_have_been_shown(outcome: Outcome, *, before: bool, after: bool) -> None:
    """Every repeat after the first doubtful attempt says so."""
    assert settled(replace(held(), maybe_shown=before), outcome).maybe_shown is after


@pytest.mark.parametrize("outcome", [Delivered(), Rejected("no_text"), Blocked("no_team"), Retry("x"), Unknown("y")])
def test_every_outcome_is_written_down_under_the_nonce_given(outcome: Outcome) -> None:
    """A person must be able to see what was tried; a lost answer must be recognisable."""
    alert = settled(held(), outcome)
    line = alert.history[-1]
    assert (line.at, line.outcome) == (LATER, type(outcome).__name__.lower())
    assert line.cause == getattr(outcome, "cause", None)
    assert alert.nonce == "settled"


def test_the_history_is_bounded() -> None:
    """The last twenty attempts are kept, the oldest first."""
    alert = held()
    for number in range(HISTORY_KEPT + 5):
        alert = settled(alert, Retry(f"cause_{number}"))
    assert [line.cause for line in alert.history] == [f"cause_{number}" for number in range(5, HISTORY_KEPT + 5)]


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED])
def test_f23_a_requeued_alert_has_a_new_generation_and_is_expected_at_once(state: State) -> None:
    """The lost task's name stays taken: the new one needs another."""
    alert = requeue(replace(new(), state=state, attempts=3), now=LATER, nonce="again", policy=POLICY)
    assert (alert.state, alert.generation, alert.wake_at) == (State.QUEUED, 2, LATER + POLICY.grace)
    assert (alert.attempts, alert.nonce) == (3, "again")


def test_a_postponed_alert_stays_with_its_task() -> None:
    """Its task still waits in the queue: the generation stays, only the time to look again moves."""
    alert = postpone(new(), now=LATER, nonce="later", policy=POLICY)
    assert alert == replace(new(), nonce="later", wake_at=LATER + POLICY.grace)


def test_f16_a_poison_alert_that_kills_its_process_spends_its_budget() -> None:
    """Every lease that runs out is an attempt; after the quick ones it is parked."""
    alert = new()
    for _ in range(POLICY.quick_attempts):
        decision = asked(alert, alert.generation)
        assert isinstance(decision, Claimed)
        alert = expire(decision.alert, now=LATER, nonce="n", jitter=0.5, policy=POLICY)
    assert (alert.state, alert.attempts, alert.generation) == (State.PARKED, 3, 3)


@pytest.mark.parametrize(("attempts", "whole"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (99, 30)])
def test_backoff_doubles_to_its_longest_and_is_half_random(attempts: int, whole: int) -> None:
    """Equal jitter: the upper half of the wait is random."""
    longest = seconds(30)
    assert backoff(attempts, 0.0, longest) == seconds(whole) / 2
    assert backoff(attempts, 1.0, longest) == seconds(whole)


def test_backoff_keeps_to_a_longest_of_nothing() -> None:
    """BACKOFF_MAX_SECONDS=0 is allowed: repeats go at once."""
    assert backoff(3, 0.9, seconds(0)) == seconds(0)
