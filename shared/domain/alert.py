"""An alert: one message for one channel, its state, and the budgets it lives by. What moves it is in ``delivery``.

::

    queued ─▶ sending ─▶ delivered
       ▲ ▲       ├─▶ queued   (repeat within the quick attempts, or the lease expired)
       │ │       ├─▶ parked   (quick attempts spent, or the destination is blocked)
       │ │       └─▶ failed   (rejected, unconfirmed, or the scheduled attempts are spent) ─▶ waived
       │ └── parked, when due                                     │
       └──────────── redrive ─────────────────────────────────────┘

    also final: suppressed, superseded, erased

Every alert that is not final has ``wake_at``: the time from which the sweep may pick it up. Every transition takes a
fresh ``nonce``, by which a commit whose answer was lost recognises its own work. Times are aware datetimes of
Firestore's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

HISTORY_KEPT = 20

LEAD = "lead"
"""The kind of alert that tells of a visitor who can be reached."""

HOT = "hot"
"""The kind that tells that a lead that was told of has become hot."""

HANDOFF = "handoff"
"""The kind that tells that a visitor who was told of asks for a person, or for what the chat cannot answer."""

UPDATE = "update"
"""The kind that tells what became of a lead that was told of."""

CANARY = "canary"
"""The kind of a made-up lead that shows whether leads arrive; it goes to a target of its own and is counted nowhere."""

OF_A_LEAD = frozenset({LEAD, HOT, HANDOFF, UPDATE, CANARY})
"""Kinds whose payload is a lead: a visitor's details and words."""

FOLLOWUP = "followup"
"""The kind that is an e-mail to a visitor: marketing mail, sent at most once."""

ESCALATION = "escalation"
"""The kind that tells a person of an alert that failed."""

NOTICE = "notice"
"""The kind that tells a person of a destination that is blocked."""

OVERDUE = "overdue"
"""The kind that tells a person of alerts that have been waiting for very long."""

DIGEST = "digest"
"""The kind of a message that tells of many leads at once; no alert is of it."""

RELAYED = frozenset({ESCALATION, NOTICE, OVERDUE})
"""Kinds that go from channel to channel until one delivers them, and never end otherwise."""


class State(StrEnum):
    """Where an alert is; exactly one at any time."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    PARKED = "parked"
    FAILED = "failed"
    WAIVED = "waived"
    SUPPRESSED = "suppressed"
    SUPERSEDED = "superseded"
    ERASED = "erased"


WAITING = frozenset({State.QUEUED, State.SENDING, State.PARKED})
FINAL = frozenset(State) - WAITING
DEAD_LETTER_STATUS = {State.PARKED: "pending", State.FAILED: "failed", State.WAIVED: "waived"}
REDRIVABLE = frozenset(DEAD_LETTER_STATUS)


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
        id: random, or a hash where an alert may exist once a conversation, an epoch or a block.
        conversation_id: the conversation it came from; erasure finds it by this. Empty for a notice.
        channel: the destination's name, and its queue's.
        kind: what it tells, for example ``lead``.
        payload: what the message is made of, frozen when the alert was made.
        state: see the module.
        wake_at: from when the sweep may pick it up; None once it is final.
        generation: counts the tasks made for it; a task of an older one does nothing.
        epoch: counts redrives; budgets and receipts belong to one epoch.
        attempts: attempts used in this epoch (of a relayed alert: at this channel).
        maybe_shown: an earlier attempt may have been shown at the destination; repeats say so.
        nonce: of the commit that wrote this version.
        cause: why the last attempt did not deliver it.
        history: the last attempts, oldest first, at most ``HISTORY_KEPT``.
        created_at: when it was made.
        ended_at: when it became final.
        unknowns: attempts of this epoch that nobody knows the end of.
        key: counts idempotency keys within the epoch; kept as long as an earlier attempt may have succeeded.
        first_sent_at: when the first attempt under this key was made, None where none may have succeeded.
        blocked: parked because its destination is blocked; goes out when that is repaired.
        plain: a richer form was refused: it is sent as minimal plain text.
        route: the channels a relayed alert goes to, one after the other; empty for the others.
        hop: how many times a relayed alert gave a channel up.
        digest: the digest that it goes out with, while it waits for that; empty for most.
        conversation_ids: of one that tells of several alerts: the conversations they came from.
        overdue: a person was told that it has been waiting for very long, or never is: it is relayed.
        shown_at: the address where its destination shows it, where that tells one; empty for most.
        data_started: of an e-mail to a visitor: it began to leave, and is never sent again unless it surely failed.
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
    unknowns: int = 0
    key: int = 1
    first_sent_at: datetime | None = None
    blocked: bool = False
    plain: bool = False
    route: tuple[str, ...] = ()
    hop: int = 0
    digest: str = ""
    conversation_ids: tuple[str, ...] = ()
    overdue: bool = False
    data_started: bool = False
    shown_at: str = ""

    @property
    def waiting(self) -> bool:
        """Whether something has still to happen to it by itself."""
        return self.state in WAITING

    @property
    def was_held(self) -> bool:
        """Whether an attempt at it was ever begun: only then can somebody have left a receipt."""
        return self.state is State.SENDING or self.attempts > 0 or bool(self.history)

    @property
    def relayed(self) -> bool:
        """Whether it goes from channel to channel instead of failing."""
        return bool(self.route)


@dataclass(frozen=True)
class Policy:
    """The budgets and waits of delivery.

    Attributes:
        lease: how long one attempt may hold an alert.
        grace: how much later than expected a task may come before it counts as lost.
        quick_attempts: attempts made within seconds.
        scheduled_wait: the wait between the attempts after those.
        backoff_max: the longest wait between two quick attempts.
        scheduled_attempts: attempts made after the quick ones, before the alert fails.
        parked_most: how old an alert becomes before a person is told that it still waits, whatever its attempts.
    """

    lease: timedelta
    grace: timedelta
    quick_attempts: int
    scheduled_wait: timedelta
    backoff_max: timedelta
    scheduled_attempts: int = 5
    parked_most: timedelta = timedelta(hours=24)

    @property
    def attempts(self) -> int:
        """All attempts of one epoch."""
        return self.quick_attempts + self.scheduled_attempts

    @property
    def probe_wait(self) -> timedelta:
        """The wait between two looks at a blocked destination: shorter than from one pass of the sweep to the next."""
        return self.scheduled_wait / 2

    @property
    def look_ahead(self) -> timedelta:
        """What is due so soon is queued now, for its time: or an attempt that ends just after a pass waits for two."""
        return self.scheduled_wait / 10

    @property
    def long_wait(self) -> timedelta:
        """How long the sweep leaves alone what only a repair or another round can bring."""
        return 12 * self.scheduled_wait


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
    route: tuple[str, ...] = (),
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
        route=route,
        overdue=bool(route),
    )
