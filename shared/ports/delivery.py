"""Alerts, their destinations, and the tasks that hurry them along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.domain.alert import Alert
from shared.domain.destination import Destination
from shared.domain.outcome import Outcome
from shared.domain.updates import Standing
from shared.ports.breakers import StoredBreaker
from shared.ports.world import Version


@dataclass(frozen=True)
class StoredDestination:
    """What is known of a destination, and its version; None where nothing was ever written of it."""

    destination: Destination
    version: Version | None


@dataclass(frozen=True)
class StoredAlert:
    """An alert as it was read.

    Attributes:
        alert: the alert.
        version: for conditional writes.
        read_at: Firestore's time of the read.
        receipt: a holder that had lost its lease reported this epoch as delivered.
        destination: its channel's, where that was read with it.
    """

    alert: Alert
    version: Version
    read_at: datetime
    receipt: bool
    destination: StoredDestination | None = None

    @property
    def age(self) -> timedelta:
        """Firestore's time since the alert was last written."""
        return self.read_at - self.version


@dataclass(frozen=True)
class Step:
    """One change of an alert with all that belongs to it, written as a whole or not at all.

    Attributes:
        before: the alert as it was read.
        after: as it is to be.
        version: of the one that was read.
        made: new alerts that tell of this change; none of them may exist.
        destination: what the destination becomes, with the version it was made from.
        told_of: the alerts whose dead letters get ``escalated_at``, as what tells of them was delivered.
        breaker: what the destination's breaker becomes, with the version it was made from.
    """

    before: Alert
    after: Alert
    version: Version
    made: tuple[Alert, ...] = ()
    destination: StoredDestination | None = None
    told_of: tuple[str, ...] = ()
    breaker: StoredBreaker | None = None


@dataclass(frozen=True)
class Page:
    """Some alerts of a query, in its order.

    Attributes:
        alerts: those that could be read, without their receipts and destinations.
        unreadable: the ids of documents that are no alert of this version of the code.
        cursor: where the next page begins; None where this is the last one.
    """

    alerts: tuple[StoredAlert, ...]
    unreadable: tuple[str, ...] = ()
    cursor: Any = None


class AlertStore(Protocol):
    """Alerts, their dead letters and receipts, and what is known of destinations."""

    def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
        """An alert with its receipt and its destination; None if there is none.

        Args:
            alert_id: the alert's.
            channel: the one it probably has; with the right one everything is read in one round trip.

        Raises:
            StorageUnavailable: it could not be read.
        """

    def write(self, step: Step) -> Version:
        """Write a step, if nobody else has written what it was made from.

        The dead letter follows from the alert's state, the tallies from the alerts made and from a change of channel.
        A commit whose answer was lost is looked up by its nonce, so that success is success.

        Returns:
            The alert's new version.

        Raises:
            Conflict: somebody else was first; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came, and it could not be found out.
            StorageUnavailable: nothing was written.
        """

    def rivals(self, alert: Alert) -> tuple[StoredAlert, ...]:
        """The other alerts of its conversation and channel that are in ``sending``.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def standing(self, update: Alert) -> Standing:
        """The version of an update's conversation, and the alert of its lead.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def leave_receipt(self, alert: Alert) -> None:
        """Record that this epoch of the alert was delivered by somebody whose lease had run out."""

    def destinations(self, names: Sequence[str]) -> tuple[dict[str, StoredDestination], datetime]:
        """What is known of these destinations, and Firestore's time.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def write_destination(self, destination: StoredDestination, made: tuple[Alert, ...] = ()) -> None:
        """Write a destination, if nobody else has, with alerts that tell of it; raises what ``write`` does."""

    def due(self, now: datetime, limit: int, *, channel: str, parked: bool, cursor: Any = None) -> Page:
        """A channel's alerts whose ``wake_at`` has passed, oldest first: the parked, or the queued and sending.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def withheld(self, channel: str, limit: int, *, hot: bool = False) -> Page:
        """A channel's alerts that wait for its repair, oldest first; only hot leads on demand.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def queued(self, channel: str) -> int:
        """How many of a channel's alerts are queued; raises StorageUnavailable."""


class TaskQueue(Protocol):
    """Where deliveries are hurried along; losing a task loses time, never an alert."""

    def enqueue(self, alert: Alert, at: datetime | None = None) -> None:
        """Create the task of this alert's generation, to run at a time or at once; that it exists already is success.

        Raises:
            QueueError: it could not be created.
        """

    def holds(self, alert: Alert) -> bool:
        """Whether the task of this alert's generation still waits in its queue.

        Raises:
            QueueError: it could not be found out.
        """

    def forget(self, alert: Alert) -> None:
        """Remove the task of this alert's generation; that there is none is success.

        Raises:
            QueueError: it could not be removed; it finds nothing to do.
        """


class Continuation(Protocol):
    """Where a flow with more to do than fits in one run asks for the next one."""

    def ask(self, key: str, at: datetime | None = None) -> None:
        """Ask for another run, at a time or at once; asked again with the same key it is one run.

        Raises:
            QueueError: it could not be asked for; the scheduler's next run does what is left.
        """


@dataclass(frozen=True)
class Message:
    """What a channel sends.

    Attributes:
        alert_id: shown in every delivery.
        kind: what it tells.
        payload: what it is made of.
        maybe_shown: it may have been shown before; the message says so.
        created_at: when the alert was made.
        epoch: counts redrives; a new one may be shown anew.
        key: counts idempotency keys within the epoch: the same as long as an earlier attempt may have succeeded.
        first_sent_at: when the first attempt under this key was made, None where this is the first.
        now: the time, by Firestore's clock, to compare that with.
        plain: render as minimal plain text: a richer form was refused.
        lead_ended_at: of an update: when the alert of the lead came to its end, None while it may still be delivered.
        before_data: of an e-mail to a visitor: to be called once it is sure that nothing but the message itself is left
            to be sent; records that it begins to leave, and raises StorageError where it must not.
    """

    alert_id: str
    kind: str
    payload: Mapping[str, Any]
    maybe_shown: bool
    created_at: datetime
    epoch: int = 1
    key: int = 1
    first_sent_at: datetime | None = None
    now: datetime | None = None
    plain: bool = False
    lead_ended_at: datetime | None = None
    before_data: Callable[[], None] | None = None


class Channel(Protocol):
    """A destination for alerts."""

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Try once to deliver, and say what it came to, whatever it was.

        Args:
            message: what to send.
            deadline: monotonic seconds by which the attempt is over, answered or not.
        """
