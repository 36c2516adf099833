"""Greetings and thanks: answered when a message holds nothing else, and out of the way when it does."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from shared.domain.words import words

_MAX_ROUNDS = 4  # "Hi there, good morning, hello!"
_SLIP_LETTERS = 5  # a shorter greeting must be written right


class SmallTalk:
    """The small talk of one language, made ready once."""

    def __init__(self, questions: Sequence[Sequence[str]]) -> None:
        """Take the phrasings of every small-talk entry; an entry is known by its place."""
        self._said = {words(each): place for place, phrasings in enumerate(questions) for each in phrasings}
        self._longest = max((len(each) for each in self._said), default=0)
        self._first = {each[0] for each in self._said if each}

    def only(self, text: str) -> int | None:
        """Return the first entry said if the text is small talk and nothing else; a slip in one word is forgiven."""
        said = words(text)
        whole = "".join(said)
        place, rest = self._opening(said)
        for _ in range(_MAX_ROUNDS):
            if place is None or not rest:
                break
            _, rest = self._opening(rest)
        if place is not None and not rest:
            return place
        if len(whole) >= _SLIP_LETTERS and len(said) <= self._longest:
            close = (p for known, p in self._said.items() if OSA.distance("".join(known), whole, score_cutoff=1) <= 1)
            return next(close, None)
        return None

    def without(self, text: str) -> str:
        """Return the text less the small talk it opens with."""
        rest, cut = text, True
        for _ in range(_MAX_ROUNDS):
            rest, cut = self._cut(rest)
            if not cut:
                break
        return rest

    def _opening(self, said: tuple[str, ...]) -> tuple[int | None, tuple[str, ...]]:
        for length in range(min(self._longest, len(said)), 0, -1):
            if said[:length] in self._said:
                return self._said[said[:length]], said[length:]
        return None, said

    def _cut(self, text: str) -> tuple[str, bool]:
        """Return the text after the longest greeting it opens with, punctuation of the rest kept."""
        pieces = text.split(maxsplit=self._longest)
        if not self._first.intersection(words(" ".join(pieces[: self._longest]))[:1]):  # nearly every text
            return text, False
        for length in range(min(self._longest, len(pieces)), 0, -1):
            opening = words(" ".join(pieces[:length]))
            if opening in self._said:
                return text.split(maxsplit=length)[length] if len(text.split(maxsplit=length)) > length else "", True
        return text, False
