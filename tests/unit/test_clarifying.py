"""Asking back: only where something known comes near, once, and a short answer to it is understood."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.clarifying import CLOSE, NEAR, candidates, chosen, question_back
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Turn
from shared.domain.knowledge import Entry, Knowledge, Phrases
from shared.domain.reply import LADDER, Reply, climb, situate

NOBODY, ANA = ContactDetails(), ContactDetails(email="ana@example.com")
PHRASES = Phrases("Thanks.", "Your address?", "I do not know.", "Noted.", "A person comes.", "How can we reach you?")


def topic(name: str, language: str, *questions: str, intent: str = "answer") -> Entry:
    """One topic."""
    return Entry(name, language, questions, f"About {name}.", name, intent)  # type: ignore[arg-type]


KNOWLEDGE = Knowledge(
    business="Lumen",
    phone_region="PL",
    languages=("en", "pl", "de"),
    default_language="en",
    entries=(
        topic("booking", "en", "how can I book a visit"),
        topic("cancelling", "en", "can I cancel a visit"),
        topic("lamps", "en", "which lamps do you sell"),
        topic("person", "en", "connect me with a consultant", intent="handoff"),
        topic("rabaty", "pl", "czy dajecie rabaty studentom"),
        topic("rabatte", "de", "gibt es rabatte für studenten"),
    ),
    phrases=dict.fromkeys(("en", "pl", "de"), PHRASES),
)


def unsure(question: str, share: float = 0.9, language: str = "en") -> Knowledge:
    """The knowledge, for which the surest entry has that share of the confidence an answer takes."""
    return replace(KNOWLEDGE, confidence=KNOWLEDGE.ranked(question, language)[0].confidence / share)


def said(question: str, knowledge: Knowledge, last: Turn | None = None, after: ContactDetails = NOBODY) -> Reply:
    """The reply of the whole ladder."""
    return climb(situate(knowledge, question, NOBODY, after, "en", last), LADDER)


def turn(question: str, answer: str) -> Turn:
    """A turn that was."""
    return Turn(question, answer, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_question_near_one_topic_is_asked_back_in_its_words() -> None:
    """The visitor sees what can be answered; nothing is left to the team yet."""
    reply = said("lamps", unsure("lamps"))
    assert reply.text == "I am not sure that I understand. Do you mean “which lamps do you sell”?"
    assert (reply.intent, reply.answered, reply.wants_person, reply.source) == ("clarify", True, False, None)


def test_two_topics_that_are_close_are_both_named() -> None:
    """A visit alone is as near to booking one as to cancelling it."""
    reply = said("visit", unsure("visit"))
    assert reply.text.endswith("Do you mean “how can I book a visit” or “can I cancel a visit”?")


def test_what_is_far_is_not_asked_back() -> None:
    """The admission and the offer to leave details come next."""
    knowledge = unsure("lamps", share=NEAR - 0.01)
    assert candidates(knowledge, "lamps", "en") == ()
    assert said("lamps", knowledge).text == "I do not know. Your address?"
    assert said("xyzzy", KNOWLEDGE).intent == "unknown"


def test_one_that_is_much_less_sure_is_not_named() -> None:
    """Two are named only where they are close."""
    question = "book a visit"
    first, second = KNOWLEDGE.ranked(question, "en")[:2]
    assert first.confidence - second.confidence > CLOSE
    assert [entry.id for entry in candidates(replace(KNOWLEDGE, confidence=0.1), question, "en")] == ["booking"]


@pytest.mark.parametrize(
    ("question", "language", "text"),
    [
        ("rabaty", "pl", "Nie wiem, czy dobrze rozumiem. Czy chodzi o „czy dajecie rabaty studentom”?"),
        (
            "rabatte",
            "de",
            "Ich bin nicht sicher, ob ich das richtig verstehe. Meinen Sie „gibt es rabatte für studenten“?",
        ),
    ],
)
def test_it_is_asked_in_the_language_of_the_topic(question: str, language: str, text: str) -> None:
    """Though the conversation was thought to be in English."""
    reply = said(question, unsure(question, language=language))
    assert (reply.text, reply.language) == (text, language)


def test_a_phrase_of_the_knowledge_file_is_said_instead() -> None:
    """Once the file has one; old files go on without."""

    class Wordy(Phrases):
        """Phrases with one more."""

        clarify = "Huh, {topics}?"

    knowledge = unsure("lamps")
    ours = replace(knowledge, phrases={"en": Wordy("", "", "", "", "", ""), "pl": PHRASES, "de": PHRASES})
    assert question_back(ours, candidates(ours, "lamps", "en")) == "Huh, “which lamps do you sell”?"


@pytest.mark.parametrize("yes", ["yes", "Yes, please!", "exactly", "that is right"])
def test_yes_is_an_answer_to_one_topic(yes: str) -> None:
    """The topic is answered as if it had been asked."""
    knowledge = unsure("lamps")
    last = turn("lamps", said("lamps", knowledge).text)
    reply = said(yes, knowledge, last)
    assert (reply.text, reply.source) == ("About lamps.", "lamps")


@pytest.mark.parametrize(
    ("answer", "topic_id"), [("the first one", "booking"), ("2", "cancelling"), ("second", "cancelling")]
)
def test_one_of_two_topics_can_be_named(answer: str, topic_id: str) -> None:
    """By its place."""
    knowledge = unsure("visit")
    last = turn("visit", said("visit", knowledge).text)
    assert said(answer, knowledge, last).text == f"About {topic_id}."


@pytest.mark.parametrize(
    "answer", ["no", "yes or the first or the second one, I do not know yet", "the first or second"]
)
def test_what_says_nothing_chooses_nothing(answer: str) -> None:
    """It is not guessed."""
    knowledge = unsure("visit")
    assert chosen(candidates(knowledge, "visit", "en"), answer) is None


def test_yes_without_a_question_back_is_no_choice() -> None:
    """The last turn must have asked."""
    knowledge = unsure("lamps")
    assert said("yes", knowledge, turn("lamps", "Something else.")).intent == "unknown"
    assert said("yes", knowledge).intent == "unknown"


def test_nobody_is_asked_back_twice_in_a_row() -> None:
    """The second time the visitor is told how a person can answer."""
    knowledge = unsure("lamps")
    last = turn("lamps", said("lamps", knowledge).text)
    again = said("lamps", knowledge, last)
    assert (again.intent, again.answered) == ("unknown", False)
    assert said("lamps", knowledge, turn("lamps", again.text)).intent == "clarify"


def test_a_person_can_be_meant() -> None:
    """Then yes brings one."""
    knowledge = unsure("consultant")
    last = turn("consultant", said("consultant", knowledge).text)
    assert said("yes", knowledge, last).wants_person


def test_details_without_a_question_are_thanked_for() -> None:
    """Whoever leaves an address is not asked back, unless they ask."""
    knowledge = unsure("lamps")
    assert said("lamps ana@example.com", knowledge, after=ANA).intent == "lead"
    asked = said("lamps? ana@example.com", knowledge, after=ANA)
    assert (asked.intent, asked.text.endswith("? Thanks.")) == ("clarify", True)
