"""One run of the canary: judge the runs before, remove what they left, send a new one, and watch it for a while.

Every run is written down before chat is asked, so whatever cuts one off, the next one knows what may be there. What is
told of a run is told before it is written: an alarm may come twice, but not never. Safe to run twice and at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain import canary
from shared.domain.alert import Alert
from shared.domain.canary import Mark, Order, Run
from shared.errors import Conflict, QueueError, StorageError, Unavailable
from shared.ports import Chance, Clock, Events, TaskQueue
from shared.ports.canary import CanaryOrders, CanaryRemains, CanaryRuns, CanaryVisitor, StoredRun
from shared.ports.rights import RemoteEraser

EVENTS = {Mark.ARRIVED: "canary_arrived", Mark.LATE: "canary_late", Mark.UNKNOWN: "canary_interrupted"}
UNSETTLED_MOST = 50
WATCHED_MOST = timedelta(seconds=20)
"""How long a run waits for its own canary; what takes longer is the next run's."""

FIRST_PAUSE = 0.25
PAUSE_MOST = 4.0
SETTLED = timedelta(minutes=1)
"""How long after a delivery Monday.com may not find the item: its index may be behind."""


@dataclass(frozen=True)
class CanaryDone:
    """What one run of the job did: the runs removed, and its own run as it stands, None where none is configured."""

    removed: int
    run: Run | None


