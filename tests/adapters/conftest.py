"""One world in memory and one on the real Firestore emulator: the contract tests run over both."""

from __future__ import annotations

import gc
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

import grpc
import psutil
import pytest

from shared.adapters.deadline import ALARM_THREAD
from shared.adapters.firestore import Database
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_breakers import FirestoreBreakers
from shared.adapters.firestore_chat import FirestoreChat
from shared.adapters.firestore_digests import FirestoreDigests
from shared.adapters.firestore_documents import alert_document
from shared.adapters.firestore_windows import FirestoreWindows
from shared.domain.alert import DEAD_LETTER_STATUS, Alert
from shared.ports import AlertStore, BreakerDocuments, ChatStore, DigestStore, RateWindows, Version
from tests.support.alert_stores import FakeAlertStore
from tests.support.breakers import FakeBreakerDocuments
from tests.support.chat_stores import FakeChatStore, FakeWindows
from tests.support.digest_stores import FakeDigestStore
from tests.support.documents import Documents
from tests.support.wire import Wire


class World(Protocol):
    """Both stores on one Firestore, and what is in it.

    Attributes:
        chat: the chat's store.
        alerts: the alerts' store.
        windows: the rate windows by themselves.
        digests: the digests' store.
        breakers: where breakers are kept.
    """

    chat: ChatStore
    alerts: AlertStore
    windows: RateWindows
    digests: DigestStore
    breakers: BreakerDocuments

    def put(self, alert: Alert) -> Version:
        """Arrange an alert."""

    def names(self, collection: str) -> set[str]:
        """The names of a collection's documents; ``messages`` are those of every conversation."""

    def count(self, window_id: str) -> int:
        """A window's counter."""

    def tally(self, channel: str, kind: str) -> int:
        """How many alerts of a channel and kind were accepted, over all shards."""

    def dead_letter(self, alert_id: str) -> tuple[str, str, int, datetime | None] | None:
        """A dead letter's status, cause, attempts and next attempt."""


class MemoryWorld:
    """The fakes."""

    def __init__(self) -> None:
        self.documents = Documents(datetime.now(UTC))
        self.chat, self.alerts = FakeChatStore(self.documents), FakeAlertStore(self.documents)
        self.windows = FakeWindows(self.documents)
        self.digests, self.breakers = FakeDigestStore(self.alerts), FakeBreakerDocuments(self.documents)

    def put(self, alert: Alert) -> Version:
        """See `World`."""
        return self.alerts.put(alert)

    def names(self, collection: str) -> set[str]:
        """See `World`."""
        return set(self.documents.under(collection))

    def count(self, window_id: str) -> int:
        """See `World`."""
        stored = self.documents.get(f"rate_windows/{window_id}")
        return stored.value if stored else 0

    def tally(self, channel: str, kind: str) -> int:
        """See `World`."""
        tallies = self.documents.under("tallies").items()
        return sum(stored.value for name, stored in tallies if name.startswith(f"{channel}.{kind}."))

    def dead_letter(self, alert_id: str) -> tuple[str, str, int, datetime | None] | None:
        """See `World`."""
        stored = self.documents.get(f"dead_letters/{alert_id}")
        if stored is None:
            return None
        alert = stored.value
        return DEAD_LETTER_STATUS[alert.state], alert.cause, alert.attempts, alert.wake_at


class FirestoreWorld:
    """The adapters on the emulator, in a project of their own.

    Attributes:
        project: its name; another world of the same project is another instance.
        wire: between them and the emulator.
        database: the project's.
    """

    def __init__(self, project: str | None = None) -> None:
        self.project = project or f"test-{uuid.uuid4().hex[:20]}"
        self.database, self.wire = Database(self.project), Wire()
        client: Any = self.database.client
        plain = client._emulator_channel
        client._emulator_channel = lambda transport: grpc.intercept_channel(plain(transport), self.wire)
        client._firestore_api_internal = None  # connected anew, by that way
        self.chat, self.alerts = FirestoreChat(self.database), FirestoreAlerts(self.database)
        self.windows = FirestoreWindows(self.database)
        self.digests = FirestoreDigests(self.database, self.alerts)
        self.breakers = FirestoreBreakers(self.database)

    def close(self) -> None:
        """Let go of threads and connections."""
        if "_readers" in vars(self.chat):
            self.chat._readers.shutdown()
        self.database.client._firestore_api.transport.close()

    def put(self, alert: Alert) -> Version:
        """See `World`."""
        version: Version = self.database.document("alerts", alert.id).set(alert_document(alert)).update_time
        return version

    def names(self, collection: str) -> set[str]:
        """See `World`."""
        return {snapshot.id for snapshot in self.database.client.collection_group(collection).stream()}

    def document(self, *path: str) -> dict[str, Any]:
        """What a document holds, nothing if there is none."""
        return self.database.document(*path).get().to_dict() or {}

    def count(self, window_id: str) -> int:
        """See `World`."""
        return int(self.document("rate_windows", window_id).get("count", 0))

    def tally(self, channel: str, kind: str) -> int:
        """See `World`."""
        tallies = [snapshot.to_dict() for snapshot in self.database.client.collection("tallies").stream()]
        return sum(each["accepted"] for each in tallies if (each["channel"], each["kind"]) == (channel, kind))

    def dead_letter(self, alert_id: str) -> tuple[str, str, int, datetime | None] | None:
        """See `World`."""
        stands = self.document("dead_letters", alert_id)
        if not stands:
            return None
        return stands["status"], stands["cause"], stands["attempts"], stands["next_attempt_at"]


@pytest.fixture
def firestore_world(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreWorld]:
    """The adapters on the emulator."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    world = FirestoreWorld()
    yield world
    world.close()


@pytest.fixture(params=["memory", "firestore"])
def world(request: pytest.FixtureRequest) -> World:
    """One world after the other."""
    if request.param == "memory":
        return MemoryWorld()
    real: World = request.getfixturevalue("firestore_world")
    return real


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """No socket and no thread is left of a request, however it ended."""
    threads = set(threading.enumerate())
    # One thread for the deadlines of the whole process stays.
    sockets = len(psutil.Process().net_connections("tcp"))
    yield
    left = {thread for thread in threading.enumerate() if thread.name != ALARM_THREAD}
    for thread in left - threads:
        thread.join(10)
        assert not thread.is_alive(), thread
    gc.collect()
    assert len(psutil.Process().net_connections("tcp")) <= sockets
