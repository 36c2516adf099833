"""How much a lead is worth a call: 0 to 100, by the weights of the knowledge file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from shared.domain.contact import ContactDetails
from shared.domain.words import LANGUAGES, inflected, words

MAX_SCORE = 100
_BUCKET = 3  # letters that two forms of one word always share
_NO_FORMS: frozenset[str] = frozenset()
_TEXTS_KEPT = 512  # a visitor's earlier messages are scored again with every turn


@dataclass(frozen=True)
class Interest:
    """A subject that makes a lead warmer, and the words (or runs of words) that show it."""

    id: str
    weight: int
    words: tuple[str, ...]
    folded: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", tuple(words(each) for each in self.words))


@dataclass(frozen=True)
class ScoreWeights:
    """Points, each 0 to 100; their sum is cut at 100."""

    email: int = 40
    phone: int = 30
    name: int = 10
    message: int = 2  # for each message of the visitor …
    messages_at_most: int = 10  # … up to this many points
    interests: tuple[Interest, ...] = ()
    longest: int = field(init=False, repr=False, compare=False)
    shown_by: Callable[[str], frozenset[str]] = field(init=False, repr=False, compare=False)
    _buckets: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        taught = dict.fromkeys(word for each in self.interests for run in each.folded for word in run)
        buckets: dict[str, tuple[str, ...]] = {}
        for word in taught:
            buckets[word[:_BUCKET]] = (*buckets.get(word[:_BUCKET], ()), word)
        object.__setattr__(self, "_buckets", buckets)
        object.__setattr__(
            self, "longest", max((len(run) for each in self.interests for run in each.folded), default=0)
        )
        object.__setattr__(self, "shown_by", lru_cache(_TEXTS_KEPT)(lambda text: interests_in(text, self)))

    def forms_of(self, word: str) -> frozenset[str]:
        """Return the words of the interests that a folded word is, or is a form of in a language Bellhop knows."""
        near = self._buckets.get(word[:_BUCKET])
        if near is None:  # nearly every word
            return _NO_FORMS
        return frozenset(each for each in near if each == word or any(inflected(each, word, at) for at in LANGUAGES))


def interests_in(text: str, weights: ScoreWeights) -> frozenset[str]:
    """Return the ids of the interests a visitor's text shows; inflected forms count, typing errors do not."""
    said = words(text)
    forms = {word: weights.forms_of(word) for word in dict.fromkeys(said)}
    telling = [place for place, word in enumerate(said) if forms[word]]
    held = [said[place : place + weights.longest] for place in telling]
    return frozenset(
        each.id
        for each in weights.interests
        for run in each.folded
        if any(len(span) >= len(run) and all(b in forms[a] for a, b in zip(span, run, strict=False)) for span in held)
    )


def lead_score(weights: ScoreWeights, details: ContactDetails, messages: Sequence[str], *, of_fields: int = 0) -> int:
    """Return 0 to 100; never less for more details, messages or fields.

    Args:
        weights: those of the knowledge file.
        details: what is known of the visitor by now.
        messages: what the visitor wrote so far, as far as it is kept.
        of_fields: the points for the fields that are known.
    """
    shown = frozenset[str]().union(*map(weights.shown_by, messages))
    points = of_fields + sum(each.weight for each in weights.interests if each.id in shown)
    points += weights.email * (details.email is not None)
    points += weights.phone * (details.phone is not None)
    points += weights.name * (details.name is not None)
    points += min(weights.messages_at_most, weights.message * len(messages))
    return min(MAX_SCORE, points)
