"""The Cloud Scheduler API, without HTTP: what each method takes, does and answers, in its REST interface's JSON.

Source: ``google.cloud.scheduler.v1.CloudScheduler``.
"""

from __future__ import annotations

import secrets
from typing import Any

from infra.local.google import wire
from infra.local.google.errors import already_exists, failed_precondition, invalid_argument, not_found
from infra.local.google.job import Job
from infra.local.google.job_rules import JOB, changed_job, new_job
from infra.local.google.names import checked, parent_of
from infra.local.google.paging import one_page
from infra.local.google.platform import Platform

_MOST_JOBS = 500


class JobService:
    """Every job there is. Methods raise ApiError as the real API does."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._jobs: dict[str, Job] = {}
        self._started = False

    def start(self) -> None:
        """Run by the schedule, the jobs there are and those to come; needs a running loop."""
        self._started = True
        for job in self._jobs.values():
            job.start()

    def create_job(self, parent: str, body: dict[str, Any]) -> dict[str, Any]:
        """``CreateJob``: the job, with its defaults filled in and the time of its first run."""
        checked("location", parent)
        message = new_job(body)
        message.name = checked("job", message.name or f"{parent}/jobs/{secrets.randbelow(10**19):019d}", parent)
        if message.name in self._jobs:
            raise already_exists(f"Job {message.name} already exists.")
        job = Job(message, self._platform)
        self._jobs[message.name] = job
        if self._started:
            job.start()
        return job.view()

    def get_job(self, name: str) -> dict[str, Any]:
        """``GetJob``."""
        return self._job(name).view()

    def list_jobs(self, parent: str, *, size: str = "", token: str = "") -> dict[str, Any]:
        """``ListJobs``, by name; an empty object where there is none."""
        checked("location", parent)
        here = {name: job for name, job in self._jobs.items() if parent_of(name) == parent}
        jobs, more = one_page(here, size=size, token=token, most=_MOST_JOBS)
        return {**({"jobs": [job.view() for job in jobs]} if jobs else {}), **more}

    def update_job(self, name: str, body: dict[str, Any], mask: str) -> dict[str, Any]:
        """``UpdateJob``; a paused job stays paused."""
        job = self._job(name)
        if body.get("name", name) != name:
            raise invalid_argument("Job.name cannot be changed.")
        job.configure(changed_job(job.message, body, wire.mask_paths(JOB, mask)))
        return job.view()

    def pause_job(self, name: str) -> dict[str, Any]:
        """``PauseJob``, of a job that is enabled."""
        job = self._job(name)
        if job.is_paused:
            raise failed_precondition("Job.state must be ENABLED for the job to be paused.")
        job.set_paused(paused=True)
        return job.view()

    def resume_job(self, name: str) -> dict[str, Any]:
        """``ResumeJob``, of a job that is paused."""
        job = self._job(name)
        if not job.is_paused:
            raise failed_precondition("Job.state must be PAUSED for the job to be resumed.")
        job.set_paused(paused=False)
        return job.view()

    def delete_job(self, name: str) -> dict[str, Any]:
        """``DeleteJob``."""
        self._job(name).stop()
        del self._jobs[name]
        return {}

    def run_job(self, name: str) -> dict[str, Any]:
        """``RunJob``: the job as it is; the attempt follows, once none is outstanding. Needs a running loop."""
        job = self._job(name)
        self._platform.background.spawn(job.run_now())
        return job.view()

    async def run_and_wait(self, name: str) -> int | None:
        """Run a job by hand and wait; the HTTP status of the answer, None where there was none."""
        return (await self._job(name).run_now()).status

    def _job(self, name: str) -> Job:
        job = self._jobs.get(checked("job", name))
        if job is None:
            raise not_found(f"Job {name} not found.")
        return job
