"""The transitions of an alert that Bellhop makes by itself, as pure functions.

A task's claim, the outcome of its attempt, and what the sweep does with what is due. Nothing here ends an alert that
nobody is told of: it ends delivered, or failed, which is escalated. What people decide is in ``decisions``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain import breaker as breakers
from shared.domain import destination as places
from shared.domain.alert import CANARY, FOLLOWUP, HISTORY_KEPT, Alert, Attempt, Policy, State
from shared.domain.breaker import Breaker
from shared.domain.claims import Busy, Claimed, Ignored, Moved
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown

REPEATS_OF_UNKNOWN = {"slack": 2, "apprise": 2}
"""How often an attempt nobody knows the end of is repeated where the destination cannot tell a repeat; others can."""

SAME_SERVICE = frozenset({"slack", "monday", "email"})
"""Channels whose canary target is at the same service as the leads': there a canary may find out for a breaker."""

UNCONFIRMED = "unconfirmed"
SPENT = "attempts_spent"
BOUNCED = "bounced"
"""How the cause begins where an address takes no mail: nothing is sent there any more, and nobody needs to act."""


def claim(
    alert: Alert,
    generation: int,
    *,
    now: datetime,
    lease_age: timedelta,
    delivered_before: bool,
    nonce: str,
    jitter: float,
    policy: Policy,
    destination: Destination | None = None,
    fingerprint: str = "",
    breaker: Breaker | None = None,
) -> Claimed | Moved | Ignored | Busy:
    """Decide what a task may do with its alert.

    Args:
        alert: the alert as it was read.
        generation: the task's.
        now: Firestore's time of that read.
        lease_age: Firestore's time since the alert was last written.
        delivered_before: a receipt says that this epoch was delivered by a holder that lost its lease.
        nonce: of the commit that follows.
        jitter: a random number from 0 to 1.
        policy: budgets and waits.
        destination: what is known of the channel, None where nothing is.
        fingerprint: of the channel's settings here.
        breaker: the channel's, None where it has none.
    """
    idle = _nothing_to_do(alert, generation)
    if idle is not None:
        return idle
    if alert.state is State.SENDING and lease_age < policy.lease and not delivered_before:
        return Busy()
    after, held_up = None, _held_up(alert, destination, breaker, now, fingerprint)
    if delivered_before:
        after = settle(alert, Delivered(), now=now, nonce=nonce, jitter=jitter, policy=policy)
    elif alert.state is State.SENDING:
        after = expire(alert, now=now, nonce=nonce, jitter=jitter, policy=policy)
    elif _spent(alert, policy):
        after = _give_up(replace(alert, nonce=nonce), alert.cause or SPENT, now, policy)
    elif held_up is not None:
        after = _withhold(replace(alert, nonce=nonce), held_up, now, policy)
    if after is not None:
        return Moved(after)
    leases = _leases(destination, breaker, now, nonce, fingerprint, policy)
    return Claimed(held(alert, now=now, nonce=nonce, policy=policy), *leases)


def settle(alert: Alert, outcome: Outcome, *, now: datetime, nonce: str, jitter: float, policy: Policy) -> Alert:
    """What an alert becomes by the outcome of its attempt.

    Args:
        alert: the alert while it is being sent.
        outcome: what the attempt came to.
        now: Firestore's time.
        nonce: of the commit that follows.
        jitter: a random number from 0 to 1.
        policy: budgets and waits.
    """
    cause = None if isinstance(outcome, Delivered) else outcome.cause
    alert = replace(
        alert,
        nonce=nonce,
        cause=cause,
        digest="",
        history=(*alert.history, Attempt(now, type(outcome).__name__.lower(), cause))[-HISTORY_KEPT:],
    )
    match outcome:
        case Delivered():
            return ended(replace(alert, shown_at=outcome.shown_at or alert.shown_at), State.DELIVERED, now)
        case Rejected():
            return _refused(alert if alert.maybe_shown else _certain(alert), outcome.cause, now, policy)
        case Blocked():
            unused = replace(alert, attempts=alert.attempts - 1)
            return _withhold(unused if alert.maybe_shown else _certain(unused), outcome.cause, now, policy)
        case Retry(after=after, maybe_shown=maybe_shown):
            alert = replace(alert, maybe_shown=True) if maybe_shown else _certain(alert)
            return _repeat(alert, after, now, jitter, policy)
        case Unknown():
            doubtful = replace(alert, maybe_shown=True, unknowns=alert.unknowns + 1)
            if doubtful.unknowns > REPEATS_OF_UNKNOWN.get(alert.channel, policy.attempts):
                return _give_up(doubtful, UNCONFIRMED, now, policy)
            return _repeat(doubtful, timedelta(0), now, jitter, policy)


