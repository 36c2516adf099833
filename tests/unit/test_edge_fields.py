"""Typed readers on a parsed JSON object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.fields import optional_exact, optional_flags, optional_line, required_text
from shared.errors import RequestError

CONSENT = ("processing", "marketing")


def refusal(read, *args, **options):
    """The error that reading ends in: always a 400 that names a field."""
    with pytest.raises(RequestError) as caught:
        read(*args, **options)
    assert (caught.value.status, caught.value.slug) == (400, "invalid-field")
    return caught.value


@pytest.mark.parametrize("message", ["x", "ż" * 2000, "🙂" * 2000, " a\tb\r\nc ", "\u200b", "0"])
def test_a_message_arrives_as_it_was_sent(message):
    """1 to 2000 code points, whatever their bytes; spaces around are kept."""
    assert required_text({"message": message}, "message") == message


@pytest.mark.parametrize(
    ("body", "got"),
    [
        ({}, "nothing"),
        ({"message": None}, "null"),
        ({"message": 7}, "a number"),
        ({"message": 7.5}, "a number"),
        ({"message": True}, "a boolean"),
        ({"message": []}, "a list"),
        ({"message": {}}, "an object"),
        ({"message": ""}, "an empty string"),
        ({"message": " \t\r\n\u00a0\u2003"}, "only spaces"),
        ({"message": "🙂" * 2001}, "2001 characters"),
        ({"message": " " * 2001}, "2001 characters"),
    ],
)
def test_f31_a_message_that_is_none_is_named_with_what_came(body, got):
    """The sentence says what is accepted and which kind of thing came."""
    error = refusal(required_text, body, "message")
    must = "message: must be a string of 1 to 2000 characters that is not only spaces"
    assert (error.field, error.detail) == ("message", f"{must}; got {got}.")


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x0b", "\x0c", "\x1b", "\x1f"])
def test_f31_control_characters_in_a_message(control):
    """Nobody types them; terminals and logs obey them."""
    assert "control characters" in refusal(required_text, {"message": f"a{control}b"}, "message").detail


@pytest.mark.parametrize("control", ["\r", "\n", "\r\nBcc: x@example.com", "\x00", "\t", "\x7f", "\x85", "\u2028"])
@pytest.mark.parametrize("field", ["name", "email", "phone"])
def test_f40_line_ends_and_control_characters_in_one_line_fields(field, control):
    """Nothing that ends or overwrites a line gets into a name, an e-mail or a phone number."""
    error = refusal(optional_line, {field: f"Ana{control}"}, field, max_length=100)
    assert (error.field, control in error.detail) == (field, False)


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}, {"name": "  "}])
def test_an_optional_line_that_was_not_filled_in_is_absent(body):
    """Left out, null, empty and spaces are the same."""
    assert optional_line(body, "name", max_length=100) is None


def test_an_optional_line_loses_the_spaces_around_it():
    """They are typing accidents."""
    assert optional_line({"name": " Ana María "}, "name", max_length=100) == "Ana María"


def test_f31_an_optional_line_of_another_type_or_too_long():
    """Optional does not mean anything goes; lengths are code points."""
    assert "got a number" in refusal(optional_line, {"name": 1}, "name", max_length=3).detail
    assert "got 4 characters" in refusal(optional_line, {"name": "ąąąą"}, "name", max_length=3).detail
    assert optional_line({"name": "ąąą"}, "name", max_length=3) == "ąąą"


def test_an_exact_field_is_not_touched():
    """For what has a format of its own: empty is not absent, spaces stay."""
    assert optional_exact({"session_id": ""}, "session_id", max_length=64) == ""
    assert optional_exact({"session_id": " a"}, "session_id", max_length=64) == " a"
    assert optional_exact({"session_id": None}, "session_id", max_length=64) is None


@pytest.mark.parametrize(
    ("consent", "flags"),
    [
        (None, {}),
        ({}, {}),
        ({"marketing": None}, {}),
        ({"marketing": True, "processing": False, "other": "x"}, {"processing": False, "marketing": True}),
    ],
)
def test_flags_are_those_that_were_set(consent, flags):
    """Null and left out are the same, others are ignored."""
    assert optional_flags({"consent": consent}, "consent", CONSENT) == flags


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        ([], "consent"),
        (True, "consent"),
        ({"marketing": 1}, "consent.marketing"),
        ({"processing": "yes"}, "consent.processing"),
    ],
)
def test_f31_flags_of_another_type(consent, field):
    """1 and "yes" are no consent; the member is named."""
    assert refusal(optional_flags, {"consent": consent}, "consent", CONSENT).field == field


@given(st.text(min_size=5))
def test_f45_a_refusal_never_repeats_the_value(value):
    """The sentence can be logged."""
    marked = f"s3cr3t{value}"
    error = refusal(optional_exact, {"email": marked}, "email", max_length=2)
    assert "s3cr3t" not in error.detail + str(error)
