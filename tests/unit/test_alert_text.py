"""What every channel says of an alert: nothing of a visitor's passes for something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.alert_text import TEXT_MOST, TITLES, VALUE_MOST, headline, one_line, said, several_lines
from tests.support.smtp_servers import a_message

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=400)
LINE_ENDS = ["\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("end", LINE_ENDS)
def test_f40_every_kind_of_line_end_becomes_one_of_ours(end: str) -> None:
    """Programs do not agree on what ends a line."""
    assert several_lines(f"a{end}b") == "a\nb"
    assert one_line(f"a{end}b") == "a b"


@pytest.mark.parametrize("control", ["\0", "\x08", "\x1b", "\x1f", "\x7f", "\x9b"])
def test_f40_control_characters_become_spaces(control: str) -> None:
    """Terminals obey them; tabs stay."""
    assert several_lines(f"a{control}b\tc") == "a b\tc"


def test_what_reorders_a_line_is_taken_out_and_right_to_left_letters_stay() -> None:
    """An override would show what we say as something else."""
    assert several_lines(f"a{REORDERING}b שלום \u200f") == "ab שלום \u200f"
    assert one_line(f"a{REORDERING}b שלום") == "ab שלום"


def test_a_text_and_a_value_have_a_longest_length() -> None:
    """Cut, and marked where it was."""
    assert len(several_lines("x" * (TEXT_MOST + 1))) == TEXT_MOST
    assert one_line("x" * (VALUE_MOST + 1)) == "x" * (VALUE_MOST - 1) + "…"


@given(ANYTHING, ANYTHING, st.sampled_from([*TITLES, "other"]))
def test_whatever_a_payload_holds_there_is_a_headline_of_one_line(title: str, text: str, kind: str) -> None:
    """And nothing in it or in the lines that UTF-8 cannot hold or that is no text."""
    message = a_message(kind=kind, payload={"title": title, "name": title, "text": text, "message": text})
    lines = [headline(message), *said(message)]
    assert lines[0].strip()
    assert "\n" not in lines[0]
    assert not {*"\n".join(lines)} & {*map(chr, range(32)), *map(chr, range(127, 160))} - {"\n", "\t"}
    "\n".join(lines).encode()


@pytest.mark.parametrize("value", [None, "", " ", "\u202e", "\r\n"])
def test_a_title_that_says_nothing_gives_way_to_the_kind_s(value: str | None) -> None:
    """No message is without a name."""
    assert headline(a_message(kind="notice", payload={"title": value})) == "A destination needs repair"
    assert headline(a_message(payload={"name": value})) == "New lead"


@given(ANYTHING)
def test_no_line_of_a_lead_s_message_passes_for_one_of_ours(asked: str) -> None:
    """Each is quoted."""
    lines = said(a_message(payload={"message": asked}))
    assert lines[:2] in ([], ["", "Message:"])
    assert all(line.startswith("> ") for line in lines[2:])
