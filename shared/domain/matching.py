"""How sure one may be that a question is about an entry of the knowledge.

A question and a phrasing are compared by the words that carry meaning, each weighted by how few entries use it. Two
shares are taken: how much of the phrasing the question holds, and how much of the question the entry knows, by all its
phrasings. Their weighted harmonic mean is the confidence: a word nobody taught ("ticket", "Paris") pulls it down more
than a missing one, which is what keeps foreign questions unanswered. Words of everyday and words of the owner's trade
("kitchen") pull it down little: any question may hold them, whatever it is about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.domain.everyday import is_everyday
from shared.domain.vocabulary import Near, Vocabulary
from shared.domain.words import LIGHT_WORDS, MAX_TEXT, STOP_WORDS, spelt, words

_LIGHT = 0.3  # of its weight is left to a word that only shapes a question, or that belongs to the whole trade
_EVERYDAY = 0.25  # the weight of an everyday word that no phrasing holds
_UNTAUGHT = 2.0  # the weight of any other such word; the rarest taught word weighs 1
_HELD = 0.3  # of the confidence hangs on the phrasing being held, the rest on the question being understood
_LEAST = 0.6  # the weight of a phrasing that weighs less: two light words in common are little
_KEYWORD = 1.0  # the weight of a single word as a phrasing: one that several topics use holds less of it
_MAX_WORDS = 40  # told apart in one sentence; the rest of a longer one is not looked at
_MAX_PARTS = 24
_PART = re.compile(r"[.!?;\n]+")
_CLAUSE = re.compile(r"[,:\u2013\u2014]+")


@dataclass(frozen=True, slots=True)
class _Phrasing:
    entry: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word of a question, or half of one: the taught words it is near to, and what it weighs if an entry has none."""

    near: Near
    weight: float


