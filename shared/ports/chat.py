"""Conversations, idempotency keys, rate windows and the day's budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.domain.admission import Window
from shared.domain.alert import Alert
from shared.domain.budget import Lease
from shared.domain.conversation import Conversation, Turn
from shared.domain.rights import Recorded
from shared.ports.world import Version


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
        leased: what the budget's shard counts after the lease that was asked for; None where none was asked for, or
            where it is not known to have been taken.
    """

    counts: tuple[tuple[Window, int], ...]
    claim_version: Version | None
    leased: int | None = None


@dataclass(frozen=True)
class Opened:
    """What one round trip at the start of a turn gives.

    Attributes:
        admission: admitted, or the claim that another request holds (then nothing was counted or written).
        conversation: the conversation as it stands, None if there is none.
        conversation_version: for the commit that ends the turn.
        erased: a tombstone stands where the conversation was.
    """

    admission: Admitted | ClaimHeld
    conversation: Conversation | None
    conversation_version: Version | None
    erased: bool = False


@dataclass(frozen=True, repr=False, eq=False)
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
        address: the keyed hash of the visitor's e-mail address, by which an erasure finds the conversation.
        record: what this turn changes of what the visitor agreed to; None where it changes nothing.
    """

    conversation: Conversation
    conversation_version: Version | None
    message_id: str
    turn: Turn
    alerts: Sequence[Alert]
    claim: tuple[Claim, Version] | None
    answer: Mapping[str, Any]
    answer_expires_at: datetime
    address: str | None = None
    record: Recorded | None = None


@dataclass(frozen=True)
class Reread:
    """What stands after a commit failed or was not answered.

    Attributes:
        ours: the commit had happened after all.
        claim_lost: somebody else holds the claim now, or it is gone.
        conversation: as it stands now, None if there is none.
        conversation_version: of that.
        erased: a tombstone stands where it was.
    """

    ours: bool
    claim_lost: bool
    conversation: Conversation | None
    conversation_version: Version | None
    erased: bool = False


class RateWindows(Protocol):
    """Counters of requests."""

    def count(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """Count one request in each of these windows; each with its number of requests, this one among them.

        Raises:
            Contention: too many at once on a window; nothing was counted.
            StorageUnavailable: nothing is known to be counted.
        """


class ChatStore(Protocol):
    """Conversations, claims and windows."""

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """Claim, count, lease and read, at the same time; an expired claim is taken over.

        Args:
            claim: None without a key.
            windows: each counts this request.
            conversation_id: what to read, None for nothing.
            lease: a part of the day's budget to take; only an admitted request takes it.

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
