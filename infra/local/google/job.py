"""One job: its loop, its runs by hand, and how the API shows it.

Source: ``google.cloud.scheduler.v1.Job``, and for the headers ``….HttpTarget.headers``.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from infra.local.google import wire
from infra.local.google.attempt import Outcome, attempt
from infra.local.google.clock import FAR_FUTURE
from infra.local.google.job_plan import Plan, first_plan, plan_after
from infra.local.google.job_rules import JOB, read_job
from infra.local.google.names import short
from infra.local.google.platform import Platform
from infra.local.google.schedule import Cron, Rhythm


class Job:
    """A job, which makes at most one attempt at a time, by its schedule or by hand."""

    def __init__(self, message: Any, platform: Platform) -> None:
        self._platform = platform
        self._plan: Plan | None = None  # None while paused
        self._outstanding = asyncio.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[Any] | None = None
        self.configure(message)

    @property
    def is_paused(self) -> bool:
        """Whether it waits to be resumed."""
        return bool(self.message.state == JOB.PAUSED)

    def start(self) -> None:
        """Begin to run by the schedule; needs a running loop."""
        if self._loop is None:
            self._loop = self._platform.background.spawn(self._run())

    def stop(self) -> None:
        """Run no more; an attempt under way is cut off."""
        if self._loop is not None:
            self._loop.cancel()

    def configure(self, message: Any) -> None:
        """Live by these settings from now on; retries that were waiting are forgotten.

        Raises:
            ApiError: they are not a job's; the old ones stay.
        """
        spec = read_job(message)
        message.user_update_time.FromDatetime(self._platform.clock.now())
        self.message, self._spec = message, spec
        self.set_paused(paused=self.is_paused)

    def set_paused(self, *, paused: bool) -> None:
        """Stop running by the schedule, or go on with the next time that comes."""
        self.message.state = JOB.PAUSED if paused else JOB.ENABLED
        self._plan = None if paused else first_plan(self._times, self._platform.clock.now())
        self._wake.set()

    async def run_now(self) -> Outcome:
        """One attempt by hand, once none is outstanding. It is not retried and changes nothing of the schedule."""
        async with self._outstanding:
            return await self._attempt(self._platform.clock.now())

    def view(self) -> dict[str, Any]:
        """The job as the API shows it."""
        shown = JOB()
        shown.CopyFrom(self.message)
        if self._plan is not None:
            now = self._platform.clock.now()
            due = self._plan.moment if self._plan.moment > now else self._times.next_after(now)
            shown.schedule_time.FromDatetime(due)
        return wire.dump(shown)

    @property
    def _times(self) -> Cron | Rhythm:
        rhythm = self._platform.job_rhythm
        return self._spec.cron if rhythm is None else Rhythm(rhythm)

    async def _run(self) -> None:
        clock = self._platform.clock
        while True:
            self._wake.clear()
            await clock.sleep_until(FAR_FUTURE if self._plan is None else self._plan.moment, self._wake)
            async with self._outstanding:
                plan = self._plan
                if plan is not None and plan.moment <= clock.now():
                    await self._scheduled(plan)

    async def _scheduled(self, plan: Plan) -> None:
        started = self._platform.clock.now()
        outcome = await self._attempt(plan.run)
        if self._plan is plan:  # neither paused nor changed meanwhile
            self._plan = plan_after(
                plan,
                succeeded=outcome.succeeded,
                started=started,
                now=self._platform.clock.now(),
                retry=self._spec.retry.capped(self._platform.backoff_cap),
                times=self._times,
            )

    async def _attempt(self, scheduled: datetime) -> Outcome:
        spec = self._spec
        self.message.last_attempt_time.FromDatetime(self._platform.clock.now())
        call = spec.target.call(self._headers(scheduled), self._platform.token_for, spec.deadline)
        outcome = await attempt(call, self._platform.send, self._platform.clock)
        self.message.status.Clear()
        self.message.status.MergeFrom(type(self.message.status)(**outcome.rpc_status()))
        return outcome

    def _headers(self, scheduled: datetime) -> dict[str, str]:
        headers = {
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": short(self.message.name),
            "X-CloudScheduler-ScheduleTime": wire.timestamp(scheduled),
        }
        target = self._spec.target
        if target.body and "content-type" not in {name.lower() for name in target.headers}:
            headers["Content-Type"] = "application/octet-stream"
        return headers
