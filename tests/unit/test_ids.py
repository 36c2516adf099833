"""Names of things: the same for the same, different for anything else, telling nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import ids

SESSION = "0123456789abcdef0123456789abcdef"


def test_every_name_is_a_hash_of_128_bits() -> None:
    """Names are safe in a path and a task's name, and never sequential."""
    names = [
        ids.conversation_id(SESSION),
        ids.alert_id("c", "lead", "slack"),
        ids.task_name("a", 1),
        ids.claim_id("key", "client"),
        ids.window_id("client", "30/60", 0),
        ids.request_hash("body"),
    ]
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)


@pytest.mark.parametrize(
    ("name_of", "parts", "name"),
    [
        (ids.conversation_id, ("session",), "ee33e04df3c5041372a5146d151c1d4d"),
        (ids.alert_id, ("c", "lead", "slack"), "add229bd8908cf6de22fbd5139db37e7"),
        (ids.update_id, ("c", "slack", 2), "44677e03eaaa7423e1c71efec45aca22"),
        (ids.followup_alert_id, ("c", 1), "cb6c9870d78a4dc5764c3e563ef232f9"),
        (ids.address_hash, ("ana@example.com", "key"), "bbe4398b17f8ee678e2b5de74ca91441"),
        (ids.client_hash, ("192.0.2.1", "key"), "7f4966243aa315a4821eccaaa746b1e0"),
        (ids.escalation_id, ("a", 1), "3b13fccf88b593e0d40f1a82019412bc"),
        (ids.notice_id, ("slack", 1, 2), "2ea771222d104e26c7d71788265a70e2"),
        (ids.overdue_id, ("a", "b"), "47125c2d8dec0c9279a7402f90849604"),
        (ids.continuation_name, ("key",), "744b1c7c888a24ce1cfd7979f9ee55d5"),
        (ids.task_name, ("a", 1), "99201e08531345ee5eac63eb8596c362"),
        (ids.claim_id, ("key", "192.0.2.1"), "bafb4ebf3f43326655b44243be15ef8c"),
        (ids.window_id, ("192.0.2.1", "30/60", 0), "1df484b2767e89e0904df7436d9b100f"),
        (ids.request_hash, ("one", "two"), "9566f5408e0f072169cebbfde97335f9"),
    ],
)
def test_a_name_stays_what_it_was(name_of: Callable[..., str], parts: tuple[str | int, ...], name: str) -> None:
    """A release finds the documents, tasks and opt-outs of the one before it: a name that changed would lose them."""
    assert name_of(*parts) == name


def test_purposes_never_share_a_name() -> None:
    """The same parts under another purpose are another name."""
    parts = ("one", "two")
    names = {ids.claim_id(*parts), ids.request_hash(*parts), ids._hash(b"alert", *parts), ids._hash(b"x", *parts)}
    assert len(names) == 4


def test_a_name_is_the_same_on_every_instance() -> None:
    """Python's hash seed has no part in it: two processes agree."""
    program = f"from shared.domain import ids; print(ids.conversation_id({SESSION!r}))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ids.conversation_id(SESSION) != SESSION


def test_neighbouring_parts_do_not_run_together() -> None:
    """("ab", "c") and ("a", "bc") differ."""
    assert ids.request_hash("ab", "c") != ids.request_hash("a", "bc")
    assert ids.request_hash("ab") != ids.request_hash("ab", "")


def test_f29_two_clients_equal_keys_are_separate() -> None:
    """An idempotency key belongs to its client."""
    assert ids.claim_id("key", "192.0.2.1") != ids.claim_id("key", "192.0.2.2")


def test_each_generation_has_a_task_name_of_its_own() -> None:
    """That is what rebuilds a purged queue, whose names stay taken."""
    assert len({ids.task_name("a", generation) for generation in range(1, 100)}) == 99


def test_a_conversation_has_one_alert_for_each_kind_and_channel() -> None:
    """An alert that may exist once has a name that can exist once."""
    made = [(c, k, h) for c in "cd" for k in ("lead", "x") for h in ("slack", "monday")]
    assert len({ids.alert_id(*parts) for parts in made}) == len(made)
    assert ids.alert_id("c", "lead", "slack") == ids.alert_id("c", "lead", "slack")


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_different_parts_have_different_names(one: list[str], other: list[str]) -> None:
    """Whatever the text: two names are equal only if all that was named is."""
    assert (ids.request_hash(*one) == ids.request_hash(*other)) == (one == other)


def test_a_session_id_is_128_bits_in_lower_case_hexadecimal() -> None:
    """Anything else was not issued by us."""
    for wrong in ("", SESSION[:-1], SESSION + "0", SESSION.upper(), f"{SESSION}\n", "g" * 32, "\u0660" * 32):
        assert not ids.SESSION_ID.fullmatch(wrong)
    assert ids.SESSION_ID.fullmatch(SESSION)
