"""A visitor's conversation, and what one more turn makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.domain.contact import ContactDetails

TURNS_KEPT = 12
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Turn:
    """One question and its answer, and when."""

    question: str
    answer: str
    at: datetime


@dataclass(frozen=True)
class Consent:
    """What the visitor agreed to, each None where they were not asked, when they last said so, and to which words.

    The wording is the knowledge file's at that time, None where it has none.
    """

    processing: bool | None = None
    marketing: bool | None = None
    at: datetime | None = None
    wording: str | None = None

    def updated(
        self, *, processing: bool | None, marketing: bool | None, now: datetime, wording: str | None = None
    ) -> Consent:
        """The consent after the visitor said something about it; what was not said stays."""
        if processing is None and marketing is None:
            return self
        return Consent(
            processing=self.processing if processing is None else processing,
            marketing=self.marketing if marketing is None else marketing,
            at=now,
            wording=wording,
        )


@dataclass(frozen=True)
class Conversation:
    """What is known of a visitor, small enough to be read and written with every turn.

    Attributes:
        id: the hash of the session id.
        details: name, e-mail (lower-case) and phone (E.164), as far as known.
        score: the lead's score, 0 to 100.
        consent: what the visitor agreed to.
        language: the language of the last question.
        turns: the last turns, oldest first, at most ``TURNS_KEPT``.
        turn_count: all turns there were.
        alerted: the kinds of alert made for it; each at most once.
        created_at: when it began.
        updated_at: when its last turn was.
        fields: what is known of the knowledge file's fields, by their ids.
        open_question: what a visitor who cannot be reached yet asked a person; told with the lead.
        version: counts the updates made of its lead.
        stored: the document it was read from, for the store alone, which writes what differs from it.
        followup_at: when its next follow-up e-mail may be due; None where there is none to come.
        canary: nobody wrote it: it is a canary's.
    """

    id: str
    details: ContactDetails
    score: int
    consent: Consent
    language: str
    turns: tuple[Turn, ...]
    turn_count: int
    alerted: frozenset[str]
    created_at: datetime
    updated_at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)
    open_question: str | None = None
    version: int = 0
    stored: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    followup_at: datetime | None = None
    canary: bool = False

    @classmethod
    def begun(cls, conversation_id: str, language: str, now: datetime) -> Conversation:
        """A conversation before its first turn."""
        return cls(
            id=conversation_id,
            details=ContactDetails(),
            score=0,
            consent=Consent(),
            language=language,
            turns=(),
            turn_count=0,
            alerted=frozenset(),
            created_at=now,
            updated_at=now,
        )

    def with_turn(self, turn: Turn) -> Conversation:
        """The conversation after one more turn."""
        return replace(
            self, turns=(*self.turns, turn)[-TURNS_KEPT:], turn_count=self.turn_count + 1, updated_at=turn.at
        )
