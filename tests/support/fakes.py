"""Fakes of everything a flow needs from the world; each failure is a fake with a name.

The stores are in modules of their own and can be had from here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, cycle
from typing import Any

from shared import events
from shared.domain.alert import Alert, Policy
from shared.domain.digest import Digest
from shared.domain.outcome import Delivered, Outcome
from shared.errors import QueueError
from shared.ports import Chance, Channel, Clock, Continuation, Events, Message, TaskQueue
from tests.support.alert_stores import FakeAlertStore, FaultyAlertStore
from tests.support.chat_stores import (
    ContendedChatStore,
    FakeChatStore,
    RacedChatStore,
    UnansweredChatStore,
    UnreachableChatStore,
)
from tests.support.documents import NOW, Documents

__all__ = [
    "NOW",
    "POLICY",
    "BrokenChannel",
    "ContendedChatStore",
    "DeliveringChannel",
    "Documents",
    "FakeAlertStore",
    "FakeChance",
    "FakeChatStore",
    "FakeClock",
    "FakeContinuation",
    "FakeQueue",
    "FaultyAlertStore",
    "InterruptedChannel",
    "RacedChatStore",
    "RecordedEvents",
    "RefusingContinuation",
    "RefusingQueue",
    "ScriptedChannel",
    "Task",
    "UnansweredChatStore",
    "UnreachableChatStore",
    "seconds",
]


def seconds(number: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=number)


POLICY = Policy(
    lease=seconds(30), grace=seconds(10), quick_attempts=3, scheduled_wait=seconds(300), backoff_max=seconds(30)
)
"""The defaults of ``shared.config``."""


class FakeClock(Clock):
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now
        self.seconds = 1000.0

    def now(self) -> datetime:
        """See ``shared.ports.Clock``."""
        return self.at

    def monotonic(self) -> float:
        """See ``shared.ports.Clock``."""
        return self.seconds

    def advance(self, by: float) -> None:
        """Let seconds pass."""
        self.at += seconds(by)
        self.seconds += by


class FakeChance(Chance):
    """Tokens that count from a number on (another instance needs another), and fractions that go round."""

    def __init__(self, *fractions: float, start: int = 1) -> None:
        self._tokens = count(start)
        self._fractions: Iterator[float] = cycle(fractions or (0.5,))

    def token(self) -> str:
        """See ``shared.ports.Chance``."""
        return f"{next(self._tokens):032x}"

    def fraction(self) -> float:
        """See ``shared.ports.Chance``."""
        return next(self._fractions)


class RecordedEvents(Events):
    """Events as they were reported; a name or field that is not registered fails as it does in production."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **values: str | float | None) -> None:
        """See ``shared.events.log``."""
        unknown = set(values) - events.FIELDS
        if event not in events.SEVERITIES or unknown:
            raise events.UnknownEvent(event, *sorted(unknown))
        self.lines.append((event, values))

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return [name for name, _ in self.lines]

    def of(self, event: str) -> list[dict[str, Any]]:
        """The values of every event of one name."""
        return [values for name, values in self.lines if name == event]


@dataclass(frozen=True)
class Task:
    """A task: for which alert and generation, and when it is to run (None: at once)."""

    alert_id: str
    generation: int
    at: datetime | None


class FakeQueue(TaskQueue):
    """A queue whose names stay taken after a purge, as in the cloud.

    Attributes:
        asked: every task asked for, those that existed already too.
        waiting: the tasks that wait.
    """

    def __init__(self) -> None:
        self.asked: list[Task] = []
        self.waiting: dict[tuple[str, int], Task] = {}
        self._taken: set[tuple[str, int]] = set()

    def enqueue(self, alert: Alert, at: datetime | None = None) -> None:
        """See ``shared.ports.TaskQueue``."""
        name, task = (alert.id, alert.generation), Task(alert.id, alert.generation, at)
        self.asked.append(task)
        if name not in self._taken:
            self._taken.add(name)
            self.waiting[name] = task

    def holds(self, alert: Alert) -> bool:
        """See ``shared.ports.TaskQueue``."""
        return (alert.id, alert.generation) in self.waiting

    def forget(self, alert: Alert) -> None:
        """See ``shared.ports.TaskQueue``."""
        self.waiting.pop((alert.id, alert.generation), None)

    def purge(self) -> None:
        """Lose every task."""
        self.waiting.clear()


class FakeDigestQueue(FakeQueue):
    """A queue of digests too.

    Attributes:
        digests: every digest asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.digests: list[Digest] = []

    def enqueue_digest(self, digest: Digest) -> None:
        """See ``shared.ports.DigestQueue``."""
        self.digests.append(digest)


class FakeContinuation(Continuation):
    """Records what was asked for, by key."""

    def __init__(self) -> None:
        self.asked: dict[str, datetime | None] = {}

    def ask(self, key: str, at: datetime | None = None) -> None:
        """See ``shared.ports.Continuation``."""
        self.asked.setdefault(key, at)


class RefusingContinuation(FakeContinuation):
    """Nothing can be asked for."""

    def ask(self, key: str, at: datetime | None = None) -> None:
        """Refuse."""
        super().ask(key, at)
        raise QueueError("ServiceUnavailable")


class RefusingQueue(FakeQueue):
    """A queue that creates nothing and tells nothing."""

    def enqueue(self, alert: Alert, at: datetime | None = None) -> None:
        """Refuse."""
        self.asked.append(Task(alert.id, alert.generation, at))
        raise QueueError("ServiceUnavailable")

    def holds(self, alert: Alert) -> bool:
        """Refuse."""
        raise QueueError("ServiceUnavailable")


class ScriptedChannel(Channel):
    """A destination that comes to these outcomes, one after the other, the last one for ever.

    Attributes:
        sent: what it was given.
        deadlines: by when each attempt had to be over.
    """

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)
        self.sent: list[Message] = []
        self.deadlines: list[float] = []

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """See ``shared.ports.Channel``."""
        self.sent.append(message)
        self.deadlines.append(deadline)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


class DeliveringChannel(ScriptedChannel):
    """A destination that accepts everything."""

    def __init__(self) -> None:
        super().__init__(Delivered())


class InterruptedChannel(ScriptedChannel):
    """A destination during whose attempts something else happens."""

    def __init__(self, during: Callable[[], object], *outcomes: Outcome) -> None:
        super().__init__(*outcomes)
        self._during = during

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Let it happen, then come to the outcome."""
        self._during()
        return super().send(message, deadline=deadline)


class BrokenChannel(ScriptedChannel):
    """A channel with a bug: it raises what it must not, for alerts of these ids (none given: for all)."""

    def __init__(self, *poisonous: str) -> None:
        super().__init__(Delivered())
        self._poisonous = poisonous

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Break, or deliver."""
        if not self._poisonous or message.alert_id in self._poisonous:
            self.sent.append(message)
            raise ZeroDivisionError("a visitor's text must not be logged")
        return super().send(message, deadline=deadline)
