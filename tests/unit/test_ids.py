"""Names of things: the same for the same, different for anything else, telling nothing."""

from __future__ import annotations

import re
import subprocess
import sys

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
