"""Remove what has had its time: claims, windows and slots that expired, and alerts that ended long ago.

Bounded per run, continued by another run where there is more; safe to run twice and at once. A failed alert stays until
a person redrives or waives it: nothing that nobody has dealt with is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.errors import QueueError, StorageError, Unavailable
from shared.ports import Chance, Clock, Continuation, Events, Housekeeping

EXPIRING = (
    "admissions",
    "before_images",
    "canary_runs",
    "conversations",
    "digests",
    "rate_windows",
    "redrives",
    "samples",
)
"""Collections whose documents say themselves when they expire; of conversations only the tombstones do."""


@dataclass(frozen=True)
class Cleaned:
    """What one run removed: expired documents, ended alerts, old conversations; and whether there is more."""

    expired: int
    alerts: int
    conversations: int
    more: bool


@dataclass(frozen=True)
class CleanUp:
    """The flow with what it needs.

    Attributes:
        store: what can be removed.
        again: asked for another run where there is more.
        kept: how long an alert is kept after its end.
        retention: how long a conversation is kept after its last message.
        daily: remove alerts that ended long ago, too.
        page: how many documents are removed at a time.
        run_seconds: after this long nothing more is begun.
        clock: for that.
        chance: for the name of the next run.
        events: where to report.
        sample: takes a sample of the counts for the console's charts, if this run is to.
    """

    store: Housekeeping
    again: Continuation
    kept: timedelta
    retention: timedelta
    daily: bool
    page: int
    run_seconds: float
    clock: Clock
    chance: Chance
    events: Events
    sample: Callable[[], bool] | None = None

    def __call__(self) -> Cleaned:
        """Remove what expired, and what ended long ago if that is asked for.

        Raises:
            Unavailable: storage did not answer; what was done so far stands, the next run goes on.
        """
        if self.sample is not None:
            self.sample()
        ends = self.clock.monotonic() + self.run_seconds
        try:
            expired = sum(self._all(ends, partial(self.store.remove_expired, name)) for name in EXPIRING)
            alerts = self._all(ends, partial(self.store.archive_ended, self.kept)) if self.daily else 0
            forget = partial(self.store.forget_conversations, self.retention)
            conversations = self._all(ends, forget) if self.daily else 0
            expired += self._all(ends, partial(self.store.forget_audit, self.retention)) if self.daily else 0
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        more = self.clock.monotonic() > ends
        if more:
            self._continue()
        cleaned = Cleaned(expired, alerts, conversations, more)
        self.events("cleanup_finished", count=cleaned.expired + cleaned.alerts + cleaned.conversations)
        return cleaned

    def _all(self, ends: float, remove: Callable[[int], int]) -> int:
        removed = 0
        while self.clock.monotonic() <= ends:
            now = remove(self.page)
            removed += now
            if not now:
                break
        return removed

    def _continue(self) -> None:
        try:
            self.again.ask(f"cleanup {self.chance.token()}")
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
