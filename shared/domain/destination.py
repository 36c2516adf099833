"""A destination that takes no alert until a person repairs it: known once, told once a day, probed now and then.

A block is found by an attempt, ends by an attempt, and is one document that all instances share. While it lasts alerts
are parked and use no attempt. A repair starts a drain: what was parked goes out, oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.alert import Policy

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
        fingerprint: of the settings it was found blocked with; other ones may be tried at once.
        draining: what was parked by the block is going out.
        nonce: of the commit that wrote this version.
    """

    name: str
    cause: str | None = None
    since: datetime | None = None
    blocks: int = 0
    notices: int = 0
    remind_at: datetime | None = None
    probe_at: datetime | None = None
    fingerprint: str = ""
    draining: bool = False
    nonce: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a person has to repair it."""
        return self.cause is not None

    def takes_probe(self, now: datetime, fingerprint: str) -> bool:
        """Whether an attempt may be made although it is blocked."""
        return self.probe_at is None or now >= self.probe_at or fingerprint != self.fingerprint


def block(
    destination: Destination, cause: str, *, now: datetime, fingerprint: str, nonce: str, policy: Policy
) -> Destination:
    """What a destination becomes when an attempt finds it blocked, for the first time or again."""
    again = replace(destination, cause=cause, fingerprint=fingerprint, nonce=nonce, probe_at=now + policy.probe_wait)
    if destination.blocked:
        return again
    return replace(
        again,
        since=now,
        blocks=destination.blocks + 1,
        notices=1,
        remind_at=now + REMIND_AFTER,
        draining=False,
    )


def lease_probe(
    destination: Destination, *, now: datetime, fingerprint: str, nonce: str, policy: Policy
) -> Destination:
    """Let one attempt find out; nobody else probes until its lease is over."""
    return replace(destination, probe_at=now + policy.lease + policy.grace, fingerprint=fingerprint, nonce=nonce)


def release_probe(destination: Destination, *, now: datetime, nonce: str, policy: Policy, at_once: bool) -> Destination:
    """The probe said nothing about the repair: the next one follows at once, or after the scheduled wait."""
    return replace(destination, probe_at=now if at_once else now + policy.probe_wait, nonce=nonce)


def repair(destination: Destination, *, nonce: str) -> Destination:
    """An attempt was accepted: the block is over, and what it parked may go out."""
    return replace(
        destination,
        cause=None,
        since=None,
        notices=0,
        remind_at=None,
        probe_at=None,
        draining=True,
        nonce=nonce,
    )


def remind(destination: Destination, *, now: datetime, nonce: str) -> Destination:
    """Another notice of the same block."""
    return replace(destination, notices=destination.notices + 1, remind_at=now + REMIND_AFTER, nonce=nonce)


def drained(destination: Destination, *, nonce: str) -> Destination:
    """Nothing that the block parked is left."""
    return replace(destination, draining=False, nonce=nonce)
