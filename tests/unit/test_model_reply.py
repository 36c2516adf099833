"""The language model's rung: asked only where it helps, given no more than it needs, and never the last word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.contact import ContactDetails
from shared.domain.conversation import Consent, Conversation, Turn
from shared.domain.knowledge import Knowledge
from shared.domain.model_prompt import (
    LONGEST_PAST,
    MOST_KNOWLEDGE,
    MOST_TURNS,
    PERSON,
    RULES,
    UNKNOWN,
    compose_prompt,
    masked,
)
from shared.domain.model_reply import Ask, compose_alone, compose_or_ask, conclude, situation_of
from shared.domain.reply import Reply, compose
from shared.domain.turn import Visitor
from tests.support.chat_flow import KNOWLEDGE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARK = "9f86d081884c7d659a2feaa0c55ad015"
EN = KNOWLEDGE.phrases["en"]
NOBODY, ANA = ContactDetails(), ContactDetails(name="Ana", email="ana@example.com", phone="+48600100200")
OPEN_QUESTION = "Do you sell cars?"


def visitor(message: str, details: ContactDetails = NOBODY, *, processing: bool | None = None) -> Visitor:
    """What a visitor sent."""
    return Visitor(message, details, processing, None)


def conversation(*turns: tuple[str, str], details: ContactDetails = NOBODY, **changes: object) -> Conversation:
    """A conversation with these questions and answers."""
    begun = replace(Conversation.begun("c", "en", NOW), details=details)
    for question, answer in turns:
        begun = begun.with_turn(Turn(question, answer, NOW))
    return replace(begun, **changes)  # type: ignore[arg-type]


def asked(message: str = OPEN_QUESTION, stands: Conversation | None = None, knowledge: Knowledge = KNOWLEDGE) -> Ask:
    """What the model is asked."""
    found = compose_or_ask(stands, visitor(message), knowledge, MARK)
    assert isinstance(found, Ask)
    return found


@pytest.mark.parametrize(
    "message",
    [
        "How much does it cost?",
        "Hello!",
        "I want to talk to a human",
        "ana@example.com",
        "?!",
        "Call me, ana@example.com",
    ],
)
def test_it_is_not_asked_what_the_ladder_can_say_without(message: str) -> None:
    """The reply is the one that there is without a model."""
    assert compose_or_ask(None, visitor(message), KNOWLEDGE, MARK) == compose_alone(None, visitor(message), KNOWLEDGE)


@pytest.mark.parametrize(
    ("said_now", "said_before", "agreed"),
    [(None, None, True), (True, False, True), (False, True, False), (None, False, False), (None, True, True)],
)
def test_it_is_not_asked_against_a_visitors_will(
    said_now: bool | None,  # noqa: FBT001
    said_before: bool | None,  # noqa: FBT001
    agreed: bool,  # noqa: FBT001
) -> None:
    """What they wrote is not given to somebody else where they do not agree to its processing."""
    stands = conversation(consent=Consent(processing=said_before))
    found = compose_or_ask(stands, visitor(OPEN_QUESTION, processing=said_now), KNOWLEDGE, MARK)
    assert isinstance(found, Ask) is agreed


@pytest.mark.parametrize("message", [OPEN_QUESTION, "Hello!", "ana@example.com", "Do you sell cars? ana@example.com"])
def test_without_a_model_the_reply_is_the_ladders(message: str) -> None:
    """For a new conversation: the same as ``compose`` says."""
    after = ContactDetails.found(message, "PL")
    assert compose_alone(None, visitor(message), KNOWLEDGE) == compose(KNOWLEDGE, message, NOBODY, after, "en")


def test_the_details_given_beside_a_message_count() -> None:
    """They are new, so thanks are said."""
    assert compose_alone(None, visitor("ok", ANA), KNOWLEDGE).text == EN.thanks_lead
    assert situation_of(conversation(details=ANA), visitor("ok", ANA), KNOWLEDGE).captured is False


def test_the_prompt_holds_rules_mark_and_knowledge() -> None:
    """The business, the language to answer in, every rule, the mark, and the answers."""
    prompt = asked().prompt
    assert KNOWLEDGE.business in prompt.instructions
    assert "Reply in English." in prompt.instructions
    assert all(rule in prompt.instructions for rule in RULES)
    assert MARK in prompt.instructions
    assert MARK not in prompt.message
    answers = {entry.answer for entry in KNOWLEDGE.entries if entry.language == "en" and entry.intent == "answer"}
    assert all(answer in prompt.instructions for answer in answers)
    assert "data" in " ".join(RULES)


def test_the_language_to_answer_in_is_the_visitors() -> None:
    """With the knowledge of that language."""
    prompt = asked(stands=conversation(language="pl")).prompt
    [answer] = [each.answer for each in KNOWLEDGE.entries if (each.id, each.language) == ("prices", "pl")]
    assert "Reply in Polish." in prompt.instructions
    assert answer in prompt.instructions


def test_a_large_knowledge_is_cut_and_what_is_near_comes_first() -> None:
    """A prompt costs the same however much a business writes."""
    [near] = [each for each in KNOWLEDGE.entries if (each.id, each.language) == ("parking", "en")]
    filler = tuple(replace(near, id=f"f{n}", questions=(f"filler{n}",), words=(), answer="x" * 1000) for n in range(50))
    large = replace(KNOWLEDGE, entries=(*filler, *KNOWLEDGE.entries), confidence=1.1)
    instructions = asked("is there parking around?", knowledge=large).prompt.instructions
    assert near.answer in instructions
    assert len(instructions) < MOST_KNOWLEDGE + 3_000


def test_the_history_is_bounded_and_what_is_known_is_said() -> None:
    """Turn 3 costs as much as turn 300; names may be used, addresses are only known to be known."""
    stands = conversation(*((f"question {n} " + "x" * 600, f"answer {n}") for n in range(12)), details=ANA)
    stands = replace(stands, fields={"area": "50 m2"})
    data = json.loads(asked(stands=stands).prompt.message)
    assert [each["assistant"] for each in data["history"]] == [f"answer {n}" for n in range(12 - MOST_TURNS, 12)]
    assert max(len(each["visitor"]) for each in data["history"]) == LONGEST_PAST
    assert data["known"] == {"name": "Ana", "email": "known", "phone": "known", "area": "50 m2"}
    unknown = {"name": None, "email": "not known", "phone": "not known"}
    assert json.loads(asked().prompt.message)["known"] == unknown


def test_addresses_and_numbers_are_not_given_away() -> None:
    """Not those of now, nor those of before."""
    secret = "ana@example.com, https://x.example/me, +48 600 100 200, 600-100-200"
    stands = conversation((f"I am {secret}", f"Saved {secret}"), details=ANA)
    prompt = asked(f"Do you sell cars? {secret}", stands).prompt
    for part in ("ana@", "x.example", "600"):
        assert part not in prompt.message
    assert masked("50 m2 for 12 000 zł in 2026") == "50 m2 for 12 000 zł in 2026"


@given(st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=100))
def test_what_a_visitor_writes_stays_inside_its_string(message: str, before: str) -> None:
    """No quotation mark, brace or line end of theirs ends the data: it is read back as it was, and is in no rule."""
    stands = conversation((before, "answer"))
    situation = situation_of(stands, visitor(message), KNOWLEDGE)
    prompt = compose_prompt(situation, stands.turns, MARK)
    data = json.loads(prompt.message)
    assert data["message"] == masked(situation.question)
    assert data["history"] == [{"visitor": masked(before), "assistant": "answer"}]
    assert prompt.message.isascii()
    own, other = (
        compose_prompt(situation_of(stands, visitor(text), KNOWLEDGE), stands.turns, MARK) for text in (message, "x")
    )
    rules = own.instructions.partition("\n\n")[2].partition("The knowledge:")[0]
    assert rules == other.instructions.partition("\n\n")[2].partition("The knowledge:")[0]


def test_what_it_says_is_the_answer() -> None:
    """Its source says so, and nothing stays open."""
    reply = conclude(asked(), "No, we design interiors.").reply
    assert reply == Reply("No, we design interiors.", "en", "answer", source="model")


def test_thanks_for_new_details_are_added_to_its_answer() -> None:
    """It cannot say that they are saved: it does not know."""
    reply = conclude(asked("Do you sell cars? ana@example.com"), "No, we do not.").reply
    assert reply.text == f"No, we do not. {EN.thanks_lead}"


def test_where_it_says_a_person_is_wanted_one_is_promised_or_details_are_asked_for() -> None:
    """As if the knowledge had understood it."""
    nobody, known = conclude(asked(), PERSON).reply, conclude(asked(stands=conversation(details=ANA)), PERSON).reply
    assert (nobody.text, nobody.wants_person, nobody.source) == (EN.handoff_ask, True, None)
    assert (known.text, known.wants_person) == (EN.handoff, True)


@pytest.mark.parametrize(
    ("said", "unfit"),
    [(None, None), (UNKNOWN, None), ("See https://evil.example", "link"), ("", "empty"), (MARK, "leak")],
)
def test_without_an_answer_the_next_rungs_say_what_is_true(said: str | None, unfit: str | None) -> None:
    """The admission with an offer to leave details; who can be reached is handed over."""
    nobody, known = conclude(asked(), said), conclude(asked(stands=conversation(details=ANA)), said)
    assert nobody.reply == Reply(f"{EN.unknown} {EN.ask_contact}", "en", "unknown", answered=False)
    assert known.reply == Reply(f"{EN.unknown} {EN.noted}", "en", "unknown", answered=False)
    assert nobody.unfit == known.unfit == unfit


def test_without_an_answer_a_near_topic_is_asked_back() -> None:
    """The clarifying question is the rung after the model."""
    near = replace(KNOWLEDGE, confidence=KNOWLEDGE.ranked("parking?", "en")[0].confidence / 0.9)
    ask = asked("parking?", knowledge=near)
    assert conclude(ask, None).reply.intent == "clarify"
    assert conclude(ask, "There is some.").reply.source == "model"


@given(st.text(st.characters(), max_size=500))
def test_whatever_it_says_there_is_a_reply(said: str) -> None:
    """And none of it raises."""
    assert conclude(asked(), said).reply.text.strip()
