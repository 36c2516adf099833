"""A conversation and its document in ``conversations``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.cloud import firestore

from shared.domain.contact import ContactDetails
from shared.domain.conversation import SCHEMA_VERSION, Consent, Conversation, Turn

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def conversation_document(conversation: Conversation) -> dict[str, Any]:
    """A conversation as its document holds it; ``email`` is lower-case and indexed."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": conversation.details.name,
        "email": conversation.details.email,
        "phone": conversation.details.phone,
        "score": conversation.score,
        "consent": {
            "processing": conversation.consent.processing,
            "marketing": conversation.consent.marketing,
            "at": conversation.consent.at,
            "wording": conversation.consent.wording,
        },
        "language": conversation.language,
        "turns": [{"question": turn.question, "answer": turn.answer, "at": turn.at} for turn in conversation.turns],
        "turn_count": conversation.turn_count,
        "alerted": sorted(conversation.alerted),
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "fields": dict(conversation.fields),
        "open_question": conversation.open_question,
        "version": conversation.version,
        "followup_at": conversation.followup_at,
        **({"canary": True} if conversation.canary else {}),
    }


def conversation_of(conversation_id: str, data: dict[str, Any]) -> Conversation:
    """The conversation that a document holds.

    What an earlier version of the code, or the old system's, did not write has its default: a conversation goes on
    while its document has not been migrated yet.
    """
    began = data.get("created_at") or data.get("started_at") or _LONG_AGO
    return Conversation(
        id=conversation_id,
        details=ContactDetails(name=data.get("name"), email=data.get("email"), phone=data.get("phone")),
        score=data.get("score", 0),
        consent=Consent(**data.get("consent", {})),
        language=data.get("language", "en"),
        turns=tuple(
            Turn(item.get("question", ""), item.get("answer", ""), item.get("at") or began)
            for item in data.get("turns", ())
        ),
        turn_count=data.get("turn_count", 0),
        alerted=frozenset(data.get("alerted", ())),
        created_at=began,
        updated_at=data.get("updated_at") or began,
        fields=data.get("fields", {}),
        open_question=data.get("open_question"),
        version=data.get("version", 0),
        followup_at=data.get("followup_at"),
        stored=data,
        canary=data.get("canary", False),
    )


def conversation_changes(conversation: Conversation, document: dict[str, Any]) -> dict[str, Any]:
    """What of a document is not stored yet: encoding the rest again would cost as much as the commit itself.

    One more turn is added to those that are stored, until there are so many that the oldest has to go.
    """
    stored = conversation.stored
    changes = {name: value for name, value in document.items() if name not in stored or stored[name] != value}
    *before, last = document["turns"] or (None,)
    if "turns" in changes and stored.get("turns") == before and last not in before:
        changes["turns"] = firestore.ArrayUnion([last])
    return changes


def is_tombstone(snapshot: Any) -> bool:
    """Whether this document stands where a conversation was that has been erased."""
    try:  # the one value: `to_dict` would copy the whole conversation
        return bool(snapshot.exists and snapshot.get("erased_at"))
    except KeyError:
        return False
