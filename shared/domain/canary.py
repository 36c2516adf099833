"""The canary: a made-up lead that goes the way of a real one, so that a fault is known before a customer meets it.

It is a message in the real chat; its alerts are of a kind of their own and wait for the same queue, breaker and block
as those of leads. A canary reads what all alerts share and moves none of it: its target may be wrong while the leads'
is well. What it came to is judged here, by the alerts it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain import ids
from shared.domain.alert import CANARY, HANDOFF, HOT, LEAD, Alert, State

NAME = "Canary"
DOMAIN = "canary.example.com"
"""Of the canary's address: nobody can have one there (RFC 2606)."""

ORDER_LIFE = timedelta(seconds=60)
"""How long chat takes a canary after it was begun."""

AT_CHAT = "chat"
"""How far a canary got that chat did not take."""

NOT_TAKEN = "interrupted"
"""The cause of one whose run died before chat had it: nothing is known of the way."""


@dataclass(frozen=True)
class Order:
    """What chat is asked for: the canary of one run, for these channels."""

    run_id: str
    channels: tuple[str, ...]


class Mark(StrEnum):
    """What a channel's canary came to."""

    WAITING = "waiting"
    ARRIVED = "arrived"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Leg:
    """A canary's way to one channel.

    Attributes:
        mark: what it came to.
        latency: from the run's beginning to the delivery; None where it was not delivered.
        reached: how far it got: ``chat``, or its alert's state; None while nobody has looked.
        cause: what it waited for, or failed of, a machine word.
    """

    mark: Mark = Mark.WAITING
    latency: timedelta | None = None
    reached: str | None = None
    cause: str | None = None

    @property
    def milliseconds(self) -> int | None:
        """The latency."""
        return None if self.latency is None else self.latency // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Run:
    """One canary, from its beginning to the removal of what it left.

    Attributes:
        id: random; also its session in the chat.
        at: when it began, by Firestore's clock.
        legs: its ways, by channel; empty where no canary is configured.
        without: the channels of leads that have no target for canaries.
        chat: what chat answered: ``ok`` or why not; None where that is not known.
        open: something of it is still to be judged or removed.
        told_at: when a person was told that no other run followed; None where nobody was.
    """

    id: str
    at: datetime
    legs: Mapping[str, Leg] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    chat: str | None = None
    open: bool = True
    told_at: datetime | None = None

    @classmethod
    def begun(cls, run_id: str, at: datetime, channels: Iterable[str], without: Iterable[str]) -> Run:
        """A run of which nothing is known yet; of one without channels nothing ever will be."""
        legs = {name: Leg() for name in channels}
        return cls(run_id, at, legs, tuple(without), open=bool(legs))

    @property
    def conversation_id(self) -> str:
        """The conversation its message begins."""
        return ids.conversation_id(self.id)

    def alert_id(self, channel: str) -> str:
        """The alert of one of its channels."""
        return ids.alert_id(self.conversation_id, CANARY, channel)

    @property
    def judged(self) -> bool:
        """Whether it is known what became of every way."""
        return all(leg.mark is not Mark.WAITING for leg in self.legs.values())

    @property
    def late(self) -> bool:
        """Whether it did not arrive somewhere in time."""
        return any(leg.mark is Mark.LATE for leg in self.legs.values())


def message(run_id: str) -> str:
    """What a canary says in the chat; the address makes it a lead."""
    return f"This is a canary of Bellhop. Please ignore it: {run_id}@{DOMAIN}"


