"""An old conversation, with its session's leads and consents, as a conversation of today; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from infra.ops.import_sql.values import LONG_AGO, boolean, moment, opted_out, said, whole
from shared.adapters.firestore_conversation import conversation_document
from shared.domain import ids
from shared.domain.alert import LEAD
from shared.domain.contact import ContactDetails, clean_name, valid_email, valid_phone
from shared.domain.conversation import TURNS_KEPT, Consent, Conversation, Turn
from shared.migrations.step import CannotTransform, Document
from shared.migrations.steps import s0001_email_of_context

Row = Mapping[str, Any]
MALFORMED_EMAIL = "its e-mail is not a valid address; the text is kept in imported"
BAD_CONTEXT = "its context_data is not JSON; the text is kept in imported"
LEAD_FIELDS = ("interested_package", "property_size", "location", "additional_info")
_SENDERS = {"user": "user", "bot": "bot"}


@dataclass(frozen=True)
class Old:
    """One conversation's rows.

    Attributes:
        id: of today's conversation.
        conversation: its row; None where only a lead is known.
        leads: those of its session, oldest first.
        consents: likewise.
    """

    id: str
    conversation: Row | None
    leads: Sequence[Row] = ()
    consents: Sequence[Row] = ()


@dataclass
class Made:
    """What became of it.

    Attributes:
        document: of ``conversations``.
        remarks: what is wrong with the rows, by table; they are imported all the same.
    """

    document: dict[str, Any]
    remarks: list[tuple[str, str]] = field(default_factory=list)


def conversation_name(row: Row, first: int | None) -> str:
    """The name of a row's conversation.

    The first of a session is named as the session's would be today, so that the visitor goes on with it; a further one
    of the same session, and one without a session, by their rows.
    """
    session = (row["session_id"] or "").strip()
    if session and first == row["id"]:
        return ids.conversation_id(session)
    return ids.request_hash("old conversation", str(row["id"]))


def lead_name(row: Row) -> str:
    """The name of the conversation that is made for a lead without one."""
    session = (row["session_id"] or "").strip()
    return ids.conversation_id(session) if session else ids.request_hash("old lead", str(row["id"]))


def turns_of(messages: Iterable[Row], zone: tzinfo, began: datetime) -> Iterator[tuple[Turn, list[int]]]:
    """Questions with the answers after them, each with the ids of its rows, in the order of the rows.

    What the bot said first, and a follow-up, have no question.
    """
    question: str | None = None
    answers: list[str] = []
    at, rows = began, list[int]()
    for message in messages:
        sender = _SENDERS.get((message["sender"] or "").strip().lower())
        text, when = said(message["message"]), moment(message["timestamp"], zone) or at
        alone = sender == "bot" and boolean(message["is_followup"])
        if rows and (sender == "user" or alone):
            yield Turn(question or "", "\n".join(answers), at), rows
            question, answers, rows = None, [], []
        if not rows:
            at = when
        if sender == "user":
            question = text
        else:
            answers.append(text)
        rows = [*rows, message["id"]]
    if rows:
        yield Turn(question or "", "\n".join(answers), at), rows


def problem_of_message(message: Row) -> str | None:
    """Why a message is left out; None where it is not."""
    if (message["sender"] or "").strip().lower() not in _SENDERS:
        return "its sender is neither user nor bot"
    return None if (message["message"] or "").strip() else "it is empty"


def make(old: Old, recent: Sequence[Turn], turn_count: int, zone: tzinfo, language: str) -> Made:
    """Today's document.

    Args:
        old: its rows.
        recent: its last turns, oldest first.
        turn_count: all turns there were.
        zone: of times that name none.
        language: of the conversation, which the old system did not know.
    """
    made = Made({})
    row = old.conversation or {}
    began = moment(row.get("started_at"), zone) or next(
        (at for lead in old.leads if (at := moment(lead["created_at"], zone))), LONG_AGO
    )
    last = [at for name in ("ended_at", "last_followup_at") if (at := moment(row.get(name), zone))]
    details = _details(old, made)
    scores = [score for lead in old.leads if (score := whole(lead["lead_score"])) is not None]
    conversation = Conversation(
        id=old.id,
        details=details,
        score=min(100, max(0, scores[-1])) if scores else 0,
        consent=_consent(old, zone),
        language=language,
        turns=tuple(recent[-TURNS_KEPT:]),
        turn_count=turn_count,
        # Of who left a way to be reached the old system has told.
        alerted=frozenset({LEAD} if details.has_contact else ()),
        created_at=began,
        updated_at=max([began, *last, *(turn.at for turn in recent[-1:])]),
        fields=_fields(old.leads),
    )
    made.document = conversation_document(conversation) | {"imported": _rest(old)}
    return made


def emails_of(old: Old) -> list[tuple[str, str]]:
    """Every text that says that it is an e-mail, with its table, the one that counts most first."""
    found = [("leads", lead["email"]) for lead in reversed(old.leads)]
    if old.conversation is not None:
        found.append(("chat_conversations", old.conversation["email"]))
    return [(table, text) for table, text in found if (text or "").strip()]


def marketing(old: Old) -> bool | None:
    """What was said of marketing: once no is no."""
    said_so = [False for lead in old.leads if opted_out(lead["notes"])]
    column = boolean(old.conversation["marketing_consent"]) if old.conversation is not None else None
    return False if said_so or column is False else column


def context_email(context: str | None) -> str | None:
    """The address inside a conversation's JSON text, as step 0001 finds it; raises CannotTransform."""
    change = s0001_email_of_context.transform(Document("", {"context_data": context}))
    return str(change.fields["email"]) if change is not None else None


