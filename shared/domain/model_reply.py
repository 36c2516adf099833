"""The language model's rung: when it is asked, and what becomes of what it says."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.contact import ContactDetails
from shared.domain.conversation import Conversation, Turn
from shared.domain.knowledge import Knowledge, detect_language
from shared.domain.model_prompt import Prompt, compose_prompt
from shared.domain.reply import (
    FROM_KNOWLEDGE,
    LADDER,
    LAST_RESORT,
    Reply,
    Situation,
    climb,
    promise_person,
    situate,
)
from shared.domain.turn import Visitor
from shared.domain.words import words

MODEL = "model"
"""The source of an answer that a language model gave."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A model is to be asked before there is a reply.

    Attributes:
        prompt: what to ask.
        situation: what the reply is for.
        history: the turns before.
    """

    prompt: Prompt
    situation: Situation
    history: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Concluded:
    """The reply, and why the model's words are not in it.

    Attributes:
        reply: always one.
        unfit: why they could not be said, a machine word; None where they were, or where the model had no answer.
    """

    reply: Reply
    unfit: str | None = None


def situation_of(conversation: Conversation | None, visitor: Visitor, knowledge: Knowledge) -> Situation:
    """Return what the rungs look at when a visitor's message meets a conversation as it stands."""
    language = conversation.language if conversation else detect_language(visitor.message, knowledge.languages)
    before = conversation.details if conversation else ContactDetails()
    found = ContactDetails.found(visitor.message, knowledge.phone_region)
    after = before.merged_with(found.merged_with(visitor.details))
    last = conversation.turns[-1] if conversation and conversation.turns else None
    return situate(knowledge, visitor.message, before, after, language, last)


def compose_alone(conversation: Conversation | None, visitor: Visitor, knowledge: Knowledge) -> Reply:
    """Return the reply where there is no language model."""
    return climb(situation_of(conversation, visitor, knowledge), LADDER)


def compose_or_ask(conversation: Conversation | None, visitor: Visitor, knowledge: Knowledge, mark: str) -> Reply | Ask:
    """Return the reply, or what a language model is to be asked first.

    It is not asked where the knowledge answers, where details came and no question, where nothing was said, and where
    the visitor does not agree to the processing of what they write.

    Args:
        conversation: as it stands, None for a new one.
        visitor: what they sent.
        knowledge: what is answered from.
        mark: for the prompt, see ``shared.domain.model_prompt``.
    """
    situation = situation_of(conversation, visitor, knowledge)
    answered = any(rung(situation) for rung in FROM_KNOWLEDGE)
    if answered or situation.only_details or not words(situation.question):
        return climb(situation, LADDER)
    agreed = visitor.processing
    if agreed is None and conversation is not None:
        agreed = conversation.consent.processing
    if agreed is False:
        return climb(situation, LADDER)
    history = conversation.turns if conversation else ()
    known = conversation.fields if conversation else {}
    return Ask(compose_prompt(situation, history, mark, known), situation, history)


def conclude(ask: Ask, said: str | None) -> Concluded:
    """Return the reply once the model was asked.

    Args:
        ask: what it was asked.
        said: its words; None where there are none: it could not be reached, or refused.
    """
    situation = ask.situation
    if said is None:
        return Concluded(climb(situation, LAST_RESORT))
    asked = (situation.question, *(turn.question for turn in ask.history))
    from shared.domain.model_checks import Declined, Passed, check  # noqa: PLC0415 - loaded with the first answer of a model

    verdict = check(said, ask.prompt, situation.knowledge, situation.language, asked)
    if isinstance(verdict, Passed):
        spoken = Reply(verdict.text, situation.language, "answer", source=MODEL)
        return Concluded(climb(situation, (lambda _: spoken,)))
    if isinstance(verdict, Declined):
        rungs = (promise_person,) if verdict.wants_person else LAST_RESORT
        return Concluded(climb(situation, rungs))
    return Concluded(climb(situation, LAST_RESORT), unfit=verdict.cause)
