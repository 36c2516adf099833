"""Asking back: what a question may mean where no entry is sure enough, and what a short answer to that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.contact import without_contact
from shared.domain.conversation import Turn
from shared.domain.knowledge import Entry, Knowledge
from shared.domain.words import words

NEAR = 0.8
"""Of the confidence that an answer takes: below this share not even asking back makes sense."""

CLOSE = 0.1
"""How much less sure than the surest entry another one may be, to be named beside it."""

_MOST = 2
_SHORT = 4  # words of an answer that only says yes, or which


@dataclass(frozen=True, slots=True)
class _Wording:
    sentence: str  # {topics} becomes one question or two, in quotation marks
    either: str
    quotes: str
    yes: frozenset[str]
    ordinals: tuple[frozenset[str], ...]


def _wording(sentence: str, either: str, quotes: str, yes: str, first: str, second: str) -> _Wording:
    ordinals = (frozenset(words(first)), frozenset(words(second)))
    return _Wording(sentence, either, quotes, frozenset(words(yes)), ordinals)


_WORDINGS: Mapping[str, _Wording] = {
    "en": _wording(
        "I am not sure that I understand. Do you mean {topics}?",
        "or",
        "“”",
        "yes yeah yep right correct exactly",
        "first former 1",
        "second latter 2",
    ),
    "pl": _wording(
        "Nie wiem, czy dobrze rozumiem. Czy chodzi o {topics}?",
        "czy",
        "„”",
        "tak dokładnie zgadza owszem",
        "pierwsze pierwszy pierwsza 1",
        "drugie drugi druga 2",
    ),
    "de": _wording(
        "Ich bin nicht sicher, ob ich das richtig verstehe. Meinen Sie {topics}?",
        "oder",
        "„“",
        "ja genau richtig stimmt",
        "erste ersteres 1",
        "zweite letzteres 2",
    ),
}


def candidates(knowledge: Knowledge, question: str, language: str) -> tuple[Entry, ...]:
    """Return what a question may be about though no entry is sure enough to be its answer, the surest first.

    Two entries at most, of one language; none where nothing comes near.

    Args:
        knowledge: the business's.
        question: the visitor's.
        language: looked into first; another one only where it has nothing.
    """
    for among in (language, None):
        near = [each for each in knowledge.ranked(question, among) if each.confidence >= NEAR * knowledge.confidence]
        if near:
            best = near[0]
            alike = [each.entry for each in near if best.confidence - each.confidence <= CLOSE]
            return tuple(entry for entry in alike if entry.language == best.entry.language)[:_MOST]
    return ()


def question_back(knowledge: Knowledge, entries: tuple[Entry, ...]) -> str:
    """Return the sentence that asks which of these is meant, in their language.

    The knowledge file's phrase ``clarify`` with ``{topics}`` in it; where it has none, one that is built in.
    """
    language = entries[0].language
    wording = _WORDINGS.get(language, _WORDINGS["en"])
    topics = [f"{wording.quotes[0]}{entry.questions[0]}{wording.quotes[1]}" for entry in entries]
    return _sentence(knowledge, language).replace("{topics}", f" {wording.either} ".join(topics))


def offered(knowledge: Knowledge, last: Turn | None, language: str) -> tuple[Entry, ...]:
    """Return what the last turn asked back about; nothing where it did not ask back."""
    if last is None or not _may_ask_back(knowledge, last.answer):
        return ()
    entries = candidates(knowledge, without_contact(last.question), language)
    return entries if entries and last.answer.startswith(question_back(knowledge, entries)) else ()


def _sentence(knowledge: Knowledge, language: str) -> str:
    wording = _WORDINGS.get(language, _WORDINGS["en"])
    return str(getattr(knowledge.phrases[language], "clarify", None) or wording.sentence)


def _may_ask_back(knowledge: Knowledge, answer: str) -> bool:
    """Whether an answer begins as a question back does: what it was about is looked up again only then."""
    return answer.startswith(tuple(_sentence(knowledge, each).partition("{topics}")[0] for each in knowledge.phrases))


def chosen(entries: tuple[Entry, ...], message: str) -> Entry | None:
    """Return which of the offered entries a short answer means ("yes", "the second one"); None: it does not say."""
    said = frozenset(words(message))
    if not entries or not said or len(said) > _SHORT:
        return None
    wording = _WORDINGS.get(entries[0].language, _WORDINGS["en"])
    if len(entries) == 1:
        return entries[0] if said & wording.yes else None
    named = [entry for entry, ordinals in zip(entries, wording.ordinals, strict=True) if said & ordinals]
    return named[0] if len(named) == 1 else None
