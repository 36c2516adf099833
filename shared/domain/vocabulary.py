"""Which of the taught words a visitor's word is: the same, a form of it, put together of two, or a slip."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shared.domain.everyday import is_everyday
from shared.domain.synonyms import synonyms
from shared.domain.words import BEGINNINGS, LIGHT_WORDS, LINKS, inflected

Near = dict[int, float]  # place of a taught word → likeness, 0 to 1

_INFLECTED, _RELATED, _SYNONYM, _ONE_TYPO, _TWO_TYPOS = 0.95, 0.9, 0.85, 0.85, 0.75
_TYPO_LETTERS, _TWO_TYPO_LETTERS = 5, 8  # shorter words have too many neighbours
_STEM_LETTERS = 5  # what is left of a word that lost its beginning
_HALF_LETTERS = 4  # either half of a word made of two
_BUCKET = 3  # letters that two forms of one word always share


class Vocabulary:
    """The taught words of one language, each known by its place; looking one up changes nothing."""

    def __init__(self, language: str, taught: Sequence[str]) -> None:
        """Take the different taught words, as ``words`` and ``spelt`` give them."""
        self._language = language
        self._taught = list(taught)
        self._place = {word: place for place, word in enumerate(taught)}
        self._buckets: dict[str, list[tuple[str, bool, int]]] = {}  # beginning → (form, the whole word?, its place)
        for word, place in self._place.items():
            for form in (word, *self._stripped(word)):
                self._buckets.setdefault(form[:_BUCKET], []).append((form, form == word, place))

    def find(self, word: str) -> list[Near]:
        """Return the taught words near this one; two sets for a word made of two, an empty one if there is none."""
        everyday = word in LIGHT_WORDS[self._language] or is_everyday(word, self._language)
        near = self._akin(word, whole=everyday)  # "stellen" is no "abstellen"
        if word in self._place:
            near[self._place[word]] = 1.0
        if near:
            return [near]
        if everyday:
            return [self._synonyms(word)]
        near = self._synonyms(word) or self._forms(word)
        return [near] if near else self._halves(word) or [self._slips(word)]

    def word(self, place: int) -> str:
        """Return the word at a place."""
        return self._taught[place]

    def family(self, place: int) -> set[int]:
        """Return the places of this word and of its forms."""
        return {place, *self._akin(self._taught[place])}

    def _synonyms(self, word: str) -> Near:
        """Return the taught words that mean the same to anybody who asks a business something."""
        return {p: _SYNONYM for other in synonyms(word, self._language) for p in self._akin(other)}

    def _forms(self, word: str) -> Near:
        near = self._akin(word)
        for stem in self._stripped(word):
            near = self._akin(stem, stripped=True) | near
        return near

    def _akin(self, form: str, *, stripped: bool = False, whole: bool = False) -> Near:
        """Return the taught words of which this is a form; one of the two may have lost its beginning, not both.

        With ``whole`` neither may.
        """
        near: Near = {}
        for other, entire, place in self._buckets.get(form[:_BUCKET], ()):
            if (entire or not (stripped or whole)) and inflected(form, other, self._language):
                near[place] = max(_INFLECTED if entire and not stripped else _RELATED, near.get(place, 0.0))
        return near

    def _stripped(self, word: str) -> list[str]:
        beginnings = BEGINNINGS[self._language]
        return [word[len(b) :] for b in beginnings if word.startswith(b) and len(word) - len(b) >= _STEM_LETTERS]

    def _halves(self, word: str) -> list[Near]:
        """Return what either half is, if both are taught: "Möbelkauf", and not "Handykauf"."""
        links = LINKS.get(self._language, ())
        for cut in range(_HALF_LETTERS, len(word) - _HALF_LETTERS + 1) if links else ():
            tail = self._akin(word[cut:])
            heads = [word[: cut - len(link)] for link in links if word[:cut].endswith(link)] if tail else []
            head = next((near for each in heads if len(each) >= _HALF_LETTERS and (near := self._akin(each))), None)
            if head:
                return [head, tail]
        return []

    def _slips(self, word: str) -> Near:
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
        return shortest >= _TYPO_LETTERS - 1 and (word[0] == taught[0] or shortest >= _TWO_TYPO_LETTERS - 1)
    return distance == 2 and shortest >= _TWO_TYPO_LETTERS - 1 and longest >= _TWO_TYPO_LETTERS and word[0] == taught[0]  # noqa: PLR2004
