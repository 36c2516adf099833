"""Which alerts a turn makes: a lead, a hot one, a visitor who needs a person, what changed; each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.knowledge_file import load_knowledge
from shared.domain import ids
from shared.domain.alert import HANDOFF, HOT, LEAD, UPDATE, Alert
from shared.domain.checks import Place
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Consent, Conversation
from shared.domain.fields import parse_fields
from shared.domain.lead_alerts import CONTACT, SAID_MOST
from shared.domain.turn import LeadPolicy, Visitor, Written, take_turn
from tests.support.fakes import NOW, seconds
from tests.unit.test_fields import FIELDS

SAMPLE = load_knowledge(Path(__file__).parents[2] / "shared/knowledge/sample.yaml")
OWN = parse_fields(Place("file", "fields", FIELDS), "en", ("en", "pl", "de"))
KNOWLEDGE = replace(SAMPLE, fields=OWN, consent_wording={"en": "I agree.", "pl": "Zgadzam się."})
ID = ids.conversation_id("0" * 32)
LEADS = LeadPolicy(("slack", "monday"), seconds(10))
PERSON = "I want to talk to a human"


def chat(*messages: str, leads: LeadPolicy = LEADS, given: ContactDetails | None = None, **says: Any) -> list[Written]:
    """What comes of each message of a conversation; ``given`` and consent come with the first."""
    turns: list[Written] = []
    for number, message in enumerate(messages):
        visitor = Visitor(message, ContactDetails(), None, None)
        if number == 0:
            visitor = Visitor(message, given or ContactDetails(), says.get("processing"), says.get("marketing"))
        turns.append(
            take_turn(
                turns[-1].conversation if turns else None,
                visitor,
                conversation_id=ID,
                reply=None,
                knowledge=KNOWLEDGE,
                leads=leads,
                now=NOW + timedelta(minutes=number),
                nonce="nonce",
            )
        )
    return turns


def told(written: Written) -> dict[str, str]:
    """The kinds of a turn's alerts by channel, one a channel."""
    kinds = {alert.channel: alert.kind for alert in written.alerts}
    assert len(kinds) == len(written.alerts)
    return kinds


def of(written: Written, channel: str) -> Alert:
    """A turn's alert for a channel."""
    return next(alert for alert in written.alerts if alert.channel == channel)


def test_a_lead_that_is_hot_at_once_is_one_alert() -> None:
    """It says so, and neither hot nor handoff is told again."""
    first, second = chat(
        PERSON,
        PERSON,
        leads=replace(LEADS, hot_score=75),
        given=ContactDetails("Ana Nowak", "ana@example.com", "+48123456789"),
    )
    assert told(first) == {"slack": LEAD, "monday": LEAD}
    assert [(each.payload["hot"], each.payload["handoff"]) for each in first.alerts] == [(True, True)] * 2
    assert first.conversation.alerted == {LEAD, HOT, HANDOFF}
    assert set(told(second)) <= {"monday"}


def test_a_lead_becomes_hot_once() -> None:
    """When its score first reaches HOT_LEAD_SCORE; people are told, the item is changed."""
    leads = replace(LEADS, hot_score=45)
    first, second, third = chat("ana@example.com", "How much does it cost?", "I want to book a visit", leads=leads)
    assert "hot" not in of(first, "slack").payload
    assert (first.conversation.score < 45, second.conversation.score >= 45) == (True, True)
    assert told(second) == {"slack": HOT, "monday": UPDATE}
    assert of(second, "slack").id == ids.alert_id(ID, HOT, "slack")
    assert of(second, "slack").payload["message"] == "How much does it cost?"
    assert told(third) == {"monday": UPDATE}


def test_nobody_hot_is_told_of_who_cannot_be_reached() -> None:
    """There is nobody to call."""
    [turn] = chat("How much does it cost?", leads=replace(LEADS, hot_score=0))
    assert turn.alerts == ()


@pytest.mark.parametrize("asks", [PERSON, "Do you sell second-hand submarines?"])
def test_a_person_is_told_once_of_who_needs_one(asks: str) -> None:
    """Asked for, or for what the chat cannot answer, with the question."""
    _, second, third = chat("ana@example.com", asks, asks)
    assert told(second) == {"slack": HANDOFF, "monday": UPDATE}
    assert of(second, "slack").id == ids.alert_id(ID, HANDOFF, "slack")
    assert (of(second, "slack").payload["message"], of(second, "slack").payload["handoff"]) == (asks, True)
    assert set(told(third)) <= {"monday"}


def test_hot_and_handoff_in_one_turn_are_one_alert() -> None:
    """Of the kind handoff, and both count as told."""
    _, second = chat("ana@example.com", PERSON, leads=replace(LEADS, hot_score=38))
    assert told(second) == {"slack": HANDOFF, "monday": UPDATE}
    assert of(second, "slack").payload["hot"] is True
    assert second.conversation.alerted == {LEAD, HOT, HANDOFF}


