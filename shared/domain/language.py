"""Which language a visitor writes in: telling letters and frequent words, nothing cleverer."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.everyday import EVERYDAY
from shared.domain.synonyms import GROUPS
from shared.domain.words import LIGHT_WORDS, MAX_TEXT, STOP_WORDS, spelt, words

_LETTERS = {"pl": frozenset("ąćęłńśźż"), "de": frozenset("äöüß")}
_FREQUENT = {
    language: frozenset(
        spelt(word, language)
        for word in {*STOP_WORDS[language], *LIGHT_WORDS[language], *EVERYDAY[language], *GROUPS[language].split()}
    )
    for language in STOP_WORDS
}
_LETTER_WEIGHT = 2  # a letter no other language has says more than a word that two share


def detect_language(text: str, among: Sequence[str], default: str | None = None) -> str:
    """Return the language of ``among`` with the most telling letters and frequent words in the text.

    Args:
        text: what the visitor wrote; more than 2,000 code points are not looked at.
        among: ISO 639-1 codes; one without a word list here is never detected.
        default: the answer for a text that tells nothing or two languages equally; None: the first of ``among``.
    """
    scores = _scores(text, among)
    best = max(scores.values(), default=0)
    winners = [language for language, score in scores.items() if score == best]
    return winners[0] if best and len(winners) == 1 else default or among[0]


def likely_languages(text: str, among: Sequence[str]) -> tuple[str, ...]:
    """Return those of ``among`` with half as many telling letters and words as the best, all if there are none."""
    scores = _scores(text, among)
    least = max(1, max(scores.values(), default=0) / 2)
    return tuple(each for each in among if scores.get(each, 0) >= least) or tuple(among)


def _scores(text: str, among: Sequence[str]) -> dict[str, int]:
    found = words(text)
    telling = [] if text.isascii() else [each for each in text[:MAX_TEXT].lower() if not each.isascii()]
    scores = {}
    for language in among:
        if language in STOP_WORDS:
            frequent, letters = _FREQUENT[language], _LETTERS.get(language, frozenset())
            known = len([word for word in found if spelt(word, language) in frequent])
            scores[language] = known + _LETTER_WEIGHT * len([each for each in telling if each in letters])
    return scores
