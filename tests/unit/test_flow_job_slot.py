"""A scheduled job's slot is run once, and again if its run died."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import SlotRunning, StorageUnavailable, Unavailable
from shared.flows.job_slot import OncePerSlot
from shared.ports import JobSlots, Slot
from tests.support.fakes import FakeChance, RecordedEvents


class FakeSlots(JobSlots):
    """Slots in memory; a lease of zero is over at once."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, str, bool]] = {}

    def take(self, job: str, time: str, nonce: str, lease: timedelta) -> Slot:
        """See ``shared.ports.JobSlots``."""
        last, _, done = self.held.get(job, ("", "", True))
        if last >= time and (done or last > time):
            return Slot.DONE
        if last == time and lease:
            return Slot.RUNNING
        self.held[job] = time, nonce, False
        return Slot.TAKEN

    def leave(self, job: str, nonce: str, *, done: bool) -> None:
        """See ``shared.ports.JobSlots``."""
        time, holder, _ = self.held.get(job, ("", "", True))
        if holder == nonce:
            self.held[job] = time if done else "", nonce, done


class UnreachableSlots(FakeSlots):
    """Storage does not answer."""

    def __init__(self, *operations: str) -> None:
        super().__init__()
        self._operations = operations

    def take(self, job: str, time: str, nonce: str, lease: timedelta) -> Slot:
        """Fail, or take."""
        if "take" in self._operations:
            raise StorageUnavailable("ServiceUnavailable")
        return super().take(job, time, nonce, lease)

    def leave(self, job: str, nonce: str, *, done: bool) -> None:
        """Fail, or leave."""
        if "leave" in self._operations:
            raise StorageUnavailable("ServiceUnavailable")
        super().leave(job, nonce, done=done)


def once(slots: JobSlots | None = None, lease: timedelta = timedelta(minutes=3)) -> OncePerSlot:
    """The guard."""
    return OncePerSlot(slots or FakeSlots(), lease, FakeChance(), RecordedEvents())


def test_f18_a_slot_that_fires_twice_is_run_once() -> None:
    """One after the other: the second does nothing and is done."""
    guard, runs = once(), []
    assert guard("job", "10:00", lambda: runs.append(1) or "ran") == "ran"
    assert guard("job", "10:00", lambda: runs.append(2) or "ran") is None
    assert guard("job", "10:05", lambda: runs.append(3) or "ran") == "ran"
    assert guard("other", "10:00", lambda: runs.append(4) or "ran") == "ran"
    assert runs == [1, 3, 4]


def test_f18_a_slot_that_fires_while_it_runs_comes_back() -> None:
    """409 with Retry-After: the run under way may die."""
    guard = once()

    def run() -> str:
        with pytest.raises(SlotRunning) as refused:
            guard("job", "10:00", lambda: "ran twice")
        assert (refused.value.status, refused.value.retry_after) == (409, 10)
        return "ran"

    assert guard("job", "10:00", run) == "ran"


def test_a_run_that_failed_can_be_tried_again() -> None:
    """The scheduler's retry has the same slot."""
    guard = once()
    with pytest.raises(Unavailable):
        guard("job", "10:00", _fail)
    assert guard("job", "10:00", lambda: "ran") == "ran"


def test_a_run_by_hand_has_no_slot() -> None:
    """As often as it is asked for."""
    guard = once()
    assert [guard(None, None, lambda: "ran") for _ in range(2)] == ["ran", "ran"]


def test_f22_without_storage_a_slot_is_not_run() -> None:
    """Nobody knows who has it; the scheduler comes back."""
    guard = once(UnreachableSlots("take"))
    with pytest.raises(Unavailable):
        guard("job", "10:00", lambda: pytest.fail("it ran"))


def test_a_slot_that_cannot_be_left_was_run_all_the_same() -> None:
    """Its lease runs out by itself."""
    assert once(UnreachableSlots("leave"))("job", "10:00", lambda: "ran") == "ran"


def _fail() -> None:
    raise Unavailable
