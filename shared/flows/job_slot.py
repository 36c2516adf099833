"""One run a slot: the scheduler fires at least once, and sometimes twice at the same time.

A slot is taken under a lease and marked done at the end, never by a bare mark: a run that dies is run again by the
scheduler's retry once its lease is over (guarantee 24).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.errors import SlotRunning, StorageError, Unavailable
from shared.ports import Chance, Events, JobSlots, Slot

T = TypeVar("T")


@dataclass(frozen=True)
class OncePerSlot:
    """The guard around a scheduled flow.

    Attributes:
        slots: which slots were run.
        lease: longer than a run may take.
        chance: for nonces.
        events: where to report.
    """

    slots: JobSlots
    lease: timedelta
    chance: Chance
    events: Events

    def __call__(self, job: str | None, time: str | None, run: Callable[[], T]) -> T | None:
        """Run a slot unless it was run.

        Args:
            job: the scheduler's name of the job; None for a run that is not the scheduler's.
            time: the time of the slot, as the scheduler says it.
            run: the flow.

        Returns:
            What the flow returns; None where the slot was run before.

        Raises:
            SlotRunning: another run of it is under way; to be tried again, as that one may die.
            Unavailable: storage did not answer, before the run or by the flow.
        """
        if job is None or time is None:
            return run()
        nonce = self.chance.token()
        match self._take(job, time, nonce):
            case Slot.DONE:
                self.events("slot_skipped", reason="done")
                return None
            case Slot.RUNNING:
                self.events("slot_skipped", reason="running")
                raise SlotRunning
        try:
            result = run()
        except BaseException:
            self._leave(job, nonce, done=False)
            raise
        self._leave(job, nonce, done=True)
        return result

    def _take(self, job: str, time: str, nonce: str) -> Slot:
        try:
            return self.slots.take(job, time, nonce, self.lease)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error

    def _leave(self, job: str, nonce: str, *, done: bool) -> None:
        """If this fails the lease runs out by itself; a flow that is run twice does no harm."""
        try:
            self.slots.leave(job, nonce, done=done)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
