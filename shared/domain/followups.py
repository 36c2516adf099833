"""E-mails that follow a conversation that went quiet: which are due, and what keeps one from being sent.

Each number once a conversation. Due means due and absent: a run that comes late finds what an earlier one should have
made (guarantee 24).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain import ids
from shared.domain.alert import FOLLOWUP, Alert, State, create
from shared.domain.delivery import ended

CHANNEL = "email"


@dataclass(frozen=True)
class Quiet:
    """A conversation that went quiet, as far as its follow-ups depend on it.

    Attributes:
        conversation_id: which.
        email: where to; None where it is not known.
        name: the visitor's, likewise.
        language: theirs.
        marketing: whether they agreed to it.
        since: when they last wrote.
        address: the e-mail's keyed hash.
        made: the numbers there are follow-ups of.
        opted_out: whether the address is.
    """

    conversation_id: str
    email: str | None
    name: str | None
    language: str
    marketing: bool
    since: datetime
    address: str | None
    made: frozenset[int]
    opted_out: bool

    @property
    def wanted(self) -> bool:
        """Whether anything may be sent."""
        return self.marketing and self.email is not None and self.address is not None and not self.opted_out


def due(quiet: Quiet, delays: Sequence[timedelta], now: datetime) -> tuple[int, ...]:
    """The numbers (from 1) whose time has come and that there are none of."""
    if not quiet.wanted:
        return ()
    numbers = enumerate(delays, start=1)
    return tuple(number for number, delay in numbers if quiet.since + delay <= now and number not in quiet.made)


def next_at(quiet: Quiet, delays: Sequence[timedelta], now: datetime, made: Collection[int]) -> datetime | None:
    """When the next one may be due after these were made; None where none is to come unless the visitor writes."""
    if not quiet.wanted:
        return None
    there = {*quiet.made, *made}
    times = [quiet.since + delay for number, delay in enumerate(delays, start=1) if number not in there]
    return min((time for time in times if time > now), default=None)


def followup(quiet: Quiet, number: int, business: str, *, now: datetime, nonce: str, grace: timedelta) -> Alert:
    """The alert of a conversation's n-th follow-up."""
    return create(
        ids.followup_alert_id(quiet.conversation_id, number),
        conversation_id=quiet.conversation_id,
        channel=CHANNEL,
        kind=FOLLOWUP,
        payload={
            "email": quiet.email,
            "name": quiet.name,
            "language": quiet.language,
            "number": number,
            "business": business,
            "address": quiet.address,
            "conversation_id": quiet.conversation_id,
            "quiet_since": quiet.since,
        },
        now=now,
        nonce=nonce,
        grace=grace,
    )


@dataclass(frozen=True)
class Standing:
    """What an e-mail to a visitor is compared with, as read under its lease.

    Attributes:
        opted_out: whether the address is.
        last_wrote: when the visitor did; None where the conversation was erased or is gone.
        marketing: whether they agree to it now.
    """

    opted_out: bool
    last_wrote: datetime | None
    marketing: bool


def forbidden(payload: Mapping[str, Any], standing: Standing) -> str | None:
    """Why this e-mail must not be sent (any more), a machine word; None where it may."""
    if standing.opted_out:
        return "opted_out"
    if standing.last_wrote is None:
        return "erased"
    if not standing.marketing:
        return "no_consent"
    return "replied" if standing.last_wrote > payload["quiet_since"] else None


def suppressed(held: Alert, *, now: datetime, nonce: str, cause: str) -> Alert:
    """The end of an e-mail that its holder does not send."""
    return replace(ended(held, State.SUPPRESSED, now), nonce=nonce, cause=cause)
