"""What the visitor is told: the first rung of a ladder that has something to say, and never nothing.

The rungs: a person is asked for, the knowledge answers, small talk; a language model where one was asked
(``shared.domain.model_reply``); a question back where the message may mean something known; thanks for contact details,
and last the plain admission, with an offer to leave them. Who can be reached is then handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.domain import clarifying
from shared.domain.contact import ContactDetails, without_contact
from shared.domain.conversation import Turn
from shared.domain.knowledge import Knowledge, Match, Phrases


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, and what the team should know of it.

    Attributes:
        text: the answer, never empty.
        language: ISO 639-1, the language of the text.
        intent: ``answer``, ``greeting``, ``handoff``, ``lead`` (details were taken), ``clarify`` or ``unknown``.
        source: where the answer comes from, ``model`` for a language model's, None where the text is a phrase.
        answered: whether nothing that was asked stayed open. A question back leaves nothing open for the team yet: it
            is asked once, and what stays unclear after it is.
        wants_person: whether the visitor asked for a person; where they can be reached, the team must be told.
    """

    text: str
    language: str
    intent: str
    source: str | None = None
    answered: bool = True
    wants_person: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """All a rung may look at.

    Attributes:
        knowledge: the business's.
        question: the visitor's message, URLs and e-mail addresses blanked out.
        details: what is known of the visitor, this message included.
        captured: whether this message brought a new e-mail address or phone number; the lead's alert is then in the
            same commit as the reply, which is what makes the thank-you true.
        language: the visitor's.
        match: the entry the question is about.
        asked_back: whether the visitor was asked back in the last turn.
    """

    knowledge: Knowledge
    question: str
    details: ContactDetails
    captured: bool
    language: str
    match: Match | None
    asked_back: bool = False

    @property
    def only_details(self) -> bool:
        """Whether new contact details came without a question: thanks are all there is to say."""
        return self.captured and "?" not in self.question

    @property
    def phrases(self) -> Phrases:
        """The assistant's own sentences in the visitor's language."""
        return self.knowledge.phrases[self.language]


SURELY_ASKED = 0.9
"""With new contact details a lower confidence is no wish for a person: "my number is ..." gives one."""

Rung = Callable[[Situation], Reply | None]


def compose(
    knowledge: Knowledge,
    question: str,
    details_before: ContactDetails,
    details_after: ContactDetails,
    language: str,
) -> Reply:
    """Return the reply to one message.

    Args:
        knowledge: the business's.
        question: the visitor's message as written.
        details_before: what was known of the visitor before this message.
        details_after: what is known with it; new contact details must be saved with their alert in the reply's commit.
        language: the visitor's, as detected; an entry found only in another language is answered in that one.
    """
    return climb(situate(knowledge, question, details_before, details_after, language), LADDER)


def situate(
    knowledge: Knowledge,
    question: str,
    details_before: ContactDetails,
    details_after: ContactDetails,
    language: str,
    last: Turn | None = None,
) -> Situation:
    """Return what the rungs look at; a language the knowledge lacks becomes its default.

    Args:
        knowledge: as for ``compose``, and so are the next four.
        question: the message.
        details_before: before it.
        details_after: with it.
        language: the visitor's.
        last: the turn before this one; where it asked back, "yes" is an answer to that.
    """
    language = language if language in knowledge.languages else knowledge.default_language
    asked = without_contact(question)
    offered = clarifying.offered(knowledge, last, language)
    match = knowledge.best_match(asked, language) or knowledge.best_match(asked)
    if match is None and (meant := clarifying.chosen(offered, asked)) is not None:
        match = Match(meant, 1.0)
    return Situation(
        knowledge=knowledge,
        question=asked,
        details=details_after,
        captured=_reach(details_after) != _reach(details_before) and details_after.has_contact,
        language=language if match is None else match.entry.language,
        match=match,
        asked_back=bool(offered),
    )


def climb(situation: Situation, rungs: Sequence[Rung]) -> Reply:
    """Return the first reply of the rungs, with the thanks for new details added; the admission if none has one."""
    reply = next((reply for rung in rungs if (reply := rung(situation))), None) or admit(situation)
    if situation.captured and reply.intent != "lead":
        thanks = situation.knowledge.phrases[reply.language].thanks_lead
        return replace(reply, text=f"{reply.text} {thanks}")
    return reply


def hand_over(situation: Situation) -> Reply | None:
    """Tell who asks for a person that one will get in touch, or ask how."""
    match = situation.match
    if match is None or match.entry.intent != "handoff":
        return None
    if situation.only_details and match.confidence < SURELY_ASKED:
        return None
    return promise_person(situation)


def promise_person(situation: Situation) -> Reply:
    """Say that a person will get in touch, or ask how they can."""
    text = situation.phrases.handoff if situation.details.has_contact else situation.phrases.handoff_ask
    return Reply(text, situation.language, "handoff", wants_person=True)


def answer(situation: Situation) -> Reply | None:
    """Answer from the knowledge."""
    if situation.match is None or situation.match.entry.intent != "answer":
        return None
    entry = situation.match.entry
    return Reply(entry.answer, entry.language, "answer", source=entry.source)


def greet(situation: Situation) -> Reply | None:
    """Return small talk, unless there is something better to say."""
    if situation.match is None or situation.match.entry.intent != "greeting" or situation.captured:
        return None
    entry = situation.match.entry
    return Reply(entry.answer, entry.language, "greeting", source=entry.source)


def clarify(situation: Situation) -> Reply | None:
    """Ask back what is meant, where something known comes near; never twice in a row."""
    if situation.match is not None or situation.asked_back or situation.only_details:
        return None
    entries = clarifying.candidates(situation.knowledge, situation.question, situation.language)
    if not entries:
        return None
    return Reply(clarifying.question_back(situation.knowledge, entries), entries[0].language, "clarify")


def thank(situation: Situation) -> Reply | None:
    """Thank for contact details, and keep a question that came with them for the team."""
    if not situation.captured:
        return None
    phrases, asked = situation.phrases, "?" in situation.question
    text = f"{phrases.thanks_lead} {phrases.noted}" if asked else phrases.thanks_lead
    return Reply(text, situation.language, "lead", answered=not asked)


def admit(situation: Situation) -> Reply:
    """Say that there is no answer, and how there will be one."""
    phrases = situation.phrases
    rest = phrases.noted if situation.details.has_contact else phrases.ask_contact
    return Reply(f"{phrases.unknown} {rest}", situation.language, "unknown", answered=False)


FROM_KNOWLEDGE: tuple[Rung, ...] = (hand_over, answer, greet)
LAST_RESORT: tuple[Rung, ...] = (clarify, thank, admit)
LADDER: tuple[Rung, ...] = (*FROM_KNOWLEDGE, *LAST_RESORT)


def _reach(details: ContactDetails) -> tuple[str | None, str | None]:
    return details.email, details.phone
