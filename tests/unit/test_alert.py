"""An alert's life: every transition, and what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.alert import HISTORY_KEPT, Alert, State, create
from shared.domain.claims import Busy, Claimed, Ignored, Moved
from shared.domain.delivery import backoff, claim, expire, postpone, requeue, settle, withhold
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(5)
DAY = timedelta(days=1)
REFUSING = Destination(
    "slack", cause="no_service", blocks=1, notices=1, probe_at=LATER + seconds(1), fingerprint="old settings"
)


def new(channel: str = "slack") -> Alert:
    """An alert as a turn makes it."""
    return create(
        "a" * 32,
        conversation_id="c" * 32,
        channel=channel,
        kind="lead",
        payload={"email": "ana@example.com"},
        now=NOW,
        nonce="first",
        grace=POLICY.grace,
    )


def asked(
    alert: Alert,
    generation: int = 1,
    *,
    age: timedelta = DAY,
    receipt: bool = False,
    destination: Destination | None = None,
    fingerprint: str = "old settings",
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
        destination=destination,
        fingerprint=fingerprint,
    )


def held(attempts: int = 1, channel: str = "slack") -> Alert:
    """An alert that is being sent, its n-th attempt."""
    lease = LATER + POLICY.lease
    return replace(new(channel), state=State.SENDING, attempts=attempts, wake_at=lease, first_sent_at=NOW)


def lived(channel: str, outcome: Outcome) -> list[Alert]:
    """An alert after each of its attempts, which all come to the same, until it has ended."""
    alert, lives = new(channel), []
    while alert.waiting:
        alert = requeue(alert, now=LATER, nonce="due", policy=POLICY) if alert.state is State.PARKED else alert
        decision = asked(alert, alert.generation)
        assert isinstance(decision, Claimed)
        alert = settled(decision.alert, outcome)
        lives.append(alert)
        assert len(lives) <= 100
    return lives


def settled(alert: Alert, outcome: Outcome, jitter: float = 0.5) -> Alert:
    """What an alert becomes by an outcome."""
    return settle(alert, outcome, now=LATER, nonce="settled", jitter=jitter, policy=POLICY)


def test_a_new_alert_is_queued_and_wakes_after_the_grace() -> None:
    """Its first task is expected at once; from the grace on the sweep may look for it."""
    alert = new()
    assert (alert.state, alert.wake_at, alert.generation, alert.epoch) == (State.QUEUED, NOW + seconds(10), 1, 1)
    assert (alert.attempts, alert.maybe_shown, alert.nonce, alert.cause) == (0, False, "first", None)
    assert (alert.history, alert.created_at, alert.ended_at) == ((), NOW, None)
    assert (alert.unknowns, alert.key, alert.first_sent_at, alert.blocked, alert.plain) == (0, 1, None, False, False)
    assert alert.waiting
    assert not alert.relayed


def test_a_claim_takes_the_lease_and_counts_the_attempt() -> None:
    """The attempt is counted before it is made, so that one that kills its process counts too."""
    decision = asked(new())
    assert isinstance(decision, Claimed)
    lease = LATER + POLICY.lease
    wanted = replace(new(), state=State.SENDING, wake_at=lease, attempts=1, nonce="claim", first_sent_at=LATER)
    assert decision.alert == wanted
    assert decision.probe is None


def test_a_claim_keeps_when_the_first_attempt_under_the_key_was_made() -> None:
    """An earlier attempt may have succeeded: how long ago decides whether its key is still known."""
    decision = asked(replace(new(), first_sent_at=NOW - DAY))
    assert isinstance(decision, Claimed)
    assert decision.alert.first_sent_at == NOW - DAY


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED, State.SENDING}))
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


@pytest.mark.parametrize(("cause", "told"), [("http_500", "http_500"), (None, "attempts_spent")])
def test_a_spent_alert_is_not_claimed_but_fails(cause: str | None, told: str) -> None:
    """However it came to be queued again, beyond its budget it is not sent; the last cause stands."""
    decision = asked(replace(new(), attempts=POLICY.attempts, cause=cause))
    assert isinstance(decision, Moved)
    assert (decision.alert.state, decision.alert.cause, decision.alert.nonce) == (State.FAILED, told, "claim")
    assert isinstance(asked(replace(new(), attempts=POLICY.attempts - 1, cause=cause)), Claimed)


def test_f10_an_alert_of_a_blocked_destination_is_withheld_unsent() -> None:
    """It uses no attempt, waits for the repair, and the sweep leaves it alone for long."""
    decision = asked(replace(new(), attempts=2), destination=REFUSING)
    assert isinstance(decision, Moved)
    alert = decision.alert
    assert (alert.state, alert.blocked, alert.cause) == (State.PARKED, True, "no_service")
    assert (alert.attempts, alert.history, alert.nonce) == (2, (), "claim")
    assert alert.wake_at == LATER + POLICY.long_wait


def test_a_spent_alert_fails_though_its_destination_is_blocked() -> None:
    """A repair would not help it: a person is told now."""
    decision = asked(replace(new(), attempts=POLICY.attempts), destination=REFUSING)
    assert isinstance(decision, Moved)
    assert decision.alert.state is State.FAILED


@pytest.mark.parametrize(
    ("destination", "fingerprint"),
    [
        (replace(REFUSING, probe_at=LATER), "old settings"),
        (replace(REFUSING, probe_at=None), "old settings"),
        (REFUSING, "new settings"),
    ],
)
def test_one_attempt_finds_out_whether_a_destination_was_repaired(destination: Destination, fingerprint: str) -> None:
    """When the time for a probe has come, or at once under other settings; it leases the probe, so nobody else does."""
    decision = asked(new(), destination=destination, fingerprint=fingerprint)
    assert isinstance(decision, Claimed)
    assert (decision.alert.state, decision.alert.attempts) == (State.SENDING, 1)
    probe = decision.probe
    assert probe is not None
    assert (probe.cause, probe.fingerprint, probe.nonce) == ("no_service", fingerprint, "claim")
    assert probe.probe_at == LATER + POLICY.lease + POLICY.grace
    assert isinstance(asked(new(), destination=probe, fingerprint=fingerprint), Moved)


@pytest.mark.parametrize("destination", [Destination("slack"), Destination("slack", blocks=1, draining=True)])
def test_a_destination_that_is_not_blocked_is_not_probed(destination: Destination) -> None:
    """An ordinary claim writes nothing about it."""
    decision = asked(new(), destination=destination)
    assert isinstance(decision, Claimed)
    assert decision.probe is None


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
    assert (alert.state, alert.wake_at, alert.blocked) == (State.PARKED, LATER + POLICY.long_wait, True)
    assert (alert.attempts, alert.cause, alert.maybe_shown) == (attempts - 1, "no_active_hooks", False)
    assert (alert.key, alert.first_sent_at) == (2, None)


@pytest.mark.parametrize(("attempts", "wait"), [(1, 0.75), (2, 1.5)])
def test_a_retry_within_the_quick_attempts_is_queued_again(attempts: int, wait: float) -> None:
    """A new generation, so that its task has a new name, expected after the backoff."""
    alert = settled(held(attempts), Retry("http_500"))
    assert (alert.state, alert.generation) == (State.QUEUED, 2)
    assert (alert.attempts, alert.wake_at) == (attempts, LATER + seconds(wait) + POLICY.grace)


@pytest.mark.parametrize("attempts", [3, 4, 7])
@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout")])
def test_after_the_quick_attempts_an_alert_is_parked(attempts: int, outcome: Outcome) -> None:
    """From then on it is tried once each scheduled wait."""
    alert = settled(held(attempts), outcome)
    assert (alert.state, alert.generation, alert.attempts) == (State.PARKED, 1, attempts)
    assert (alert.wake_at, alert.blocked) == (LATER + POLICY.scheduled_wait, False)


@pytest.mark.parametrize("attempts", [8, 9, 40])
def test_after_the_scheduled_attempts_an_alert_has_failed(attempts: int) -> None:
    """Its budget is spent, also where the budget has been made smaller meanwhile; the last cause stands."""
    alert = settled(held(attempts), Retry("http_500"))
    assert (alert.state, alert.wake_at, alert.ended_at) == (State.FAILED, None, LATER)
    assert (alert.cause, alert.attempts) == ("http_500", attempts)


@pytest.mark.parametrize(
    ("channel", "outcome"),
    [("slack", Retry("http_500")), ("monday", Retry("http_500")), ("monday", Unknown("timeout"))],
)
def test_the_budget_is_three_quick_and_five_scheduled_attempts(channel: str, outcome: Outcome) -> None:
    """Queued twice, parked five times, then failed; so is Unknown where the destination can tell a repeat."""
    lives = lived(channel, outcome)
    assert [alert.state for alert in lives] == [State.QUEUED] * 2 + [State.PARKED] * 5 + [State.FAILED]
    assert [alert.attempts for alert in lives] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert lives[-1].cause == outcome.cause


@pytest.mark.parametrize("channel", ["slack", "apprise"])
def test_f12_unknown_is_repeated_twice_where_a_repeat_cannot_be_told(channel: str) -> None:
    """The second repeat is spaced; then it failed as unconfirmed, as it may well have arrived."""
    lives = lived(channel, Unknown("timeout"))
    assert [alert.state for alert in lives] == [State.QUEUED, State.PARKED, State.FAILED]
    assert [alert.unknowns for alert in lives] == [1, 2, 3]
    assert [alert.cause for alert in lives] == ["timeout", "timeout", "unconfirmed"]
    assert lives[-1].history[-1].cause == "timeout"


def test_f12_only_unknown_attempts_count_as_such() -> None:
    """A definite error between them uses the budget, not the repeats."""
    doubted = replace(held(4), unknowns=2)
    assert settled(doubted, Retry("http_500")).state is State.PARKED
    assert settled(doubted, Retry("http_500")).unknowns == 2
    assert settled(doubted, Unknown("timeout")).state is State.FAILED


def test_f09_a_long_wait_parks_an_alert_within_its_quick_attempts() -> None:
    """Nothing is held in a queue for longer than the sweep takes to come; the boundary itself is queued."""
    asked_for = POLICY.scheduled_wait + seconds(1)
    parked = settled(held(1), Retry("rate_limited", asked_for))
    assert (parked.state, parked.wake_at, parked.generation) == (State.PARKED, LATER + asked_for, 1)
    queued = settled(held(1), Retry("rate_limited", POLICY.scheduled_wait))
    assert (queued.state, queued.wake_at) == (State.QUEUED, LATER + POLICY.scheduled_wait + POLICY.grace)


@pytest.mark.parametrize(
    ("attempts", "after", "waits", "state"),
    [
        (1, seconds(120), seconds(130), State.QUEUED),
        (1, seconds(0.1), seconds(10.75), State.QUEUED),
        (3, seconds(120), seconds(300), State.PARKED),
        (3, seconds(3600), seconds(3600), State.PARKED),
    ],
)
def test_f09_a_wait_that_the_destination_asks_for_is_kept(
    attempts: int, after: timedelta, waits: timedelta, state: State
) -> None:
    """Retry-After is the least that is waited, quick attempt or not."""
    alert = settled(held(attempts), Retry("rate_limited", after))
    assert (alert.state, alert.wake_at) == (state, LATER + waits)


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


@pytest.mark.parametrize(
    ("outcome", "shown", "key", "first"),
    [
        (Unknown("timeout"), False, 1, NOW),
        (Unknown("timeout"), True, 1, NOW),
        (Retry("http_500", maybe_shown=True), False, 1, NOW),
        (Retry("connection_failed"), False, 2, None),
        (Retry("http_500"), True, 2, None),
        (Blocked("no_service"), False, 2, None),
        (Blocked("no_service"), True, 1, NOW),
        (Rejected("no_text"), False, 2, None),
        (Rejected("no_text"), True, 1, NOW),
    ],
)
def test_a_key_is_kept_as_long_as_an_attempt_under_it_may_have_succeeded(
    outcome: Outcome, *, shown: bool, key: int, first: datetime | None
) -> None:
    """Then a repeat is told by it; after a definite error another one is needed, or that error would come again."""
    alert = settled(replace(held(), maybe_shown=shown), outcome)
    assert (alert.key, alert.first_sent_at) == (key, first)


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
        alert = settled(replace(alert, attempts=1), Retry(f"cause_{number}"))
    assert [line.cause for line in alert.history] == [f"cause_{number}" for number in range(5, HISTORY_KEPT + 5)]


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED])
def test_f23_a_requeued_alert_has_a_new_generation_and_is_expected_at_once(state: State) -> None:
    """The lost task's name stays taken: the new one needs another."""
    before = replace(new(), state=state, attempts=3, blocked=state is State.PARKED)
    alert = requeue(before, now=LATER, nonce="again", policy=POLICY)
    assert (alert.state, alert.generation, alert.wake_at) == (State.QUEUED, 2, LATER + POLICY.grace)
    assert (alert.attempts, alert.nonce, alert.blocked) == (3, "again", False)