@dataclass(frozen=True)
class SendCanary:
    """The flow with what it needs.

    Attributes:
        runs: the ledger.
        remains: what runs leave.
        visitor: writes in the chat.
        orders: makes what chat knows a canary by; None where no canary is configured.
        queue: where tasks may still wait.
        remote: deletes the items that canaries made at Monday.com; None where there are none.
        channels: where canaries go; empty where no canary is configured.
        without: the channels of leads without a target for canaries.
        deadline: after so long a canary is late.
        doubt: after so long chat writes no more of what it did not answer.
        erase_seconds: how long Monday.com may take.
        pause: lets seconds pass.
        clock: for deadlines.
        chance: for the run's id.
        events: where to report.
    """

    runs: CanaryRuns
    remains: CanaryRemains
    visitor: CanaryVisitor
    orders: CanaryOrders | None
    queue: TaskQueue
    remote: RemoteEraser | None
    channels: tuple[str, ...]
    without: tuple[str, ...]
    deadline: timedelta
    doubt: timedelta
    erase_seconds: float
    pause: Callable[[float], None]
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self) -> CanaryDone:
        """Run once.

        Raises:
            Unavailable: storage did not answer; what was done so far stands, the next run goes on.
        """
        try:
            return self._run()
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error

    def _run(self) -> CanaryDone:
        found, now = self.runs.unsettled(UNSETTLED_MOST)
        removed = self._settle(found)
        if self.orders is None or not self.channels:
            self._note_that_there_is_none(now)
            return CanaryDone(removed, None)
        run = Run.begun(self.chance.token(), now, self.channels, self.without)
        began = self.clock.monotonic()
        stored = self._sent(self.runs.begin(run), self.orders)
        return CanaryDone(removed, self._watched(stored, began).run)

    def _settle(self, found: list[StoredRun]) -> int:
        """Judge and remove; how many were removed. Where Monday.com does not answer it is not asked again."""
        removed, remote = 0, self.remote
        for stored in found:
            try:
                judged, alerts, now = self._judged(stored)
                if not canary.can_be_removed(judged.run, alerts, now=now, doubt=self.doubt):
                    continue
                gone = self._removed(judged, alerts, now, remote)
            except Conflict:  # somebody works at it, or an alert has moved on: the next run looks again
                continue
            removed += gone
            remote = remote if gone else None
        return removed

    def _judged(self, stored: StoredRun) -> tuple[StoredRun, dict[str, Alert | None], datetime]:
        """The run by its alerts; told of where something was found out, then written."""
        alerts, now = self.remains.alerts(stored.run)
        after = canary.judged(stored.run, alerts, now=now, deadline=self.deadline)
        judged = replace(stored, run=after)
        if self._tell(stored.run, after):
            judged = self.runs.save(judged)
        return judged, alerts, now

    def _tell(self, before: Run, after: Run) -> bool:
        """Report what was found out; whether there was anything."""
        found = canary.newly(before, after)
        for name, leg in found.items():
            told = {"latency_ms": leg.milliseconds, "state": leg.reached, "cause": leg.cause}
            self.events(EVENTS[leg.mark], run_id=after.id, channel=name, **told)
        return bool(found)

    def _removed(
        self, stored: StoredRun, alerts: dict[str, Alert | None], now: datetime, remote: RemoteEraser | None
    ) -> bool:
        """Remove all that a run left, and close it; False where Monday.com did not do its part yet.

        What is there of it here goes first: an outage of Monday.com's would let it grow run by run.
        """
        run = stored.run
        for alert in alerts.values():
            if alert is not None and alert.waiting:
                self._forget_task(alert)
        self.remains.remove(run, alerts)  # whatever Monday.com does: what is left here would be counted
        if "monday" in run.legs and self.remote is not None:
            if remote is None:
                return False
            asked = remote.erase([run.alert_id("monday")], deadline=self.clock.monotonic() + self.erase_seconds)
            if asked.problem is not None:
                self.events("canary_waits", run_id=run.id, channel="monday", cause=asked.problem)
                return False
            if run.legs["monday"].latency is not None and not asked.deleted and now - run.at < SETTLED:
                raise Conflict(run.id)
        self.runs.save(replace(stored, run=replace(run, open=False)))
        return True

    def _forget_task(self, alert: Alert) -> None:
        try:
            self.queue.forget(alert)
        except QueueError as error:  # it finds nothing to do
            self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))

    def _sent(self, stored: StoredRun, orders: CanaryOrders) -> StoredRun:
        run = stored.run
        token = orders.make(Order(run.id, tuple(run.legs)), self.clock.now())
        after = canary.answered(run, self.visitor.write(canary.message(run.id), canary.NAME, token))
        self._tell(run, after)
        answered = replace(stored, run=after)
        try:
            return self.runs.save(answered)
        except Conflict:  # another run of the job has found out already what became of it
            return answered

    def _watched(self, stored: StoredRun, began: float) -> StoredRun:
        """Look at the canary until it is known what became of it, or until it is the next run's to find out."""
        watched = min(WATCHED_MOST, self.deadline)
        ends, pause = began + watched.total_seconds(), FIRST_PAUSE
        while not stored.run.judged:
            left = ends - self.clock.monotonic()
            self.pause(min(pause, max(left, 0.01)))
            pause = min(2 * pause, PAUSE_MOST)
            try:
                stored, _, now = self._judged(stored)
            except Conflict:  # another run of the job goes on with it
                return stored
            if now - stored.run.at >= watched:
                break
        return stored

    def _note_that_there_is_none(self, now: datetime) -> None:
        """So that nobody misses one: once, after the last that there was."""
        [*last], _ = self.runs.newest(1)
        if last and last[0].run.legs:
            self.runs.begin(Run.begun(self.chance.token(), now, (), self.without))


@dataclass(frozen=True)
class MissCanary:
    """Tells that no canary was begun for too long; the sweep runs it, as the canary's own job may be gone.

    Attributes:
        runs: the ledger.
        after: how long is too long.
        events: where to report.
    """

    runs: CanaryRuns
    after: timedelta
    events: Events

    def __call__(self) -> None:
        """Tell it once, and again after as long; what the ledger does to it ends nobody else's work."""
        try:
            self._look()
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)

    def _look(self) -> None:
        [*last], now = self.runs.newest(1)
        run = last[0].run if last else None
        if run is None or not canary.to_be_told(run, now=now, after=self.after):
            return
        self.events("canary_missing", run_id=run.id, count=int((now - run.at).total_seconds() // 60))
        try:
            self.runs.save(replace(last[0], run=replace(run, told_at=now)))
        except Conflict:
            return
