"""An alert's life: its states and every transition between them, as pure functions.

::

    queued ─▶ sending ─▶ delivered
       ▲         ├─▶ queued   (repeat within the quick attempts, or the lease expired)
       │         ├─▶ parked   (quick attempts spent, or the destination is blocked)
       │         └─▶ failed   (rejected, or the scheduled attempts are spent)
       └── parked, when due

Every alert that is not final has ``wake_at``: the time from which the sweep may pick it up. Every transition takes a
fresh ``nonce``, by which a commit whose answer was lost recognises its own work. Times are aware datetimes of
Firestore's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown

HISTORY_KEPT = 20


class State(StrEnum):
    """Where an alert is; exactly one at any time."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    PARKED = "parked"
    FAILED = "failed"


WAITING = frozenset({State.QUEUED, State.SENDING, State.PARKED})
DEAD_LETTER_STATUS = {State.PARKED: "pending", State.FAILED: "failed"}


@dataclass(frozen=True)
class Attempt:
    """One line of an alert's history: when, what it came to (an outcome's name) and why."""

    at: datetime
    outcome: str
    cause: str | None


@dataclass(frozen=True)
class Alert:
    """One message for one channel, from its making to its end.

    Attributes:
        id: random, or a hash where an alert may exist once a conversation.
        conversation_id: the conversation it came from; erasure finds it by this.
        channel: the destination's name, and its queue's.
        kind: what it tells, for example ``lead``.
        payload: what the message is made of, frozen when the alert was made.
        state: see the module.
        wake_at: from when the sweep may pick it up; None once it is final.
        generation: counts the tasks made for it; a task of an older one does nothing.
        epoch: counts redrives; budgets and receipts belong to one epoch.
        attempts: attempts used in this epoch.
        maybe_shown: an earlier attempt may have been shown at the destination; repeats say so.
        nonce: of the commit that wrote this version.
        cause: why the last attempt did not deliver it.
        history: the last attempts, oldest first, at most ``HISTORY_KEPT``.
        created_at: when it was made.
        ended_at: when it became final.
    """

    id: str
    conversation_id: str
    channel: str
    kind: str
    payload: Mapping[str, Any]
    state: State
    wake_at: datetime | None
    generation: int
    epoch: int
    attempts: int
    maybe_shown: bool
    nonce: str
    cause: str | None
    history: tuple[Attempt, ...]
    created_at: datetime
    ended_at: datetime | None

    @property
    def waiting(self) -> bool:
        """Whether something has still to happen to it by itself."""
        return self.state in WAITING


@dataclass(frozen=True)
class Policy:
    """The budgets and waits of delivery.

    Attributes:
        lease: how long one attempt may hold an alert.
        grace: how much later than expected a task may come before it counts as lost.
        quick_attempts: attempts made within seconds.
        scheduled_wait: the wait between the attempts after those.
        backoff_max: the longest wait between two quick attempts.
    """

    lease: timedelta
    grace: timedelta
    quick_attempts: int
    scheduled_wait: timedelta
    backoff_max: timedelta


@dataclass(frozen=True)
class Claimed:
    """The caller holds the alert until the lease ends and may send it."""

    alert: Alert


@dataclass(frozen=True)
class Moved:
    """The alert needs no sending now; this is what it becomes (a receipt was found, or a lease had expired)."""

    alert: Alert


@dataclass(frozen=True)
class Ignored:
    """The task has nothing to do: it is of an older generation, or the alert rests."""

    reason: str


@dataclass(frozen=True)
class Busy:
    """Another holder's lease is live; the task comes back later."""


