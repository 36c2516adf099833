"""The guard of public endpoints other than chat, over fakes."""

from __future__ import annotations

import pytest

from shared.domain.admission import Memory, named, windows
from shared.errors import Contention, RateLimited, StorageUnavailable, Unavailable
from shared.flows.rate_guard import RateGuard
from tests.support.chat_stores import BrokenWindows, FakeWindows
from tests.support.fakes import FakeClock, RecordedEvents

LIMITS = named("unsubscribe", [(5, 3600), (3, 60)])


class Guarded:
    """The guard over fakes."""

    def __init__(self, store: FakeWindows | None = None) -> None:
        self.windows, self.clock, self.events = store or FakeWindows(), FakeClock(), RecordedEvents()
        self.guard = RateGuard(self.windows, LIMITS, Memory(), self.clock, self.events)

    def answers(self, number: int, client: str = "a") -> list[int]:
        """What so many requests are told: what is left, or after how many seconds to come again (below zero)."""
        told = []
        for _ in range(number):
            try:
                told.append(self.guard(client).remaining)
            except RateLimited as refused:
                told.append(-(refused.retry_after or 0))
        return told


def test_an_endpoints_limits_have_its_name() -> None:
    """The first as it is, further ones with their window."""
    assert [(limit.name, limit.quota, limit.seconds) for limit in LIMITS] == [
        ("unsubscribe", 5, 3600),
        ("unsubscribe-60", 3, 60),
    ]


def test_exactly_the_quota_passes_in_each_window() -> None:
    """The window that binds first refuses, then the longer one; another client is none of it."""
    guarded = Guarded()
    assert guarded.answers(4) == [2, 1, 0, -60]
    assert guarded.answers(1, "b") == [2]
    guarded.clock.advance(60)
    assert guarded.answers(3) == [0, -3540, -3540]
    assert guarded.events.names == ["request_refused", "request_refused"]


def test_a_refusal_names_the_limit_that_is_reached() -> None:
    """For the RateLimit header."""
    guarded = Guarded()
    guarded.answers(3)
    with pytest.raises(RateLimited) as refused:
        guarded.guard("a")
    assert (refused.value.status, refused.value.limit) == (429, "unsubscribe-60")


def test_f33_a_client_known_to_be_refused_costs_no_operation() -> None:
    """From its first refusal to the end of its window."""
    guarded = Guarded()
    guarded.answers(50)
    assert guarded.windows.calls == 4


def test_endpoints_are_counted_apart_and_apart_from_chat() -> None:
    """The same client, quota and window under another name is another counter."""
    names = ["chat", "unsubscribe", "console"]
    found = {window.id for name in names for window in windows("a", named(name, [(3, 60)]), FakeClock().now())}
    assert len(found) == 3


def test_too_much_at_once_is_a_refusal_not_an_outage() -> None:
    """It names no limit: none is reached."""
    with pytest.raises(RateLimited) as refused:
        Guarded(BrokenWindows(Contention())).guard("a")
    assert (refused.value.retry_after, refused.value.limit) == (2, None)


def test_f22_without_storage_limits_do_not_fail_open() -> None:
    """503, and it is reported."""
    guarded = Guarded(BrokenWindows(StorageUnavailable("DeadlineExceeded")))
    with pytest.raises(Unavailable):
        guarded.guard("a")
    assert guarded.events.names == ["storage_failed"]
