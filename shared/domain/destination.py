"""A destination that takes no alert until a person repairs it: known once, told once a day, probed now and then.

A block is found by an attempt, ends by an attempt, and is one document that all instances share. While it lasts alerts
are parked and use no attempt. A repair starts a drain: what was parked goes out, oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.alert import Policy
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected

REMIND_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Destination:
    """What is known of a destination beyond its settings.

    Attributes:
        name: the channel's.
        cause: why it is blocked, a machine word; None while it is not.
        since: when the block was found.
        blocks: how many blocks there were, this one among them; names the notices.
        notices: how many notices of this block were made.
        remind_at: when the next one is due.
        probe_at: from when one attempt may be made to see whether it was repaired.
        leased_until: somebody is making it; nobody else does until then.
        fingerprint: of the settings it was found blocked with; other ones may be tried at once.
        draining: what was parked by the block is going out.
        repaired_at: since when.
        told: the cause that its notices told of, until it was drained.
        nonce: of the commit that wrote this version.
    """

    name: str
    cause: str | None = None
    since: datetime | None = None
    blocks: int = 0
    notices: int = 0
    remind_at: datetime | None = None
    probe_at: datetime | None = None
    leased_until: datetime | None = None
    fingerprint: str = ""
    draining: bool = False
    repaired_at: datetime | None = None
    told: str = ""
    nonce: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a person has to repair it."""
        return self.cause is not None

    def takes_probe(self, now: datetime, fingerprint: str) -> bool:
        """Whether an attempt may be made although it is blocked."""
        if self.leased_until is not None and now < self.leased_until:
            return False
        return self.probe_at is None or now >= self.probe_at or fingerprint != self.fingerprint


def block(
    destination: Destination, cause: str, *, now: datetime, fingerprint: str, nonce: str, policy: Policy
) -> Destination:
    """What a destination becomes when an attempt finds it blocked.

    It is the same block, of which nobody needs to hear twice, while it lasts, and where it had only been resumed.
    """
    again = replace(
        destination,
        cause=cause,
        fingerprint=fingerprint,
        probe_at=now + policy.probe_wait,
        leased_until=None,
        nonce=nonce,
    )
    if destination.blocked or (destination.draining and destination.told == cause and _lately(destination, now)):
        return replace(again, draining=False)
    return replace(
        again,
        since=now,
        blocks=destination.blocks + 1,
        notices=1,
        remind_at=now + REMIND_AFTER,
        draining=False,
        told=cause,
    )


def judge(
    destination: Destination,
    outcome: Outcome,
    *,
    probing: bool,
    now: datetime,
    fingerprint: str,
    nonce: str,
    policy: Policy,
) -> Destination | None:
    """What an attempt's outcome makes of its destination; None where it says nothing new of it.

    Args:
        destination: as it stands after the attempt.
        outcome: what the attempt came to.
        probing: it was made to see whether a block is over. Others may have begun before the block.
        now: Firestore's time.
        fingerprint: of the settings it was made with.
        nonce: of the commit that follows.
        policy: for the waits.
    """
    if isinstance(outcome, Blocked) and (probing or not destination.blocked):
        return block(destination, outcome.cause, now=now, fingerprint=fingerprint, nonce=nonce, policy=policy)
    if not probing or not destination.blocked:
        return None
    match outcome:
        case Delivered():
            return repair(destination, now=now, nonce=nonce)
        case Rejected():
            return release_probe(destination, now=now, nonce=nonce)
        case _:
            return resume(destination, now=now, nonce=nonce)


def lease_probe(
    destination: Destination, *, now: datetime, fingerprint: str, nonce: str, policy: Policy
) -> Destination:
    """Let one attempt find out; nobody else probes until its lease is over."""
    until = now + policy.lease + policy.grace
    return replace(destination, probe_at=until, leased_until=until, fingerprint=fingerprint, nonce=nonce)


def release_probe(destination: Destination, *, now: datetime, nonce: str) -> Destination:
    """The probe was refused for what it was, which says nothing about the repair: the next one may follow at once."""
    return replace(destination, probe_at=now, leased_until=None, nonce=nonce)


def repair(destination: Destination, *, now: datetime, nonce: str) -> Destination:
    """An attempt was accepted: the block is over, and what it parked may go out."""
    return replace(
        destination,
        cause=None,
        since=None,
        notices=0,
        remind_at=None,
        probe_at=None,
        leased_until=None,
        draining=True,
        repaired_at=now,
        told="",
        nonce=nonce,
    )


def resume(destination: Destination, *, now: datetime, nonce: str) -> Destination:
    """A probe failed in another way than the block: alerts live by their own budgets again, or nobody would hear.

    It may have been repaired or not; if not, the next attempt says so, and the block goes on.
    """
    again = replace(destination, cause=None, probe_at=None, leased_until=None, nonce=nonce)
    return replace(again, draining=True, repaired_at=now)


def remind(destination: Destination, *, now: datetime, nonce: str) -> Destination:
    """Another notice of the same block."""
    return replace(destination, notices=destination.notices + 1, remind_at=now + REMIND_AFTER, nonce=nonce)


def drained(destination: Destination, *, nonce: str) -> Destination:
    """Nothing that the block parked is left."""
    return replace(destination, draining=False, told="", since=None, notices=0, remind_at=None, nonce=nonce)


def _lately(destination: Destination, now: datetime) -> bool:
    return destination.remind_at is not None and now < destination.remind_at
