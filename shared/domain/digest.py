"""A digest: many leads in one message, where more wait for a channel than people can be told of one by one.

Its members are frozen when it is made. They stay parked until it is claimed, and a digest is one attempt of every
member at once: claimed in one commit, settled in one commit. A member that has moved on meanwhile is left out. One that
is bad for the destination does not hold up the others: a digest that is refused is divided, until it is alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain import delivery
from shared.domain.alert import CANARY, HANDOFF, HOT, OF_A_LEAD, Alert, Policy, State
from shared.domain.outcome import Outcome, Rejected

MEMBERS_MOST = {"slack": 40}
"""Channels that have digests, and how many leads one holds: they fit into the destination's limits."""

SHOWN = ("name", "email", "phone", "score", "message", HOT, HANDOFF)
"""What a digest shows of a lead, beside its id and when it was made."""


@dataclass(frozen=True)
class Digest:
    """One message that is to tell of many leads.

    Attributes:
        id: random.
        channel: where it goes.
        members: the alerts' ids, oldest first.
        created_at: when it was made.
        expected_at: when its task is to run.
    """

    id: str
    channel: str
    members: tuple[str, ...]
    created_at: datetime
    expected_at: datetime


def fits(alert: Alert, policy: Policy) -> bool:
    """Whether an alert may be a member: a lead that waits, with attempts left."""
    return (
        alert.channel in MEMBERS_MOST
        and alert.kind in OF_A_LEAD - {CANARY}
        and alert.state is State.PARKED
        and alert.attempts < policy.attempts
    )


def join(alert: Alert, digest: Digest, *, nonce: str, policy: Policy) -> Alert:
    """A parked alert as a member; found again by the sweep if nothing comes of the digest."""
    wake_at = digest.expected_at + 6 * policy.grace
    return replace(alert, digest=digest.id, blocked=False, wake_at=wake_at, nonce=nonce)


def is_member(alert: Alert, digest: Digest) -> bool:
    """Whether an alert still waits for this digest."""
    return alert.state is State.PARKED and alert.digest == digest.id


def withheld(alert: Alert, cause: str, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """A member whose digest is not sent now, as its destination is blocked or its breaker open."""
    return delivery.withhold(alert, cause, now=now, nonce=nonce, policy=policy)


def settled(alert: Alert, outcome: Outcome, *, now: datetime, nonce: str, jitter: float, policy: Policy) -> Alert:
    """What a member becomes by its digest's outcome: as by its own, but it is never repeated within seconds."""
    if isinstance(outcome, Rejected):
        return _spared(alert, outcome.cause, now=now, nonce=nonce, policy=policy)
    patient = replace(policy, quick_attempts=0, scheduled_attempts=policy.attempts)
    return delivery.settle(alert, outcome, now=now, nonce=nonce, jitter=jitter, policy=patient)


def _spared(alert: Alert, cause: str, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """The digest was refused, which may be another member's fault: no attempt is used."""
    parked = delivery.unsent(alert, cause, now=now, nonce=nonce, policy=policy)
    return replace(parked, blocked=False, wake_at=now)


def divided(members: Sequence[Any]) -> tuple[Sequence[Any], ...]:
    """The two halves of a refused digest's members."""
    middle = (len(members) + 1) // 2
    return tuple(half for half in (members[:middle], members[middle:]) if half)


def shown(alert: Alert) -> dict[str, Any]:
    """What a digest says of a member."""
    lead = {key: alert.payload[key] for key in SHOWN if alert.payload.get(key) not in (None, "")}
    said = {"alert_id": alert.id, "kind": alert.kind, "created_at": alert.created_at}
    return {**lead, **said, "maybe_shown": alert.maybe_shown}


def spaced(before: int, pace: float, share: float, at_once: int) -> timedelta:
    """How long after now a message that has so many before it is sent; the first few are not spaced.

    Args:
        before: messages that are to be sent before it.
        pace: messages a second that the destination takes.
        share: the part of that which a backlog may use.
        at_once: how many are not spaced.
    """
    return timedelta(seconds=max(0, before - at_once + 1) / (pace * share))
