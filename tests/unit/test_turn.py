"""What a message makes of a conversation: details, consent, history, the reply, and the lead's alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.knowledge_file import load_knowledge
from shared.domain import ids
from shared.domain.alert import HANDOFF, UPDATE, State
from shared.domain.contact import ContactDetails
from shared.domain.conversation import TURNS_KEPT, Consent, Conversation
from shared.domain.reply import Reply
from shared.domain.turn import LEAD, LeadPolicy, Visitor, Written, given_details, take_turn
from shared.errors import RequestError
from tests.support.fakes import NOW, seconds

KNOWLEDGE = load_knowledge(Path(__file__).parents[2] / "shared/knowledge/sample.yaml")
WORDING = KNOWLEDGE.consent_wording["en"]
SESSION = "0" * 32
ID = ids.conversation_id(SESSION)
LEADS = LeadPolicy(("slack", "monday"), seconds(10))
LATER = NOW + timedelta(minutes=1)


def says(
    message: str,
    conversation: Conversation | None = None,
    *,
    given: ContactDetails | None = None,
    processing: bool | None = None,
    marketing: bool | None = None,
    reply: Reply | None = None,
) -> Written:
    """What comes of a message."""
    return take_turn(
        conversation,
        Visitor(message, given or ContactDetails(), processing, marketing),
        conversation_id=ID,
        reply=reply,
        knowledge=KNOWLEDGE,
        leads=LEADS,
        now=NOW if conversation is None else LATER,
        nonce="nonce",
    )


def test_a_first_message_begins_a_conversation() -> None:
    """It has one turn, no alert without a way to reach the visitor, and a score."""
    written = says("How much does it cost?")
    conversation = written.conversation
    assert (conversation.id, conversation.turn_count, conversation.created_at) == (ID, 1, NOW)
    assert [(turn.question, turn.answer, turn.at) for turn in conversation.turns] == [
        ("How much does it cost?", written.reply.text, NOW)
    ]
    assert (written.alerts, conversation.alerted, conversation.consent) == ((), frozenset(), Consent())


def test_a_lead_in_the_text_makes_one_alert_for_each_channel() -> None:
    """All that the team needs is in it, frozen; its id can exist once a conversation and channel."""
    written = says("Hi, call me, ana@example.com")
    assert [alert.channel for alert in written.alerts] == ["slack", "monday"]
    for alert in written.alerts:
        assert (alert.id, alert.kind) == (ids.alert_id(ID, LEAD, alert.channel), LEAD)
        assert (alert.state, alert.wake_at, alert.nonce) == (State.QUEUED, NOW + LEADS.grace, "nonce")
        assert alert.conversation_id == ID
        assert alert.payload == {
            "name": None,
            "email": "ana@example.com",
            "phone": None,
            "message": "Hi, call me, ana@example.com",
            "score": written.conversation.score,
            "language": "en",
            "conversation_id": written.conversation.id,
            "handoff": True,
        }
    assert written.conversation.alerted == {LEAD, HANDOFF}


def test_a_conversation_makes_its_lead_once() -> None:
    """Further details do not make a second one; an item that shows the lead is brought up to date."""
    first = says("ana@example.com")
    second = says("no, eve@example.com", first.conversation)
    assert [(alert.channel, alert.kind) for alert in second.alerts] == [("monday", UPDATE)]
    third = says("or +48 12 345 67 89", second.conversation)
    assert LEAD not in {alert.kind for alert in third.alerts}
    assert third.conversation.details == ContactDetails(email="eve@example.com", phone="+48123456789")
    assert third.conversation.alerted == {LEAD}


def test_a_lead_comes_with_the_first_contact_detail_however_late() -> None:
    """A name alone does not reach anybody; a phone number does, and the name known before is in the alert."""
    first = says("My name is Ana Nowak")
    assert (first.alerts, first.conversation.details.name) == ((), "Ana Nowak")
    second = says("call +48 12 345 67 89", first.conversation)
    assert [(alert.payload["name"], alert.payload["phone"]) for alert in second.alerts] == [
        ("Ana Nowak", "+48123456789")
    ] * 2


def test_what_is_given_in_fields_wins_over_what_is_found_in_the_text() -> None:
    """A form's field is meant; an address in a sentence may be anybody's."""
    details = says("write to eve@example.com", given=ContactDetails(email="ana@example.com")).conversation.details
    assert details.email == "ana@example.com"


def test_details_stay_known_and_newer_ones_replace_them() -> None:
    """What was told before is not lost by a message without it."""
    first = says("ana@example.com")
    assert says("hello", first.conversation).conversation.details.email == "ana@example.com"
    assert says("now ana@example.org", first.conversation).conversation.details.email == "ana@example.org"


@pytest.mark.parametrize(
    ("name", "email", "phone", "details"),
    [
        (None, None, None, ContactDetails()),
        ("", "", "", ContactDetails()),
        ("  ", "  ", "  ", ContactDetails()),
        (" Ana ", " Ana@Example.COM ", "12 345 67 89", ContactDetails("Ana", "ana@example.com", "+48123456789")),
        (None, None, "+44 20 7946 0958", ContactDetails(phone="+442079460958")),
    ],
)
def test_given_details_are_normalised(
    name: str | None, email: str | None, phone: str | None, details: ContactDetails
) -> None:
    """Lower-case address, E.164 number; what is empty is not given."""
    assert given_details(name, email, phone, "PL") == details


@pytest.mark.parametrize(
    ("field", "email", "phone"), [("email", "private@", None), ("phone", "a@example.com", "98765")]
)
def test_a_given_detail_that_is_not_valid_is_refused_by_name(field: str, email: str, phone: str | None) -> None:
    """The visitor can correct it; the answer does not repeat what they sent."""
    with pytest.raises(RequestError) as refused:
        given_details("Ana", email, phone, "PL")
    assert (refused.value.status, refused.value.field, refused.value.slug) == (400, field, "invalid-field")
    assert "private" not in refused.value.detail
    assert "98765" not in refused.value.detail


def test_consent_is_what_was_said_last() -> None:
    """Each kind for itself, with the time of the last word; what was not said stays."""
    first = says("hello", processing=True).conversation
    assert first.consent == Consent(True, None, NOW, WORDING)
    second = says("hello", first, marketing=False).conversation
    assert second.consent == Consent(True, False, LATER, WORDING)
    assert says("hello", second).conversation.consent == second.consent
    assert says("hello", second, processing=False).conversation.consent == Consent(False, False, LATER, WORDING)


def test_the_history_kept_is_bounded_and_all_turns_are_counted() -> None:
    """A chat costs the same at turn 3 and 300."""
    conversation = None
    for number in range(TURNS_KEPT + 3):
        conversation = says(f"message {number}", conversation).conversation
    assert conversation is not None
    assert TURNS_KEPT == 12
    assert [turn.question for turn in conversation.turns] == [f"message {n}" for n in range(3, TURNS_KEPT + 3)]
    assert (conversation.turn_count, conversation.created_at, conversation.updated_at) == (15, NOW, LATER)


def test_a_turn_applied_again_keeps_its_reply() -> None:
    """After a conflict the turn is applied to what stands now, with the answer that was composed before."""
    reply = Reply("As said before.", "pl", "answer", source="earlier")
    written = says("How much does it cost?", says("hello").conversation, reply=reply)
    assert written.reply is reply
    assert written.conversation.turns[-1].answer == "As said before."
    assert (written.conversation.language, written.conversation.turn_count) == ("pl", 2)


def test_a_turn_applied_after_another_made_the_lead_makes_none() -> None:
    """Two messages at once with an address: one alert a channel."""
    other = says("ana@example.com").conversation
    again = says("ana@example.com", other, reply=Reply("Thanks.", "en", "lead"))
    assert LEAD not in {alert.kind for alert in again.alerts}
    assert "slack" not in {alert.channel for alert in again.alerts}


@pytest.mark.parametrize(
    ("message", "known", "handoff"),
    [
        ("I want to talk to a human", ContactDetails(email="ana@example.com"), True),
        ("I want to talk to a human", ContactDetails(), False),
        ("Do you sell cars?", ContactDetails(phone="+48123456789"), True),
        ("Do you sell cars?", ContactDetails(), False),
        ("How much does it cost?", ContactDetails(email="ana@example.com"), False),
    ],
)
def test_the_body_promises_a_person_only_who_can_be_reached(
    message: str, known: ContactDetails, *, handoff: bool
) -> None:
    """A handoff is told when a person is asked for or needed, and the team can answer."""
    body = says(message, given=known).body(SESSION)
    assert set(body) == {"response", "session_id", "conversation_id", "lead_score", "handoff"}
    assert (body["handoff"], body["session_id"], body["conversation_id"]) == (handoff, SESSION, ID)
    assert body["response"]


def test_a_turn_changes_nothing_it_was_given() -> None:
    """The same turn can be applied again to the same conversation."""
    before = says("hello").conversation
    kept = replace(before)
    assert says("ana@example.com", before) == says("ana@example.com", before)
    assert before == kept
