"""What the visitor is told is true, in their language, and never nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.contact import ContactDetails
from shared.domain.knowledge import Knowledge
from shared.domain.reply import FROM_KNOWLEDGE, LAST_RESORT, Reply, Situation, climb, compose, situate

SAMPLE = Path(__file__).parents[2] / "shared/knowledge/sample.yaml"
KNOWLEDGE = Knowledge.parse(yaml.safe_load(SAMPLE.read_text("utf-8")), "sample.yaml")
EN, PL = KNOWLEDGE.phrases["en"], KNOWLEDGE.phrases["pl"]
NOBODY = ContactDetails()
ANA = ContactDetails(email="ana@example.com")
REACHED = ContactDetails(email="ana@example.com", phone="+48600100200")
ANSWERS = {(entry.id, entry.language): entry.answer for entry in KNOWLEDGE.entries}
PRICES, GREETING = ANSWERS["prices", "en"], ANSWERS["greeting", "en"]


@pytest.mark.parametrize(
    ("question", "before", "after", "text", "intent"),
    [
        ("Hello!", NOBODY, NOBODY, GREETING, "greeting"),
        ("How much does it cost?", NOBODY, NOBODY, PRICES, "answer"),
        ("Hello, how much does it cost?", ANA, ANA, PRICES, "answer"),
        ("How much does it cost? ana@example.com", NOBODY, ANA, f"{PRICES} {EN.thanks_lead}", "answer"),
        ("ana@example.com", NOBODY, ANA, EN.thanks_lead, "lead"),
        ("Hi, ana@example.com", NOBODY, ANA, EN.thanks_lead, "lead"),
        ("Do you sell cars? ana@example.com", NOBODY, ANA, f"{EN.thanks_lead} {EN.noted}", "lead"),
        ("Hi, call me, ana@example.com", NOBODY, ANA, f"{EN.handoff} {EN.thanks_lead}", "handoff"),
        ("My number is +48 600 100 200", ANA, REACHED, EN.thanks_lead, "lead"),
        ("I want to talk to a human", NOBODY, NOBODY, EN.handoff_ask, "handoff"),
        ("I want to talk to a human", ANA, ANA, EN.handoff, "handoff"),
        ("Do you sell cars?", NOBODY, NOBODY, f"{EN.unknown} {EN.ask_contact}", "unknown"),
        ("Do you sell cars?", ANA, ANA, f"{EN.unknown} {EN.noted}", "unknown"),
        ("I'm Ana", NOBODY, ContactDetails(name="Ana"), f"{EN.unknown} {EN.ask_contact}", "unknown"),
    ],
)
def test_the_first_rung_with_something_to_say_is_heard(
    question: str, before: ContactDetails, after: ContactDetails, text: str, intent: str
) -> None:
    """A person when asked for, then the knowledge, small talk, thanks, and the admission."""
    reply = compose(KNOWLEDGE, question, before, after, "en")
    assert (reply.text, reply.intent, reply.language) == (text, intent, "en")


def test_thanks_are_said_only_when_the_details_are_new() -> None:
    """The team is told once: the same address again is no news, another one is."""
    again = compose(KNOWLEDGE, "ana@example.com", ANA, ANA, "en")
    other = compose(KNOWLEDGE, "eve@example.com", ANA, ContactDetails(email="eve@example.com"), "en")
    assert EN.thanks_lead not in again.text
    assert other.text == EN.thanks_lead


def test_a_reply_is_in_the_visitors_language() -> None:
    """Every phrase comes from that language's section."""
    assert compose(KNOWLEDGE, "Opowiedz dowcip", NOBODY, NOBODY, "pl").text == f"{PL.unknown} {PL.ask_contact}"
    assert compose(KNOWLEDGE, "ana@example.com", NOBODY, ANA, "pl").text == PL.thanks_lead


def test_a_question_in_another_language_is_answered_in_that_one() -> None:
    """Detection may fail on a short question; what was understood decides, for the thanks too."""
    reply = compose(KNOWLEDGE, "cennik? ana@example.com", NOBODY, ANA, "en")
    assert (reply.text, reply.language) == (f"{ANSWERS['prices', 'pl']} {PL.thanks_lead}", "pl")


def test_a_language_without_phrases_becomes_the_default() -> None:
    """A conversation older than a change of the file still gets an answer."""
    assert compose(KNOWLEDGE, "xyzzy", NOBODY, NOBODY, "fr").language == "en"


def test_an_answer_names_its_source_and_a_phrase_has_none() -> None:
    """The team sees where an answer came from."""
    assert compose(KNOWLEDGE, "How much does it cost?", NOBODY, NOBODY, "en").source == "atelierlumen.example/prices"
    assert compose(KNOWLEDGE, "Do you sell cars?", NOBODY, NOBODY, "en").source is None


@pytest.mark.parametrize(
    ("question", "answered", "wants_person"),
    [
        ("How much does it cost?", True, False),
        ("Do you sell cars?", False, False),
        ("I want to talk to a human", True, True),
        ("Hello", True, False),
    ],
)
def test_what_stays_open_is_said(question: str, answered: bool, wants_person: bool) -> None:  # noqa: FBT001
    """The caller hands over what was not answered and who asked for a person."""
    reply = compose(KNOWLEDGE, question, NOBODY, NOBODY, "en")
    assert (reply.answered, reply.wants_person) == (answered, wants_person)


def test_a_question_that_came_with_details_stays_open() -> None:
    """Details alone leave nothing open, an unknown question beside them does."""
    assert compose(KNOWLEDGE, "ana@example.com", NOBODY, ANA, "en").answered
    assert not compose(KNOWLEDGE, "Do you sell cars? ana@example.com", NOBODY, ANA, "en").answered


def test_a_rung_fits_between_the_knowledge_and_the_last_resort() -> None:
    """A language model is asked only what the knowledge does not answer, and thanks are added to its answer."""
    asked: list[str] = []

    def model(situation: Situation) -> Reply:
        asked.append(situation.question)
        return Reply("As a model I say yes.", situation.language, "model")

    rungs = (*FROM_KNOWLEDGE, model, *LAST_RESORT)
    known = climb(situate(KNOWLEDGE, "How much does it cost?", NOBODY, NOBODY, "en"), rungs)
    unknown = climb(situate(KNOWLEDGE, "Do you sell cars? ana@example.com", NOBODY, ANA, "en"), rungs)
    assert known.text == PRICES
    assert unknown.text == f"As a model I say yes. {EN.thanks_lead}"
    assert len(asked) == 1
    assert "ana@example.com" not in asked[0]


def test_a_ladder_without_rungs_still_says_something() -> None:
    """Silence is never an answer."""
    assert climb(situate(KNOWLEDGE, "?", NOBODY, NOBODY, "en"), ()).text == f"{EN.unknown} {EN.ask_contact}"


@settings(deadline=None)  # the machine may be busy
@given(
    st.text(st.characters(), max_size=2_000),
    st.sampled_from([NOBODY, ANA]),
    st.sampled_from([NOBODY, ANA]),
    st.sampled_from(["en", "pl", "xx", ""]),
)
def test_there_is_always_an_answer(text: str, before: ContactDetails, after: ContactDetails, language: str) -> None:
    """No message raises or is met with silence."""
    reply = compose(KNOWLEDGE, text, before, after, language)
    assert reply.text.strip()
    assert reply.language in KNOWLEDGE.languages