def expire(alert: Alert, *, now: datetime, nonce: str, jitter: float, policy: Policy) -> Alert:
    """What an alert becomes when its holder's lease ran out: nobody knows whether it was sent."""
    return settle(alert, Unknown("lease_expired"), now=now, nonce=nonce, jitter=jitter, policy=policy)


def unsent(alert: Alert, cause: str, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """What an alert becomes whose holder has not begun its attempt: it waits, and has used none.

    Args:
        alert: the alert while it is held.
        cause: why not, a machine word.
        now: Firestore's time.
        nonce: of the commit that follows.
        policy: budgets and waits.
    """
    unused = replace(alert, attempts=alert.attempts - 1, nonce=nonce)
    return _withhold(unused if alert.maybe_shown else _certain(unused), cause, now, policy)


def requeue(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Queue an alert again, at once, under a new generation: its task was lost, or its wait is over."""
    return queued_at(replace(alert, nonce=nonce, blocked=False, digest=""), now, policy)


def postpone(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Leave a queued alert to its task, which still waits in its queue; look again later."""
    return replace(alert, nonce=nonce, wake_at=now + policy.grace)


def withhold(alert: Alert, cause: str, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Leave a parked alert to the repair of its destination; look again much later."""
    if alert.kind == CANARY:
        return _withhold(replace(alert, nonce=nonce), cause, now, policy)
    return replace(alert, nonce=nonce, cause=cause, blocked=True, digest="", wake_at=now + policy.long_wait)


def backoff(attempts: int, jitter: float, longest: timedelta) -> timedelta:
    """The wait after the n-th attempt: 1 s doubled each time, capped, of which the upper half is random.

    Source: "equal jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    whole = min(timedelta(seconds=2 ** min(attempts - 1, 16)), longest)
    return whole * (0.5 + 0.5 * jitter)


def _nothing_to_do(alert: Alert, generation: int) -> Ignored | None:
    if not alert.waiting or alert.state is State.PARKED:
        return Ignored(f"alert is {alert.state}")
    if generation != alert.generation:
        return Ignored("task is of another generation")
    return None


def canary_held_up(channel: str, destination: Destination | None, breaker: Breaker | None, now: datetime) -> str | None:
    """Why a canary may not be sent; None where it may.

    It never finds out about a block: it would be delivered to its own target while leads are not to theirs.
    """
    if destination is not None and destination.blocked:
        return str(destination.cause)
    if breaker is None or breaker.shut or (channel in SAME_SERVICE and not breaker.refuses(now)):
        return None
    return breakers.BREAKER_OPEN


def _held_up(
    alert: Alert, destination: Destination | None, breaker: Breaker | None, now: datetime, fingerprint: str
) -> str | None:
    """Why no attempt may be made at a destination, not even to find out; None where one may."""
    if alert.kind == CANARY:
        return canary_held_up(alert.channel, destination, breaker, now)
    if destination is not None and destination.blocked and not destination.takes_probe(now, fingerprint):
        return str(destination.cause)
    return breakers.BREAKER_OPEN if breaker is not None and breaker.refuses(now) else None


def _leases(
    destination: Destination | None,
    breaker: Breaker | None,
    now: datetime,
    nonce: str,
    fingerprint: str,
    policy: Policy,
) -> tuple[Destination | None, Breaker | None]:
    """The destination and the breaker with their probes' leases taken, where the attempt finds out about them."""
    probe, leased, lease = None, None, policy.lease + policy.grace
    if destination is not None and destination.blocked:
        probe = places.lease_probe(destination, now=now, fingerprint=fingerprint, nonce=nonce, policy=policy)
    if breaker is not None and breaker.takes_probe(now):
        leased = breakers.lease_probe(breaker, now=now, nonce=nonce, lease=lease)
    return probe, leased


def held(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """An alert under its holder's lease, the attempt counted."""
    return replace(
        alert,
        state=State.SENDING,
        wake_at=now + policy.lease,
        attempts=alert.attempts + 1,
        first_sent_at=alert.first_sent_at or now,
        nonce=nonce,
    )


def _spent(alert: Alert, policy: Policy) -> bool:
    return alert.attempts >= (policy.quick_attempts if alert.relayed else policy.attempts)


def _refused(alert: Alert, cause: str, now: datetime, policy: Policy) -> Alert:
    """Refused for what it is: a relayed alert is tried once more as plain text, then elsewhere."""
    if alert.kind == FOLLOWUP and cause.startswith(BOUNCED):
        return ended(replace(alert, cause=cause), State.SUPPRESSED, now)
    if alert.relayed and not alert.plain:
        return queued_at(replace(alert, plain=True, key=alert.key + 1), now, policy)
    return _give_up(alert, cause, now, policy)


def _withhold(alert: Alert, cause: str, now: datetime, policy: Policy) -> Alert:
    """Its destination is blocked: a relayed alert goes elsewhere, the others wait for the repair."""
    if alert.relayed:
        return _next_channel(replace(alert, cause=cause), now, policy)
    if alert.kind == CANARY:  # it is no probe and no part of what is drained: it looks again with the next pass
        return replace(alert, state=State.PARKED, cause=cause, wake_at=now + policy.scheduled_wait)
    waiting = replace(alert, state=State.PARKED, blocked=True, digest="")
    return replace(waiting, cause=cause, wake_at=now + policy.long_wait)


def _repeat(alert: Alert, after: timedelta, now: datetime, jitter: float, policy: Policy) -> Alert:
    """Try again: soon, or at the next scheduled time, as far as the budget goes."""
    if alert.data_started:  # at most once: not even where nobody knows whether it arrived (guarantee 24)
        return _give_up(alert, UNCONFIRMED, now, policy)
    if _spent(alert, policy):
        return _give_up(alert, alert.cause or SPENT, now, policy)
    spaced = alert.unknowns >= REPEATS_OF_UNKNOWN.get(alert.channel, policy.attempts)
    if alert.relayed and (spaced or after > policy.backoff_max):
        return _next_channel(alert, now, policy)
    if alert.attempts < policy.quick_attempts and after <= policy.scheduled_wait and not spaced:
        wait = max(after, backoff(alert.attempts, jitter, policy.backoff_max))
        return queued_at(alert, now + wait, policy)
    return replace(alert, state=State.PARKED, wake_at=now + max(after, policy.scheduled_wait))


def _give_up(alert: Alert, cause: str, now: datetime, policy: Policy) -> Alert:
    """The end of its attempts: a relayed alert goes elsewhere, the others have failed."""
    alert = replace(alert, cause=cause)
    return _next_channel(alert, now, policy) if alert.relayed else ended(alert, State.FAILED, now)


def _next_channel(alert: Alert, now: datetime, policy: Policy) -> Alert:
    """The next channel of the route, at once; after a whole round a wait that doubles up to its longest."""
    hop = alert.hop + 1
    rounds, place = divmod(hop, len(alert.route))
    moved = replace(_certain(alert), channel=alert.route[place], hop=hop, attempts=0, unknowns=0, plain=False)
    if place:
        return queued_at(moved, now, policy)
    wait = min(policy.scheduled_wait * 2 ** min(rounds - 1, 16), policy.long_wait)
    return replace(moved, state=State.PARKED, wake_at=now + wait)


def queued_at(alert: Alert, dispatch_at: datetime, policy: Policy) -> Alert:
    """An alert queued under a new generation, its task expected at a time."""
    return replace(
        alert,
        state=State.QUEUED,
        generation=alert.generation + 1,
        wake_at=dispatch_at + policy.grace,
    )


def _certain(alert: Alert) -> Alert:
    """Nothing under this key can have succeeded: the next attempt has another.

    What is certain of one channel says nothing of another to which a relayed alert may come back.
    """
    if alert.relayed and alert.maybe_shown:
        return alert
    return replace(alert, key=alert.key + 1, first_sent_at=None, data_started=False)


def ended(alert: Alert, state: State, now: datetime) -> Alert:
    """An alert in a final state."""
    return replace(alert, state=state, wake_at=None, ended_at=now, blocked=False)