def _details(old: Old, made: Made) -> ContactDetails:
    email = None
    for table, text in emails_of(old):
        address = valid_email(text)
        email = email or address
        if address is None:
            made.remarks.append((table, MALFORMED_EMAIL))
    if old.conversation is not None:
        try:
            inside = context_email(old.conversation["context_data"])
            email = email or inside
        except CannotTransform as error:
            bad = "JSON" in error.reason
            made.remarks.append(("chat_conversations", BAD_CONTEXT if bad else MALFORMED_EMAIL))
    phones = (valid_phone(lead["phone"], "PL") for lead in reversed(old.leads) if lead["phone"])
    names = (clean_name(lead["name"]) for lead in reversed(old.leads) if lead["name"])
    return ContactDetails(next(filter(None, names), None), email, next(filter(None, phones), None))


def _consent(old: Old, zone: tzinfo) -> Consent:
    latest = old.consents[-1] if old.consents else None
    processing = boolean(old.conversation["rodo_consent"]) if old.conversation is not None else None
    at = None
    if latest is not None and boolean(latest["consent_given"]) is not None:
        processing, at = boolean(latest["consent_given"]), moment(latest["consent_date"], zone)
    return Consent(processing, marketing(old), at, None)


def _fields(leads: Sequence[Row]) -> dict[str, str]:
    """What the leads say beside how to reach them, the newest that says it."""
    return {name: said(lead[name], 2000) for name in LEAD_FIELDS for lead in leads if (lead[name] or "").strip()}


def _rest(old: Old) -> dict[str, Any]:
    """What today's conversation has no place for, as it was."""
    row = old.conversation or {}
    names = ("context_data", "feedback_text", "conversation_summary")
    kept: dict[str, Any] = {name: said(row.get(name)) for name in names if row.get(name)}
    kept |= {"conversation": row.get("id"), "needs_human_review": boolean(row.get("needs_human_review"))}
    kept["leads"] = [
        {"id": lead["id"]}
        | {
            name: said(lead[name], 2000)
            for name in ("email", "phone", "notes", "status", "monday_item_id", "last_interaction")
            if lead[name]
        }
        for lead in old.leads[-20:]
    ]
    return kept
