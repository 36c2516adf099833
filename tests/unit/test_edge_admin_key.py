"""Only operators get in (faults 34 and 35)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.admin_key import AdminKeys
from shared.errors import ConfigError, RequestError

OLD, NEW = "old-key-0123456789", "new-key-0123456789"


def refusal(keys: AdminKeys, shown: str | None) -> RequestError:
    """How it is refused."""
    with pytest.raises(RequestError) as caught:
        keys.check(shown)
    return caught.value


def test_f35_both_keys_are_good_during_rotation_and_the_old_one_is_not_afterwards() -> None:
    """Whichever stands first."""
    both = AdminKeys((OLD, NEW))
    both.check(OLD)
    both.check(NEW)
    assert refusal(AdminKeys((NEW,)), OLD).status == 401


@pytest.mark.parametrize("shown", [None, "", " ", NEW[:-1], NEW + "x", NEW * 99, "ż", "\xc5\xbc", "\ud800", "\x00"])
def test_f34_whatever_is_shown_is_refused_alike(shown: str | None) -> None:
    """None, too short, too long, not ASCII: one status, one sentence, one challenge."""
    refused, other = refusal(AdminKeys((NEW,)), shown), refusal(AdminKeys((NEW,)), "x" * len(NEW))
    assert (refused.status, str(refused), refused.headers) == (401, str(other), other.headers)
    assert refused.slug == "unauthorized"


@given(st.text())
def test_f34_nothing_but_the_key_gets_in(shown: str) -> None:
    """Any text at all."""
    if shown != NEW:
        assert refusal(AdminKeys((NEW,)), shown).status == 401


def test_f45_a_refusal_is_logged_without_what_was_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a key came or not, and no more."""
    for shown in (None, "my-other-password"):
        refusal(AdminKeys((NEW,)), shown)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("admin_refused", "no_key"),
        ("admin_refused", "wrong_key"),
    ]
    assert "password" not in str(lines)
    assert NEW not in str(lines)


@pytest.mark.parametrize("keys", [(), ("",), (NEW, "")])
def test_without_a_key_nobody_can_have_the_console(keys: tuple[str, ...]) -> None:
    """An empty key would let everybody in: the function does not start."""
    with pytest.raises(ConfigError, match="ADMIN_API_KEYS"):
        AdminKeys(keys)


def test_f45_keys_do_not_show_in_a_repr() -> None:
    """A traceback's locals are no place for them."""
    assert NEW not in repr(AdminKeys((NEW,)))
