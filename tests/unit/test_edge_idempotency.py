"""The Idempotency-Key header."""

from __future__ import annotations

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from shared.edge.idempotency import idempotency_key
from shared.errors import RequestError

VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))


def request_with(key):
    """A request as a server shows it."""
    environ = create_environ(method="POST")
    if key is not None:
        environ["HTTP_IDEMPOTENCY_KEY"] = key
    return flask.Request(environ)


def test_no_header_is_no_key():
    """The header is optional."""
    assert idempotency_key(request_with(None)) is None


@pytest.mark.parametrize("key", ["a", VISIBLE, "k" * 255, '"8e03978e-40d5-43e8-bc93-6894a57f9324"'])
def test_a_key_is_taken_as_it_is(key):
    """All visible ASCII, up to 255; the draft's quotes are part of it."""
    assert idempotency_key(request_with(key)) == key


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\tb", "a\x00", "a\x7f", "é", "ÅŸ", "a, b", " a", "a\n"])
def test_f30_other_keys(key):
    """Empty, too long, control and other characters are 400 naming the header."""
    with pytest.raises(RequestError) as caught:
        idempotency_key(request_with(key))
    assert (caught.value.status, caught.value.field) == (400, "Idempotency-Key")
    assert "Idempotency-Key: must be" in caught.value.detail


def test_f30_a_header_sent_twice():
    """Folded with a comma and a space it is 400."""
    environ = create_environ(headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    with pytest.raises(RequestError):
        idempotency_key(flask.Request(environ))


@given(st.text(st.characters(max_codepoint=255), max_size=300))
def test_f30_no_text_is_anything_but_a_key_or_a_400(key):
    """Arbitrary text is the key itself or a refusal."""
    if 1 <= len(key) <= 255 and set(key) <= set(VISIBLE):
        assert idempotency_key(request_with(key)) == key
    else:
        with pytest.raises(RequestError):
            idempotency_key(request_with(key))
