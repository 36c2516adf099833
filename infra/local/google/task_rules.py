"""What a task may be.

Source: ``google.cloud.tasks.v2.Task`` and https://cloud.google.com/tasks/docs/quotas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import tasks_v2

from infra.local.google import wire
from infra.local.google.errors import invalid_argument, unimplemented
from infra.local.google.names import checked
from infra.local.google.target import Target, read_deadline, read_target

_TASK: Any = tasks_v2.Task.pb()
_MOST_BYTES = 1_000_000
_FURTHEST = timedelta(days=30)
_DEADLINE = timedelta(minutes=10)


@dataclass(frozen=True)
class TaskSpec:
    """A task as it was asked for, checked.

    Attributes:
        name: its full name; empty where one is to be made up.
        target: the request.
        schedule_time: not before; the present where none or a past one was given.
        deadline: how long the target may take.
        request: the ``httpRequest`` the API shows, body included.
    """

    name: str
    target: Target
    schedule_time: datetime
    deadline: timedelta
    request: dict[str, Any]


def read_task(body: object, queue: str, now: datetime) -> TaskSpec:
    """The task a ``Task`` in JSON asks for.

    Args:
        body: the task.
        queue: the full name of the queue it goes to.
        now: what its schedule is measured from.

    Raises:
        ApiError: INVALID_ARGUMENT, for what Google refuses; UNIMPLEMENTED, for App Engine tasks and retry settings of
            a single task.
    """
    task = wire.parse(_TASK, body)
    wire.check_base64(body, "httpRequest", "body")
    if task.HasField("app_engine_http_request") or task.HasField("retry_config"):
        raise unimplemented("The stand-in has HTTP tasks only, and retry settings of queues only.")
    if not task.HasField("http_request"):
        raise invalid_argument("Task.http_request is required.")
    if task.ByteSize() > _MOST_BYTES:
        raise invalid_argument(f"Task size too large: {task.ByteSize()} bytes, {_MOST_BYTES} are allowed.")
    target = read_target(task.http_request.url, task.http_request)
    return TaskSpec(
        name=checked("task", task.name, queue) if task.name else "",
        target=target,
        schedule_time=_schedule_time(task, now),
        deadline=read_deadline("dispatch_deadline", task, _DEADLINE),
        request={**wire.dump(task.http_request), "httpMethod": target.method},
    )


def _schedule_time(task: Any, now: datetime) -> datetime:
    if not task.HasField("schedule_time"):
        return now
    wanted: datetime = task.schedule_time.ToDatetime(tzinfo=UTC)
    if wanted - now > _FURTHEST:
        raise invalid_argument("Task.schedule_time must be at most 30 days (720h0m0s) in the future.")
    return max(wanted, now)
