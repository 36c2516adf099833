"""What a business wants to know of its leads beside their contact details, found in free text.

The owner lists it in the knowledge file (``fields``): a number with its unit, an amount of money, a choice among names.
A value is found only where it stands with what marks it: "80 m2", "budget of 20 000", "20k EUR", "the premium one".
Where a field is named more than once, the last mention counts, within a message and across turns: "80 m2, sorry, 90 m2"
is 90. A number outside the field's bounds is somebody else's. Everything that is looked for is compared folded
(``words.fold``), so capitals and accents do not matter.

Bounded: 2,000 code points of a text are looked at, an amount has 15 digits at most, every repetition in a pattern is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from shared.domain.checks import Place
from shared.domain.contact import without_contact
from shared.domain.scoring import MAX_SCORE
from shared.domain.words import LANGUAGES, fold, inflected, words

__all__ = ["LeadField", "fields_in", "fields_score", "labelled", "parse_fields", "parse_wording"]

MAX_FIELDS = 10
MOST = 1_000_000_000
_MAX_TERMS = 30
_BEGINNING = 5  # letters that two forms of one name share, and all but the last: names are short and alike

Kind = Literal["number", "money", "choice"]
KINDS: tuple[Kind, ...] = ("number", "money", "choice")
_KEYS = {
    "number": (("units",), ("words", "min", "max")),
    "money": (("currencies",), ("words", "min", "max")),
    "choice": (("choices",), ()),
}

# 1 234,50 · 1.234.567 · 80 · 80,5, and what multiplies it: 20k, 20 tys., 1,5 mln
_AMOUNT = (
    r"(?<![\w.,/\u2044])(?P<whole>[0-9]{1,3}(?:(?P<gap>[ .,])[0-9]{3})(?:(?P=gap)[0-9]{3}){0,3}(?![0-9])|[0-9]{1,12})"
    r"(?P<part>[.,][0-9]{1,2}(?![0-9]))?"
    r"(?: ?(?P<times>k|tys\.?|tysi[a-z]{1,4}|thousand|tausend|tsd\.?|mln\.?|million[a-z]{0,2}|mio\.?)(?![a-z0-9]))?"
)
_DIGIT = re.compile("[0-9]")
_LEADING = r"[:=~]|is|was|of|about|around|up to|max|wynosi|to|ok\.?|okolo|do|ist|von|etwa|ca\.?|bis"
_FROM_WORD_TO_AMOUNT = rf"[a-z]{{0,4}}(?![a-z])(?: ?(?:{_LEADING})(?![a-z])){{0,3}} ?"
_A_PIECE = r"(?! ?(?:/|(?:per|za|pro|je)\b))"  # 120 zł/m2 is a price, not what the visitor has


@dataclass(frozen=True)
class LeadField:
    """One thing to know of a lead.

    Attributes:
        id: its name for machines, ``[a-z][a-z0-9_]*``.
        kind: ``number``, ``money`` or ``choice``.
        label: what it is called, in the team's language.
        score: the points a lead gets for it.
        terms: what marks it, folded, with what it stands for: a unit (nothing), a currency (its code), a word of a
            choice (the choice).
        leads_in: folded words that an amount may follow: "budget of …".
        least: the smallest number that counts.
        most: the largest one.
    """

    id: str
    kind: Kind
    label: str
    score: int
    terms: tuple[tuple[str, str], ...]
    leads_in: tuple[str, ...] = ()
    least: int = 0
    most: int = MOST
    _runs_by_letter: Mapping[str, list[tuple[list[str], str]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        runs: dict[str, list[tuple[list[str], str]]] = {}
        for term, value in self.terms:
            runs.setdefault(term[:1], []).append((term.split(), value))
        object.__setattr__(self, "_runs_by_letter", runs)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        """Compiled at the first message with a digit: that takes longer than all else that loading a field does."""
        return () if self.kind == "choice" else tuple(_patterns(self))

    def value_in(self, folded: str, said: Sequence[str]) -> str | None:
        """Return the value a text names last, as it is kept; None where it names none."""
        found = self._choices(said) if self.kind == "choice" else self._amounts(folded)
        return max(found, default=(0, None))[1]

    def _amounts(self, folded: str) -> Iterator[tuple[int, str]]:
        if not _DIGIT.search(folded):  # nearly every message
            return
        marks = dict(self.terms)
        for pattern in self._patterns:
            for match in pattern.finditer(folded):
                number = _number(match)
                if self.least <= number <= self.most:
                    yield match.start("whole"), f"{_shown(number)} {marks.get(match['mark'] or '', '')}".strip()

    def _choices(self, said: Sequence[str]) -> Iterator[tuple[int, str]]:
        for place, first in enumerate(said):
            for run, value in self._runs_by_letter.get(first[:1], ()):
                here = said[place : place + len(run)]
                if len(here) == len(run) and all(map(_is_form, here, run)):
                    yield place, value


def fields_in(text: str, fields: Sequence[LeadField]) -> dict[str, str]:
    """Return the values a visitor's text names, by field; what stands in an address or a URL does not count."""
    if not fields:
        return {}
    plain = without_contact(text)
    folded, said = " ".join(fold(plain).split()), words(plain)
    found = ((each.id, each.value_in(folded, said)) for each in fields)
    return {name: value for name, value in found if value is not None}


