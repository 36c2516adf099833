"""What a language model says is not believed: only plain text that adds nothing of its own reaches a visitor.

The model is asked to keep to its rules; here it is made sure of what can be: no link, address or number that is not in
the knowledge, nothing of the instructions, no markup, not too long, in the visitor's language. What cannot be judged
here is whether a sentence is true; the figures in it are the knowledge's or the visitor's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.domain.knowledge import Knowledge, detect_language
from shared.domain.model_prompt import PERSON, RULES, UNKNOWN, Prompt

LONGEST = 700
"""Code points of an answer."""

_LONGEST_WORD = 50
_MARK_RUN = 8  # characters of the mark that no text has by chance
_RULE_RUN = 6  # words of the rules in a row that no answer has by chance
_ABBREVIATIONS = frozenset({"m.in"})  # Polish for "among others", not a name in India

_EMPHASIS = re.compile(r"\*\*|__|(?<!`)`{1,2}(?!`)")
_MARKUP = re.compile(r"<[a-z/!?]|&(?:#|[a-z]+;)|\]\s*\(|```|~~~|\{[{%]|^\s*[#|>{\[]", re.IGNORECASE)
_LINK = re.compile(
    r"\w+://\S*|\bwww\.\S+|\b(?:mailto|tel|sms|data|javascript|callto|whatsapp|skype):\S+", re.IGNORECASE
)
_DOMAIN = re.compile(r"(?<![\w@.])(?:[\w\-]+\.)+[^\W\d_]{2,}(?:[:/?#]\S*)?")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_MAIL = re.compile(r"\S*@\S*")
_SPELLED = re.compile(
    r"[\[({<]\s*(?:at|dot|punkt|kropka|ma[łl]pa|klammeraffe|[.@])\s*[\])}>]"
    r"|\s(?:dot|punkt|kropka|\.)\s*(?:com|net|org|io|eu|pl|de|info|biz|example)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\d(?:[\s().\-/\u00a0\u2010-\u2015]*\d){6,}")
_FIGURE = re.compile(r"\d{2,}")
_WORD = re.compile(r"[^\W_]+")
_AROUND = ".,;:!?'\"()[]<>«»„“”\u2018\u2019…"


@dataclass(frozen=True, slots=True)
class Passed:
    """An answer that may be said."""

    text: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The model had no answer, or the visitor wants a person: what it was told to say then."""

    wants_person: bool


@dataclass(frozen=True, slots=True)
class Unfit:
    """An answer that must not be said; ``cause`` is one machine word."""

    cause: str


def check(
    said: str, prompt: Prompt, knowledge: Knowledge, language: str, asked: Iterable[str]
) -> Passed | Declined | Unfit:
    """Judge what a model said.

    Args:
        said: its words, whatever they are.
        prompt: what it was asked.
        knowledge: what it may repeat.
        language: the one it was to answer in.
        asked: what the visitor wrote now and before; figures of theirs may be repeated.
    """
    text = cleaned(said)
    if not text:
        return Unfit("empty")
    shown = plain(text)
    if text.strip(_AROUND + " ") == PERSON:
        return Declined(wants_person=True)
    if leaks(shown, prompt):
        return Unfit("leak")
    if re.search(rf"\b{UNKNOWN}\b", text):
        return Declined(wants_person=False)
    answers = [plain(entry.answer) for entry in knowledge.entries]
    judged = (
        ("too_long", len(text) > LONGEST),
        ("leak", re.search(rf"\b{PERSON}\b", text) is not None),
        ("markup", _MARKUP.search(shown) is not None),
        ("garbled", any(len(word) > _LONGEST_WORD for word in shown.split())),
        ("link", bool(set(_links(shown)) - {each for answer in answers for each in _links(answer)})),
        ("phone", bool(set(_phones(shown)) - {each for answer in answers for each in _phones(answer)})),
        ("figure", bool(_figures([shown]) - _figures([*answers, *map(plain, asked)]))),
        ("language", detect_language(text, knowledge.languages, language) != language),
    )
    return next((Unfit(cause) for cause, wrong in judged if wrong), Passed(text))


def cleaned(said: str) -> str:
    """Return a text on one line, without control, invisible and unassigned characters, and without emphasis marks."""
    spaced = "".join(" " if char.isspace() else char for char in said)
    seen = "".join(char for char in spaced if not unicodedata.category(char).startswith("C"))
    while (bare := _EMPHASIS.sub("", seen)) != seen:  # what stood around a mark may make one
        seen = bare
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def plain(text: str) -> str:
    """Return a text as it is compared: lookalike letters, digits and dots in one form."""
    return unicodedata.normalize("NFKC", text).replace("\u3002", ".")


def leaks(text: str, prompt: Prompt) -> bool:
    """Tell whether a text holds a part of the prompt's mark, forwards or backwards, or a run of its rules."""
    bare = "".join(_words(text))
    mark = prompt.mark.casefold()
    parts = [mark[at : at + _MARK_RUN] for at in range(len(mark) - _MARK_RUN + 1)]
    if any(part in bare or part[::-1] in bare for part in parts):
        return True
    return bool(_runs(text) & _RULE_RUNS)


def _links(text: str) -> Iterator[str]:
    """Yield what leads elsewhere: URLs, host names, addresses, and what only spells them."""
    yield from (each[0].strip() for each in _SPELLED.finditer(text))
    for pattern in (_LINK, _DOMAIN, _ADDRESS, _MAIL):
        found = (each.strip(_AROUND).casefold() for each in pattern.findall(text))
        yield from (each for each in found if each not in _ABBREVIATIONS)


def _phones(text: str) -> Iterator[str]:
    return ("".join(filter(str.isdigit, each)) for each in _PHONE.findall(text))


def _figures(texts: Iterable[str]) -> set[str]:
    return {figure for text in texts for figure in _FIGURE.findall(text)}


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(text: str) -> set[tuple[str, ...]]:
    said = _words(text)
    return {tuple(said[at : at + _RULE_RUN]) for at in range(len(said) - _RULE_RUN + 1)}


_RULE_RUNS = frozenset(run for rule in RULES for run in _runs(rule))
