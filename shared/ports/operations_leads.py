"""What an operator looks up of one lead: its conversations, their alerts and turns, and everything kept of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.domain.conversation import Consent
from shared.ports.operations import Marked, Place


@dataclass(frozen=True)
class Lead:
    """A conversation without its turns.

    Attributes:
        id: the conversation's.
        name: as far as the visitor said, likewise ``email`` (lower-case) and ``phone`` (E.164).
        score: the lead's, 0 to 100.
        consent: what the visitor agreed to.
        language: of the last question.
        turn_count: all turns there were.
        handoff: a person was asked for.
        fields: what else is known, by the knowledge file's ids.
        created_at: when it began.
        updated_at: when its last turn was.
    """

    id: str
    name: str | None
    email: str | None
    phone: str | None
    score: int
    consent: Consent
    language: str
    turn_count: int
    handoff: bool
    fields: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class LoggedTurn:
    """A turn as the log has it.

    Attributes:
        id: random.
        at: when.
        question: what the visitor wrote.
        answer: what they were told.
        alert_ids: the alerts that were made by it.
    """

    id: str
    at: datetime
    question: str
    answer: str
    alert_ids: tuple[str, ...]


class LeadStore(Protocol):
    """Leads as an operator looks for them; one that was erased is not found."""

    def by_email(self, email: str, limit: int) -> list[Lead]:
        """The conversations of an address in its normal form, the newest first; raises StorageUnavailable."""

    def by_phone(self, phone: str, limit: int) -> list[Lead]:
        """The conversations of a number in E.164, the newest first; raises StorageUnavailable."""

    def by_ids(self, conversation_ids: Sequence[str], alert_id: str) -> list[Lead]:
        """The conversations of these ids, and the one that an alert came from; raises StorageUnavailable."""

    def alerts_of(self, conversation_ids: Sequence[str], limit: int) -> list[Marked]:
        """The newest alerts of these conversations, newest first; at most 30 conversations.

        Those that this version of the code cannot read are left out.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def turns(self, conversation_id: str, limit: int, after: Place | None = None) -> list[LoggedTurn]:
        """The turns of a conversation, the oldest first, from after a place on; raises StorageUnavailable."""

    def everything(self, conversation_id: str, limit: int) -> Mapping[str, list[dict[str, Any]]]:
        """All documents that are kept of a conversation, by collection, each with its ``id``; so many of each at most.

        Empty where there is no such conversation.

        Raises:
            StorageUnavailable: they could not be read.
        """