def test_who_asked_for_a_person_before_they_could_be_reached_is_handed_over_with_the_lead() -> None:
    """With what they asked: the lead's own message may be no more than an address."""
    first, second, third = chat(PERSON, "ana@example.com", "thanks")
    assert (first.alerts, first.conversation.open_question) == ((), PERSON)
    assert told(second) == {"slack": LEAD, "monday": LEAD}
    payload = of(second, "slack").payload
    assert (payload["question"], payload["handoff"], payload["message"]) == (PERSON, True, "ana@example.com")
    assert second.conversation.open_question is None
    assert "question" not in of(third, "monday").payload


def test_a_correction_changes_the_item_and_nothing_else() -> None:
    """The update has everything that is known by now, and the lead's alert's id."""
    first, second = chat("ana@example.com, 80 m2", "Sorry, it is anna@example.com, and 90 m2")
    assert told(second) == {"monday": UPDATE}
    payload = of(second, "monday").payload
    assert payload["lead_id"] == of(first, "monday").id
    assert (payload["version"], second.conversation.version) == (1, 1)
    assert of(second, "monday").id == ids.update_id(ID, "monday", 1)
    assert payload["email"] == "anna@example.com"
    assert payload["fields"] == [{"id": "area", "label": "Square metres", "value": "90"}]
    assert payload["message"] == "ana@example.com, 80 m2\nSorry, it is anna@example.com, and 90 m2"


def test_a_new_way_to_reach_the_visitor_is_told_once() -> None:
    """A second one is a correction; where hot or handoff tells of it there is nothing more."""
    leads = replace(LEADS, hot_score=100)
    _, second, third = chat("ana@example.com", "or +48 12 345 67 89", "no, +48 12 345 67 88", leads=leads)
    assert told(second) == {"slack": UPDATE, "monday": UPDATE}
    assert of(second, "slack").id == ids.alert_id(ID, CONTACT, "slack")
    assert of(second, "slack").payload["phone"] == "+48123456789"
    assert "version" not in of(second, "slack").payload
    assert told(third) == {"monday": UPDATE}


def test_an_update_says_all_that_was_told_before() -> None:
    """It may be the only one that arrives: older ones are superseded."""
    *_, last = chat("ana@example.com", PERSON, "my flat has 80 m2")
    assert of(last, "monday").payload["handoff"] is True
    assert last.conversation.version == 2


def test_a_turn_that_changes_nothing_makes_no_update() -> None:
    """Once the points for messages are used up, a message is not news."""
    turns = chat("ana@example.com", *["thanks"] * 8)
    assert turns[-1].alerts == ()
    assert turns[-1].conversation.version == turns[-2].conversation.version < 8


def test_versions_are_counted_only_for_channels_that_keep_items() -> None:
    """Elsewhere nothing is superseded."""
    *_, last = chat("ana@example.com", "no, eve@example.com", leads=replace(LEADS, channels=("slack",)))
    assert (last.conversation.version, last.alerts) == (0, ())


def test_what_an_update_quotes_is_bounded() -> None:
    """The oldest of it is left out."""
    *_, last = chat("ana@example.com", "a" * 1500, "b" * 1500)
    assert of(last, "monday").payload["message"] == "b" * 1500
    assert SAID_MOST == 2000


def test_fields_are_found_across_turns_and_a_later_mention_wins() -> None:
    """They add to the score, and the lead's alert shows them."""
    first, second, third = chat("My flat has 80 m2", "budget 20k EUR, and it is 85 m2", "ana@example.com")
    assert first.conversation.fields == {"area": "80"}
    assert second.conversation.fields == {"area": "85", "budget": "20000 EUR"}
    assert [(each["label"], each["value"]) for each in of(third, "slack").payload["fields"]] == [
        ("Square metres", "85"),
        ("Budget", "20000 EUR"),
    ]
    plain = chat("My flat has some space", "budget is fine, and it is big", "ana@example.com")
    assert third.conversation.score - plain[-1].conversation.score == 15


def test_consent_is_recorded_with_its_wording() -> None:
    """That of the visitor's language at that time; a later word about it has its own."""
    first, second = chat("How much does it cost?", "Ile to kosztuje?", processing=True)
    assert first.conversation.consent == Consent(True, None, NOW, "I agree.")
    assert second.conversation.consent == first.conversation.consent
    [polish] = chat("Ile kosztuje projekt?", processing=True)
    assert polish.conversation.consent.wording == "Zgadzam się."


def test_a_conversation_begins_without_any_of_it() -> None:
    """No fields, no version, no open question."""
    begun = Conversation.begun(ID, "en", NOW)
    assert (begun.fields, begun.version, begun.open_question) == ({}, 0, None)
