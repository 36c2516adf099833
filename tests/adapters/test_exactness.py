"""Limits are exact: two instances, many requests of one client at once, on the real Firestore."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.firestore_windows import FirestoreWindows
from shared.adapters.system import SystemChance
from shared.domain.admission import Limit, Memory
from shared.errors import RateLimited
from shared.flows.rate_guard import RateGuard
from tests.adapters.conftest import FirestoreWorld
from tests.support.chat_flow import KEY, Chat, ask
from tests.support.fakes import FakeClock, RecordedEvents

LIMIT = Limit("chat", 30, 60)
REQUESTS = 300
THREADS = 2 * 16
"""Two instances, each of which serves as many requests at once as the manifest says; the others wait at its door."""
ROUNDS = 20
LAST_SECOND = datetime(2026, 1, 5, 9, 0, 59, tzinfo=UTC)
"""Of a window; what is admitted in it is told that it ends in a second, what is admitted in the next, in sixty."""


class Instance:
    """An instance of the function: its own connection and memory; the clock is everybody's."""

    def __init__(self, world: FirestoreWorld, clock: FakeClock) -> None:
        self.wire = world.wire
        self.chat = Chat(limits=(LIMIT,), store=world.chat, clock=clock, chance=SystemChance())  # type: ignore[arg-type]
        windows = FirestoreWindows(world.database)
        self.guard = RateGuard(windows, (LIMIT,), Memory(), clock, RecordedEvents())


@pytest.fixture
def clock() -> FakeClock:
    """Everybody's clock."""
    return FakeClock(LAST_SECOND)


@pytest.fixture
def instances(firestore_world: FirestoreWorld, clock: FakeClock) -> Iterator[list[Instance]]:
    """Two instances on one Firestore."""
    other = FirestoreWorld(firestore_world.project)
    both = [Instance(firestore_world, clock), Instance(other, clock)]
    for instance in both:  # so that the burst meets instances that are connected
        instance.chat.answer(ask(client="the first visitor"))
    yield both
    other.close()


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    """The instances' threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def told(ask_once: Callable[[], int]) -> tuple[str, int]:
    """What became of a request, and when its window ends."""
    try:
        return "admitted", ask_once()
    except RateLimited as refused:
        return f"refused by {refused.limit}", refused.retry_after or 0


def all_at_once(
    threads: ThreadPoolExecutor, clock: FakeClock, request: Callable[[int], int], *, crossing: bool
) -> Counter[tuple[str, int]]:
    """Start every request; among those under way when half have begun a new window does, if one is to be crossed."""
    clock.at, start = LAST_SECOND, threading.Barrier(THREADS)

    def run(number: int) -> tuple[str, int]:
        if number < THREADS:
            start.wait()
        if number == REQUESTS // 2 and crossing:
            clock.at = LAST_SECOND + timedelta(seconds=1)
        return told(lambda: request(number))

    return Counter(threads.map(run, range(REQUESTS)))


@pytest.mark.parametrize("crossing", [False, True])
def test_f33_exactly_the_quota_is_admitted_in_each_window(
    instances: list[Instance], clock: FakeClock, threads: ThreadPoolExecutor, *, crossing: bool
) -> None:
    """Ten times 300 requests at once; then each instance refuses that client without any operation."""
    for number in range(ROUNDS // 2):
        client = f"client {number}"

        def request(index: int, client: str = client) -> int:
            answered = instances[index % 2].chat.answer(ask(client=client))
            assert answered.rate is not None
            return answered.rate.reset

        counted = all_at_once(threads, clock, request, crossing=crossing)
        assert set(counted) <= {("admitted", 1), ("admitted", 60), ("refused by chat", 1), ("refused by chat", 60)}
        assert {end: n for (what, end), n in counted.items() if what == "admitted"} == (
            {1: 30, 60: 30} if crossing else {1: 30}
        )
        for instance in instances:
            instance.wire.clear()
            for _ in range(20):
                with pytest.raises(RateLimited):
                    instance.chat.answer(ask(client=client, key=KEY))
            assert instance.wire.calls == []


def test_f33_other_endpoints_limits_are_as_exact(
    instances: list[Instance], clock: FakeClock, threads: ThreadPoolExecutor
) -> None:
    """The guard counts in the same windows; what is refused again costs nothing."""

    def request(index: int) -> int:
        return instances[index % 2].guard("client").reset

    counted = all_at_once(threads, clock, request, crossing=True)
    assert (counted["admitted", 1], counted["admitted", 60]) == (30, 30)
    for instance in instances:
        instance.wire.clear()
        with pytest.raises(RateLimited):
            instance.guard("client")
        assert instance.wire.calls == []


def test_over_the_limit_the_same_key_passes_in_the_next_window(instances: list[Instance], clock: FakeClock) -> None:
    """Its claim was deleted before the 429 (guarantee 19)."""
    first, second = instances
    clock.at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(seconds=1)
    for _ in range(LIMIT.quota):
        first.chat.answer(ask())
    with pytest.raises(RateLimited) as refused:
        second.chat.answer(ask(key=KEY))
    clock.advance(refused.value.retry_after or 0)
    answered = second.chat.answer(ask(key=KEY))
    assert not answered.replayed
    assert first.chat.answer(ask(key=KEY)).body == answered.body
