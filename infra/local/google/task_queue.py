"""One queue: which task goes when, and what becomes of it.

Source: ``google.cloud.tasks.v2.CloudTasks`` (``PauseQueue``, ``PurgeQueue``, ``RunTask``, ``CreateTask`` on
de-duplication) and ``….Queue``.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any

from infra.local.google.attempt import Outcome, attempt
from infra.local.google.backoff import since
from infra.local.google.clock import FAR_FUTURE
from infra.local.google.errors import already_exists
from infra.local.google.platform import Platform
from infra.local.google.queue_rules import QUEUE, retry_policy
from infra.local.google.task import QueuedTask
from infra.local.google.throttle import Throttle

NAMES_KEPT_FOR = timedelta(hours=1)
"""How long the name of an ended task stays taken (Google says "about an hour" and "up to 24 hours" in turn)."""

_RETENTION = timedelta(days=31)


class TaskQueue:
    """A queue's tasks and the loop that dispatches them.

    Order is by schedule time, then by arrival. Nothing here waits for the network except the attempts themselves.
    """

    def __init__(self, message: Any, platform: Platform) -> None:
        self.message = message
        self._platform = platform
        self._tasks: dict[str, QueuedTask] = {}
        self._ended: dict[str, datetime] = {}  # names only their owners chose, in the order of ending
        self._waiting: list[tuple[datetime, int, QueuedTask]] = []  # a heap; entries of another place are void
        self._places = count()
        self._running = 0
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[Any] | None = None
        limits = message.rate_limits
        self._throttle = Throttle(
            rate=limits.max_dispatches_per_second,
            burst=limits.max_burst_size,
            now=platform.clock.now(),
            longest_gap=platform.backoff_cap,
        )

    @property
    def tasks(self) -> Mapping[str, QueuedTask]:
        """Every task that has not ended, by full name."""
        return MappingProxyType(self._tasks)

    def start(self) -> None:
        """Begin to dispatch; needs a running loop."""
        if self._loop is None:
            self._loop = self._platform.background.spawn(self._run())

    def stop(self) -> None:
        """Forget every task and dispatch no more; attempts under way go on, their answers count for nothing."""
        self._tasks.clear()
        if self._loop is not None:
            self._loop.cancel()

    def add(self, task: QueuedTask) -> None:
        """Take a task in.

        Raises:
            ApiError: ALREADY_EXISTS, while a task of this name is here or ended less than an hour ago.
        """
        self._forget_old_names()
        if task.name in self._tasks:
            raise already_exists("Requested entity already exists")
        if task.name in self._ended:
            raise already_exists("The task cannot be created because a task with this name existed too recently.")
        self._tasks[task.name] = task
        self._enqueue(task)

    def end(self, task: QueuedTask) -> None:
        """The task is over, however it went; its name stays taken for a while."""
        del self._tasks[task.name]
        task.place = None
        if task.named:
            self._ended[task.name] = self._platform.clock.now()

    def purge(self) -> None:
        """End every task; those under way too."""
        for task in list(self._tasks.values()):
            self.end(task)
        self._waiting.clear()
        self.message.purge_time.FromDatetime(self._platform.clock.now())

    def force(self, task: QueuedTask) -> None:
        """Dispatch a task now, past every limit, even if the queue is paused or the task is under way."""
        self._dispatch(task, forced_at=self._platform.clock.now())

    def set_paused(self, *, paused: bool) -> None:
        """Stop dispatching, or go on."""
        self.message.state = QUEUE.PAUSED if paused else QUEUE.RUNNING
        self._wake.set()

    def configure(self, message: Any) -> None:
        """Live by other settings from now on; a retry that is waiting keeps its time."""
        self.message = message
        limits = message.rate_limits
        now = self._platform.clock.now()
        self._throttle.change(rate=limits.max_dispatches_per_second, burst=limits.max_burst_size, now=now)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self._platform.clock.sleep_until(self._dispatch_due(), self._wake)

    def _dispatch_due(self) -> datetime:
        """Dispatch what may go now; when the next may, unless something changes before."""
        now = self._platform.clock.now()
        while self._may_dispatch() and (task := self._first()) is not None:
            moment = max(task.schedule_time, self._throttle.ready_at(now))
            if moment > now:
                return moment
            self._throttle.take(now)
            self._dispatch(task, forced_at=None)
        return FAR_FUTURE

    def _may_dispatch(self) -> bool:
        most: int = self.message.rate_limits.max_concurrent_dispatches
        return bool(self.message.state == QUEUE.RUNNING) and self._running < most

    def _first(self) -> QueuedTask | None:
        while self._waiting:
            _, place, task = self._waiting[0]
            if task.place == place:
                return task
            heapq.heappop(self._waiting)
        return None

    def _enqueue(self, task: QueuedTask) -> None:
        task.place = next(self._places)
        heapq.heappush(self._waiting, (task.schedule_time, task.place, task))
        self._wake.set()

    def _dispatch(self, task: QueuedTask, forced_at: datetime | None) -> None:
        self._running += 1
        call = task.start(self._platform.clock.now(), self._platform.token_for)
        self._platform.background.spawn(self._attempt(task, call, forced_at))

    async def _attempt(self, task: QueuedTask, call: Any, forced_at: datetime | None) -> None:
        try:
            outcome = await attempt(call, self._platform.send, self._platform.clock)
        finally:
            self._running -= 1
            task.running -= 1
            self._wake.set()
        now = self._platform.clock.now()
        self._throttle.answered(outcome.status, now)
        if self._tasks.get(task.name) is task:
            self._settle(task, outcome, now, forced_at or now)

    def _settle(self, task: QueuedTask, outcome: Outcome, now: datetime, counted_from: datetime) -> None:
        task.note(outcome, now)
        retry = retry_policy(self.message).capped(self._platform.backoff_cap)
        spent = retry.is_exhausted(attempts=task.dispatched, since_first=since(task.first_dispatch, now))
        if outcome.succeeded or spent or now - task.created >= _RETENTION:
            self.end(task)
        elif task.running == 0:
            wait = retry.delay(task.failed)
            asked = outcome.retry_after or timedelta(0)
            wait = max(wait, min(asked, self._platform.backoff_cap or asked))
            task.schedule_time = counted_from + wait
            self._enqueue(task)

    def _forget_old_names(self) -> None:
        now = self._platform.clock.now()
        while self._ended and now - self._ended[first := next(iter(self._ended))] >= NAMES_KEPT_FOR:
            del self._ended[first]
