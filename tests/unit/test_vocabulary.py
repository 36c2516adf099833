"""A visitor's word meets the taught words it is a form of, is put together of, or is a slip of, and no others."""

from __future__ import annotations

import pytest

from shared.domain.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("language", "taught", "word"),
    [
        ("en", "price", "prices"),
        ("en", "price", "pirce"),
        ("pl", "placic", "zaplacic"),
        ("pl", "zaplacic", "placic"),
        ("de", "rufen", "anrufen"),
        ("de", "anfangen", "fangen"),
        ("de", "offnen", "geoffnet"),
    ],
)
def test_a_word_meets_what_it_is_a_form_or_a_slip_of(language: str, taught: str, word: str) -> None:
    """Endings, a beginning that comes and goes, and one typing error."""
    assert [set(near) for near in Vocabulary(language, [taught]).find(word)] == [{0}]


@pytest.mark.parametrize(
    ("language", "taught", "word"),
    [
        ("en", "place", "replace"),
        ("pl", "zaczekac", "poczekac"),  # both have a beginning, and not the same one
        ("de", "kauf", "handykauf"),  # half of it is something else
        ("en", "warten", "garten"),  # another first letter is another word
    ],
)
def test_another_word_meets_nothing(language: str, taught: str, word: str) -> None:
    """Likeness alone does not make two words one."""
    assert Vocabulary(language, [taught]).find(word) == [{}]


def test_a_word_made_of_two_counts_as_both() -> None:
    """So an entry that knows one half only knows half of what was asked."""
    taught = ["kunde", "bewertung"]
    assert [set(near) for near in Vocabulary("de", taught).find("kundenbewertungen")] == [{0}, {1}]
