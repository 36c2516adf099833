"""The sweep: find every alert whose time has come and that nothing hurries along, and queue it again.

It reads only what is due, oldest first. It needs no queue to find lost work: a task that was never made, a purged
queue, a crashed holder and a parked alert all look the same, ``wake_at`` has passed. Safe to run twice, or twice at
once: every change is conditional on the version that was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.alert import Alert, Policy, State, expire, postpone, requeue
from shared.errors import Conflict, Contention, QueueError, StorageError, Unavailable
from shared.ports import AlertStore, Chance, Clock, Events, StoredAlert, TaskQueue


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
        queue: where their tasks go.
        policy: budgets and waits.
        page: how many alerts are read at a time.
        run_seconds: after this long no further page is read; the next run goes on.
        clock: for that.
        chance: for nonces and jitter.
        events: where to report.
    """

    store: AlertStore
    queue: TaskQueue
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
        now = self.store.time()
        requeued = postponed = 0
        while True:
            found = self.store.due(now, self.page)
            states = [self._wake(stored) for stored in found]
            requeued += states.count("requeued")
            postponed += states.count("postponed")
            moved = any(state != "left" for state in states)
            if len(found) < self.page or not moved or self.clock.monotonic() > ends:
                break
        self.events("sweep_finished", count=requeued, postponed=postponed)
        return Swept(requeued, postponed)

    def _wake(self, stored: StoredAlert) -> str:
        alert, now, nonce = stored.alert, stored.read_at, self.chance.token()
        if alert.state is State.SENDING:
            if stored.age < self.policy.lease:
                return "left"
            after = expire(alert, now=now, nonce=nonce, jitter=self.chance.fraction(), policy=self.policy)
        elif alert.state is State.QUEUED and self._waits(alert):
            after = postpone(alert, now=now, nonce=nonce, policy=self.policy)
        else:
            after = requeue(alert, now=now, nonce=nonce, policy=self.policy)
        try:
            self.store.write(alert, after, stored.version)
        except (Conflict, Contention):
            return "left"
        if after.generation == alert.generation and after.state is State.QUEUED:
            return "postponed"
        self._hurry(alert, after)
        return "requeued"

    def _waits(self, alert: Alert) -> bool:
        try:
            return self.queue.holds(alert)
        except QueueError:
            return False

    def _hurry(self, before: Alert, after: Alert) -> None:
        event = "alert_expired" if before.state is State.SENDING else "alert_requeued"
        self.events(event, alert_id=after.id, channel=after.channel, generation=after.generation, state=before.state)
        if after.state is not State.QUEUED or after.wake_at is None:
            return
        try:
            self.queue.enqueue(after, after.wake_at - self.policy.grace)
        except QueueError as error:
            self.events("enqueue_failed", alert_id=after.id, channel=after.channel, error=str(error))
