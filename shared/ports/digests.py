"""Digests, and changes of many alerts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.alert import Alert
from shared.domain.digest import Digest
from shared.ports.delivery import Page, Step, StoredAlert, StoredDestination
from shared.ports.world import Version


@dataclass(frozen=True)
class StoredDigest:
    """A digest with its members as they stand.

    Attributes:
        digest: the digest.
        members: those that still exist and can be read, in its order.
        destination: its channel's.
        read_at: Firestore's time.
    """

    digest: Digest
    members: tuple[StoredAlert, ...]
    destination: StoredDestination
    read_at: datetime


class DigestQueue(Protocol):
    """Where digests are hurried along; losing a task loses time, as the sweep finds the members."""

    def enqueue_digest(self, digest: Digest) -> None:
        """Create a digest's task, to run when it is expected; that it exists already is success.

        Raises:
            QueueError: it could not be created.
        """


class DigestStore(Protocol):
    """Digests, and what concerns many alerts at once."""

    def read(self, digest_id: str) -> StoredDigest | None:
        """A digest with its members and its destination; None if there is none.

        Raises:
            StorageUnavailable: it could not be read.
        """

    def write(self, steps: Sequence[Step], *, begun: Sequence[Digest] = (), ended: str | None = None) -> Version:
        """Write many steps, and the digests that begin and end with them, as a whole or not at all.

        Args:
            steps: at least one; each of another alert.
            begun: new digests.
            ended: the id of one that needs nothing more.

        Returns:
            The new version of every alert.

        Raises:
            Conflict: somebody else was first at one of them; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came, and it could not be found out.
            StorageUnavailable: nothing was written.
        """

    def leave_receipts(self, alerts: Sequence[Alert]) -> None:
        """Record that these epochs were delivered by somebody whose lease had run out."""

    def outstanding(self, channel: str, since: datetime) -> int:
        """How many digests of a channel, expected after a time, are still to be sent; raises StorageUnavailable."""

    def crowd(self, channel: str, most: int) -> int:
        """How many of a channel's alerts are parked, counted up to a number; raises StorageUnavailable."""

    def overdue(self, channel: str, before: datetime, limit: int) -> Page:
        """A channel's alerts made before a time that wait and of which nobody was told, oldest first.

        Raises:
            StorageUnavailable: they could not be read.
        """
