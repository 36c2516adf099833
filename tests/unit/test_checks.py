"""A wrong value in an owner's file is named with its place, shown short, and what is accepted is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.domain.checks import Place
from shared.errors import ConfigError

Asked = Callable[[Place], object]
TEXT = "a text of 1 to 2,000 characters (in quotes if YAML reads it as something else)"


def place(value: object) -> Place:
    """A value somewhere in a file."""
    return Place("my.yaml", "some.key", value)


def told(asked: Asked, at: Place) -> str:
    """What a person is told."""
    with pytest.raises(ConfigError) as refused:
        asked(at)
    return str(refused.value)


@pytest.mark.parametrize(
    ("value", "asked", "said"),
    [
        (None, lambda at: at.text(), f"some.key is nothing; it takes {TEXT}"),
        (0, lambda at: at.text(), f"some.key is 0; it takes {TEXT}"),
        ("", lambda at: at.text(), f"some.key is ''; it takes {TEXT}"),
        (" \n", lambda at: at.text(), f"some.key is ' \\n'; it takes {TEXT}"),
        ("abc", lambda at: at.text(longest=2), f"some.key is 'abc'; it takes {TEXT.replace('2,000', '2')}"),
        ([], lambda at: at.items("words"), "some.key is []; it takes a list of words, one at least"),
        ("a, b", lambda at: at.items("words"), "some.key is 'a, b'; it takes a list of words, one at least"),
        ([], lambda at: at.texts("words"), "some.key is []; it takes a list of words, one at least"),
        (["a", 1], lambda at: at.texts("words"), f"some.key[2] is 1; it takes {TEXT.replace('2,000', '300')}"),
        ("c", lambda at: at.one_of(["a", "b"]), "some.key is 'c'; it takes one of a, b"),
        (1, lambda at: at.one_of(["a", "b"]), "some.key is 1; it takes one of a, b"),
        (True, lambda at: at.integer(0, 5), "some.key is True; it takes a whole number from 0 to 5"),
        (1.0, lambda at: at.integer(0, 5), "some.key is 1.0; it takes a whole number from 0 to 5"),
        (-1, lambda at: at.integer(0, 5), "some.key is -1; it takes a whole number from 0 to 5"),
        (6, lambda at: at.integer(0, 5), "some.key is 6; it takes a whole number from 0 to 5"),
        (True, lambda at: at.share(0.5, 1), "some.key is True; it takes a number from 0.5 to 1"),
        ("0.7", lambda at: at.share(0.5, 1), "some.key is '0.7'; it takes a number from 0.5 to 1"),
        (0.49, lambda at: at.share(0.5, 1), "some.key is 0.49; it takes a number from 0.5 to 1"),
        (1.01, lambda at: at.share(0.5, 1), "some.key is 1.01; it takes a number from 0.5 to 1"),
        ([], lambda at: at.mapping(["a"], ["b"]), "some.key is []; it takes a mapping with the keys a, b"),
        (
            {"a": 1, "c": 2},
            lambda at: at.mapping(["a"], ["b"]),
            "some.key.key 'c' is 'c'; it takes only these keys: a, b",
        ),
        (
            {"b": 1},
            lambda at: at.mapping(["a"], ["b"]),
            "some.key.a is nothing; it takes a value: this key is required",
        ),
        ({"a": None}, lambda at: at.mapping(["a"]), "some.key.a is nothing; it takes a value: this key is required"),
    ],
)
def test_a_mistake_says_where_what_and_what_is_accepted(value: object, asked: Asked, said: str) -> None:
    """In one sentence, to the letter."""
    assert told(asked, place(value)) == f"my.yaml: {said}"


def test_the_top_of_a_file_has_no_path() -> None:
    """It is the file that is wrong, or a key by its own name."""
    top = Place("my.yaml", "", [])
    assert (
        told(lambda at: at.mapping(["a"]), top) == "my.yaml: the whole file is []; it takes a mapping with the keys a"
    )
    missing = "my.yaml: a is nothing; it takes a value: this key is required"
    assert told(lambda at: at.mapping(["a"]), Place("my.yaml", "", {})) == missing


def test_what_is_accepted_is_read() -> None:
    """The bounds are among it; spaces and line ends within a text become one."""
    assert place(" a\n b ").text(longest=6) == "a b"
    assert place("x" * 2_000).text() == "x" * 2_000
    assert place(["x" * 300]).texts("words") == ("x" * 300,)
    assert place("b").one_of(["a", "b"]) == "b"
    assert [place(each).integer(0, 5) for each in (0, 5)] == [0, 5]
    assert [place(each).share(0.5, 1) for each in (0.5, 1)] == [0.5, 1.0]
    assert type(place(1).share(0.5, 1)) is float


def test_what_is_inside_has_its_own_place() -> None:
    """Items are counted from one; a key that is empty is as if it were not there."""
    assert place(["a", "b"]).items("words") == [
        Place("my.yaml", "some.key[1]", "a"),
        Place("my.yaml", "some.key[2]", "b"),
    ]
    assert place({"a": 1, "b": None}).mapping(["a"], ["b"]) == {"a": Place("my.yaml", "some.key.a", 1)}
    assert Place("my.yaml", "", {"a": 1}).mapping(["a"]) == {"a": Place("my.yaml", "a", 1)}


def test_a_wrong_value_is_shown_short() -> None:
    """However deep and long it is."""
    said = told(lambda at: at.text(), place({"a": [["x" * 1_000] * 1_000] * 1_000}))
    assert said.endswith(TEXT)
    assert len(said) < 400
