"""What an operator sees and does: look up, send again, waive, and see whether every alert is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from shared.domain.alert import Alert, Attempt
from shared.domain.conservation import Census
from shared.ports.world import Version

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as it stands.

    Attributes:
        id: its alert's.
        status: ``pending``, ``failed`` or ``waived``.
        conversation_id: the conversation it came from; empty for a notice.
        channel: the destination's name.
        kind: what it tells.
        cause: why the last attempt did not deliver it.
        attempts: attempts used in this epoch.
        epoch: counts redrives.
        history: the last attempts, oldest first.
        next_attempt_at: when it is tried again; None where it is not.
        created_at: when its alert was made.
        entered_at: when it became a dead letter, by Firestore's time.
        escalated_at: when a person was told that it failed.
    """

    id: str
    status: str
    conversation_id: str
    channel: str
    kind: str
    cause: str | None
    attempts: int
    epoch: int
    history: tuple[Attempt, ...]
    next_attempt_at: datetime | None
    created_at: datetime
    entered_at: datetime
    escalated_at: datetime | None


@dataclass(frozen=True)
class Place:
    """A place in the order of dead letters: by when they became so, then by id."""

    entered_at: datetime
    id: str

    @property
    def text(self) -> str:
        """As a caller is given it, to come back with."""
        return f"{(self.entered_at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that a text names.

        Raises:
            ValueError: it names none.
        """
        micros, _, name = text.partition("-")
        if not name:
            raise ValueError("not a place")
        try:
            return cls(_EPOCH + timedelta(microseconds=int(micros)), name)
        except OverflowError as error:
            raise ValueError("not a place") from error


@dataclass(frozen=True)
class Wanted:
    """Which dead letters; what is None does not matter.

    Attributes:
        statuses: any of these.
        cause: this one.
        channel: this one.
        since: became dead letters then or later.
        before: became dead letters before then.
        until: became dead letters then or before.
    """

    statuses: tuple[str, ...] | None = None
    cause: str | None = None
    channel: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Marked:
    """An alert with what its dead letter says of it, None where it has none."""

    alert: Alert
    dead_letter: DeadLetter | None


@dataclass(frozen=True)
class Action:
    """What a person did, for the audit.

    Attributes:
        id: of its record; the same for a repeat of the same action.
        name: ``redrive`` or ``waive``.
        subject: the ids or the selection it is about.
        reason: why, in the person's words; None where they gave none.
        by: who, as they say; None where they do not.
    """

    id: str
    name: str
    subject: Mapping[str, Any]
    reason: str | None
    by: str | None


class OperatorStore(Protocol):
    """Alerts and dead letters as an operator looks for them."""

    def alert(self, alert_id: str) -> Marked | None:
        """One alert; None if there is none.

        Raises:
            Unreadable: its document is not what this version takes it for.
            StorageUnavailable: it could not be read.
        """

    def alerts_of(self, email: str, limit: int) -> list[Marked]:
        """The newest alerts of an address's newest conversations, newest first.

        Those that this version of the code cannot read are left out.

        Args:
            email: in its lower-case normal form.
            limit: how many at most.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def dead_letters(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[DeadLetter]:
        """Dead letters, the newest first, from after a place on; raises StorageUnavailable."""

    def waive(self, waived: Alert, version: Version, action: Action) -> None:
        """Write a waived alert with its dead letter and the record of who did it, all or nothing.

        A commit whose answer was lost is looked up by the alert's nonce.

        Args:
            waived: the alert as it is to be.
            version: of the one it was made from.
            action: who did it and why.

        Raises:
            Conflict: somebody else was first; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came, and it could not be found out.
            StorageUnavailable: nothing was written.
        """


class Counting(Protocol):
    """Every alert counted."""

    def census(self, kept: timedelta) -> Census:
        """Count every channel's alerts and look for those that are wrong, all at one moment.

        Args:
            kept: how long an alert is kept after its end; so far back messages are looked through for alerts that are
                missing, where a channel does not balance.

        Raises:
            StorageUnavailable: they could not be read.
        """


@dataclass(frozen=True)
class Selection:
    """What a redrive is about.

    Attributes:
        ids: dead letters named one by one; None for all of them.
        wanted: those of them that are meant.
    """

    ids: tuple[str, ...] | None
    wanted: Wanted


@dataclass(frozen=True)
class Member:
    """A dead letter that a redrive has taken up, as it was then.

    Attributes:
        id: its alert's.
        channel: the destination's name.
        epoch: the alert's; a later one says that it was redriven.
    """

    id: str
    channel: str
    epoch: int


@dataclass(frozen=True)
class Redrive:
    """A redrive as it stands.

    Attributes:
        id: random.
        selection: what it is about.
        requested_at: Firestore's time; what became a dead letter after it is not taken up.
        reason: why, in the person's words; None where they gave none.
        by: who, as they say; None where they do not.
        version: for conditional writes.
        idle: for how long nobody has written it, by Firestore's time.
        done: whether all of it was worked through.
        members: taken up, but not counted yet.
        reached: the last dead letter that was taken up; None before the first, and where ids are given.
        named: how many of the selection's ids were taken up.
        selected: how many were taken up and counted.
        queued: how many of those are queued anew.
        finished_at: when it was done.
        total: how many there were when it was asked for; None where they could not be counted.
    """

    id: str
    selection: Selection
    requested_at: datetime
    reason: str | None
    by: str | None
    version: Version
    idle: timedelta
    done: bool = False
    members: tuple[Member, ...] = ()
    reached: Place | None = None
    named: int = 0
    selected: int = 0
    queued: int = 0
    finished_at: datetime | None = None
    total: int | None = None

    @property
    def skipped(self) -> int:
        """How many were counted and are not queued by it."""
        return self.selected - self.queued


class RedriveStore(Protocol):
    """Redrives: asked for once, worked through by whoever has time, each slice written down before it is begun."""

    def begin(self, redrive_id: str, selection: Selection, action: Action) -> Redrive:
        """Write down that a redrive was asked for, with the record of who did it; again with the same id is one.

        Raises:
            StorageError: it is not known to be written.
        """

    def find(self, redrive_id: str) -> Redrive | None:
        """A redrive; None if there is none; raises StorageUnavailable."""

    def running(self, limit: int) -> list[Redrive]:
        """Redrives that are not done; raises StorageUnavailable."""

    def take(self, redrive: Redrive, limit: int) -> Redrive:
        """The redrive with its next members, at most so many, the oldest first; done where there are no more.

        Ids that name no dead letter that is wanted are counted at once. Nothing is written.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def save(self, redrive: Redrive) -> Redrive:
        """Write how far a redrive has come, if nobody else has written it; gives it its new version.

        Raises:
            Conflict: somebody else works on it; nothing was written.
            StorageError: it is not known to be written.
        """
