"""How sure one may be that a question is about an entry of the knowledge.

A question and a phrasing are compared by the words that carry meaning, each weighted by how few entries use it. Two
shares are taken: how much of the phrasing the question holds, and how much of the question the entry knows, by all its
phrasings. Their weighted harmonic mean is the confidence: a word nobody taught ("ticket", "Paris") pulls it down more
than a missing one, which is what keeps foreign questions unanswered. Words of everyday and words of the owner's trade
("kitchen") pull it down little: any question may hold them, whatever it is about.

A word in common may still be an accident ("how many people live in Poland"). Three signs of that take their part of the
confidence, so that the visitor is asked back rather than answered: nobody taught the entry a question for this kind of
thing; it knows one telling word, and another is not its own; the question is about the world, not about the visitor,
the business or its trade.

A little longer than other modules: what makes one confidence stands in one place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.domain.asking import is_between_us, kind_asked
from shared.domain.everyday import is_everyday, is_time
from shared.domain.vocabulary import Near, Vocabulary
from shared.domain.words import LIGHT_WORDS, MAX_TEXT, STOP_WORDS, spelt, words

_LIGHT = 0.3  # of its weight is left to a word that only shapes a question, or that belongs to the whole trade
_EVERYDAY = 0.15  # the weight of an everyday word that no phrasing holds
_UNTAUGHT = 1.8  # the weight of any other such word; the rarest taught word weighs 1
_HELD = 0.15  # of the confidence hangs on the phrasing being held, the rest on the question being understood
_LEAST = 0.8  # the weight of a phrasing that weighs less: two light words in common are little
_KEYWORD = 1.4  # the weight of a single word as a phrasing: one that several topics use holds less of it
_PASSING = 0.5  # of its weight counts an everyday word against an entry that does not have it and others do
_RUN = 0.8  # the weight of a run of words beside those of its words
_SHAPING = 0.35  # what a run of nothing but light words holds: "what time" is not yet a question
_OTHER_KIND = 0.7  # of the confidence is left where the entry is never asked for this kind of thing,
_LONE = 0.75  # … where it knows a single telling word, and another word is not its own,
_WORLDLY, _LEAST_WORLDLY = 0.8, 3  # … where a question of that many words or more is about the world
_WORTH, _TELLING = 0.3, 0.5  # a lower confidence leads to nothing, and a lower weight tells nothing by itself
_INEXACT = 0.99  # the most for what is not, word for word, a phrasing
_MAX_WORDS = 40  # told apart in one sentence; the rest of a longer one is not looked at
_MAX_PARTS = 24
_RECENT = 64  # questions: one message asks up to three times, for its answer and to ask back
_KEPT_WORDS, _LONGEST_KEPT = 1_024, 40  # of visitors, and letters, with the taught words that each is near to
_PART = re.compile(r"[.!?;\n]+")
_CLAUSE = re.compile(r"[,:\u2013\u2014]+")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word of a question, or half of one.

    Attributes:
        word: the word it is of.
        near: the taught words it is near to.
        weight: what it weighs for an entry that has one of them.
        against: what it weighs against an entry that has none.
    """

    word: str
    near: Near
    weight: float
    against: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A part of a question: its words, the kind of thing it asks for, and whether it is about the world."""

    pieces: tuple[_Piece, ...]
    kind: str | None
    worldly: bool


@dataclass(frozen=True, slots=True)
class _Run:
    said: tuple[str, ...]
    entry: int
    share: float  # what it holds of the entry's phrasings
    weight: float  # what it weighs beside its words


class Index:
    """The phrasings of one language, made ready once.

    Looking up a question changes no answer: what a word or a phrasing weighs is worked out when it is first met, so
    that a function starts fast, and two threads that do so at once find the same.
    """

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
            keywords: of every entry, words that tell it by themselves; several in a row do as they stand.
            trade: words that tell no entry, and are no sign of a foreign question either.
        """
        self._language = language
        self._entries = len(questions)
        self._stop, self._light = ({spelt(w, language) for w in of[language]} for of in (STOP_WORDS, LIGHT_WORDS))
        self._said: list[list[tuple[str, ...]]] = [[] for _ in questions]  # by entry: all that was taught
        self._kinds: dict[int, frozenset[str | None]] = {}
        self._exact: dict[tuple[str, ...], int] = {}
        self._runs: dict[str, list[_Run]] = {}  # by the first word
        self._places: dict[str, int] = {}
        self._users: list[set[int]] = []  # by place: the entries that use the word
        self._holding: list[list[int]] = []  # by place: the phrasings with the word
        self._phrasings: list[tuple[int, list[int]]] = []  # (entry, places)
        self._teach(questions, keywords)
        self._trade = {self._place(word) for each in trade for word in self._telling(words(each))}
        self._vocabulary = Vocabulary(language, list(self._places))
        self._weights: dict[int, float] = {}
        self._heaviness: dict[int, float] = {}

    def _teach(self, questions: Sequence[Sequence[str]], keywords: Sequence[Sequence[str]]) -> None:
        for entry, phrasings in enumerate(questions):
            for each in phrasings:
                found = words(each)
                self._exact.setdefault(found, entry)
                self._said[entry].append(found)
                self._add(entry, self._telling(found), least=1)
        for entry, listed in enumerate(keywords):
            for each in listed:
                found = words(each)
                self._said[entry].append(found)
                if len(found) > 1:
                    run = tuple(spelt(word, self._language) for word in found)
                    telling = any(word not in self._light for word in self._telling(found))
                    worth = (1.0, _RUN) if telling else (_SHAPING, _RUN * _LIGHT)
                    self._runs.setdefault(run[0], []).append(_Run(run, entry, *worth))
                self._add(entry, self._telling(found), least=min(2, len(found)))

    def _add(self, entry: int, telling: Sequence[str], least: int) -> None:
        """Teach the words of a phrasing, and the phrasing itself if it has as many as it takes to be one."""
        if len(telling) < least:
            return
        places = [self._place(word) for word in telling]
        for place in places:
            self._users[place].add(entry)
            self._holding[place].append(len(self._phrasings))
        self._phrasings.append((entry, places))

    def _place(self, word: str) -> int:
        place = self._places.setdefault(word, len(self._places))
        if place == len(self._users):
            self._users.append(set())
            self._holding.append([])
        return place

    @lru_cache(maxsize=_RECENT)  # noqa: B019 - an index lives as long as the process
    def ranked(self, question: str) -> list[tuple[int, float]]:
        """Return (entry, confidence 0-1), the surest first, equals in the order of the file."""
        best: dict[int, float] = {}
        for part in self._parts(question[:MAX_TEXT]):
            for entry, confidence in self._compare(part):
                best[entry] = max(confidence, best.get(entry, 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _weight(self, place: int) -> float:
        weight = self._weights.get(place)
        if weight is None:
            family = self._vocabulary.family(place)
            used_by = set[int]().union(*(self._users[form] for form in family))
            weight = math.log1p(self._entries / max(1, len(used_by))) / math.log1p(self._entries)
            light = any(form in self._trade or self._vocabulary.word(form) in self._light for form in family)
            weight *= _LIGHT if light else 1.0
            self._weights[place] = weight
        return weight

    def _heavy(self, phrasing: int) -> float:
        """Return what all words of a phrasing weigh together."""
        weight = self._heaviness.get(phrasing)
        if weight is None:
            places = self._phrasings[phrasing][1]
            weight = _KEYWORD if len(places) == 1 else max(_LEAST, sum(self._weight(place) for place in places))
            self._heaviness[phrasing] = weight
        return weight

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

    def _compare(self, part: tuple[str, ...]) -> list[tuple[int, float]]:
        exact = self._exact.get(part)
        if exact is not None:
            return [(exact, 1.0)]
        asked = self._asked(part, tuple(piece for word in self._telling(part) for piece in self._pieces(word)))
        likeness: Near = {}
        for piece in asked.pieces:
            for place, like in piece.near.items():
                likeness[place] = max(like, likeness.get(place, 0.0))
        runs = self._runs_in(part)
        holds = self._holds(likeness)
        for entry, found in runs.items():
            holds[entry] = max([holds.get(entry, 0.0), *(run.share for run in found)])
        return [(entry, self._sure(entry, share, asked, runs.get(entry, ()))) for entry, share in holds.items()]

    def _asked(self, part: Sequence[str], pieces: tuple[_Piece, ...]) -> _Asked:
        kind = kind_asked(part, self._language)
        trade = any(place in self._trade for piece in pieces for place in piece.near)
        between_us = trade or len(part) < _LEAST_WORLDLY or is_between_us(part, self._language)
        return _Asked(pieces, kind, worldly=not between_us)

    def _sure(self, entry: int, share: float, asked: _Asked, runs: Sequence[_Run]) -> float:
        """Return the confidence less what each sign of an accident takes from it."""
        sure = _confidence(share, self._understood(entry, asked.pieces, runs))
        if sure < _WORTH:
            return sure
        sure *= _WORLDLY if asked.worldly else 1.0
        sure *= 1.0 if asked.kind is None or asked.kind in self._kinds_of(entry) else _OTHER_KIND
        return sure * (_LONE if self._is_lone(entry, asked, runs) else 1.0)

    def _kinds_of(self, entry: int) -> frozenset[str | None]:
        """Return the kinds of things that what was taught of an entry asks for."""
        if entry not in self._kinds:
            self._kinds[entry] = frozenset(kind_asked(said, self._language) for said in self._said[entry])
        return self._kinds[entry]

    def _is_lone(self, entry: int, asked: _Asked, runs: Sequence[_Run]) -> bool:
        """Tell whether an entry knows one telling word at most, no run of words, and not all the others."""
        telling: set[str] = set()
        others: list[_Piece] = []
        for piece in asked.pieces:
            if not any(entry in self._users[place] for place in piece.near):
                others.append(piece)
            elif piece.weight >= _TELLING:
                telling.add(piece.word)
        if len(telling) > 1 or any(run.share == 1 for run in runs):
            return False
        return any(map(self._is_foreign, others))

    def _is_foreign(self, piece: _Piece) -> bool:
        """Tell whether a word an entry does not know speaks against it: no time, no number, nothing of the trade."""
        plain = piece.word in self._light or is_time(piece.word, self._language)
        return not plain and (piece.weight > _LIGHT or not piece.near)

    def _pieces(self, word: str) -> tuple[_Piece, ...]:
        """Return what a word is made of: most of what visitors write is written again and again."""
        return self._known(word) if len(word) <= _LONGEST_KEPT else self._looked_up(word)

    @lru_cache(maxsize=_KEPT_WORDS)  # noqa: B019 - as above
    def _known(self, word: str) -> tuple[_Piece, ...]:
        return self._looked_up(word)

    def _looked_up(self, word: str) -> tuple[_Piece, ...]:
        return tuple(self._piece(word, near) for near in self._vocabulary.find(word))

    def _piece(self, word: str, near: Near) -> _Piece:
        if not near:
            return _Piece(word, near, 0.0, self._untaught(word))
        weight = max(self._weight(place) for place in near)
        return _Piece(word, near, weight, weight * (_PASSING if is_everyday(word, self._language) else 1.0))

    def _untaught(self, word: str) -> float:
        if word in self._light:
            return _UNTAUGHT * _LIGHT
        return _EVERYDAY if is_everyday(word, self._language) else _UNTAUGHT

    def _runs_in(self, part: Sequence[str]) -> dict[int, list[_Run]]:
        """Return the runs of words that stand in the text, by entry."""
        said = tuple(spelt(word, self._language) for word in part)
        found: dict[int, list[_Run]] = {}
        for at, word in enumerate(said):
            for run in self._runs.get(word, ()):
                if said[at : at + len(run.said)] == run.said:
                    found.setdefault(run.entry, []).append(run)
        return found

    def _holds(self, likeness: Near) -> dict[int, float]:
        """Return for each entry the share of its best phrasing that the question holds."""
        held: dict[int, float] = {}
        for place, like in likeness.items():
            weight = self._weight(place) * like
            for phrasing in self._holding[place]:
                held[phrasing] = held.get(phrasing, 0.0) + weight
        shares: dict[int, float] = {}
        for phrasing, weight in held.items():
            entry = self._phrasings[phrasing][0]
            shares[entry] = max(min(1.0, weight / self._heavy(phrasing)), shares.get(entry, 0.0))
        return shares

    def _understood(self, entry: int, pieces: Sequence[_Piece], runs: Sequence[_Run]) -> float:
        """Return the share of the question, by weight, that the entry's phrasings and runs of words know."""
        known = every = max((run.weight for run in runs), default=0.0)
        for piece in pieces:
            like = max((like for place, like in piece.near.items() if entry in self._users[place]), default=0.0)
            if any(piece.word in run.said for run in runs):
                like = 1.0
            known += piece.weight * like
            every += piece.weight if like else piece.against
        return known / every if every else 0.0


def _confidence(held: float, understood: float) -> float:
    """Return the weighted harmonic mean: what the phrasing lacks counts less than what the entry does not know."""
    return min(_INEXACT, 1 / (_HELD / held + (1 - _HELD) / understood)) if held and understood else 0.0
