"""Cloud Tasks and Cloud Scheduler on this machine: one port for both APIs, one object for who runs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from infra.local.google.background import Background
from infra.local.google.clock import Clock
from infra.local.google.identity import TokenIssuer
from infra.local.google.job_service import JobService
from infra.local.google.platform import Platform
from infra.local.google.rest import application
from infra.local.google.sender import HttpSender
from infra.local.google.task_service import TaskService


class GoogleStandIn:
    """The stand-in for both services.

    Its methods are called on the event loop that ``start`` was called on; they take and answer the JSON of the REST
    APIs and raise ApiError as those would answer errors. Queues, jobs and tasks may be created before ``start``;
    nothing is dispatched until then. It keeps everything in memory.

    Attributes:
        app: Cloud Tasks v2, Cloud Scheduler v1 and ``GET /certs``.
    """

    def __init__(
        self, *, clock: Clock, job_rhythm: timedelta | None = None, backoff_cap: timedelta | None = None
    ) -> None:
        """Set up; nothing runs yet.

        Args:
            clock: where the time comes from.
            job_rhythm: every job runs this often instead of by its cron line; None for the cron line.
            backoff_cap: no retry of a task or job waits longer, and no 429 or 503 slows a queue to fewer dispatches
                than one in this time; None for as long as was set.
        """
        self._sender = HttpSender()
        self._background = Background()
        self._issuer = TokenIssuer(clock)
        platform = Platform(
            clock,
            self._sender,
            self._issuer.token_for,
            self._background,
            backoff_cap=backoff_cap,
            job_rhythm=job_rhythm,
        )
        self._tasks = TaskService(platform)
        self._jobs = JobService(platform)
        self._runner: web.AppRunner | None = None
        self.app = application(self._tasks, self._jobs, self._issuer)

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Serve and dispatch; the port (a free one for 0).

        Raises:
            OSError: the port is taken.
        """
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._tasks.start()
        self._jobs.start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def close(self) -> None:
        """Stop serving, cut off every attempt; no task and no socket is left. Safe to repeat; it cannot start again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._background.close()
        await self._sender.close()

    def create_queue(self, parent: str, body: dict[str, Any]) -> dict[str, Any]:
        """``CreateQueue``. Unlike over REST, ``rateLimits.maxBurstSize`` counts."""
        return self._tasks.create_queue(parent, body, burst_is_settable=True)

    def create_job(self, parent: str, body: dict[str, Any]) -> dict[str, Any]:
        """``CreateJob``."""
        return self._jobs.create_job(parent, body)

    def create_task(self, queue: str, body: dict[str, Any]) -> dict[str, Any]:
        """``CreateTask``, from ``{"task": {…}}`` as over REST; ``queue`` is the full name."""
        return self._tasks.create_task(queue, body)

    def purge_queue(self, queue: str) -> dict[str, Any]:
        """``PurgeQueue``; the names of its tasks stay taken."""
        return self._tasks.purge_queue(queue)

    def pause_queue(self, queue: str) -> dict[str, Any]:
        """``PauseQueue``."""
        return self._tasks.pause_queue(queue)

    def resume_queue(self, queue: str) -> dict[str, Any]:
        """``ResumeQueue``."""
        return self._tasks.resume_queue(queue)

    def pause_job(self, job: str) -> dict[str, Any]:
        """``PauseJob``; it can still be run by hand."""
        return self._jobs.pause_job(job)

    async def run_job(self, job: str) -> int | None:
        """Run a job by hand, once no attempt of it is outstanding, and wait for the answer.

        Returns:
            The HTTP status; None where no answer came.
        """
        return await self._jobs.run_and_wait(job)

    def token_for(self, *, audience: str, email: str) -> str:
        """An identity token as tasks and jobs carry it."""
        return self._issuer.token_for(audience=audience, email=email)

    def queue_depth(self, queue: str) -> int:
        """How many of its tasks have not ended, those under way included."""
        return self._tasks.depth(queue)