def test_a_postponed_alert_stays_with_its_task() -> None:
    """Its task still waits in the queue: the generation stays, only the time to look again moves."""
    alert = postpone(new(), now=LATER, nonce="later", policy=POLICY)
    assert alert == replace(new(), nonce="later", wake_at=LATER + POLICY.grace)


def test_a_withheld_alert_waits_for_the_repair() -> None:
    """Parked before its destination was found blocked: it waits with the others and says why."""
    parked = replace(new(), state=State.PARKED, attempts=4, wake_at=NOW, cause="http_500")
    alert = withhold(parked, "no_service", now=LATER, nonce="later", policy=POLICY)
    wake_at = LATER + POLICY.long_wait
    assert alert == replace(parked, cause="no_service", nonce="later", wake_at=wake_at, blocked=True)


@pytest.mark.parametrize(
    ("channel", "attempts", "cause"), [("monday", 8, "lease_expired"), ("slack", 3, "unconfirmed")]
)
def test_f16_a_poison_alert_that_kills_its_process_spends_its_budget(channel: str, attempts: int, cause: str) -> None:
    """Every lease that runs out is an attempt of unknown end; then it has failed and a person is told."""
    alert = new(channel)
    while alert.waiting:
        alert = requeue(alert, now=LATER, nonce="due", policy=POLICY) if alert.state is State.PARKED else alert
        decision = asked(alert, alert.generation)
        assert isinstance(decision, Claimed)
        alert = expire(decision.alert, now=LATER, nonce="n", jitter=0.5, policy=POLICY)
    assert (alert.state, alert.attempts, alert.cause) == (State.FAILED, attempts, cause)


def test_the_waits_of_the_sweep_follow_the_scheduled_one() -> None:
    """A probe is due at each pass; what only a repair can bring is looked at an hour later."""
    assert (POLICY.attempts, POLICY.probe_wait, POLICY.long_wait) == (8, seconds(150), seconds(3600))


@pytest.mark.parametrize(("attempts", "whole"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (99, 30)])
def test_backoff_doubles_to_its_longest_and_is_half_random(attempts: int, whole: int) -> None:
    """Equal jitter: the upper half of the wait is random."""
    longest = seconds(30)
    assert backoff(attempts, 0.0, longest) == seconds(whole) / 2
    assert backoff(attempts, 1.0, longest) == seconds(whole)


def test_backoff_keeps_to_a_longest_of_nothing() -> None:
    """BACKOFF_MAX_SECONDS=0 is allowed: repeats go at once."""
    assert backoff(3, 0.9, seconds(0)) == seconds(0)
