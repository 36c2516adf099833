"""Opting out, over a store in memory: what is on record, for whom, and what is told."""

from __future__ import annotations

import pytest

from shared.adapters.tokens import SignedTokens
from shared.domain import ids
from shared.domain.admission import Limit, Memory
from shared.domain.rights import MARKETING, Claims
from shared.errors import RequestError
from shared.flows.opt_out import Asking, OptingOut
from shared.flows.rate_guard import RateGuard
from tests.support.chat_stores import FakeWindows
from tests.support.fakes import FakeChance, FakeClock, FakeContinuation, RecordedEvents, RefusingContinuation
from tests.support.rights_stores import FakeRights

HASH_KEY = "h" * 32
CLAIMS = Claims(MARKETING, "a1" * 16, "b2" * 16, "de")
ASKING = Asking("192.0.2.1", "page")


class Leaving:
    """The flow over fakes."""

    def __init__(self, sweep: FakeContinuation | None = None) -> None:
        self.store, self.events, self.clock = FakeRights(), RecordedEvents(), FakeClock()
        self.sweep = sweep or FakeContinuation()
        guard = RateGuard(FakeWindows(), (Limit("unsubscribe", 3, 3600),), Memory(), self.clock, self.events)
        tokens = SignedTokens(("k" * 32,))
        self.flow = OptingOut(self.store, tokens, guard, self.sweep, HASH_KEY, self.clock, FakeChance(), self.events)

    def noted(self) -> list[tuple[str, str, str, str | None, str | None, str | None]]:
        """The audit: who, what, from where, whose, and of which conversation, from which client."""
        return [
            (each.actor, each.action, each.source, each.address, each.conversation_id, each.client)
            for each in self.store.records
        ]


def test_who_opts_an_address_out_is_on_record_by_keyed_hashes() -> None:
    """Neither the address nor the client's can be read from it; a second time changes nothing and is not told."""
    leaving = Leaving()
    hashed = ids.address_hash("ana@example.com", HASH_KEY)
    for _ in range(2):
        rate = leaving.flow.by_address(" Ana@Example.com", ASKING)
    assert rate.remaining == 1
    client = ids.client_hash("192.0.2.1", HASH_KEY)
    assert leaving.noted() == [("anyone", "unsubscribe", "page", hashed, None, client)]
    assert len({each.id for each in leaving.store.records} - {""}) == 1
    assert leaving.store.suppressed == {hashed: "unsubscribed"}
    assert leaving.events.names == ["opted_out"]


def test_what_is_no_address_is_refused_with_what_is() -> None:
    """It uses nothing of the client's limit."""
    leaving = Leaving()
    with pytest.raises(RequestError) as refused:
        leaving.flow.by_address("nobody", ASKING)
    error = refused.value
    assert (error.status, error.slug, error.title, error.field) == (400, "invalid-field", "A field is invalid", "email")
    assert error.detail == "email: is not valid; it takes an e-mail address such as ana@example.com."
    assert leaving.flow.by_address("ana@example.com", ASKING).remaining == 2


def test_a_link_says_whose_it_is() -> None:
    """Each of its ways is on record with its address and conversation; an opt-out is told once, and its end."""
    leaving = Leaving()
    leaving.flow.by_link(CLAIMS, ASKING)
    leaving.flow.undo(CLAIMS, ASKING)
    leaving.flow.undo(CLAIMS, ASKING)
    leaving.flow.revoke(CLAIMS, ASKING)
    client = ids.client_hash("192.0.2.1", HASH_KEY)
    assert leaving.noted() == [
        ("link", action, "page", CLAIMS.address, CLAIMS.conversation_id, client)
        for action in ("unsubscribe", "undo", "erasure_requested")
    ]
    assert leaving.events.lines == [
        ("opted_out", {}),
        ("opt_out_undone", {}),
        ("erasure_requested", {"conversation_id": CLAIMS.conversation_id}),
    ]
    assert len(leaving.sweep.asked) == 1


def test_an_erasure_is_asked_for_once_and_goes_on_by_itself() -> None:
    """Where the sweep cannot be asked its next run begins it: told with the reason."""
    leaving = Leaving(RefusingContinuation())
    leaving.flow.revoke(CLAIMS, ASKING)
    leaving.flow.revoke(CLAIMS, ASKING)
    assert leaving.events.names == ["erasure_requested", "enqueue_failed"]
    assert leaving.events.of("enqueue_failed")[0]["error"]
    assert leaving.flow.standing(CLAIMS).erasure == "running"
