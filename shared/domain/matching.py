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
from functools import lru_cache

from shared.domain.vocabulary import Near, Vocabulary
from shared.domain.words import LIGHT_WORDS, MAX_TEXT, STOP_WORDS, spelt, words

_LIGHT = 0.3  # of its weight is left to a word that only shapes a question
_UNTAUGHT = 2.0  # the weight of a word that no phrasing holds; the rarest taught word weighs 1
_HELD = 0.3  # of the confidence hangs on the phrasing being held, the rest on the question being understood
_MAX_WORDS = 40  # told apart in one sentence; the rest of a longer one is not looked at
_MAX_PARTS = 24
_RECENT = 64  # questions: one message asks up to three times, for its answer and to ask back
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
        self._stop, self._light = ({spelt(w, language) for w in of[language]} for of in (STOP_WORDS, LIGHT_WORDS))
        self._exact: dict[tuple[str, ...], int] = {}
        used_by: dict[str, set[int]] = {}
        asked = [(entry, words(each)) for entry, phrasings in enumerate(questions) for each in phrasings]
        for entry, found in asked:
            self._exact.setdefault(found, entry)
            for word in self._telling(found):
                used_by.setdefault(word, set()).add(entry)
        self._places = {word: place for place, word in enumerate(used_by)}
        self._users = list(used_by.values())  # by place: the entries that use the word
        self._vocabulary = Vocabulary(language, list(used_by))
        self._weights = [self._weigh(word, len(questions)) for word in used_by]
        cut = [(entry, tuple(self._places[word] for word in self._telling(found))) for entry, found in asked]
        self._phrasings = [_Phrasing(e, known, sum(self._weights[w] for w in known)) for e, known in cut if known]
        self._holding: list[list[int]] = [[] for _ in used_by]  # by place: the phrasings with the word
        for number, phrasing in enumerate(self._phrasings):
            for place in phrasing.known:
                self._holding[place].append(number)

    @lru_cache(maxsize=_RECENT)  # noqa: B019 - an index lives as long as the process
    def ranked(self, question: str) -> list[tuple[int, float]]:
        """Return (entry, confidence 0-1), the surest first, equals in the order of the file."""
        best: dict[int, float] = {}
        met: dict[str, list[Near]] = {}
        for part in self._parts(question[:MAX_TEXT]):
            for entry, confidence in self._compare(part, met):
                best[entry] = max(confidence, best.get(entry, 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _weigh(self, word: str, entries: int) -> float:
        family = self._vocabulary.family(self._places[word])
        used_by = set[int]().union(*(self._users[place] for place in family))
        rarity = math.log1p(entries / len(used_by)) / math.log1p(entries)
        return rarity * (_LIGHT if word in self._light else 1.0)

    def _telling(self, found: Sequence[str]) -> list[str]:
        """Return the different words that carry meaning, in their order."""
        one_way = (spelt(word, self._language) for word in found)
        return list(dict.fromkeys(word for word in one_way if word not in self._stop))[:_MAX_WORDS]

    def _parts(self, question: str) -> list[tuple[str, ...]]:
        """Return the whole, its sentences, and those clauses that say enough to stand alone."""
        sentences = _PART.split(question)
        clauses = [words(clause) for sentence in sentences for clause in _CLAUSE.split(sentence)]
        standing = [clause for clause in clauses if len(self._telling(clause)) > 1]
        parts = [words(question), *(words(sentence) for sentence in sentences), *standing]
        return list(dict.fromkeys(part for part in parts if part))[:_MAX_PARTS]

    def _compare(self, part: tuple[str, ...], seen: dict[str, list[Near]]) -> list[tuple[int, float]]:
        exact = self._exact.get(part)
        if exact is not None:
            return [(exact, 1.0)]
        telling = self._telling(part)
        for word in telling:
            if word not in seen:
                seen[word] = self._vocabulary.find(word)
        pieces = [(word, near) for word in telling for near in seen[word]]
        met = [near for _, near in pieces]
        likeness: Near = {}
        for near in met:
            for place, like in near.items():
                likeness[place] = max(like, likeness.get(place, 0.0))
        if not likeness:
            return []
        weights = [self._question_weight(word, near) for word, near in pieces]
        holds: dict[int, float] = {}  # entry → the share of its best phrasing that the question holds
        for number in {number for place in likeness for number in self._holding[place]}:
            phrasing = self._phrasings[number]
            held = sum(self._weights[place] * likeness.get(place, 0.0) for place in phrasing.known)
            if held:
                holds[phrasing.entry] = max(held / phrasing.weight, holds.get(phrasing.entry, 0.0))
        return [(e, _confidence(share, self._understood(e, met, weights))) for e, share in holds.items()]

    def _understood(self, entry: int, met: list[Near], weights: list[float]) -> float:
        """Return the share of the question, by weight, that the entry's phrasings know."""
        known = 0.0
        for near, weight in zip(met, weights, strict=True):
            known += weight * max((like for place, like in near.items() if entry in self._users[place]), default=0.0)
        return known / sum(weights)

    def _question_weight(self, word: str, near: Near) -> float:
        if near:
            return max(self._weights[place] for place in near)
        return _UNTAUGHT * (_LIGHT if word in self._light else 1.0)


def _confidence(held: float, understood: float) -> float:
    """Return the weighted harmonic mean: what the phrasing lacks counts less than what the entry does not know."""
    return 1 / (_HELD / held + (1 - _HELD) / understood) if held and understood else 0.0
