"""Firestore as the fakes see it: documents by path, all-or-nothing commits with preconditions, and its own time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Conflict

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stored:
    """A document and its update time."""

    value: Any
    version: datetime


@dataclass(frozen=True)
class Write:
    """One write of a commit.

    Attributes:
        path: the document.
        value: what it becomes; None deletes it, a function is given what it was (None where it was missing).
        missing: it must not exist.
        version: it must exist at this version.
    """

    path: str
    value: Any | Callable[[Any], Any]
    missing: bool = False
    version: datetime | None = None


class Documents:
    """A Firestore in memory, for threads too.

    Attributes:
        now: Firestore's time, set at will; versions grow whatever it says.
    """

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self._last = now
        self._lock = threading.Lock()
        self._stored: dict[str, Stored] = {}

    def get(self, path: str) -> Stored | None:
        """A document, None where there is none."""
        with self._lock:
            return self._stored.get(path)

    def under(self, prefix: str) -> dict[str, Stored]:
        """The documents of a collection by their names."""
        with self._lock:
            found = {path: stored for path, stored in self._stored.items() if path.startswith(f"{prefix}/")}
        return {path.removeprefix(f"{prefix}/"): stored for path, stored in found.items()}

    def put(self, path: str, value: Any) -> datetime:
        """Arrange a document; returns its version."""
        self.commit([Write(path, value)])
        return self._stored[path].version

    def commit(self, writes: Sequence[Write]) -> tuple[datetime, list[Any]]:
        """Write all or nothing; returns the version and what each document is now.

        Raises:
            Conflict: a precondition failed.
        """
        with self._lock:
            for write in writes:
                stands = self._stored.get(write.path)
                if write.missing and stands is not None:
                    raise Conflict(write.path)
                if write.version is not None and (stands is None or stands.version != write.version):
                    raise Conflict(write.path)
            self.now += TICK
            self._last = max(self._last + TICK, self.now)
            return self._last, [self._apply(write) for write in writes]

    def _apply(self, write: Write) -> Any:
        was = self._stored.pop(write.path, None)
        value = write.value(was.value if was else None) if callable(write.value) else write.value
        if value is not None:  # a write that changes nothing leaves the update time alone, as Firestore does
            self._stored[write.path] = was if was and was.value == value else Stored(value, self._last)
        return value
