"""What an erasure relies on in its store: the same tests over the fake and over Firestore's emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.firestore import Database
from shared.adapters.firestore_erasures import FirestoreErasures
from shared.adapters.firestore_rights import FirestoreRights
from shared.domain.erasure import DONE, RUNNING, Erasure
from shared.domain.rights import Recorded
from shared.errors import Conflict
from shared.ports.rights import ErasureStore, FoundAlert
from tests.adapters.conftest import FirestoreWorld
from tests.support.delivery_flow import queued
from tests.support.erasure_stores import FakeErasures
from tests.support.fakes import NOW, FakeAlertStore
from tests.support.turns import unique

ADDRESS, OTHER = "a" * 64, "b" * 64
CONVERSATIONS = ("one", "two", "three")

Asked = Callable[[str], None]
"""Somebody asks that everything of an address be erased."""


def in_memory() -> tuple[ErasureStore, Asked]:
    """The fake."""
    alerts = FakeAlertStore()
    store = FakeErasures(alerts, conversations=CONVERSATIONS)
    for name in ("one", "two"):
        alerts.put(queued(name))

    def asked(address: str) -> None:
        at = NOW + timedelta(seconds=len(store.erasures))
        store.erasures[address] = Erasure(address, RUNNING, "one", at, at)

    return store, asked


def on_firestore(database: Database) -> tuple[ErasureStore, Asked]:
    """The adapter, with conversations and alerts that carry what it looks for."""
    for name in CONVERSATIONS:
        database.document("conversations", name).set({"email_hashes": [ADDRESS]})
    for name in ("one", "two"):
        alert = queued(name)
        fields = {"conversation_id": name, "channel": alert.channel, "state": alert.state.value}
        database.document("alerts", alert.id).set(fields)
    rights = FirestoreRights(database)

    def asked(address: str) -> None:
        assert rights.request_erasure(address, "one", record("erasure_requested"))

    return FirestoreErasures(database, timedelta(days=1)), asked


def record(action: str) -> Recorded:
    """A line of the audit that nobody else has."""
    return Recorded(unique(), "system", action, "sweep", ADDRESS, "one")


@pytest.fixture(params=["in memory", "firestore"])
def place(request: pytest.FixtureRequest) -> tuple[ErasureStore, Asked]:
    """Each of them, with three conversations of one address and an alert of two of them."""
    if request.param == "in memory":
        return in_memory()
    world: FirestoreWorld = request.getfixturevalue("firestore_world")
    return on_firestore(world.database)


@pytest.fixture
def store(place: tuple[ErasureStore, Asked]) -> ErasureStore:
    """The store."""
    return place[0]


@pytest.fixture
def asked(place: tuple[ErasureStore, Asked]) -> Asked:
    """Who asks."""
    return place[1]


def test_what_was_asked_for_runs_and_is_found(store: ErasureStore, asked: Asked) -> None:
    """By its address's hash, with the conversation whose link it was; nothing is known of another."""
    asked(ADDRESS)
    [running], now = store.running(10)
    found = store.find(ADDRESS)
    assert found == running
    assert found is not None
    assert (found.id, found.state, found.conversation_id, found.tries) == (ADDRESS, RUNNING, "one", 0)
    assert found.requested_at <= now + timedelta(seconds=1)
    assert store.find(OTHER) is None


def test_what_was_saved_stands(store: ErasureStore, asked: Asked) -> None:
    """All of it, and it can be saved again from there."""
    asked(ADDRESS)
    found = store.find(ADDRESS)
    assert found is not None
    went = replace(
        found,
        wake_at=found.wake_at + timedelta(hours=1),
        conversations=("one", "two"),
        erased={"messages": 3},
        sent={"slack": ("x",)},
        tries=2,
        problem="http_503",
        problems=("http_503",),
        looked_again=True,
    )
    saved = store.save(went)
    assert saved == replace(went, version=saved.version) == store.find(ADDRESS)
    again = store.save(replace(saved, tries=3), record("erased"))
    assert again.tries == 3


def test_f19_whoever_saves_from_an_older_state_is_refused(store: ErasureStore, asked: Asked) -> None:
    """And what stands is the other's."""
    asked(ADDRESS)
    found = store.find(ADDRESS)
    assert found is not None
    store.save(replace(found, tries=1))
    with pytest.raises(Conflict):
        store.save(replace(found, tries=9))
    stands = store.find(ADDRESS)
    assert stands is not None
    assert stands.tries == 1


def test_what_is_done_runs_no_more_and_is_listed(store: ErasureStore, asked: Asked) -> None:
    """The newest first."""
    asked(ADDRESS)
    asked(OTHER)
    assert [each.id for each in store.listed(10)] == [OTHER, ADDRESS]
    assert [each.id for each in store.listed(1)] == [OTHER]
    assert len(store.running(1)[0]) == 1
    found = store.find(ADDRESS)
    assert found is not None
    store.save(replace(found, state=DONE, finished_at=found.requested_at))
    assert [each.id for each in store.running(10)[0]] == [OTHER]
    assert [each.id for each in store.listed(10)] == [OTHER, ADDRESS]


def test_conversations_are_found_until_all_are_tombstones(store: ErasureStore, asked: Asked) -> None:
    """As many at a time as there may be; of another address none."""
    asked(ADDRESS)
    entombed: list[str] = []
    while found := store.conversations(ADDRESS, "nobody's"):
        entombed += found
        for name in found:
            store.entomb(name, ADDRESS)
    assert sorted(entombed) == sorted(CONVERSATIONS)
    assert store.conversations(OTHER, "nobody's") == []


def test_alerts_are_found_by_their_conversation(store: ErasureStore) -> None:
    """With where they go and how they stand."""
    alert = queued("two")
    assert store.alerts("two") == [FoundAlert(alert.id, alert.channel, alert.state)]
    assert store.alerts("three") == []
