"""Migrations on the emulator: documents to migrate, the flows over them, and calls that can be cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.old_documents import fill, old_conversation
from shared.adapters.firestore_images import encoded
from shared.adapters.firestore_migrations import FirestoreMigrations
from shared.adapters.system import SystemChance, SystemClock
from shared.flows.migrate import Migrating
from shared.flows.migration_slice import MigrationSlice
from shared.migrations.catalog import steps
from tests.support.migration_flow import FAST, Cut
from tests.support.slices import Slices

__all__ = ["Cut", "Cutting", "World", "fill", "old_conversation", "old_row"]


class Cutting:
    """A store whose n-th call is cut off, before or after it took effect.

    Attributes:
        calls: how many were made.
        before: called with the name of a call before it is made.
    """

    def __init__(self, store: Any, at: int | None = None, *, after: bool = False) -> None:
        self._store, self._at, self._after, self.calls = store, at, after, 0
        self.before: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        """The store's own, counted."""
        found = getattr(self._store, name)

        def called(*arguments: Any, **how: Any) -> Any:
            self.before(name)
            self.calls += name != "fitting"
            struck = self.calls == self._at and name != "fitting"
            if struck and not self._after:
                raise Cut
            answer = found(*arguments, **how)
            if struck:
                raise Cut
            return answer

        return called


class World:
    """One project's documents and the flows that migrate them.

    Attributes:
        database: the project's.
        store: of the flows; can be replaced.
        slices: what they asked for.
    """

    def __init__(self, database: Any, *, lease: float = 0.0, slice_seconds: float = 60.0) -> None:
        self.database = database
        self.store: Any = FirestoreMigrations(database, timedelta(days=30))
        self.slices, self.steps = Slices(), dict(steps())
        self.lease, self.slice_seconds = timedelta(seconds=lease), slice_seconds
        self.events: list[tuple[str, dict[str, Any]]] = []

    def _log(self, event: str, /, **values: Any) -> None:
        self.events.append((event, values))

    @property
    def asking(self) -> Migrating:
        """What operators ask."""
        clock = SystemClock()
        return Migrating(self.steps, self.store, self.slices, self.lease, 60.0, clock, self._log, FAST)

    @property
    def working(self) -> MigrationSlice:
        """One slice."""
        return MigrationSlice(
            self.steps,
            self.store,
            self.slices,
            self.lease,
            self.slice_seconds,
            SystemClock(),
            SystemChance(),
            self._log,
            FAST,
            lambda _: None,
        )

    def work(self) -> None:
        """Every slice that is asked for, until none is."""
        while self.slices.asked:
            self.working(self.slices.asked.pop(0))

    def run(self, step: str) -> dict[str, Any]:
        """Run a step to its end; its row."""
        self.asking.run(step, "tester")
        self.work()
        return self.asking.one(step)

    def roll_back(self, step: str) -> dict[str, Any]:
        """Take a step back; its row."""
        self.asking.roll_back(step, "tester")
        self.work()
        return self.asking.one(step)

    def fill(self, conversations: int, dead_letters: int = 0) -> None:
        """Conversations of before, a third of them dirty, and rows of dead letters."""
        fill(self.database.client, conversations)
        for number in range(dead_letters):
            self.database.document("dead_letters", f"{number}").set(old_row(number))

    def everything(self) -> dict[str, bytes]:
        """Every document but the migrations' own, byte for byte."""
        found = {}
        for collection in self.database.client.collections():
            if collection.id not in ("migrations", "before_images"):
                for snapshot in collection.stream():
                    found[snapshot.reference.path] = encoded(snapshot.to_dict())
        return found


def old_row(number: int) -> dict[str, Any]:
    """A row of the old dead-letter queue."""
    return {
        "event_type": ("slack_alert", "email", "sms", "fax")[number % 4],
        "target": "#leads",
        "payload": json.dumps({"text": f"Lead {number}", "session_id": f"s{number}"}),
        "error_message": "HTTPError: 503 https://hooks.example.com/secret",
        "retry_count": number % 6,
        "created_at": "2025-01-02T03:04:05",
        "last_retry_at": None,
        "status": ("pending", "failed", "delivered")[number // 4 % 3],
    }
