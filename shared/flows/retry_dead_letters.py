"""The sweep: find every alert whose time has come and that nothing hurries along, and queue it again.

It reads only what is due, channel by channel, oldest first. It needs no queue to find lost work: a task that was never
made, a purged queue, a crashed holder and a parked alert all look the same, ``wake_at`` has passed. The backlog waits
in Firestore: a pass puts no more into a queue than its destination takes in about a minute, and leaves a share of that
to new alerts. Safe to run twice, or twice at once: every change is conditional on the version that was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from shared.domain import destination as places
from shared.domain.alert import Alert, Policy, State
from shared.domain.delivery import expire, postpone, requeue, settle, withhold
from shared.domain.outcome import Delivered
from shared.errors import (
    Conflict,
    Contention,
    OutcomeUnknown,
    QueueError,
    StorageError,
    StorageUnavailable,
    Unavailable,
)
from shared.flows.steps import Steps
from shared.ports import (
    AlertStore,
    Chance,
    Clock,
    Continuation,
    Events,
    Page,
    StoredAlert,
    StoredDestination,
    TaskQueue,
)

AHEAD = timedelta(seconds=60)
"""How much of a backlog is in a queue at a time, as the time its destination takes for it."""

SHARE = 0.8
"""The part of the pace that a backlog may use; the rest is for new alerts."""

LEAST_AHEAD = 5
"""However slow a destination is, so many of a backlog's alerts may be queued."""


@dataclass(frozen=True)
class Swept:
    """What one pass did: alerts queued again or settled, and alerts left to a task that still waits."""

    requeued: int
    postponed: int