def create(
    alert_id: str,
    *,
    conversation_id: str,
    channel: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    nonce: str,
    grace: timedelta,
) -> Alert:
    """Make a new alert, queued, its task expected at once."""
    return Alert(
        id=alert_id,
        conversation_id=conversation_id,
        channel=channel,
        kind=kind,
        payload=payload,
        state=State.QUEUED,
        wake_at=now + grace,
        generation=1,
        epoch=1,
        attempts=0,
        maybe_shown=False,
        nonce=nonce,
        cause=None,
        history=(),
        created_at=now,
        ended_at=None,
    )


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
    """
    if not alert.waiting or alert.state is State.PARKED:
        return Ignored(f"alert is {alert.state}")
    if generation != alert.generation:
        return Ignored("task is of another generation")
    if delivered_before:
        return Moved(settle(alert, Delivered(), now=now, nonce=nonce, jitter=jitter, policy=policy))
    if alert.state is State.SENDING:
        if lease_age < policy.lease:
            return Busy()
        return Moved(expire(alert, now=now, nonce=nonce, jitter=jitter, policy=policy))
    return Claimed(
        replace(
            alert,
            state=State.SENDING,
            wake_at=now + policy.lease,
            attempts=alert.attempts + 1,
            nonce=nonce,
        )
    )


def settle(alert: Alert, outcome: Outcome, *, now: datetime, nonce: str, jitter: float, policy: Policy) -> Alert:
    """What an alert becomes by the outcome of its attempt.

    While the waits and repeats are open-ended, an alert ends only delivered or rejected: it is never given up
    for an outage.
    """
    cause = None if isinstance(outcome, Delivered) else outcome.cause
    alert = replace(
        alert,
        nonce=nonce,
        cause=cause,
        history=(*alert.history, Attempt(now, type(outcome).__name__.lower(), cause))[-HISTORY_KEPT:],
    )
    match outcome:
        case Delivered():
            return replace(alert, state=State.DELIVERED, wake_at=None, ended_at=now)
        case Rejected():
            return replace(alert, state=State.FAILED, wake_at=None, ended_at=now)
        case Blocked():
            unused = replace(alert, attempts=alert.attempts - 1)
            return replace(unused, state=State.PARKED, wake_at=now + policy.scheduled_wait)
        case Retry(after=after, maybe_shown=maybe_shown):
            return _repeat(replace(alert, maybe_shown=alert.maybe_shown or maybe_shown), after, now, jitter, policy)
        case Unknown():
            return _repeat(replace(alert, maybe_shown=True), timedelta(0), now, jitter, policy)


def expire(alert: Alert, *, now: datetime, nonce: str, jitter: float, policy: Policy) -> Alert:
    """What an alert becomes when its holder's lease ran out: nobody knows whether it was sent."""
    return settle(alert, Unknown("lease_expired"), now=now, nonce=nonce, jitter=jitter, policy=policy)


def requeue(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Queue an alert again, at once, under a new generation: its task was lost, or its wait is over."""
    return _queued(replace(alert, nonce=nonce), now, policy)


def postpone(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Leave a queued alert to its task, which still waits in its queue; look again later."""
    return replace(alert, nonce=nonce, wake_at=now + policy.grace)


def backoff(attempts: int, jitter: float, longest: timedelta) -> timedelta:
    """The wait after the n-th attempt: 1 s doubled each time, capped, of which the upper half is random.

    Source: "equal jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    whole = min(timedelta(seconds=2 ** min(attempts - 1, 16)), longest)
    return whole * (0.5 + 0.5 * jitter)


def _repeat(alert: Alert, after: timedelta, now: datetime, jitter: float, policy: Policy) -> Alert:
    if alert.attempts < policy.quick_attempts:
        wait = max(after, backoff(alert.attempts, jitter, policy.backoff_max))
        return _queued(alert, now + wait, policy)
    return replace(alert, state=State.PARKED, wake_at=now + max(after, policy.scheduled_wait))


def _queued(alert: Alert, dispatch_at: datetime, policy: Policy) -> Alert:
    return replace(
        alert,
        state=State.QUEUED,
        generation=alert.generation + 1,
        wake_at=dispatch_at + policy.grace,
    )
