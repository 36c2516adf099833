"""The sweep: find every alert whose time has come and that nothing hurries along, and queue it again.

It reads only what is due, channel by channel, oldest first. It needs no queue to find lost work: a task that was never
made, a purged queue, a crashed holder and a parked alert all look the same, ``wake_at`` has passed. What is parked is
the ``backlog``'s. Safe to run twice, or twice at once: every change is conditional on the version that was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.domain import destination as places
from shared.domain.alert import Alert, Policy, State
from shared.domain.delivery import expire, postpone, requeue, settle
from shared.domain.outcome import Delivered
from shared.errors import Conflict, QueueError, StorageError, Unavailable
from shared.flows.backlog import AHEAD, Backlog
from shared.flows.overdue import TellOverdue
from shared.flows.sweep_pass import Moves, Pass, Place
from shared.ports import (
    AlertStore,
    Breakers,
    Chance,
    Clock,
    Continuation,
    Events,
    StoredAlert,
    StoredDestination,
    TaskQueue,
)


@dataclass(frozen=True)
class Swept:
    """What one pass did: alerts queued again or settled, and alerts left to a task that still waits."""

    requeued: int
    postponed: int


@dataclass(frozen=True)
class RetryDeadLetters:
    """The flow with what it needs.

    Attributes:
        store: where alerts are.
        queue: where their tasks are.
        moves: writes what becomes of an alert.
        breakers: the destinations' breakers.
        backlog: what goes out of what is parked.
        overdue: tells a person of what has been waiting for very long.
        redrives: goes on with redrives that were cut off, and says whether there is more.
        again: asked for another pass where there is more to do.
        channels: every channel there may be alerts of.
        policy: budgets and waits.
        page: how many alerts are read at a time.
        run_seconds: after this long nothing more is begun; another pass goes on.
        clock: for that.
        chance: for nonces and jitter.
        events: where to report.
    """

    store: AlertStore
    queue: TaskQueue
    moves: Moves
    breakers: Breakers
    backlog: Backlog
    overdue: TellOverdue
    redrives: Callable[[], bool]
    again: Continuation
    channels: Sequence[str]
    policy: Policy
    page: int
    run_seconds: float
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self) -> Swept:
        """Run one pass.

        Raises:
            Unavailable: storage did not answer; what was done so far stands, the next pass goes on.
        """
        try:
            return self._pass()
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error

    def _pass(self) -> Swept:
        ends = self.clock.monotonic() + self.run_seconds
        stored, now = self.store.destinations(list(self.channels))
        breakers = self.breakers.stand(list(self.channels))
        run = Pass(ends, now)
        for channel in self.channels:
            self._sweep(run, Place(stored[channel], breakers[channel]))
        run.more = self.redrives() or run.more
        if run.more:
            self._continue(run)
        self.events("sweep_finished", count=run.requeued, postponed=run.postponed)
        return Swept(run.requeued, run.postponed)

    def _sweep(self, run: Pass, place: Place) -> None:
        """One channel: a daily notice, what was lost, then what is parked, and what a person has to hear of."""
        destination = place.destination.destination
        if destination.blocked and destination.remind_at is not None and run.now >= destination.remind_at:
            self._remind(run, place.destination)
        for found in self._late(run, place.name):
            self.moves(run, found, self._recovered(found))
        self.backlog(run, place)
        self.overdue(run, place.name)

    def _late(self, run: Pass, channel: str) -> Iterator[StoredAlert]:
        """What is queued or being sent and whose time has passed, page after page."""
        cursor = None
        while True:
            page = self.store.due(run.now, self.page, channel=channel, parked=False, cursor=cursor)
            yield from self.moves.within(run, channel, page)
            if page.cursor is None or run.over:
                return
            cursor = page.cursor

    def _recovered(self, stored: StoredAlert) -> Alert | None:
        """What becomes of an alert whose task or holder is late; None while its holder's lease is live.

        A holder that lost its lease may have left a receipt, which counts as in a task.
        """
        alert, now, nonce = stored.alert, stored.read_at, self.chance.token()
        if alert.state is State.SENDING:
            if stored.age < self.policy.lease:
                return None
            known = self.store.read(alert.id, alert.channel)
            end = partial(settle, alert, Delivered()) if known is not None and known.receipt else partial(expire, alert)
            return end(now=now, nonce=nonce, jitter=self.chance.fraction(), policy=self.policy)
        if self._waits(alert):
            return postpone(alert, now=now, nonce=nonce, policy=self.policy)
        return requeue(alert, now=now, nonce=nonce, policy=self.policy)

    def _waits(self, alert: Alert) -> bool:
        try:
            return self.queue.holds(alert)
        except QueueError:
            return False

    def _remind(self, run: Pass, place: StoredDestination) -> None:
        after = places.remind(place.destination, now=run.now, nonce=self.chance.token())
        reminded = StoredDestination(after, place.version)
        made = self.moves.steps.notices(reminded, now=run.now)
        try:
            self.store.write_destination(reminded, made)
        except Conflict:
            return
        self.events("destination_blocked", channel=after.name, cause=after.cause, count=after.notices)
        for notice in made:
            self.moves.steps.hurry(notice)

    def _continue(self, run: Pass) -> None:
        """Ask for the pass that goes on, half a batch from now; passes that end at the same time ask for one."""
        seconds = AHEAD.total_seconds() / 2
        number = int(run.now.timestamp() // seconds) + 1
        try:
            self.again.ask(f"sweep {number}", run.now + timedelta(seconds=seconds))
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