@dataclass
class _Pass:
    """One pass under way.

    Attributes:
        ends: monotonic seconds after which nothing more is begun.
        now: Firestore's time at its beginning.
        requeued: alerts queued again or settled.
        postponed: alerts left to their task, or to a repair.
        more: there is more to do than this pass does.
        rooms: how many parked alerts may still be queued, by channel.
    """

    ends: float
    now: datetime
    requeued: int = 0
    postponed: int = 0
    more: bool = False
    rooms: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RetryDeadLetters:
    """The flow with what it needs.

    Attributes:
        store: where alerts are.
        queue: where their tasks go.
        redrives: goes on with redrives that were cut off, and says whether there is more.
        again: asked for another pass where there is more to do.
        paces: the channels, and how many messages a second each takes.
        escalation_channels: where escalations and notices go, in order.
        policy: budgets and waits.
        page: how many alerts are read at a time.
        run_seconds: after this long nothing more is begun; another pass goes on.
        clock: for that.
        chance: for nonces and jitter.
        events: where to report.
    """

    store: AlertStore
    queue: TaskQueue
    redrives: Callable[[], bool]
    again: Continuation
    paces: Mapping[str, float]
    escalation_channels: tuple[str, ...]
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

    @property
    def _steps(self) -> Steps:
        return Steps(self.store, self.queue, self.policy, self.escalation_channels, self.chance, self.events)

    def _pass(self) -> Swept:
        ends = self.clock.monotonic() + self.run_seconds
        stored, now = self.store.destinations(list(self.paces))
        run = _Pass(ends, now)
        for channel in self.paces:
            self._sweep(run, channel, stored[channel])
        run.more = self.redrives() or run.more
        if run.more:
            self._continue(run)
        self.events("sweep_finished", count=run.requeued, postponed=run.postponed)
        return Swept(run.requeued, run.postponed)

    def _sweep(self, run: _Pass, channel: str, place: StoredDestination) -> None:
        """One channel: what was lost first, then what waits for its time, then what waits for a repair."""
        if place.destination.blocked:
            self._look_after_block(run, place)
        for found in self._due(run, channel, parked=False):
            self._move(run, found, self._recovered(found))
        for found in self._due(run, channel, parked=True):
            if place.destination.blocked and not found.alert.relayed:
                self._move(run, found, self._withheld(found, place))
            elif self._room(run, channel):
                self._move(run, found, self._requeued(found))
            else:
                run.more = True
                break
        if place.destination.draining:
            self._drain(run, place)

    def _due(self, run: _Pass, channel: str, *, parked: bool) -> Iterator[StoredAlert]:
        """What is due, page after page, as long as there is time; of the parked also what is due very soon."""
        until = run.now + self.policy.look_ahead if parked else run.now
        cursor = None
        while True:
            page = self.store.due(until, self.page, channel=channel, parked=parked, cursor=cursor)
            for alert_id in page.unreadable:
                self.events("alert_unreadable", alert_id=alert_id, channel=channel)
            for found in page.alerts:
                if self.clock.monotonic() > run.ends:
                    run.more = True
                    return
                yield found
            if page.cursor is None:
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

    def _requeued(self, stored: StoredAlert) -> Alert:
        """Queued for the time it is due, and not before."""
        due = max(stored.read_at, stored.alert.wake_at or stored.read_at)
        return requeue(stored.alert, now=due, nonce=self.chance.token(), policy=self.policy)

    def _released(self, stored: StoredAlert) -> Alert:
        """Queued at once: what it waited for has come, or may have."""
        return requeue(stored.alert, now=stored.read_at, nonce=self.chance.token(), policy=self.policy)

    def _withheld(self, stored: StoredAlert, place: StoredDestination) -> Alert:
        cause = str(place.destination.cause)
        return withhold(stored.alert, cause, now=stored.read_at, nonce=self.chance.token(), policy=self.policy)

    def _move(self, run: _Pass, stored: StoredAlert, after: Alert | None) -> None:
        """Write what became of an alert; one that cannot be written does not keep the pass from the others."""
        if after is None:
            return
        before = stored.alert
        moved = after.generation != before.generation or after.state is not before.state
        try:
            step = self._steps.plan(before, after, stored.version, now=stored.read_at)
            self._steps.write(step, event=_event(before, moved=moved))
        except (Conflict, Contention):
            return
        except (StorageUnavailable, OutcomeUnknown):
            raise
        except StorageError as error:
            self.events("alert_unwritable", alert_id=before.id, channel=before.channel, error=type(error).__name__)
            return
        run.requeued += moved
        run.postponed += not moved
        if before.state is State.PARKED and after.state is State.QUEUED and before.channel in run.rooms:
            run.rooms[before.channel] -= 1

    def _waits(self, alert: Alert) -> bool:
        try:
            return self.queue.holds(alert)
        except QueueError:
            return False

    def _room(self, run: _Pass, channel: str) -> int:
        """How many parked alerts of a channel may still be queued; one count a pass, and only where it is asked."""
        if channel not in run.rooms:
            ahead = max(LEAST_AHEAD, int(self.paces[channel] * AHEAD.total_seconds() * SHARE))
            run.rooms[channel] = ahead - self.store.queued(channel)
        return max(0, run.rooms[channel])

    def _look_after_block(self, run: _Pass, place: StoredDestination) -> None:
        """Remind a person once a day, and let the oldest waiting alert find out whether it was repaired."""
        destination = place.destination
        if destination.remind_at is not None and run.now >= destination.remind_at:
            self._remind(run, place)
        if destination.probe_at is not None and run.now < destination.probe_at:
            return
        for stored in self.store.withheld(destination.name, 1).alerts:
            self._move(run, stored, self._released(stored))

    def _remind(self, run: _Pass, place: StoredDestination) -> None:
        after = places.remind(place.destination, now=run.now, nonce=self.chance.token())
        reminded = StoredDestination(after, place.version)
        made = self._steps.notices(reminded, now=run.now)
        try:
            self.store.write_destination(reminded, made)
        except Conflict:
            return
        self.events("destination_blocked", channel=after.name, cause=after.cause, count=after.notices)
        for notice in made:
            self._steps.hurry(notice)

    def _drain(self, run: _Pass, place: StoredDestination) -> None:
        """Queue what a repaired block had parked, as far as there is room; over when nothing of it is left."""
        channel = place.destination.name
        room = min(self._room(run, channel), self.page)
        found = self.store.withheld(channel, room) if room else Page((), cursor=channel)
        for stored in found.alerts:
            self._move(run, stored, self._released(stored))
        if found.cursor is not None:
            run.more = True
            return
        over = places.drained(place.destination, nonce=self.chance.token())
        try:
            self.store.write_destination(StoredDestination(over, place.version))
        except Conflict:
            return
        self.events("destination_drained", channel=channel)

    def _continue(self, run: _Pass) -> None:
        """Ask for the pass that goes on, half a batch from now; passes that end at the same time ask for one."""
        seconds = AHEAD.total_seconds() / 2
        number = int(run.now.timestamp() // seconds) + 1
        try:
            self.again.ask(f"sweep {number}", run.now + timedelta(seconds=seconds))
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))


def _event(before: Alert, *, moved: bool) -> str | None:
    """What the step is reported as; an expired lease by what it came to."""
    if before.state is State.SENDING:
        return None
    return "alert_requeued" if moved else "alert_postponed"
