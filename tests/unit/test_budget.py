"""The day's budget: leased in parts from a few counters, spent by many threads of many instances."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.budget import MOST_SHARDS, Bid, Budget

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Counters:
    """The shards' counters as a store keeps them.

    Attributes:
        counted: what each says.
        leases: how often one was written.
    """

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.leases = 0
        self._lock = threading.Lock()

    def take(self, bid: Bid) -> int | None:
        """Take the lease of a bid."""
        if bid.lease is None:
            return None
        with self._lock:
            self.leases += 1
            self.counted[bid.lease.shard.id] += bid.lease.messages
            return self.counted[bid.lease.shard.id]


def message(budget: Budget, counters: Counters, now: datetime = NOW) -> bool:
    """One message; whether it is within the budget."""
    bid = budget.bid(now, random.random())  # noqa: S311 - no secret
    return budget.settle(bid, counters.take(bid), admitted=True)


@pytest.mark.parametrize("messages", [1, 2, 99, 100, 250, 5_000, 4_999])
def test_one_instance_answers_exactly_the_budget(messages: int) -> None:
    """One message after the other, from one counter: not one more, not one less."""
    budget, counters = Budget(messages), Counters()
    within = [message(budget, counters) for _ in range(messages + 100)]
    assert within == [True] * messages + [False] * 100


@pytest.mark.parametrize("messages", [40_000, 123_457])
def test_from_several_counters_the_budget_is_spent_and_hardly_more(messages: int) -> None:
    """A counter found empty while others may not be costs one message on credit; every share is spent."""
    budget, counters = Budget(messages), Counters()
    answered = sum(message(budget, counters) for _ in range(messages + 1000))
    assert messages <= answered <= messages + MOST_SHARDS - 1
    assert len(counters.counted) == MOST_SHARDS


@pytest.mark.parametrize("messages", [1_000, 5_000, 50_000])
def test_a_message_costs_a_write_more_only_once_in_a_lease(messages: int) -> None:
    """And an instance that has found everything spent asks no more."""
    budget, counters = Budget(messages), Counters()
    for _ in range(messages // 2):
        message(budget, counters)
    assert counters.leases <= messages // 2 / budget.lease
    for _ in range(3 * messages):
        message(budget, counters)
    assert counters.leases <= messages / budget.lease + 2 * MOST_SHARDS
    assert 10 <= budget.lease <= 50


@pytest.mark.parametrize("messages", [50, 1_000, 6_000, 50_000])
def test_two_instances_exceed_it_by_no_more_than_they_handle_at_once(messages: int) -> None:
    """With sixteen threads each; and what they leave unspent is less than a lease each."""
    counters, instances, threads = Counters(), [Budget(messages), Budget(messages)], 16
    with ThreadPoolExecutor(2 * threads) as pool:
        asked = range(int(messages * 1.3) + 200)
        answered = sum(pool.map(lambda number: message(instances[number % 2], counters), asked))
    most = 2 * (threads - 1 + MOST_SHARDS - 1)
    assert messages - 2 * instances[0].lease < answered <= messages + most
    assert most <= 2 * 50


def test_a_burst_waits_for_no_lease_and_brings_one_for_all() -> None:
    """Sixteen messages at once on a new instance: one lease, all within the budget."""
    budget, counters = Budget(5_000), Counters()
    bids = [budget.bid(NOW, 0.5) for _ in range(16)]
    assert [bid.lease is not None for bid in bids] == [True] + [False] * 15
    assert all(budget.settle(bid, None, admitted=True) for bid in bids[1:])
    assert budget.settle(bids[0], counters.take(bids[0]), admitted=True)
    assert sum(message(budget, counters) for _ in range(34)) == 34
    assert counters.leases == 1
    assert message(budget, counters)
    assert counters.leases == 2


def test_with_a_small_budget_every_message_brings_its_own() -> None:
    """Nobody rides on a lease that is too small for two."""
    budget, counters = Budget(3), Counters()
    bids = [budget.bid(NOW, 0.5) for _ in range(5)]
    assert [bid.lease is not None for bid in bids] == [True] * 5
    assert sum(budget.settle(bid, counters.take(bid), admitted=True) for bid in bids) == 3


def test_a_message_that_is_not_admitted_uses_nothing() -> None:
    """Refused by its client's limit, a repeat, or a failure; the lease it brought is there for others."""
    budget, counters = Budget(100), Counters()
    for _ in range(50):
        bid = budget.bid(NOW, 0.5)
        budget.settle(bid, counters.take(bid), admitted=False)
    assert counters.leases == 1
    assert sum(message(budget, counters) for _ in range(200)) == 100


def test_a_lease_that_may_not_have_been_taken_is_asked_for_again() -> None:
    """Storage failed: the message is not refused for it, and the next one brings another."""
    budget, counters = Budget(100), Counters()
    lost = budget.bid(NOW, 0.5)
    assert lost.lease is not None
    assert budget.settle(lost, None, admitted=True)
    assert budget.bid(NOW, 0.5).lease is not None
    assert counters.leases == 0


def test_each_day_of_utc_begins_anew() -> None:
    """At midnight, with other counters, also for an instance that had found everything spent."""
    budget, counters = Budget(2), Counters()
    assert [message(budget, counters) for _ in range(3)] == [True, True, False]
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    late = midnight - timedelta(microseconds=1)
    assert not message(budget, counters, late)
    assert [message(budget, counters, midnight) for _ in range(3)] == [True, True, False]
    assert len(counters.counted) == 2


def test_a_message_that_begins_before_midnight_and_ends_after_is_answered() -> None:
    """Its day is over: it changes nothing of the new one, and its lease is no part of it."""
    budget, counters = Budget(2), Counters()
    bids = [budget.bid(NOW, 0.5), budget.bid(NOW, 0.5)]
    tomorrow = NOW + timedelta(days=1)
    assert message(budget, counters, tomorrow)
    assert budget.settle(bids[0], counters.take(bids[0]), admitted=True)
    assert budget.settle(bids[1], counters.take(bids[1]), admitted=False)
    assert [message(budget, counters, tomorrow) for _ in range(2)] == [True, False]


def test_another_instance_finds_what_the_first_has_left() -> None:
    """An instance that starts late in the day begins where the counters stand."""
    counters = Counters()
    first, second = Budget(100), Budget(100)
    assert sum(message(first, counters) for _ in range(60)) == 60
    assert sum(message(second, counters) for _ in range(60)) == 40