def marked(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts of a canary's message: the leads' alerts, of the canary's kind, and nobody is ever told of them."""
    return tuple(
        replace(
            alert,
            id=ids.alert_id(alert.conversation_id, CANARY, alert.channel),
            kind=CANARY,
            payload={name: value for name, value in alert.payload.items() if name not in (HOT, HANDOFF)},
            overdue=True,
        )
        for alert in alerts
        if alert.kind == LEAD
    )


def answered(run: Run, chat: str) -> Run:
    """The run once chat has answered (``ok``) or has not: then no channel is reached, which is known at once."""
    if chat == "ok":
        return replace(run, chat=chat)
    refused = Leg(Mark.LATE, reached=AT_CHAT, cause=chat)
    return replace(run, chat=chat, legs=dict.fromkeys(run.legs, refused))


def judged(run: Run, alerts: Mapping[str, Alert | None], *, now: datetime, deadline: timedelta) -> Run:
    """The run by its alerts as they stand; what was known before stays.

    Args:
        run: as it stands.
        alerts: by channel, None where there is none.
        now: Firestore's time when they were read.
        deadline: after so long a canary is late.
    """
    over = now - run.at >= deadline
    legs = {
        name: leg if leg.mark is not Mark.WAITING else _leg(run, alerts.get(name), deadline=deadline, over=over)
        for name, leg in run.legs.items()
    }
    return replace(run, legs=legs)


def _leg(run: Run, alert: Alert | None, *, deadline: timedelta, over: bool) -> Leg:
    if alert is None:
        if run.chat is None:  # its run died about then: chat may never have been asked
            return Leg(Mark.UNKNOWN, cause=NOT_TAKEN) if over else Leg()
        return Leg(Mark.LATE if over else Mark.WAITING, reached="missing")
    if alert.state is State.DELIVERED and alert.ended_at is not None:
        latency = max(alert.ended_at - run.at, timedelta(0))
        return Leg(Mark.ARRIVED if latency <= deadline else Mark.LATE, latency, alert.state.value)
    late = over or not alert.waiting
    return Leg(Mark.LATE if late else Mark.WAITING, None, alert.state.value, alert.cause)


def newly(before: Run, after: Run) -> dict[str, Leg]:
    """The ways of which it was found out just now what became of them, by channel."""
    return {name: leg for name, leg in after.legs.items() if leg.mark is not before.legs[name].mark}


def can_be_removed(run: Run, alerts: Mapping[str, Alert | None], *, now: datetime, doubt: timedelta) -> bool:
    """Whether nothing of it comes any more: it is judged, no attempt is under way, and chat is done with it.

    Args:
        run: judged or not.
        alerts: by channel, as they stand.
        now: Firestore's time.
        doubt: after so long chat writes no more of a message it did not answer.
    """
    if not run.judged or any(alert is not None and alert.state is State.SENDING for alert in alerts.values()):
        return False
    return run.chat == "ok" or now - run.at >= doubt


def missed(last: Run | None, *, now: datetime, after: timedelta) -> bool:
    """Whether no canary was begun for so long; not where none is configured."""
    return last is not None and bool(last.legs) and now - last.at >= after


class Standing(StrEnum):
    """What the newest canaries say of the way."""

    QUIET = "quiet"
    """None is configured, or nothing is known yet."""

    ARRIVES = "arrives"
    CUT_OFF = "cut_off"
    """Nothing is known of the last one: its run died."""

    LATE = "late"
    REFUSED = "refused"
    """Chat did not take it."""

    MISSING = "missing"
    """None was begun for too long."""


def standing(runs: Sequence[Run], *, now: datetime, after: timedelta) -> Standing:
    """What the runs say, the newest first; the last one whose end is known decides."""
    last = runs[0] if runs else None
    if last is None or not last.legs:
        return Standing.QUIET
    if missed(last, now=now, after=after):
        return Standing.MISSING
    judged = next((run for run in runs if run.legs and run.judged), None)
    if judged is None:
        return Standing.QUIET
    marks = {leg.mark for leg in judged.legs.values()}
    if Mark.LATE in marks:
        refused = any(leg.mark is Mark.LATE and leg.reached == AT_CHAT for leg in judged.legs.values())
        return Standing.REFUSED if refused else Standing.LATE
    return Standing.CUT_OFF if Mark.UNKNOWN in marks else Standing.ARRIVES


def to_be_told(last: Run | None, *, now: datetime, after: timedelta) -> bool:
    """Whether a person is to hear that none was begun for so long; again after as long."""
    told_at = last.told_at if last is not None else None
    return missed(last, now=now, after=after) and (told_at is None or now - told_at >= after)
