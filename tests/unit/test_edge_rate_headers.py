"""The IETF rate limit headers."""

from __future__ import annotations

import pytest

from shared.edge.rate_headers import rate_headers


def test_the_designs_example():
    """As design.md has it."""
    assert rate_headers([("chat", 30, 60)], [("chat", 29, 42)]) == {
        "RateLimit-Policy": '"chat";q=30;w=60',
        "RateLimit": '"chat";r=29;t=42',
    }


def test_before_counting_only_the_policy_shows():
    """No RateLimit without a count."""
    assert rate_headers([("chat", 30, 60)]) == {"RateLimit-Policy": '"chat";q=30;w=60'}


def test_several_policies_are_a_list():
    """Items of a structured list, with a comma and a space (RFC 9651, 4.1.1)."""
    headers = rate_headers([("minute", 50, 60), ("hour", 200, 3600)], [("minute", 1, 5), ("hour", 9, 50)])
    assert headers["RateLimit-Policy"] == '"minute";q=50;w=60, "hour";q=200;w=3600'
    assert headers["RateLimit"] == '"minute";r=1;t=5, "hour";r=9;t=50'


@pytest.mark.parametrize(("remaining", "reset", "shown"), [(-3, -1.0, "r=0;t=0"), (0, 41.2, "r=0;t=42")])
def test_numbers_are_whole_and_not_negative(remaining, reset, shown):
    """Nobody is told to come back too early, or less than nothing."""
    assert rate_headers([], [("chat", remaining, reset)]) == {"RateLimit": f'"chat";{shown}'}


def test_nothing_gives_no_headers():
    """Empty lists are not sent."""
    assert rate_headers([]) == {}


def test_names_are_structured_strings():
    """Quotes and backslashes are escaped, others than printable ASCII refused."""
    assert rate_headers([('a"\\', 1, 1)])["RateLimit-Policy"] == '"a\\"\\\\";q=1;w=1'
    for name in ("ż", "a\nb"):
        with pytest.raises(ValueError, match="printable ASCII"):
            rate_headers([(name, 1, 1)])


@pytest.mark.parametrize(("quota", "window"), [(-1, 60), (1, 0)])
def test_policies_that_are_none(quota, window):
    """A window has a length and a quota is not negative."""
    with pytest.raises(ValueError, match="quota"):
        rate_headers([("chat", quota, window)])
