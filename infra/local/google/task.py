"""A task in a queue: what has happened to it, as its target and its owner see it.

Source: ``google.cloud.tasks.v2.Task``, and for the headers
https://cloud.google.com/tasks/docs/creating-http-target-tasks#handler.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.local.google.attempt import Call, Outcome
from infra.local.google.names import parent_of, short
from infra.local.google.target import TokenFor
from infra.local.google.task_rules import TaskSpec
from infra.local.google.wire import duration, timestamp

_SERVER_ERROR = 500


@dataclass(eq=False)
class QueuedTask:
    """A task until it has ended.

    Attributes:
        name: its full name.
        named: whether its owner chose the name.
        spec: what was asked for.
        created: when.
        schedule_time: when its next attempt is due, or its present one was.
        place: its number in the queue's order; None while it does not wait there.
        running: attempts under way (more than one only where it was forced).
        dispatched: attempts started.
        answered: attempts that got an answer.
        executed: attempts whose answer was not a 5xx: the target did get to work on it.
        failed: attempts that ended badly.
    """

    name: str
    named: bool
    spec: TaskSpec
    created: datetime
    schedule_time: datetime
    place: int | None = None
    running: int = 0
    dispatched: int = 0
    answered: int = 0
    executed: int = 0
    failed: int = 0
    first_dispatch: datetime | None = None
    _last: dict[str, Any] = field(default_factory=dict)
    _previous: Outcome | None = None

    def start(self, now: datetime, token_for: TokenFor) -> Call:
        """Note that an attempt starts; the request to make."""
        headers = self._headers()
        self.place = None
        self.running += 1
        self.dispatched += 1
        self.first_dispatch = self.first_dispatch or now
        self._last = {"scheduleTime": timestamp(self.schedule_time), "dispatchTime": timestamp(now)}
        return self.spec.target.call(headers, token_for, self.spec.deadline)

    def note(self, outcome: Outcome, now: datetime) -> None:
        """Note how an attempt ended."""
        self._previous = outcome
        if outcome.status is not None:
            self.answered += 1
            self.executed += outcome.status < _SERVER_ERROR
        self.failed += not outcome.succeeded
        self._last = {**self._last, "responseTime": timestamp(now), "responseStatus": outcome.rpc_status()}

    def view(self, *, full: bool) -> dict[str, Any]:
        """The task as the API shows it; the request's body only in the full view."""
        request = self.spec.request
        shown = {
            "name": self.name,
            "httpRequest": request if full else {key: value for key, value in request.items() if key != "body"},
            "scheduleTime": timestamp(self.schedule_time),
            "createTime": timestamp(self.created.replace(microsecond=0)),
            "dispatchDeadline": duration(self.spec.deadline),
            "dispatchCount": self.dispatched,
            "responseCount": self.answered,
            "view": "FULL" if full else "BASIC",
        }
        if self.first_dispatch is not None:
            shown["firstAttempt"] = {"dispatchTime": timestamp(self.first_dispatch)}
            shown["lastAttempt"] = self._last
        return shown

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": "Google-Cloud-Tasks",
            "X-CloudTasks-QueueName": short(parent_of(self.name)),
            "X-CloudTasks-TaskName": short(self.name),
            "X-CloudTasks-TaskRetryCount": str(self.dispatched),
            "X-CloudTasks-TaskExecutionCount": str(self.executed),
            "X-CloudTasks-TaskETA": f"{self.schedule_time.timestamp():.6f}",
        }
        if self._previous is not None:
            headers["X-CloudTasks-TaskRetryReason"] = self._previous.rpc_name
            if self._previous.status is not None:
                headers["X-CloudTasks-TaskPreviousResponse"] = str(self._previous.status)
        return headers
