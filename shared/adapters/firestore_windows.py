"""Rate windows in Firestore: counters that are incremented blindly, whose new values say whether a limit is passed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore import Database
from shared.domain.admission import Window
from shared.errors import Contention, OutcomeUnknown, StorageUnavailable

TRIES = 3
CONTENTION_PAUSE_SECONDS = 0.05


class FirestoreWindows:
    """``shared.ports.RateWindows`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """Cost: one round trip, one write a window."""
        for tries_left in reversed(range(TRIES)):
            batch = self._database.client.batch()
            for window in windows:
                self.add(batch, window)
            try:
                return tuple(zip(windows, counts(self._database.commit(batch)), strict=True))
            except Contention:
                if not tries_left:
                    raise
                pause()
            except OutcomeUnknown as error:
                raise StorageUnavailable(str(error)) from error
        raise AssertionError("unreachable: the last try returns or raises")

    def document(self, window: Window) -> Any:
        """A reference to a window's counter; no round trip."""
        return self._database.document("rate_windows", window.id)

    def add(self, batch: Any, window: Window, number: int = 1) -> None:
        """Let a batch add so many requests to a window; one write."""
        batch.set(
            self.document(window),
            {"count": firestore.Increment(number), "expires_at": window.ends_at},
            merge=True,
        )


def counts(results: Sequence[Any]) -> list[int]:
    """The counters' new values, from the results of a commit, in the order in which they were added."""
    return [int(result.transform_results[0].integer_value) for result in results if result.transform_results]


def pause() -> None:
    """Wait for a moment, of another length each time."""
    time.sleep(CONTENTION_PAUSE_SECONDS * random.random())  # noqa: S311 - a pause, not a secret
