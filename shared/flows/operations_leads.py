"""Where a lead is: its conversations with every alert and attempt, what was said, and everything kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain import ids
from shared.domain.alert import State
from shared.domain.contact import valid_email, valid_phone
from shared.domain.conversation import Consent
from shared.domain.runbooks import runbook_for
from shared.flows.operations import answered
from shared.flows.operations_answers import alert_view, missing, time_view
from shared.flows.operations_audit import OperatingAudit
from shared.ports import Events
from shared.ports.operations import Marked, Place
from shared.ports.operations_leads import Lead, LeadStore, LoggedTurn

CONVERSATIONS_MOST = 20
ALERTS_MOST = 100
DOCUMENTS_MOST = 2000
"""Of each collection, in an export; a conversation has far fewer."""

SLACK_NOTE = (
    "An incoming webhook does not tell where Slack shows its message: search the channel for the alert's id, "
    "which every message ends with."
)
NOTES: Mapping[str, str] = {
    "slack": SLACK_NOTE,
    "email": "Search the mailbox for the alert's id, which is in the Message-ID.",
    "webhook": "The receiver knows it by the header webhook-id, which is the alert's id.",
    "apprise": "The services that Apprise sends to tell no link.",
}


@dataclass(frozen=True)
class FindLead:
    """The command: by exactly one of an address, a number, or the id of a conversation, a session or an alert."""

    email: str | None = None
    phone: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Export:
    """The command: everything kept of which conversation, why, and who says so."""

    conversation_id: str
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class OperatingLeads:
    """The flows with what they need.

    Attributes:
        store: where leads are.
        audit: where it is written down that somebody took everything.
        phone_region: the country that numbers without one are of; asked when one has to be read.
        events: where to report.
    """

    store: LeadStore
    audit: OperatingAudit
    phone_region: Callable[[], str]
    events: Events

    def find(self, command: FindLead) -> dict[str, Any]:
        """A person's conversations, the newest first, each with its alerts; an empty list where there is none.

        Raises:
            Unavailable: storage did not answer.
        """
        with answered(self.events):
            leads = self._leads(command)
            alerts = self.store.alerts_of([lead.id for lead in leads], ALERTS_MOST)
        return {
            "conversations": [
                lead_view(lead, [each for each in alerts if each.alert.conversation_id == lead.id]) for lead in leads
            ],
            "slack_note": SLACK_NOTE,
        }

    def _leads(self, command: FindLead) -> list[Lead]:
        if command.email is not None:
            address = valid_email(command.email)
            return self.store.by_email(address, CONVERSATIONS_MOST) if address is not None else []
        if command.phone is not None:
            number = valid_phone(command.phone, self.phone_region())
            return self.store.by_phone(number, CONVERSATIONS_MOST) if number is not None else []
        name = str(command.id)
        names = [name, ids.conversation_id(name)] if ids.SESSION_ID.fullmatch(name) else [name]
        return self.store.by_ids(names, name)

    def conversation(self, conversation_id: str, limit: int, after: str | None) -> dict[str, Any]:
        """A conversation with a page of its turns, the oldest first, and where the next one begins.

        Raises:
            RequestError: 404, there is no such conversation.
            ValueError: ``after`` names no place.
            Unavailable: storage did not answer.
        """
        place = Place.of(after) if after is not None else None
        with answered(self.events):
            found = self.store.by_ids([conversation_id], conversation_id)
            leads = [lead for lead in found if lead.id == conversation_id]
            turns = self.store.turns(conversation_id, limit + 1, place) if leads else []
            alerts = self.store.alerts_of([conversation_id], ALERTS_MOST) if leads else []
        if not leads:
            raise missing("A conversation of this id")
        page, more = turns[:limit], len(turns) > limit
        return {
            "conversation": lead_view(leads[0], alerts),
            "turns": [_turn_view(turn) for turn in page],
            "next": Place(page[-1].at, page[-1].id).text if more else None,
        }

    def export(self, command: Export) -> dict[str, Any]:
        """Everything that is kept of a conversation; that it was taken is on record before it is.

        Raises:
            RequestError: 404, there is no such conversation.
            Unavailable: storage did not answer, or it could not be written down.
        """
        with answered(self.events):
            found = self.store.everything(command.conversation_id, DOCUMENTS_MOST + 1)
        if not found:
            raise missing("A conversation of this id")
        self.audit.note("export", {"conversation_id": command.conversation_id}, command.reason, command.by)
        return {
            "conversation_id": command.conversation_id,
            "collections": {name: [_plain(each) for each in these[:DOCUMENTS_MOST]] for name, these in found.items()},
            "complete": all(len(these) <= DOCUMENTS_MOST for these in found.values()),
        }


def lead_view(lead: Lead, alerts: list[Marked]) -> dict[str, Any]:
    """A conversation with its alerts, as an operator is told of it."""
    shown = [lead_alert_view(each) for each in alerts]
    items = [each["url"] for each in shown if each["channel"] == "monday" and each["url"]]
    return {
        "id": lead.id,
        "created_at": time_view(lead.created_at),
        "updated_at": time_view(lead.updated_at),
        "name": lead.name,
        "email": lead.email,
        "phone": lead.phone,
        "score": lead.score,
        "language": lead.language,
        "turn_count": lead.turn_count,
        "fields": dict(lead.fields),
        "consent": _consent_view(lead.consent),
        "handoff": lead.handoff,
        "monday_item_url": items[-1] if items else None,
        "alerts": shown,
    }


def lead_alert_view(marked: Marked) -> dict[str, Any]:
    """An alert with what there is to do about it, and where its destination shows it."""
    alert = marked.alert
    last = alert.history[-1] if alert.history else None
    outcome = last.outcome if last is not None and last.cause == alert.cause else None
    return alert_view(marked) | {
        "next_attempt_at": time_view(alert.wake_at) if alert.state in (State.QUEUED, State.PARKED) else None,
        "runbook": runbook_for(alert.cause, outcome) if marked.dead_letter is not None else None,
        "url": alert.shown_at or None,
        "note": NOTES.get(alert.channel),
    }


def _consent_view(consent: Consent) -> dict[str, Any]:
    return {
        "processing": consent.processing,
        "marketing": consent.marketing,
        "at": time_view(consent.at),
        "wording": consent.wording,
    }


def _turn_view(turn: LoggedTurn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "at": time_view(turn.at),
        "question": turn.question,
        "answer": turn.answer,
        "alert_ids": list(turn.alert_ids),
    }


def _plain(value: Any) -> Any:
    """A stored value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
