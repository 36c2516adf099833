"""Cloud Scheduler's jobs: looked at, paused, resumed and run.

Source: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from shared.errors import SchedulerUnavailable
from shared.ports.operations_system import ScheduledJob

CALL_SECONDS = 5.0
PAGE = 100


class CloudScheduler:
    """``shared.ports.operations_system.Scheduler`` on Cloud Scheduler.

    The client is imported and connected at first use: most of the console does without it.
    """

    def __init__(self, *, project: str, region: str, emulator_host: str | None) -> None:
        """Args: emulator_host: of a stand-in on this machine; None for the real one."""
        self._parent = f"projects/{project}/locations/{region}"
        self._emulator_host = emulator_host
        self._lock = threading.Lock()
        self._connected: Any = None

    def jobs(self) -> list[ScheduledJob]:
        """Cost: one call; see ``shared.ports.operations_system.Scheduler``."""
        with _calling():
            request = {"parent": self._parent, "page_size": PAGE}
            found = self._client().list_jobs(request=request, timeout=CALL_SECONDS, retry=None)
            return sorted((_job(each) for each in found), key=lambda job: job.name)

    def pause(self, name: str) -> ScheduledJob | None:
        """Cost: one call, two where it is paused already."""
        return self._changed("pause_job", name)

    def resume(self, name: str) -> ScheduledJob | None:
        """Cost: one call, two where it is not paused."""
        return self._changed("resume_job", name)

    def run(self, name: str) -> ScheduledJob | None:
        """Cost: one call."""
        with _calling():
            return self._called("run_job", name)

    def _changed(self, method: str, name: str) -> ScheduledJob | None:
        """The job as it is to be, also where it was so before."""
        from google.api_core import exceptions  # noqa: PLC0415 - see the class

        with _calling():
            try:
                return self._called(method, name)
            except exceptions.BadRequest:  # "failed precondition", over gRPC and over REST
                return self._called("get_job", name)

    def _called(self, method: str, name: str) -> ScheduledJob | None:
        from google.api_core import exceptions  # noqa: PLC0415 - see the class

        with _calling(exceptions.BadRequest):
            call = getattr(self._client(), method)
            try:
                return _job(call(name=f"{self._parent}/jobs/{name}", timeout=CALL_SECONDS, retry=None))
            except exceptions.NotFound:
                return None

    def _client(self) -> Any:
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _connect(self) -> Any:
        from google.cloud import scheduler_v1  # noqa: PLC0415 - see the class

        if self._emulator_host is None:
            return scheduler_v1.CloudSchedulerClient()
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - see the class
        from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (  # noqa: PLC0415
            CloudSchedulerRestTransport,
        )

        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        transport = CloudSchedulerRestTransport(host=self._emulator_host, url_scheme="http", credentials=credentials)
        return scheduler_v1.CloudSchedulerClient(transport=transport)


@contextmanager
def _calling(passes: type[Exception] = SchedulerUnavailable) -> Iterator[None]:
    """Turn the client library's errors into ours, but for one kind; the one place where that happens."""
    try:
        yield
    except (passes, SchedulerUnavailable):
        raise
    except Exception as error:
        raise SchedulerUnavailable(type(error).__name__) from error


def _job(job: Any) -> ScheduledJob:
    last_run_at = _time(job.last_attempt_time)
    outcome = None if last_run_at is None else "succeeded" if job.status.code == 0 else "failed"
    return ScheduledJob(
        name=job.name.rpartition("/")[2],
        schedule=job.schedule,
        time_zone=job.time_zone,
        state={1: "enabled", 2: "paused", 3: "disabled"}.get(int(job.state), "unknown"),
        last_run_at=last_run_at,
        last_outcome=outcome,
        next_run_at=_time(job.schedule_time),
        changed_at=_time(job.user_update_time),
    )


def _time(at: Any) -> datetime | None:
    return datetime.fromtimestamp(at.timestamp(), UTC) if at is not None and at.timestamp() > 0 else None
