"""What the scheduled flows need: one run a slot, and what has had its time."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class Slot(StrEnum):
    """What became of the wish to run a scheduled job's slot."""

    TAKEN = "taken"
    RUNNING = "running"
    DONE = "done"


class JobSlots(Protocol):
    """Runs of scheduled jobs: each slot is run once, by a holder whose lease is live, and again if that one dies.

    A slot that is not newer than the last one that was run is done: that run did what this one would do.
    """

    def take(self, job: str, time: str, nonce: str, lease: timedelta) -> Slot:
        """Take a job's slot, also one whose holder's lease has run out.

        Raises:
            StorageError: it is not known who has it; the caller does not run.
        """

    def leave(self, job: str, nonce: str, *, done: bool) -> None:
        """Mark a job's slot as done, or give it up, if it is still this holder's; raises StorageError."""


class Housekeeping(Protocol):
    """What has had its time, removed a page at a time; each returns how many, 0 when nothing is left."""

    def remove_expired(self, collection: str, limit: int) -> int:
        """Remove documents whose ``expires_at`` has passed; raises StorageError."""

    def forget_conversations(self, kept: timedelta, limit: int) -> int:
        """Remove conversations that went quiet longer ago, with all that is kept of them; what alerts say of them, too.

        Of alerts that are being sent, not before their outcome; raises StorageError.
        """

    def forget_audit(self, kept: timedelta, limit: int) -> int:
        """Remove lines of the consent audit that are older; raises StorageError."""

    def archive_ended(self, kept: timedelta, limit: int) -> int:
        """Remove alerts that ended longer ago, with what belongs to them, and count them as archived.

        The failed ones stay; raises StorageError.
        """
