"""Signed links: what is tampered with is refused, keys rotate, and two years are the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.tokens import SignedTokens
from shared.domain.rights import MARKETING, TOKEN_LIFE, Claims
from shared.errors import TokenExpired, TokenRefused

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
OLD, NEW = "an old key of tests", "a new key of tests"
CLAIMS = Claims(MARKETING, "a1" * 16, "b2" * 16, "pl")
TOKEN = SignedTokens((NEW,)).make(CLAIMS, NOW)


def test_a_token_says_what_it_was_made_of() -> None:
    """And needs no encoding in a URL; it does not hold the address."""
    assert SignedTokens((NEW,)).read(TOKEN, NOW + timedelta(days=1)) == CLAIMS
    assert TOKEN.isascii()
    assert not set(TOKEN) & set("+/=%&?# ")


def test_every_flipped_bit_is_refused() -> None:
    """Each of them, in every part of the token."""
    raw = TOKEN.encode()
    for place in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[place] ^= 1 << bit
            with pytest.raises(TokenRefused):
                SignedTokens((NEW,)).read(changed.decode("latin-1"), NOW)


@given(st.text(max_size=700) | st.lists(st.sampled_from(TOKEN), max_size=200).map("".join))
def test_no_other_text_is_taken(text: str) -> None:
    """Whatever it is."""
    if text != TOKEN:
        with pytest.raises(TokenRefused):
            SignedTokens((NEW,)).read(text, NOW)


@given(st.integers(0, len(TOKEN)), st.text("ABCDEFGHIJKLMNOPabcdef0123456789-_.=", min_size=1, max_size=3))
def test_nothing_can_be_added_or_left_out(place: int, more: str) -> None:
    """Base64 readers skip what they do not know, and ignore spare bits; this one does not."""
    for changed in (TOKEN[:place] + more + TOKEN[place:], TOKEN[:place] + TOKEN[place + len(more) :]):
        if changed != TOKEN:
            with pytest.raises(TokenRefused):
                SignedTokens((NEW,)).read(changed, NOW)


@pytest.mark.parametrize("junk", ["!", "=", "\n", " ", "*", "é", "\x00", "%3D"])
def test_no_character_that_base64_readers_skip_is_taken(junk: str) -> None:
    """At any place of the token: there is one way to write it."""
    for place in range(len(TOKEN) + 1):
        with pytest.raises(TokenRefused):
            SignedTokens((NEW,)).read(TOKEN[:place] + junk + TOKEN[place:], NOW)


def test_a_rotated_key_is_accepted_as_long_as_it_is_listed() -> None:
    """The first one signs; a token of a key that is not listed any more is refused, not expired."""
    old = SignedTokens((OLD,)).make(CLAIMS, NOW)
    both = SignedTokens((NEW, OLD))
    assert both.read(old, NOW) == CLAIMS
    assert SignedTokens((NEW,)).read(both.make(CLAIMS, NOW), NOW) == CLAIMS
    with pytest.raises(TokenRefused):
        SignedTokens((NEW,)).read(old, NOW)


def test_a_token_holds_for_two_years() -> None:
    """To the second; one from the future was not given out by us."""
    tokens = SignedTokens((NEW,))
    assert tokens.read(TOKEN, NOW + TOKEN_LIFE) == CLAIMS
    with pytest.raises(TokenExpired):
        tokens.read(TOKEN, NOW + TOKEN_LIFE + timedelta(seconds=1))
    with pytest.raises(TokenRefused):
        tokens.read(TOKEN, NOW - timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [{"scope": "other"}, {"address": "short"}, {"conversation_id": "../../x"}],
)
def test_what_is_signed_is_checked_all_the_same(changes: dict[str, str]) -> None:
    """A token of another version of the code, or for another list."""
    tokens = SignedTokens((NEW,))
    with pytest.raises(TokenRefused):
        tokens.read(tokens.make(Claims(**(vars(CLAIMS) | changes)), NOW), NOW)
