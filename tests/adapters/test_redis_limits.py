"""Limits kept in a real Redis: as exact as Firestore's, which take over while it is away, and back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from shared import bootstrap
from shared.adapters import redis_limits
from shared.adapters.firestore import Database
from shared.adapters.redis_limits import ChatWithLimitsInRedis, LimitsInRedis
from shared.domain.admission import Limit, exceeded
from shared.errors import Contention, RateLimited, StorageUnavailable
from shared.ports import Admitted, ClaimHeld
from tests.adapters.conftest import FirestoreWorld
from tests.support.chat_flow import KEY, Chat, ask
from tests.support.chat_stores import BrokenWindows, FakeChatStore, FakeWindows
from tests.support.documents import Documents
from tests.support.fakes import FakeChance, FakeClock, RecordedEvents
from tests.support.redis_server import RedisServer
from tests.support.turns import LIMIT, claim, window

PATIENT = 20.0
"""Seconds that Redis may take here, on a machine that does other things beside."""


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests of this module."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def server(one_server: RedisServer) -> RedisServer:
    """It, well and empty."""
    one_server.kill()
    one_server.start()
    return one_server


class Instance:
    """An instance whose limits are in Redis, else in memory that other instances share."""

    def __init__(
        self,
        uri: str,
        documents: Documents | None = None,
        otherwise: FakeWindows | None = None,
        answer_seconds: float = PATIENT,
    ) -> None:
        self.documents = documents or Documents()
        self.firestore = otherwise or FakeWindows(self.documents)
        self.clock, self.events = FakeClock(), RecordedEvents()
        self.limits = LimitsInRedis(uri, self.firestore, self.clock.monotonic, self.events, answer_seconds)
        self.store = FakeChatStore(self.documents)
        self.chat = ChatWithLimitsInRedis(self.store, self.limits)

    def close(self) -> None:
        """Let go of the connections."""
        self.limits._redis.storage.close()


@pytest.fixture
def instance(server: RedisServer) -> Iterator[Instance]:
    """One instance."""
    made = Instance(server.uri)
    yield made
    made.close()


def counts(instance: Instance, number: int) -> list[int]:
    """The counts of so many requests, one after the other."""
    return [instance.limits.count([window()])[0][1] for _ in range(number)]


def all_at_once(number: int, action: Callable[[int], Any]) -> list[Any]:
    """Run an action on so many threads, started together."""
    start = threading.Barrier(number)

    def run(index: int) -> Any:
        start.wait()
        return action(index)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


def test_windows_are_counted_in_redis_under_their_names(server: RedisServer, instance: Instance) -> None:
    """Each by itself, and kept a little longer than the window; nothing is written anywhere else."""
    hour = window(limit=Limit("chat-3600", 200, 3600))
    assert instance.limits.count([window(), hour]) == ((window(), 1), (hour, 1))
    assert instance.limits.count([window()]) == ((window(), 2),)
    with redis.Redis.from_url(server.uri) as client:
        kept = {name.decode(): client.ttl(name) for name in client.scan_iter()}
    assert {name: 60 <= left <= 120 for name, left in kept.items() if left < 3600} == {f"bellhop:{window().id}": True}
    assert 3600 <= kept[f"bellhop:{hour.id}"] <= 3660
    assert instance.firestore.calls == 0


def test_exactly_the_quota_is_admitted_by_two_instances_in_redis(server: RedisServer) -> None:
    """A hundred threads on one window of thirty."""
    instances = [Instance(server.uri), Instance(server.uri)]
    admitted = all_at_once(100, lambda number: exceeded(instances[number % 2].limits.count([window()])) is None)
    for each in instances:
        each.close()
    assert (admitted.count(True), admitted.count(False)) == (LIMIT.quota, 100 - LIMIT.quota)


def test_f33_a_chat_is_limited_as_with_firestore(server: RedisServer) -> None:
    """Two instances, each window's quota and no more; a client known to be refused costs nothing anywhere."""
    documents = Documents()
    instances = [Instance(server.uri, documents) for _ in range(2)]
    chats = [
        Chat(each.chat, chance=FakeChance(start=1000 * number + 1))  # type: ignore[arg-type]
        for number, each in enumerate(instances)
    ]
    for minute in range(2):
        told: list[int | None] = []
        for number in range(8):
            try:
                rate = chats[number % 2].answer(ask(key=f"key {minute} {number}")).rate
                told.append(rate.remaining if rate else None)
            except RateLimited as refused:
                told.append(-(refused.retry_after or 0))
        assert told == [2, 1, 0, -60, -60, -60, -60, -60]
        for each in instances:
            each.store.calls.clear()
        for chat in chats:
            with pytest.raises(RateLimited):
                chat.answer(ask())
            chat.clock.advance(60)
        assert [each.store.calls for each in instances] == [[], []]
    assert documents.under("rate_windows") == {}
    for each in instances:
        each.close()


