"""One turn: what a message makes of a conversation, which alerts it calls for, and what the visitor is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain import contact
from shared.domain.alert import LEAD, Alert
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Consent, Conversation, Turn
from shared.domain.fields import fields_in, fields_score
from shared.domain.knowledge import Knowledge, detect_language
from shared.domain.lead_alerts import LeadPolicy, make_alerts
from shared.domain.reply import Reply, compose
from shared.domain.scoring import lead_score
from shared.errors import RequestError

__all__ = ["LEAD", "LeadPolicy", "Visitor", "Written", "given_details", "take_turn"]


@dataclass(frozen=True)
class Visitor:
    """What a visitor sent: the message, the details they gave beside it (valid ones), and what they agreed to."""

    message: str
    details: ContactDetails
    processing: bool | None
    marketing: bool | None


@dataclass(frozen=True)
class Written:
    """What one turn writes: the conversation after it, the alerts it makes, and the reply."""

    conversation: Conversation
    alerts: tuple[Alert, ...]
    reply: Reply

    def body(self, session_id: str) -> Mapping[str, Any]:
        """The answer as the HTTP contract has it."""
        reachable = self.conversation.details.has_contact
        return {
            "response": self.reply.text,
            "session_id": session_id,
            "conversation_id": self.conversation.id,
            "lead_score": self.conversation.score,
            "handoff": reachable and (self.reply.wants_person or not self.reply.answered),
        }


def given_details(name: str | None, email: str | None, phone: str | None, region: str) -> ContactDetails:
    """The details given in fields of their own, normalised.

    Args:
        name: as given, None if not.
        email: likewise.
        phone: likewise; a number without a country's code is read as one of ``region``.
        region: two letters, for example ``PL``.

    Raises:
        RequestError: 400, names the field that is not valid.
    """
    details = ContactDetails(
        name=contact.clean_name(name) if name else None,
        email=contact.valid_email(email) if email else None,
        phone=contact.valid_phone(phone, region) if phone else None,
    )
    for field, given, takes in (
        ("email", email, "an e-mail address such as ana@example.com"),
        ("phone", phone, "a telephone number, best with its country code, such as +48 12 345 67 89"),
    ):
        if given and given.strip() and getattr(details, field) is None:
            detail = f"{field}: is not valid; it takes {takes}, or can be left out."
            raise RequestError(400, detail, slug="invalid-field", title="A field is invalid", field=field)
    return details


def take_turn(
    conversation: Conversation | None,
    visitor: Visitor,
    *,
    conversation_id: str,
    reply: Reply | None,
    knowledge: Knowledge,
    leads: LeadPolicy,
    now: datetime,
    nonce: str,
) -> Written:
    """Apply a message to a conversation.

    Args:
        conversation: as it stands, None for a new one.
        visitor: what they sent.
        conversation_id: the conversation's name.
        reply: the answer when it was composed before (the turn is applied again after a conflict); None to compose it.
        knowledge: what is answered from.
        leads: where leads go.
        now: the time of the turn.
        nonce: of the commit that writes it.
    """
    if conversation is None:
        language = detect_language(visitor.message, knowledge.languages)
        conversation = Conversation.begun(conversation_id, language, now)
    before = conversation.details
    found = ContactDetails.found(visitor.message, knowledge.phone_region)
    details = before.merged_with(found.merged_with(visitor.details))
    if reply is None:
        reply = compose(knowledge, visitor.message, before, details, conversation.language)
    turned = conversation.with_turn(Turn(visitor.message, reply.text, now))
    known = {**conversation.fields, **fields_in(visitor.message, knowledge.fields)}
    scored = replace(
        turned,
        details=details,
        fields=known,
        language=reply.language,
        consent=_consent(conversation, visitor, knowledge, now),
        score=max(conversation.score, _score(turned, details, known, knowledge)),
    )
    alerted, alerts = make_alerts(
        conversation,
        scored,
        visitor.message,
        needs_person=reply.wants_person or not reply.answered,
        fields=knowledge.fields,
        leads=leads,
        now=now,
        nonce=nonce,
    )
    return Written(replace(alerted, followup_at=_followup_at(alerted, leads, now)), alerts, reply)


def _followup_at(after: Conversation, leads: LeadPolicy, now: datetime) -> datetime | None:
    """When somebody who agreed to it and falls silent now is written to; with which of the mails is decided then."""
    if leads.first_followup is None or not after.consent.marketing or after.details.email is None:
        return None
    return now + leads.first_followup


def _score(turned: Conversation, details: ContactDetails, known: Mapping[str, str], knowledge: Knowledge) -> int:
    """The score by what is kept; what older turns were worth stays with the one that was reached."""
    questions = [turn.question for turn in turned.turns]
    return lead_score(knowledge.weights, details, questions, of_fields=fields_score(known, knowledge.fields))


def _consent(conversation: Conversation, visitor: Visitor, knowledge: Knowledge, now: datetime) -> Consent:
    """What was agreed to by now, with the words that a visitor of this language is shown."""
    shown = knowledge.consent_wording
    wording = shown.get(conversation.language) or shown.get(knowledge.default_language)
    said = {"processing": visitor.processing, "marketing": visitor.marketing}
    return conversation.consent.updated(**said, now=now, wording=wording)
