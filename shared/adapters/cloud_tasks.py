"""Cloud Tasks: one named task an alert and generation, in the queue of its channel.

Source: https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks. ``create_task`` has no
retry of its own; with a name it is safe to repeat, as "already exists" is success.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.domain.alert import Alert
from shared.domain.ids import continuation_name, task_name
from shared.errors import QueueError

if TYPE_CHECKING:
    from shared.domain.digest import Digest

CALL_SECONDS = 3.0


class CloudTasks:
    """``shared.ports.TaskQueue`` on Cloud Tasks.

    The client is imported and connected at first use: a chat that makes no alert does not pay for it.
    """

    def __init__(
        self, *, project: str, region: str, target_url: str, invoker_email: str, emulator_host: str | None
    ) -> None:
        """Args: target_url, invoker_email: where tasks go, which is also their tokens' audience, and as whom."""
        self._parent = f"projects/{project}/locations/{region}"
        self._target_url = target_url
        self._invoker_email = invoker_email
        self._emulator_host = emulator_host
        self._lock = threading.Lock()
        self._connected: Any = None

    def enqueue(self, alert: Alert, at: datetime | None = None) -> None:
        """Cost: one call, one billed task operation; see ``shared.ports.TaskQueue``."""
        body = {"alert_id": alert.id, "generation": alert.generation, "channel": alert.channel}
        self.create(alert.channel, task_name(alert.id, alert.generation), body, at)

    def enqueue_digest(self, digest: Digest) -> None:
        """Cost: one call, one billed task operation; see ``shared.ports.DigestQueue``."""
        body = {"digest_id": digest.id, "channel": digest.channel}
        self.create(digest.channel, task_name(digest.id, 1), body, digest.expected_at)

    def create(self, queue: str, name: str, body: Mapping[str, object], at: datetime | None, *, path: str = "") -> None:
        """Create a task in a queue; that one of this name exists already is success.

        Raises:
            QueueError: it could not be created.
        """
        from google.api_core import exceptions  # noqa: PLC0415 - see the class

        parent = f"{self._parent}/queues/{queue}"
        task: dict[str, Any] = {
            "name": f"{parent}/tasks/{name}",
            "http_request": {
                "http_method": "POST",
                "url": f"{self._target_url}{path}",
                "headers": {"Content-Type": "application/json"},
                "body": json.dumps(body).encode(),
                "oidc_token": {"service_account_email": self._invoker_email, "audience": self._target_url},
            },
        }
        if at is not None:
            task["schedule_time"] = at.astimezone(UTC)
        try:
            self._client().create_task(parent=parent, task=task, timeout=CALL_SECONDS, retry=self._retry())
        except exceptions.Conflict:  # "already exists", over gRPC and over REST
            return
        except Exception as error:
            raise QueueError(type(error).__name__) from error

    def holds(self, alert: Alert) -> bool:
        """Cost: one call, one billed task operation; see ``shared.ports.TaskQueue``."""
        from google.api_core import exceptions  # noqa: PLC0415 - see the class

        name = f"{self._parent}/queues/{alert.channel}/tasks/{task_name(alert.id, alert.generation)}"
        try:
            self._client().get_task(name=name, timeout=CALL_SECONDS, retry=self._retry())
        except exceptions.NotFound:
            return False
        except Exception as error:
            raise QueueError(type(error).__name__) from error
        return True

    def forget(self, alert: Alert) -> None:
        """Cost: one call, one billed task operation; see ``shared.ports.TaskQueue``."""
        from google.api_core import exceptions  # noqa: PLC0415 - see the class

        name = f"{self._parent}/queues/{alert.channel}/tasks/{task_name(alert.id, alert.generation)}"
        try:
            self._client().delete_task(name=name, timeout=CALL_SECONDS, retry=self._retry())
        except exceptions.NotFound:
            return
        except Exception as error:
            raise QueueError(type(error).__name__) from error

    def _client(self) -> Any:
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _connect(self) -> Any:
        from google.cloud import tasks_v2  # noqa: PLC0415 - see the class

        if self._emulator_host is None:
            return tasks_v2.CloudTasksClient()
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - see the class
        from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport  # noqa: PLC0415

        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        transport = CloudTasksRestTransport(host=self._emulator_host, url_scheme="http", credentials=credentials)
        return tasks_v2.CloudTasksClient(transport=transport)

    def _retry(self) -> Any:
        from google.api_core import exceptions, retry  # noqa: PLC0415 - see the class

        passing = (exceptions.ServiceUnavailable, exceptions.InternalServerError, exceptions.DeadlineExceeded)
        return retry.Retry(predicate=retry.if_exception_type(*passing), initial=0.1, maximum=1.0, timeout=CALL_SECONDS)


class TaskContinuation:
    """``shared.ports.Continuation``: a task that calls a scheduled function once more, as the scheduler would."""

    def __init__(self, tasks: CloudTasks, queue: str, *, path: str = "") -> None:
        """Args: tasks: to the function; queue: where they wait; path: appended to the function's URL."""
        self._tasks = tasks
        self._queue = queue
        self._path = path

    def ask(self, key: str, at: datetime | None = None) -> None:
        """Cost: one call, one billed task operation; see ``shared.ports.Continuation``."""
        self._tasks.create(self._queue, continuation_name(key), {}, at, path=self._path)


class MigrationTasks:
    """``shared.ports.migrations.Slices``: a task a slice, named by it."""

    def __init__(self, tasks: CloudTasks, queue: str) -> None:
        """Args: tasks: to the function; queue: where they wait."""
        self._tasks = tasks
        self._queue = queue

    def ask(self, step: str, run: int, number: int) -> None:
        """Cost: one call, one billed task operation; see ``shared.ports.migrations.Slices``."""
        body = {"step": step, "run": run, "slice": number}
        self._tasks.create(self._queue, continuation_name(f"migration {step} {run} {number}"), body, None)