class Index:
    """The phrasings of one language, made ready once; looking up a question changes nothing."""

    def __init__(
        self,
        language: str,
        questions: Sequence[Sequence[str]],
        keywords: Sequence[Sequence[str]] = (),
        trade: Sequence[str] = (),
    ) -> None:
        """Take the phrasings of every entry; an entry is known by its place.

        Args:
            language: ISO 639-1.
            questions: of every entry, ways to ask.
            keywords: of every entry, words or runs of words that tell it by themselves.
            trade: words that tell no entry, and are no sign of a foreign question either.
        """
        self._language = language
        self._stop, self._light = ({spelt(w, language) for w in of[language]} for of in (STOP_WORDS, LIGHT_WORDS))
        self._exact: dict[tuple[str, ...], int] = {}
        used_by: dict[str, set[int]] = {}
        every = [*enumerate(questions), *enumerate(keywords)]
        asked = [(entry, words(each)) for entry, phrasings in every for each in phrasings]
        cut = [(entry, self._telling(found)) for entry, found in asked]
        for (entry, found), (_, telling) in zip(asked, cut, strict=True):
            self._exact.setdefault(found, entry)
            for word in telling:
                used_by.setdefault(word, set()).add(entry)
        background = self._telling([word for each in trade for word in words(each)], most=None)
        for word in background:
            used_by.setdefault(word, set())
        self._users = list(used_by.values())  # by place: the entries that use the word
        self._vocabulary = Vocabulary(language, list(used_by))
        places = {word: place for place, word in enumerate(used_by)}
        self._trade = {form for word in background for form in self._vocabulary.family(places[word])}
        self._weights = [self._weigh(word, place, len(questions)) for word, place in places.items()]
        self._phrasings: list[_Phrasing] = []
        self._holding: list[list[int]] = [[] for _ in used_by]  # by place: the phrasings with the word
        for entry, telling in cut:
            self._add(entry, [places[word] for word in telling])

    def _add(self, entry: int, known: Sequence[int]) -> None:
        weight = _KEYWORD if len(known) == 1 else max(_LEAST, sum(self._weights[place] for place in known))
        for place in known:
            self._holding[place].append(len(self._phrasings))
        self._phrasings.append(_Phrasing(entry, weight))

    def ranked(self, question: str) -> list[tuple[int, float]]:
        """Return (entry, confidence 0-1), the surest first, equals in the order of the file."""
        best: dict[int, float] = {}
        met: dict[str, list[_Piece]] = {}
        for part in self._parts(question[:MAX_TEXT]):
            for entry, confidence in self._compare(part, met):
                best[entry] = max(confidence, best.get(entry, 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _weigh(self, word: str, place: int, entries: int) -> float:
        used_by = set[int]().union(*(self._users[form] for form in self._vocabulary.family(place)))
        rarity = math.log1p(entries / max(1, len(used_by))) / math.log1p(entries)
        return rarity * (_LIGHT if word in self._light or place in self._trade else 1.0)

    def _telling(self, found: Sequence[str], most: int | None = _MAX_WORDS) -> list[str]:
        """Return the different words that carry meaning, in their order."""
        one_way = (spelt(word, self._language) for word in found)
        return list(dict.fromkeys(word for word in one_way if word not in self._stop))[:most]

    def _parts(self, question: str) -> list[tuple[str, ...]]:
        """Return the whole, its sentences, and those clauses that say enough to stand alone."""
        sentences = _PART.split(question)
        clauses = [words(clause) for sentence in sentences for clause in _CLAUSE.split(sentence)]
        standing = [clause for clause in clauses if len(self._telling(clause)) > 1]
        parts = [words(question), *(words(sentence) for sentence in sentences), *standing]
        return list(dict.fromkeys(part for part in parts if part))[:_MAX_PARTS]

    def _compare(self, part: tuple[str, ...], seen: dict[str, list[_Piece]]) -> list[tuple[int, float]]:
        exact = self._exact.get(part)
        if exact is not None:
            return [(exact, 1.0)]
        telling = self._telling(part)
        for word in telling:
            if word not in seen:
                seen[word] = list(self._pieces(word))
        pieces = [piece for word in telling for piece in seen[word]]
        likeness: Near = {}
        for piece in pieces:
            for place, like in piece.near.items():
                likeness[place] = max(like, likeness.get(place, 0.0))
        return [(e, _confidence(share, self._understood(e, pieces))) for e, share in self._holds(likeness).items()]

    def _pieces(self, word: str) -> Iterator[_Piece]:
        for near in self._vocabulary.find(word):
            yield _Piece(near, max((self._weights[place] for place in near), default=0.0) or self._untaught(word))

    def _untaught(self, word: str) -> float:
        if word in self._light:
            return _UNTAUGHT * _LIGHT
        return _EVERYDAY if is_everyday(word, self._language) else _UNTAUGHT

    def _holds(self, likeness: Near) -> dict[int, float]:
        """Return for each entry the share of its best phrasing that the question holds."""
        held: dict[int, float] = {}
        for place, like in likeness.items():
            for phrasing in self._holding[place]:
                held[phrasing] = held.get(phrasing, 0.0) + self._weights[place] * like
        shares: dict[int, float] = {}
        for number, weight in held.items():
            phrasing = self._phrasings[number]
            shares[phrasing.entry] = max(min(1.0, weight / phrasing.weight), shares.get(phrasing.entry, 0.0))
        return shares

    def _understood(self, entry: int, pieces: Sequence[_Piece]) -> float:
        """Return the share of the question, by weight, that the entry's phrasings know."""
        known = 0.0
        for piece in pieces:
            like = max((like for place, like in piece.near.items() if entry in self._users[place]), default=0.0)
            known += piece.weight * like
        return known / sum(piece.weight for piece in pieces)


def _confidence(held: float, understood: float) -> float:
    """Return the weighted harmonic mean: what the phrasing lacks counts less than what the entry does not know."""
    return 1 / (_HELD / held + (1 - _HELD) / understood) if held and understood else 0.0