def test_over_the_limit_in_redis_the_claim_is_given_back(instance: Instance) -> None:
    """The same key passes in the next window."""
    chat = Chat(instance.chat)  # type: ignore[arg-type]
    for _ in range(3):
        chat.answer(ask())
    with pytest.raises(RateLimited):
        chat.answer(ask(key=KEY))
    assert instance.documents.under("admissions") == {}
    chat.clock.advance(60)
    instance.documents.now = chat.clock.at
    assert not chat.answer(ask(key=KEY)).replayed


def test_a_repeat_is_not_counted_in_redis(instance: Instance) -> None:
    """As in Firestore: replays are counted in memory only."""
    assert isinstance(instance.chat.open_turn(claim(), [window()], None).admission, Admitted)
    for _ in range(3):
        assert isinstance(instance.chat.open_turn(claim(), [window()], None).admission, ClaimHeld)
    assert counts(instance, 1) == [2]


def test_a_chat_with_limits_in_redis_costs_no_window_in_firestore(
    server: RedisServer, firestore_world: FirestoreWorld
) -> None:
    """Without a key the admission is one read beside Redis, with one the claim too."""
    limits = LimitsInRedis(server.uri, firestore_world.windows, time.monotonic, RecordedEvents(), PATIENT)
    chat = ChatWithLimitsInRedis(firestore_world.chat, limits)
    firestore_world.wire.clear()
    counted = chat.open_turn(None, [window()], "conversation").admission
    assert isinstance(counted, Admitted)
    assert (counted.counts, firestore_world.wire.calls) == (((window(), 1),), ["BatchGetDocuments"])
    firestore_world.wire.clear()
    chat.open_turn(claim(), [window()], None)
    assert firestore_world.wire.billed == {"writes": 1}
    limits._redis.storage.close()


def test_when_redis_dies_firestore_takes_over_and_back(server: RedisServer, instance: Instance) -> None:
    """Told once each way; while it is away it is not asked, and the first request after the wait finds it back."""
    assert counts(instance, 2) == [1, 2]
    server.kill()
    assert counts(instance, 3) == [1, 2, 3]
    assert instance.events.of("limiter_fallback") == [{"error": "ConnectionError"}]
    server.start()
    assert counts(instance, 2) == [4, 5]
    instance.clock.advance(redis_limits.AWAY_SECONDS)
    assert counts(instance, 2) == [1, 2]
    assert instance.events.names == ["limiter_fallback", "limiter_recovered"]
    assert instance.firestore.calls == 5


@pytest.fixture
def hurried(server: RedisServer) -> Iterator[Instance]:
    """One that waits no longer than in production."""
    made = Instance(server.uri, answer_seconds=redis_limits.ANSWER_SECONDS)
    yield made
    made.close()


def test_redis_that_stays_away_is_tried_by_one_request_now_and_then(server: RedisServer, hurried: Instance) -> None:
    """The others do not wait for it, and nothing more is told."""
    instance = hurried
    server.pause()
    try:
        counts(instance, 1)
        instance.clock.advance(redis_limits.AWAY_SECONDS)
        began = time.monotonic()
        waited = [instance.limits.usable() for _ in range(10)]
        counts(instance, 50)
        took = time.monotonic() - began
    finally:
        server.resume()
    assert waited == [True] + [False] * 9
    assert took < 4 * redis_limits.ANSWER_SECONDS
    assert instance.events.names == ["limiter_fallback"]


def test_when_redis_hangs_nobody_waits_long(server: RedisServer, hurried: Instance) -> None:
    """Sixteen requests at once wait for its short deadline together, those after them not at all."""
    instance = hurried
    server.pause()
    try:
        began = time.monotonic()
        all_at_once(16, lambda _index: counts(instance, 1))
        first = time.monotonic() - began
        counts(instance, 100)
        rest = time.monotonic() - began - first
    finally:
        server.resume()
    assert first < 10 * redis_limits.ANSWER_SECONDS
    assert rest < 4 * redis_limits.ANSWER_SECONDS
    assert instance.firestore.calls == 116
    assert instance.events.names == ["limiter_fallback"]


