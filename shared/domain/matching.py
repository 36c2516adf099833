"""How sure one may be that a question is about an entry of the knowledge.

A question and a phrasing are compared by the words that carry meaning, each weighted by how few entries use it. Two
shares are taken: how much of the phrasing the question holds, and how much of the question the entry knows, by all its
phrasings. Their weighted harmonic mean is the confidence: a word nobody taught ("ticket", "Paris") pulls it down more
than a missing one, which is what keeps foreign questions unanswered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shared.domain.words import LIGHT_WORDS, MAX_TEXT, STOP_WORDS, inflected, words

_INFLECTED, _ONE_TYPO, _TWO_TYPOS = 0.95, 0.85, 0.75
_LIGHT = 0.4  # of its weight is left to a word that only shapes a question
_UNTAUGHT = 0.9  # the weight of a word that no phrasing holds; the rarest taught word weighs 1
_HELD = 0.35  # of the confidence hangs on the phrasing being held, the rest on the question being understood
_TYPO_LETTERS, _TWO_TYPO_LETTERS = 5, 8  # shorter words have too many neighbours
_MAX_WORDS = 40  # told apart in one sentence; the rest of a longer one is not looked at
_MAX_PARTS = 24
_BUCKET = 3  # letters that two forms of one word always share
_PART = re.compile(r"[.!?;\n]+")
_CLAUSE = re.compile(r"[,:\u2013\u2014]+")


@dataclass(frozen=True, slots=True)
class _Phrasing:
    entry: int
    known: tuple[int, ...]  # places in the vocabulary
    weight: float


class Index:
    """The phrasings of one language, made ready once; looking up a question changes nothing."""

    def __init__(self, language: str, questions: Sequence[Sequence[str]]) -> None:
        """Take the phrasings of every entry; an entry is known by its place."""
        self._language = language
        self._stop = STOP_WORDS[language]
        self._exact: dict[tuple[str, ...], int] = {}
        self._place: dict[str, int] = {}
        self._used_by: list[set[int]] = []
        cut: list[tuple[int, tuple[int, ...]]] = []
        for entry, phrasings in enumerate(questions):
            for phrasing in phrasings:
                self._exact.setdefault(words(phrasing), entry)
                cut.append((entry, tuple(self._learn(word, entry) for word in self._telling(words(phrasing)))))
        self._weights = [self._weigh(word, len(questions)) for word in self._place]
        self._phrasings = [_Phrasing(e, known, sum(self._weights[w] for w in known)) for e, known in cut if known]
        self._taught = list(self._place)
        self._buckets: dict[str, list[str]] = {}
        for word in self._place:
            self._buckets.setdefault(word[:_BUCKET], []).append(word)

    def ranked(self, question: str) -> list[tuple[int, float]]:
        """Return (entry, confidence 0-1), the surest first, equals in the order of the file."""
        best: dict[int, float] = {}
        met: dict[str, dict[int, float]] = {}
        for part in self._parts(question[:MAX_TEXT]):
            for entry, confidence in self._compare(part, met):
                best[entry] = max(confidence, best.get(entry, 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _learn(self, word: str, entry: int) -> int:
        place = self._place.setdefault(word, len(self._place))
        if place == len(self._used_by):
            self._used_by.append(set())
        self._used_by[place].add(entry)
        return place

    def _weigh(self, word: str, entries: int) -> float:
        rarity = math.log1p(entries / len(self._used_by[self._place[word]])) / math.log1p(entries)
        return rarity * (_LIGHT if word in LIGHT_WORDS[self._language] else 1.0)

    def _telling(self, found: Sequence[str]) -> list[str]:
        """Return the different words that carry meaning, in their order."""
        return list(dict.fromkeys(word for word in found if word not in self._stop))[:_MAX_WORDS]

    def _parts(self, question: str) -> list[tuple[str, ...]]:
        """Return the whole, its sentences, and those clauses that say enough to stand alone."""
        sentences = _PART.split(question)
        clauses = [words(clause) for sentence in sentences for clause in _CLAUSE.split(sentence)]
        standing = [clause for clause in clauses if len(self._telling(clause)) > 1]
        parts = [words(question), *(words(sentence) for sentence in sentences), *standing]
        return list(dict.fromkeys(part for part in parts if part))[:_MAX_PARTS]

    def _compare(self, part: tuple[str, ...], seen: dict[str, dict[int, float]]) -> list[tuple[int, float]]:
        exact = self._exact.get(part)
        if exact is not None:
            return [(exact, 1.0)]
        telling = self._telling(part)
        for word in telling:
            if word not in seen:
                seen[word] = self._neighbours(word)
        met = [seen[word] for word in telling]
        likeness: dict[int, float] = {}
        for near in met:
            for place, like in near.items():
                likeness[place] = max(like, likeness.get(place, 0.0))
        if not likeness:
            return []
        weights = [self._question_weight(word, near) for word, near in zip(telling, met, strict=True)]
        holds: dict[int, float] = {}  # entry → the share of its best phrasing that the question holds
        for phrasing in self._phrasings:
            held = sum(self._weights[place] * likeness.get(place, 0.0) for place in phrasing.known)
            if held:
                holds[phrasing.entry] = max(held / phrasing.weight, holds.get(phrasing.entry, 0.0))
        return [(e, _confidence(share, self._understood(e, met, weights))) for e, share in holds.items()]

    def _understood(self, entry: int, met: list[dict[int, float]], weights: list[float]) -> float:
        """Return the share of the question, by weight, that the entry's phrasings know."""
        known = 0.0
        for near, weight in zip(met, weights, strict=True):
            known += weight * max((like for place, like in near.items() if entry in self._used_by[place]), default=0.0)
        return known / sum(weights)

    def _question_weight(self, word: str, near: dict[int, float]) -> float:
        if near:
            return max(self._weights[place] for place in near)
        return _UNTAUGHT * (_LIGHT if word in LIGHT_WORDS[self._language] else 1.0)

    def _neighbours(self, word: str) -> dict[int, float]:
        """Return the taught words this one is, is a form of, or else is a slip of, with the likeness 0-1."""
        near = {
            self._place[taught]: _INFLECTED
            for taught in self._buckets.get(word[:_BUCKET], ())
            if inflected(word, taught, self._language)
        }
        if word in self._place:
            near[self._place[word]] = 1.0
        return near or self._slips(word)

    def _slips(self, word: str) -> dict[int, float]:
        if len(word) < _TYPO_LETTERS - 1 or not word.isalpha():
            return {}
        near = process.extract(word, self._taught, scorer=OSA.distance, score_cutoff=2, limit=None)
        return {p: _ONE_TYPO if d == 1 else _TWO_TYPOS for taught, d, p in near if _is_slip(word, taught, int(d))}


def _is_slip(word: str, taught: str, distance: int) -> bool:
    """Tell whether a word at this distance is a typing error and not another word."""
    longest, shortest = max(len(word), len(taught)), min(len(word), len(taught))
    if distance == 1 and longest < _TYPO_LETTERS:
        return sorted(word) == sorted(taught)  # "opne": two letters changed places
    if distance == 1:
        return shortest >= _TYPO_LETTERS - 1 and (word[0] == taught[0] or shortest > _TYPO_LETTERS)
    return distance == 2 and shortest >= _TWO_TYPO_LETTERS - 1 and longest >= _TWO_TYPO_LETTERS and word[0] == taught[0]  # noqa: PLR2004


def _confidence(held: float, understood: float) -> float:
    """Return the weighted harmonic mean: what the phrasing lacks counts less than what the entry does not know."""
    return 1 / (_HELD / held + (1 - _HELD) / understood) if held and understood else 0.0
