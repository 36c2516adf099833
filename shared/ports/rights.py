"""What the flows of visitors' rights need: tokens, opt-outs, the consent audit, the ledger of erasures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.alert import Alert
from shared.domain.erasure import Erasure
from shared.domain.followups import Quiet, Standing
from shared.domain.rights import Claims, OptOutStanding, Recorded
from shared.ports.world import Version


class Tokens(Protocol):
    """Signed links."""

    def make(self, claims: Claims, now: datetime) -> str:
        """A token that says this, in characters that need no encoding in a URL."""

    def read(self, token: str, now: datetime) -> Claims:
        """What a token says.

        Raises:
            TokenRefused: it is none of ours.
            TokenExpired: it was.
        """


@dataclass(frozen=True)
class Noted:
    """A line of the audit as it was kept, and when."""

    record: Recorded
    at: datetime


class RightsStore(Protocol):
    """Opt-outs and their audit. Each raises StorageError; a repeat of what happened already changes nothing."""

    def suppress(self, address: str, reason: str, record: Recorded) -> bool:
        """Opt an address out; False where it was."""

    def lift(self, address: str, record: Recorded) -> bool:
        """Take the opt-out back; False where there was none."""

    def standing(self, address: str) -> OptOutStanding:
        """How an address stands."""

    def request_erasure(self, address: str, conversation_id: str, record: Recorded) -> bool:
        """Begin an erasure, and opt the address out for good; False where one is running."""

    def audit(self, address: str | None, limit: int, after: tuple[datetime, str] | None) -> list[Noted]:
        """Lines of the audit, of one address or of all, the newest first, from after a place on."""


@dataclass(frozen=True)
class FoundAlert:
    """An alert of a conversation that is erased, as far as the erasure needs it."""

    id: str
    channel: str
    state: str


class ErasureStore(Protocol):
    """The ledger of erasures, and the documents they go through. Each raises StorageError."""

    def running(self, limit: int) -> tuple[list[Erasure], datetime]:
        """Erasures that are not done, and Firestore's time."""

    def listed(self, limit: int) -> list[Erasure]:
        """Erasures, the newest first."""

    def find(self, erasure_id: str) -> Erasure | None:
        """One of them."""

    def save(self, erasure: Erasure, record: Recorded | None = None) -> Erasure:
        """Write what became of it, if nobody else has, with a line of the audit; raises Conflict."""

    def conversations(self, address: str, conversation_id: str) -> Sequence[str]:
        """Conversations that ever had an address and are no tombstones yet; old ones by that one conversation.

        Bounded; asked again when those are tombstones it gives the next ones.
        """

    def entomb(self, conversation_id: str, erasure_id: str) -> None:
        """Leave a tombstone where a conversation was: its next turn fails and begins a new one."""

    def alerts(self, conversation_id: str) -> Sequence[FoundAlert]:
        """All alerts of a conversation."""

    def remove(self, conversation_id: str) -> dict[str, int]:
        """Delete what else there is of a conversation; how many documents, by collection."""


@dataclass(frozen=True)
class Removal:
    """How many items a destination deleted, and what is in the way of the rest; None where nothing is."""

    deleted: int
    problem: str | None = None


class RemoteEraser(Protocol):
    """A destination that can delete what it was sent."""

    def erase(self, alert_ids: Sequence[str], *, deadline: float) -> Removal:
        """Delete whatever these alerts made there; what is not there any more is deleted."""


class OptOuts(Protocol):
    """What is read and written of an opt-out while an e-mail is sent; each raises StorageError."""

    def look(self, address: str, conversation_id: str) -> Standing:
        """How the address and the conversation stand."""

    def suppress(self, address: str, reason: str, record: Recorded) -> bool:
        """See ``RightsStore``."""


@dataclass(frozen=True)
class DueConversation:
    """A conversation whose next follow-up may be due, with its version."""

    quiet: Quiet
    version: Version


class FollowupStore(Protocol):
    """Conversations that went quiet, and the follow-ups there are."""

    def due(self, limit: int, numbers: int) -> tuple[list[DueConversation], datetime]:
        """Conversations whose next follow-up may be due, the longest due first, and Firestore's time.

        Args:
            limit: how many at most.
            numbers: how many follow-ups a conversation can have.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def make(self, due: DueConversation, made: Mapping[int, Alert], next_at: datetime | None) -> None:
        """Create alerts and what says that their numbers were made, and set when the next one may be due.

        Raises:
            Conflict: the conversation has moved on, or a number was made; nothing was written.
            StorageError: it is not known to be written.
        """