def test_redis_is_asked_once() -> None:
    """A retry would wait again, and might count twice: one connection, one try."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = Instance(f"redis://127.0.0.1:{silent.getsockname()[1]}", answer_seconds=0.05)
        assert counts(made, 1) == [1]
        silent.settimeout(0.2)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()
    made.close()


def test_each_store_admits_no_more_than_the_quota_of_a_window(server: RedisServer, instance: Instance) -> None:
    """What was counted in one is not known in the other: that is what a failure of Redis costs."""
    chat = Chat(instance.chat)  # type: ignore[arg-type]
    for _ in range(3):
        chat.answer(ask())
    server.kill()
    admitted = 0
    for _ in range(10):
        try:
            admitted += chat.answer(ask()) is not None
        except RateLimited:
            continue
    assert admitted == 3
    instance.clock.advance(redis_limits.AWAY_SECONDS)
    with pytest.raises(RateLimited):
        chat.answer(ask())


def test_while_redis_is_away_a_chat_is_admitted_in_one_commit(server: RedisServer, instance: Instance) -> None:
    """The store counts the windows itself, beside the claim."""
    server.kill()
    instance.chat.open_turn(claim("first"), [window()], None)
    calls = instance.firestore.calls
    opened = instance.chat.open_turn(claim("second"), [window()], None).admission
    assert isinstance(opened, Admitted)
    assert (opened.counts, opened.claim_version is not None) == (((window(), 2),), True)
    assert instance.firestore.calls == calls == 1


@pytest.mark.parametrize("error", [StorageUnavailable("DeadlineExceeded"), Contention("Aborted")])
def test_f22_where_neither_store_counts_the_claim_is_given_back(
    server: RedisServer, error: StorageUnavailable | Contention
) -> None:
    """Limits do not fail open, and the same key can be used again at once."""
    server.kill()
    made = Instance(server.uri, otherwise=BrokenWindows(error))
    with pytest.raises(type(error)):
        made.chat.open_turn(claim(), [window()], None)
    assert made.documents.under("admissions") == {}
    made.close()


def test_redis_that_refuses_is_away(server: RedisServer) -> None:
    """A wrong password, a full memory, a replica: Firestore takes over, and the password is not told."""
    server.kill()
    server.start("--requirepass", "verysecret")
    made = Instance(server.uri.replace("redis://", "redis://:wrongsecret@"))
    assert counts(made, 2) == [1, 2]
    assert made.events.of("limiter_fallback") == [{"error": "AuthenticationError"}]
    right = Instance(server.uri.replace("redis://", "redis://:verysecret@"))
    assert (counts(right, 1), right.events.names) == ([1], [])
    for each in (made, right):
        each.close()


def test_redis_that_loses_its_data_begins_the_window_anew(server: RedisServer, instance: Instance) -> None:
    """Memorystore without a replica after a restart: connections are made again, nothing fails."""
    assert counts(instance, 3) == [1, 2, 3]
    server.kill()
    server.start()
    assert counts(instance, 2) == [1, 2]
    assert instance.events.names == []


ENVIRON = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "ADDRESS_HASH_KEY": "an-address-key-of-tests",
    "LEAD_CHANNELS": "slack",
    "DELIVER_ALERT_URL": "http://127.0.0.1:9/deliver_alert",
    "TASKS_INVOKER_EMAIL": "tasks@test.iam.gserviceaccount.com",
}


@pytest.mark.parametrize("uri", ["", "redis://127.0.0.1:9", "rediss://:verysecret@127.0.0.1:9/1?ssl_ca_certs=/ca.pem"])
def test_f45_a_function_starts_whether_redis_is_there_or_not(uri: str) -> None:
    """Chat and the guard of other endpoints count where they are told to; nothing is connected, or told, yet."""
    chat = bootstrap.chat(ENVIRON | {"RATE_LIMIT_STORAGE_URI": uri})
    guard = bootstrap.rate_guard(chat.settings, "unsubscribe", Database("demo"))
    in_redis = isinstance(chat.flow.store, ChatWithLimitsInRedis), isinstance(guard.windows, LimitsInRedis)
    assert in_redis == (bool(uri), bool(uri))
    assert [(limit.name, limit.quota) for limit in guard.limits] == [("unsubscribe", 200), ("unsubscribe-60", 50)]
    assert "verysecret" not in repr(chat.settings)
