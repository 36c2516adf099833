"""What every part of a pass of the sweep shares: its time, what it did, and how it writes what becomes of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.alert import Alert, State
from shared.domain.breaker import BREAKER_OPEN
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable
from shared.flows.steps import Steps
from shared.ports import Clock, Events, Page, StoredAlert, StoredBreaker, StoredDestination


@dataclass(frozen=True)
class Place:
    """A channel as it stands at the beginning of a pass."""

    destination: StoredDestination
    breaker: StoredBreaker

    @property
    def name(self) -> str:
        """The channel's."""
        return self.destination.destination.name

    @property
    def held_up(self) -> str | None:
        """Why nothing may go out but an attempt that finds out; None where all is well."""
        if self.destination.destination.blocked:
            return str(self.destination.destination.cause)
        return None if self.breaker.breaker.shut else BREAKER_OPEN

    @property
    def draining(self) -> bool:
        """Whether what was held up is going out."""
        return self.destination.destination.draining or self.breaker.breaker.draining


@dataclass
class Pass:
    """One pass under way.

    Attributes:
        ends: monotonic seconds after which nothing more is begun.
        now: Firestore's time at its beginning.
        requeued: alerts queued again or settled, alone or in a digest.
        postponed: alerts left to their task, or to a repair.
        more: there is more to do than this pass does.
        over: its time is over.
        rooms: how many more messages of a backlog may be queued, by channel.
        spaced: how many messages are to be sent before the next one, by channel.
    """

    ends: float
    now: datetime
    requeued: int = 0
    postponed: int = 0
    more: bool = False
    over: bool = False
    rooms: dict[str, int] = field(default_factory=dict)
    spaced: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Moves:
    """Writes what becomes of alerts.

    Attributes:
        steps: what follows from it.
        clock: for the pass's end.
        events: where to report.
    """

    steps: Steps
    clock: Clock
    events: Events

    def within(self, run: Pass, channel: str, page: Page) -> Iterator[StoredAlert]:
        """The alerts of a page, as long as there is time."""
        for alert_id in page.unreadable:
            self.events("alert_unreadable", alert_id=alert_id, channel=channel)
        for found in page.alerts:
            if self.clock.monotonic() > run.ends:
                run.more = run.over = True
                return
            yield found

    def __call__(self, run: Pass, stored: StoredAlert, after: Alert | None) -> bool:
        """Write what became of an alert; one that cannot be written does not keep the pass from the others.

        Returns:
            Whether it was written.
        """
        if after is None:
            return False
        before = stored.alert
        moved = after.generation != before.generation or after.state is not before.state
        try:
            step = self.steps.plan(before, after, stored.version, now=stored.read_at)
            self.steps.write(step, event=_event(before, moved=moved))
        except (Conflict, Contention):
            return False
        except (StorageUnavailable, OutcomeUnknown):
            raise
        except StorageError as error:
            self.events("alert_unwritable", alert_id=before.id, channel=before.channel, error=type(error).__name__)
            return False
        run.requeued += moved
        run.postponed += not moved
        return True


def grouped(found: Iterable[StoredAlert], most: int) -> Iterator[list[StoredAlert]]:
    """Alerts in groups of at most so many."""
    group: list[StoredAlert] = []
    for each in found:
        group.append(each)
        if len(group) == most:
            yield group
            group = []
    if group:
        yield group


def _event(before: Alert, *, moved: bool) -> str | None:
    """What the step is reported as; an expired lease by what it came to."""
    if before.state is State.SENDING:
        return None
    return "alert_requeued" if moved else "alert_postponed"
