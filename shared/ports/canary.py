"""What canaries need: their orders, a visitor's part in the chat, their runs, and what is removed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.alert import Alert
from shared.domain.canary import Order, Run
from shared.ports.world import Version


class CanaryOrders(Protocol):
    """Orders as tokens that nobody else can make."""

    def make(self, order: Order, now: datetime) -> str:
        """A token that says this and when, in characters that a header takes."""

    def read(self, token: str, now: datetime) -> Order:
        """What a token says.

        Raises:
            CanaryRefused: it is none of ours, or older than ``shared.domain.canary.ORDER_LIFE``.
        """


class CanaryVisitor(Protocol):
    """Writes in the chat as a visitor does."""

    def write(self, message: str, name: str, token: str) -> str:
        """Send one message with a canary's order.

        Returns:
            ``ok`` where it was answered with 200, else why not, a machine word: ``http_503``, ``timeout``.
        """


@dataclass(frozen=True)
class StoredRun:
    """A run, and its version for conditional writes."""

    run: Run
    version: Version


class CanaryRuns(Protocol):
    """The runs of the last 35 days. Each raises StorageError."""

    def unsettled(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """Runs of which something is still to be judged or removed, the newest first, and Firestore's time."""

    def begin(self, run: Run) -> StoredRun:
        """Write a new run down; a repeat of the same is one."""

    def save(self, stored: StoredRun) -> StoredRun:
        """Write what became of a run; gives it its new version.

        Raises:
            Conflict: somebody else has.
        """

    def newest(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """Runs, the newest first, and Firestore's time."""


class CanaryRemains(Protocol):
    """The documents that a run left. Each raises StorageError; what is not there is success."""

    def alerts(self, run: Run) -> tuple[dict[str, Alert | None], datetime]:
        """Its alerts by channel, None where there is none, and Firestore's time."""

    def remove(self, run: Run, alerts: Mapping[str, Alert | None]) -> None:
        """Delete its alerts as they were read, and what hangs on them, then its conversation with all that is in it.

        Raises:
            Conflict: an alert has moved on; nothing of it was deleted.
        """
