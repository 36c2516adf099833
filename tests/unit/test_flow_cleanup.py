"""Clean-up: all that has had its time, as long as there is time, and the rest by another run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.errors import StorageUnavailable, Unavailable
from shared.flows.cleanup import EXPIRING, Cleaned, CleanUp
from shared.ports import Housekeeping
from tests.support.fakes import FakeChance, FakeClock, FakeContinuation, RecordedEvents, RefusingContinuation

KEPT = timedelta(days=30)
RETENTION = timedelta(days=365)


class FakeHousekeeping(Housekeeping):
    """So many of everything; removing a page may take time."""

    def __init__(
        self, expired: int = 0, ended: int = 0, each: Callable[[], object] = lambda: None, *, old: int = 0
    ) -> None:
        self.left = dict.fromkeys(EXPIRING, expired) | {"alerts": ended, "old": old, "audit": old}
        self._each = each

    def remove_expired(self, collection: str, limit: int) -> int:
        """See ``shared.ports.Housekeeping``."""
        return self._remove(collection, limit)

    def archive_ended(self, kept: timedelta, limit: int) -> int:
        """See ``shared.ports.Housekeeping``."""
        assert kept == KEPT
        return self._remove("alerts", limit)

    def forget_conversations(self, kept: timedelta, limit: int) -> int:
        """See ``shared.ports.Housekeeping``."""
        assert kept == RETENTION
        return self._remove("old", limit)

    def forget_audit(self, kept: timedelta, limit: int) -> int:
        """See ``shared.ports.Housekeeping``."""
        assert kept == RETENTION
        return self._remove("audit", limit)

    def _remove(self, name: str, limit: int) -> int:
        self._each()
        removed = min(limit, self.left[name])
        self.left[name] -= removed
        return removed


def cleaning(
    store: Housekeeping, clock: FakeClock | None = None, *, daily: bool = True, again: object = None
) -> CleanUp:
    """The flow."""
    return CleanUp(
        store=store,
        again=again or FakeContinuation(),  # type: ignore[arg-type]
        kept=KEPT,
        retention=RETENTION,
        daily=daily,
        page=10,
        run_seconds=45,
        clock=clock or FakeClock(),
        chance=FakeChance(),
        events=RecordedEvents(),
    )


def test_everything_that_has_had_its_time_is_removed() -> None:
    """Page after page, collection after collection."""
    store = FakeHousekeeping(25, 13, old=7)
    flow = cleaning(store)
    assert flow() == Cleaned(25 * len(EXPIRING) + 7, 13, 7, more=False)
    assert set(store.left.values()) == {0}
    assert flow() == Cleaned(0, 0, 0, more=False)


def test_alerts_are_removed_by_the_daily_run_only() -> None:
    """The one of every ten minutes leaves them, and conversations."""
    store = FakeHousekeeping(1, 1, old=1)
    assert cleaning(store, daily=False)() == Cleaned(len(EXPIRING), 0, 0, more=False)
    assert (store.left["alerts"], store.left["old"], store.left["audit"]) == (1, 1, 1)


def test_a_run_that_is_out_of_time_asks_for_another() -> None:
    """What is left is what the next one begins with."""
    clock, again = FakeClock(), FakeContinuation()
    store = FakeHousekeeping(100, each=lambda: clock.advance(10))
    cleaned = cleaning(store, clock, again=again)()
    assert (cleaned.expired, cleaned.more, len(again.asked)) == (50, True, 1)
    assert cleaning(store)().expired == 100 * len(EXPIRING) - 50


def test_another_run_that_cannot_be_asked_for_is_the_schedulers() -> None:
    """What was done stands."""
    clock = FakeClock()
    store = FakeHousekeeping(100, each=lambda: clock.advance(10))
    flow = cleaning(store, clock, again=RefusingContinuation())
    assert flow().more
    assert flow.events.names == ["enqueue_failed", "cleanup_finished"]  # type: ignore[attr-defined]


def test_f22_without_storage_it_is_unavailable() -> None:
    """The scheduler's retry comes."""

    def fail() -> None:
        raise StorageUnavailable("ServiceUnavailable")

    with pytest.raises(Unavailable):
        cleaning(FakeHousekeeping(1, each=fail))()
