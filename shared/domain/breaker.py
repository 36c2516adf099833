"""A circuit breaker that every instance shares: what it is, and what moves it.

::

    closed ──failures in a window──▶ open ──a while, then one probe──▶ half-open ──delivered──▶ closed, draining
                                      ▲                                   │
                                      └────────────── failed ─────────────┘

Each transition begins an ``epoch``; what a call of an older one comes to is dropped. Times are aware datetimes of
Firestore's clock. The words for the states are those of https://github.com/danielfm/pybreaker, which asks these
functions through ``shared.adapters.breakers``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from shared.domain.outcome import Delivered, Outcome, Retry, Unknown

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"

AUTO = "auto"
MODES = (AUTO, OPEN, CLOSED)
"""What an operator may say: left to itself, forced open, forced closed."""

FORCED = "forced_open"
"""The cause of a breaker that an operator opened."""

BREAKER_OPEN = "breaker_open"
"""The cause of what waits for it."""

WINDOW = timedelta(seconds=60)
"""Failures count together when they lie within this."""

ILL_AFTER = timedelta(seconds=8)
"""A destination that takes so long to accept is ill, though it accepts."""

OUR_OWN = ("internal_", "no_time_left")
"""How the causes begin that say nothing of the destination."""


class Verdict(Enum):
    """What an attempt says of its destination's health."""

    WELL = "well"
    ILL = "ill"
    NOTHING = "nothing"


@dataclass(frozen=True)
class BreakerPolicy:
    """When a breaker opens and for how long.

    Attributes:
        fail_max: failures within ``WINDOW`` that open it.
        reset: how long it stays open before one attempt finds out.
        ill_after: how long a destination may take to accept and still count as well.
    """

    fail_max: int
    reset: timedelta
    ill_after: timedelta = ILL_AFTER


@dataclass(frozen=True)
class Breaker:
    """What is known of a destination's health.

    Attributes:
        name: the channel's.
        state: ``closed``, ``open`` or ``half-open``.
        failures: when attempts failed lately, oldest first; empty unless closed.
        opened_at: since when it is not closed.
        cause: of the failure that opened it last, a machine word.
        probe_at: from when one attempt may find out.
        leased_until: somebody is making it; nobody else does until then.
        epoch: counts transitions.
        draining: it closed, and what it held up is going out.
        closed_at: when it closed last.
        mode: what an operator said, see ``MODES``.
        nonce: of the commit that wrote this version.
    """

    name: str
    state: str = CLOSED
    failures: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    cause: str | None = None
    probe_at: datetime | None = None
    leased_until: datetime | None = None
    epoch: int = 1
    draining: bool = False
    closed_at: datetime | None = None
    mode: str = AUTO
    nonce: str = ""

    @property
    def standing(self) -> str:
        """Its state as calls meet it: what an operator said, or else its own."""
        return self.state if self.mode == AUTO else self.mode

    @property
    def shut(self) -> bool:
        """Whether calls pass as usual: closed, or an operator said so."""
        return self.mode == CLOSED or (self.mode == AUTO and self.state == CLOSED)

    def takes_probe(self, now: datetime) -> bool:
        """Whether one attempt may be made although it is not closed."""
        if self.mode != AUTO or self.state == CLOSED:
            return False
        if self.leased_until is not None and now < self.leased_until:
            return False
        return self.probe_at is None or now >= self.probe_at

    def refuses(self, now: datetime) -> bool:
        """Whether no attempt may be made."""
        return not self.shut and not self.takes_probe(now)


def judge(outcome: Outcome, took: timedelta, policy: BreakerPolicy) -> Verdict:
    """What an attempt says of its destination.

    A refused alert and a block say nothing: a block has a document of its own, and a refusal is about the alert.

    Args:
        outcome: what the attempt came to.
        took: how long it took.
        policy: from when on slow is ill.
    """
    match outcome:
        case Delivered():
            return Verdict.ILL if took >= policy.ill_after else Verdict.WELL
        case Retry(cause=cause) if cause.startswith(OUR_OWN):
            return Verdict.NOTHING
        case Retry() | Unknown():
            return Verdict.ILL
        case _:
            return Verdict.NOTHING


def asked_to_wait(outcome: Outcome, policy: BreakerPolicy) -> timedelta | None:
    """How long the destination asked everybody to wait, where that is longer than an open breaker waits anyway."""
    if isinstance(outcome, Retry) and outcome.after > policy.reset and not outcome.maybe_shown:
        return outcome.after
    return None


def failed(breaker: Breaker, *, now: datetime, nonce: str) -> Breaker:
    """Another failure is counted, and those that are too old no longer are."""
    return replace(breaker, failures=(*lately(breaker, now), now), nonce=nonce)


def lately(breaker: Breaker, now: datetime) -> tuple[datetime, ...]:
    """The failures that count."""
    return tuple(at for at in breaker.failures if now - at < WINDOW)


def forgiven(breaker: Breaker, *, nonce: str) -> Breaker:
    """A success: earlier failures no longer count."""
    return replace(breaker, failures=(), nonce=nonce)


def opened(breaker: Breaker, cause: str, *, now: datetime, wait: timedelta, nonce: str) -> Breaker:
    """It opens, or its probe failed: nobody calls for a while."""
    return replace(
        breaker,
        state=OPEN,
        failures=(),
        opened_at=breaker.opened_at or now,
        cause=cause,
        probe_at=now + wait,
        leased_until=None,
        epoch=breaker.epoch + 1,
        draining=False,
        nonce=nonce,
    )


def lease_probe(breaker: Breaker, *, now: datetime, nonce: str, lease: timedelta) -> Breaker:
    """Let one attempt find out; nobody else calls until its lease is over."""
    until = now + lease
    return replace(breaker, state=HALF_OPEN, probe_at=until, leased_until=until, epoch=breaker.epoch + 1, nonce=nonce)


def release_probe(breaker: Breaker, *, now: datetime, nonce: str) -> Breaker:
    """The probe came to something that says nothing of the destination: the next one may follow at once."""
    return replace(breaker, probe_at=now, leased_until=None, nonce=nonce)


def closed(breaker: Breaker, *, now: datetime, nonce: str) -> Breaker:
    """The probe was accepted: calls pass again, and what was held up goes out."""
    return replace(
        breaker,
        state=CLOSED,
        failures=(),
        opened_at=None,
        cause=None,
        probe_at=None,
        leased_until=None,
        epoch=breaker.epoch + 1,
        draining=True,
        closed_at=now,
        nonce=nonce,
    )


def drained(breaker: Breaker, *, nonce: str) -> Breaker:
    """Nothing that it held up is left."""
    return replace(breaker, draining=False, nonce=nonce)


def set_mode(breaker: Breaker, mode: str, *, now: datetime, nonce: str) -> Breaker:
    """What an operator says; back to ``auto`` it is closed, and what was held up goes out.

    Raises:
        ValueError: it is none of ``MODES``.
    """
    if mode not in MODES:
        raise ValueError(f"a breaker's mode is one of {', '.join(MODES)}")
    if mode == OPEN:
        since, cause = breaker.opened_at or now, breaker.cause or FORCED
        changed = replace(breaker, opened_at=since, cause=cause, draining=False, nonce=nonce)
    else:
        changed = closed(breaker, now=now, nonce=nonce)
    return replace(changed, mode=mode, epoch=breaker.epoch + 1)
