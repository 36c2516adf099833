"""The Cloud Tasks API, without HTTP: what each method takes, does and answers, in its REST interface's JSON.

Source: ``google.cloud.tasks.v2.CloudTasks``.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from infra.local.google import wire
from infra.local.google.errors import already_exists, failed_precondition, invalid_argument, not_found
from infra.local.google.names import checked, parent_of
from infra.local.google.paging import one_page
from infra.local.google.platform import Platform
from infra.local.google.queue_rules import QUEUE, changed_queue, new_queue
from infra.local.google.task import QueuedTask
from infra.local.google.task_queue import TaskQueue
from infra.local.google.task_rules import read_task

QUEUE_NAMES_KEPT_FOR = timedelta(days=3)
"""How long the name of a deleted queue cannot be used again."""

_MOST_QUEUES = 9800
_MOST_TASKS = 1000
_FULL = frozenset({"FULL", "2"})  # an enum may come as its number
_VIEWS = frozenset({"", "VIEW_UNSPECIFIED", "0", "BASIC", "1"}) | _FULL


class TaskService:
    """Every queue and task there is. Methods raise ApiError as the real API does."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._queues: dict[str, TaskQueue] = {}
        self._deleted: dict[str, datetime] = {}
        self._started = False

    def start(self) -> None:
        """Dispatch, in the queues there are and in those to come; needs a running loop."""
        self._started = True
        for queue in self._queues.values():
            queue.start()

    def create_queue(self, parent: str, body: dict[str, Any], *, burst_is_settable: bool = False) -> dict[str, Any]:
        """``CreateQueue``: the queue, with its defaults filled in."""
        checked("location", parent)
        message = new_queue(body, burst_is_settable=burst_is_settable)
        checked("queue", message.name, parent)
        if message.name in self._queues:
            raise already_exists("Queue already exists")
        return self._add(message)

    def get_queue(self, name: str) -> dict[str, Any]:
        """``GetQueue``."""
        return wire.dump(self._queue(name).message)

    def list_queues(self, parent: str, *, size: str = "", token: str = "") -> dict[str, Any]:
        """``ListQueues``, by name; an empty object where there is none."""
        checked("location", parent)
        here = {name: queue for name, queue in self._queues.items() if parent_of(name) == parent}
        queues, more = one_page(here, size=size, token=token, most=_MOST_QUEUES)
        return {**({"queues": [wire.dump(queue.message) for queue in queues]} if queues else {}), **more}

    def update_queue(self, name: str, body: dict[str, Any], mask: str) -> dict[str, Any]:
        """``UpdateQueue``, which creates the queue if there is none."""
        checked("queue", name)
        if body.get("name", name) != name:
            raise invalid_argument("Queue.name cannot be changed.")
        paths = wire.mask_paths(QUEUE, mask)
        if name not in self._queues:
            return self._add(new_queue({**body, "name": name}, burst_is_settable=False))
        queue = self._queues[name]
        queue.configure(changed_queue(queue.message, body, paths))
        return wire.dump(queue.message)

    def pause_queue(self, name: str) -> dict[str, Any]:
        """``PauseQueue``: nothing is dispatched any more; attempts under way go on."""
        self._queue(name).set_paused(paused=True)
        return self.get_queue(name)

    def resume_queue(self, name: str) -> dict[str, Any]:
        """``ResumeQueue``."""
        self._queue(name).set_paused(paused=False)
        return self.get_queue(name)

    def purge_queue(self, name: str) -> dict[str, Any]:
        """``PurgeQueue``, at once instead of within a minute."""
        self._queue(name).purge()
        return self.get_queue(name)

    def delete_queue(self, name: str) -> dict[str, Any]:
        """``DeleteQueue``, with all its tasks."""
        self._queue(name).stop()
        del self._queues[name]
        self._deleted[name] = self._platform.clock.now()
        return {}

    def depth(self, name: str) -> int:
        """How many tasks of the queue have not ended, those under way included."""
        return len(self._queue(name).tasks)

    def create_task(self, parent: str, body: dict[str, Any]) -> dict[str, Any]:
        """``CreateTask``, from ``{"task": {…}, "responseView"?}``."""
        full = _is_full(body.get("responseView", ""))
        queue = self._queue(parent)
        now = self._platform.clock.now()
        spec = read_task(body.get("task"), parent, now)
        name = spec.name or f"{parent}/tasks/{secrets.randbelow(10**19):019d}"
        task = QueuedTask(name, bool(spec.name), spec, created=now, schedule_time=spec.schedule_time)
        queue.add(task)
        return task.view(full=full)

    def get_task(self, name: str, view: str = "") -> dict[str, Any]:
        """``GetTask``."""
        full = _is_full(view)
        return self._task(name)[1].view(full=full)

    def list_tasks(self, parent: str, *, size: str = "", token: str = "", view: str = "") -> dict[str, Any]:
        """``ListTasks``, by name; an empty object where there is none."""
        full = _is_full(view)
        tasks, more = one_page(self._queue(parent).tasks, size=size, token=token, most=_MOST_TASKS)
        return {**({"tasks": [task.view(full=full) for task in tasks]} if tasks else {}), **more}

    def delete_task(self, name: str) -> dict[str, Any]:
        """``DeleteTask``, whether it waits or is under way."""
        queue, task = self._task(name)
        queue.end(task)
        return {}

    def run_task(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """``RunTask``: the task as it is once dispatched."""
        full = _is_full(body.get("responseView", ""))
        queue, task = self._task(name)
        queue.force(task)
        return task.view(full=full)

    def _add(self, message: Any) -> dict[str, Any]:
        deleted = self._deleted.get(message.name)
        if deleted is not None and self._platform.clock.now() - deleted < QUEUE_NAMES_KEPT_FOR:
            raise failed_precondition(
                "The queue cannot be created because a queue with this name existed too recently."
            )
        queue = TaskQueue(message, self._platform)
        self._queues[message.name] = queue
        if self._started:
            queue.start()
        return wire.dump(message)

    def _queue(self, name: str) -> TaskQueue:
        queue = self._queues.get(checked("queue", name))
        if queue is None:
            raise not_found("Queue does not exist.")
        return queue

    def _task(self, name: str) -> tuple[TaskQueue, QueuedTask]:
        queue = self._queue(parent_of(checked("task", name)))
        task = queue.tasks.get(name)
        if task is None:
            raise not_found("The task does not exist: it was never created, has ended or was deleted.")
        return queue, task


def _is_full(view: object) -> bool:
    if str(view) not in _VIEWS:
        raise invalid_argument(f'Invalid response view "{str(view)[:50]}".')
    return str(view) in _FULL
