"""Ports that do nothing but count, for the parts of the world that a measurement leaves out."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.domain.alert import Alert
from shared.domain.digest import Digest
from shared.domain.outcome import Outcome
from shared.ports import Channel, Clock, Continuation, Message, TaskQueue


class CountingQueue(TaskQueue):
    """Takes every task and keeps none.

    Attributes:
        operations: billed operations on tasks.
    """

    def __init__(self) -> None:
        self.operations = 0

    def enqueue(self, alert: Alert, at: datetime | None = None) -> None:
        """Count a task."""
        del alert, at
        self.operations += 1

    def holds(self, alert: Alert) -> bool:
        """Count a look; there is no task."""
        del alert
        self.operations += 1
        return False

    def enqueue_digest(self, digest: Digest) -> None:
        """Count a task."""
        del digest
        self.operations += 1

    def forget(self, alert: Alert) -> None:
        """Count a task that is removed."""
        del alert
        self.operations += 1


class CountingContinuation(Continuation):
    """Is asked for a further pass that never comes.

    Attributes:
        operations: how often.
    """

    def __init__(self) -> None:
        self.operations = 0

    def ask(self, key: str, at: datetime | None = None) -> None:
        """Count it."""
        del key, at
        self.operations += 1


class StillClock(Clock):
    """No time passes while a pass is under way: the emulator takes seconds for what an index answers at once."""

    def now(self) -> datetime:
        """The time of this machine."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0


class Answering(Channel):
    """A destination with one outcome for everything.

    Attributes:
        outcome: that one.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Say it."""
        del message, deadline
        return self.outcome