def fields_score(known: Collection[str], fields: Sequence[LeadField]) -> int:
    """Return the points for the fields that are known."""
    return sum(each.score for each in fields if each.id in known)


def labelled(known: Mapping[str, str], fields: Sequence[LeadField]) -> list[dict[str, str]]:
    """Return what is known in the file's order, as an alert carries it: id, label, value."""
    return [{"id": each.id, "label": each.label, "value": known[each.id]} for each in fields if each.id in known]


def parse_fields(place: Place, default_language: str, languages: Sequence[str]) -> tuple[LeadField, ...]:
    """Return the fields of the knowledge file, labelled in the default language.

    Raises:
        ConfigError: naming the place, what it was and what is accepted.
    """
    items = place.items("fields")
    if len(items) > MAX_FIELDS:
        raise place.wrong(f"at most {MAX_FIELDS} fields")
    fields = tuple(_field(item, default_language, languages) for item in items)
    for number, each in enumerate(fields):
        if each.id in {earlier.id for earlier in fields[:number]}:
            raise items[number].wrong(f"an id that no other field has, not {each.id}")
    return fields


def parse_wording(place: Place, languages: Sequence[str]) -> dict[str, str]:
    """Return the sentence that visitors agree to, by language; raises ConfigError."""
    return {language: text.text() for language, text in place.mapping([], languages).items()}


def _field(item: Place, default_language: str, languages: Sequence[str]) -> LeadField:
    every = {key for keys in _KEYS.values() for names in keys for key in names}
    first = item.mapping(["id", "label", "kind"], ["score", *sorted(every)])
    kind = next(each for each in KINDS if each == first["kind"].one_of(KINDS))
    required, optional = _KEYS[kind]
    keys = item.mapping(["id", "label", "kind", *required], ["score", *optional])
    name = keys["id"].text(longest=40)
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise keys["id"].wrong("lower-case letters, digits and underscores, a letter first")
    least, most = _bounds(keys)
    return LeadField(
        id=name,
        kind=kind,
        label=keys["label"].mapping([default_language], languages)[default_language].text(longest=60),
        score=keys["score"].integer(0, MAX_SCORE) if "score" in keys else 0,
        terms=_TERMS[kind](keys[required[0]]),
        leads_in=_folded(keys["words"]) if "words" in keys else (),
        least=least,
        most=most,
    )


def _bounds(keys: Mapping[str, Place]) -> tuple[int, int]:
    least = keys["min"].integer(0, MOST) if "min" in keys else 0
    return least, keys["max"].integer(least, MOST) if "max" in keys else MOST


