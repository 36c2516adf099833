"""How a process connects to Firestore."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.cloud.firestore_v1.base_client import BaseClient

from shared.adapters.firestore import Database


def test_threads_that_begin_at_once_have_one_connection(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat's first message reads and writes at the same time: a second channel would drop the first one's calls."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    made: list[Any] = []
    really = BaseClient._emulator_channel

    def channel(self: Any, transport: Any) -> Any:
        made.append(really(self, transport))
        time.sleep(0.05)  # long enough for another thread to find that there is none yet
        return made[-1]

    monkeypatch.setattr(BaseClient, "_emulator_channel", channel)
    database, ready = Database("test-connecting"), threading.Barrier(8)

    def read(number: int) -> bool:
        ready.wait(10)
        return bool(database.read([database.document("alerts", str(number))])[0].exists)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [False] * 8
    assert len(made) == 1
    database.client._firestore_api.transport.close()
