"""What flows need from the world.

A flow sees the world only through these; ``shared.adapters`` and the tests' fakes implement them and pass the same
contract tests. What they raise is in ``shared.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.domain.admission import Window
from shared.domain.alert import Alert
from shared.domain.conversation import Conversation, Turn
from shared.domain.outcome import Outcome

Version = datetime
"""A document's update time: a write that names it succeeds only while nobody else has written."""


class Clock(Protocol):
    """The instance's own clock."""

    def now(self) -> datetime:
        """The time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, for deadlines."""


class Chance(Protocol):
    """Where random values come from."""

    def token(self) -> str:
        """128 random bits, 32 lower-case hexadecimal digits."""

    def fraction(self) -> float:
        """A number from 0 to 1."""


@dataclass(frozen=True)
class Claim:
    """What an idempotency key's claim is made of: its name, what was asked, whose it is, and until when it holds."""

    id: str
    request_hash: str
    conversation_id: str
    nonce: str
    expires_at: datetime


@dataclass(frozen=True)
class ClaimHeld:
    """A claim as it stands: who holds it, and the answer once there is one.

    Attributes:
        request_hash: what was asked under the key.
        nonce: its holder's.
        expires_at: until when it holds.
        answer: the saved answer, None while it is being made.
        version: for conditional writes.
        read_at: Firestore's time of the read.
    """

    request_hash: str
    nonce: str
    expires_at: datetime
    answer: Mapping[str, Any] | None
    version: Version
    read_at: datetime


@dataclass(frozen=True)
class Admitted:
    """The request was counted, and its claim (if it has a key) is ours.

    Attributes:
        counts: each window with its number of requests, this one among them.
        claim_version: for the commit that ends the turn; None without a key.
    """

    counts: tuple[tuple[Window, int], ...]
    claim_version: Version | None


@dataclass(frozen=True)
class Opened:
    """What one round trip at the start of a turn gives.

    Attributes:
        admission: admitted, or the claim that another request holds (then nothing was counted or written).
        conversation: the conversation as it stands, None if there is none.
        conversation_version: for the commit that ends the turn.
    """

    admission: Admitted | ClaimHeld
    conversation: Conversation | None
    conversation_version: Version | None


@dataclass(frozen=True)
class TurnCommit:
    """All that one turn writes, in one commit.

    Attributes:
        conversation: as it is after the turn.
        conversation_version: of the one it was made from; None for a new one, which must not exist.
        message_id: random; its document proves that this commit happened.
        turn: for the full log.
        alerts: made by this turn, none of which may exist.
        claim: our claim and its version, None without a key.
        answer: saved with the claim.
        answer_expires_at: until when the answer is replayed.
        tally_shard: which shard of the tallies counts these alerts.
    """

    conversation: Conversation
    conversation_version: Version | None
    message_id: str
    turn: Turn
    alerts: Sequence[Alert]
    claim: tuple[Claim, Version] | None
    answer: Mapping[str, Any]
    answer_expires_at: datetime
    tally_shard: int


@dataclass(frozen=True)
class Reread:
    """What stands after a commit failed or was not answered.

    Attributes:
        ours: the commit had happened after all.
        claim_lost: somebody else holds the claim now, or it is gone.
        conversation: as it stands now, None if there is none.
        conversation_version: of that.
    """

    ours: bool
    claim_lost: bool
    conversation: Conversation | None
    conversation_version: Version | None


class ChatStore(Protocol):
    """Conversations, claims and windows."""

    def open_turn(self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None) -> Opened:
        """Claim, count and read, at the same time; an expired claim is taken over.

        Raises:
            Contention: too many at once on a window; nothing was written.
            StorageUnavailable: nothing is known to be written.
        """

    def release(self, claim: Claim, version: Version) -> None:
        """Give a claim up, so that the same key can be used again at once; does nothing if it is not ours any more."""

    def commit_turn(self, commit: TurnCommit) -> None:
        """Write a turn, all of it or nothing.

        Raises:
            Conflict: the conversation or the claim is not what it was; nothing was written.
            Contention: nothing was written; the same commit may be tried again.
            OutcomeUnknown: no answer came.
            StorageUnavailable: nothing was written.
        """

    def reread(self, commit: TurnCommit) -> Reread:
        """See what became of a commit, and what stands now."""


@dataclass(frozen=True)
class StoredAlert:
    """An alert as it was read.

    Attributes:
        alert: the alert.
        version: for conditional writes.
        read_at: Firestore's time of the read.
        receipt: a holder that had lost its lease reported this epoch as delivered.
    """

    alert: Alert
    version: Version
    read_at: datetime
    receipt: bool

    @property
    def age(self) -> timedelta:
        """Firestore's time since the alert was last written."""
        return self.read_at - self.version


class AlertStore(Protocol):
    """Alerts, their dead letters and receipts."""

    def read(self, alert_id: str) -> StoredAlert | None:
        """An alert with its receipt; None if there is none.

        Raises:
            StorageUnavailable: it could not be read.
        """

    def write(self, before: Alert, after: Alert, version: Version) -> Version:
        """Write an alert with what follows from its state (its dead letter), if nobody else has written it since.

        A commit whose answer was lost is looked up by its nonce, so that success is success.

        Returns:
            The new version.

        Raises:
            Conflict: somebody else was first; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came, and it could not be found out.
            StorageUnavailable: nothing was written.
        """

    def leave_receipt(self, alert: Alert) -> None:
        """Record that this epoch of the alert was delivered by somebody whose lease had run out."""

    def time(self) -> datetime:
        """Firestore's time."""

    def due(self, now: datetime, limit: int) -> list[StoredAlert]:
        """The alerts whose ``wake_at`` has passed, oldest first, without their receipts."""


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


class Channel(Protocol):
    """A destination for alerts."""

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Try once to deliver, and say what it came to, whatever it was.

        Args:
            message: what to send.
            deadline: monotonic seconds by which the attempt is over, answered or not.
        """


class Events(Protocol):
    """Where a flow reports what happened; see ``shared.events`` for the names."""

    def __call__(self, event: str, /, **values: str | float | None) -> None:
        """Log one registered event."""