def _units(place: Place) -> tuple[tuple[str, str], ...]:
    return tuple((unit, "") for unit in _folded(place))


def _currencies(place: Place) -> tuple[tuple[str, str], ...]:
    """Code → other ways to write it; the code itself is one."""
    by_code = _named(place, r"[A-Z]{3}", "a currency's code of three capital letters, for example EUR")
    return tuple((term, code) for code, terms in by_code for term in dict.fromkeys((fold(code), *_folded(terms))))


def _choices(place: Place) -> tuple[tuple[str, str], ...]:
    by_name = _named(place, r"\S(?:.{0,38}\S)?", "a name of at most 40 characters")
    pairs = [(term, " ".join(words(text)), name) for name, terms in by_name for term, text in _texts(terms)]
    for term, run, _ in pairs:
        if not run:
            raise term.wrong("a word with letters or digits in it")
    return tuple((run, name) for _, run, name in pairs)


_TERMS: Mapping[Kind, Any] = {"number": _units, "money": _currencies, "choice": _choices}


def _named(place: Place, form: str, what: str) -> list[tuple[str, Place]]:
    """What stands under each name, every name of a form."""
    if not isinstance(place.value, dict) or not 0 < len(place.value) <= _MAX_TERMS:
        raise place.wrong(f"a mapping of 1 to {_MAX_TERMS} names, each with a list of words")
    for name in place.value:
        if not isinstance(name, str) or not re.fullmatch(form, name):
            raise place.wrong(f"{what}, in the place of {str(name)[:40]!r}")
    return list(place.mapping(list(place.value)).items())


def _texts(place: Place) -> list[tuple[Place, str]]:
    items = place.items("words")
    if len(items) > _MAX_TERMS:
        raise place.wrong(f"at most {_MAX_TERMS} words")
    return [(item, item.text(longest=60)) for item in items]


def _folded(place: Place) -> tuple[str, ...]:
    terms = [(item, " ".join(fold(text).split())) for item, text in _texts(place)]
    for item, term in terms:
        if not term or term[0].isdigit():
            raise item.wrong("a word or a sign that does not begin with a digit")
    return tuple(term for _, term in terms)


def _patterns(wanted: LeadField) -> Iterator[re.Pattern[str]]:
    """Where a number stands with its mark: before it, after it (money), or after a word that leads to it."""
    marks = "|".join(re.escape(term) for term, _ in sorted(wanted.terms, key=lambda pair: -len(pair[0])))
    marked, piece = rf"(?P<mark>{marks})", _A_PIECE if wanted.kind == "money" else ""
    yield re.compile(rf"{_AMOUNT} ?{marked}(?!\w){piece}")
    if wanted.kind == "money":
        yield re.compile(rf"(?<!\w){marked} ?{_AMOUNT}(?!\w){piece}")
    if wanted.leads_in:
        lead = "|".join(re.escape(word) for word in wanted.leads_in)
        yield re.compile(rf"(?<!\w)(?:{lead}){_FROM_WORD_TO_AMOUNT}{_AMOUNT}(?: ?{marked})?(?!\w){piece}")


def _number(match: re.Match[str]) -> Decimal:
    whole, part, times = match["whole"], match["part"] or "", match["times"]
    number = Decimal(re.sub(r"[ .,]", "", whole) + part.replace(",", "."))
    if times is None:
        return number
    return number * (1_000_000 if times.startswith("m") else 1_000)


def _shown(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_form(word: str, term: str) -> bool:
    """Tell whether a visitor's word is this one or a form of it in a language Bellhop knows; "basil" is not "basic"."""
    if word == term:
        return True
    alike = word[: max(_BEGINNING, len(term) - 1)] == term[: max(_BEGINNING, len(term) - 1)]
    return alike and any(inflected(word, term, language) for language in LANGUAGES)
