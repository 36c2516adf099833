"""The scheduler's jobs as an operator sees and moves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import RequestError, SchedulerUnavailable
from shared.flows.operations_answers import missing, time_view
from shared.flows.operations_audit import OperatingAudit
from shared.ports import Events
from shared.ports.operations_system import ScheduledJob, Scheduler


@dataclass(frozen=True)
class MoveJob:
    """The command: which job, ``pause``, ``resume`` or ``run``, why, and who says so."""

    name: str
    verb: str
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class OperatingJobs:
    """The flows with what they need."""

    scheduler: Scheduler
    audit: OperatingAudit
    events: Events

    def listed(self) -> dict[str, Any]:
        """Every job.

        Raises:
            RequestError: 503, the scheduler did not answer.
        """
        return {"jobs": [job_view(job) for job in self._asked(self.scheduler.jobs)]}

    def move(self, command: MoveJob) -> dict[str, Any]:
        """Pause, resume or run a job; what is asked for is on record before it is done.

        Returns:
            The job as it stands then; a run goes on after the answer.

        Raises:
            RequestError: 404, there is no such job; 503, the scheduler did not answer.
            Unavailable: it could not be written down, and was not done.
        """
        if command.name not in {job.name for job in self._asked(self.scheduler.jobs)}:
            raise missing("A job of this name")
        self.audit.note(f"job_{command.verb}", {"job": command.name}, command.reason, command.by)
        change = {"pause": self.scheduler.pause, "resume": self.scheduler.resume, "run": self.scheduler.run}
        found = self._asked(lambda: change[command.verb](command.name))
        if found is None:
            raise missing("A job of this name")
        return job_view(found)

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except SchedulerUnavailable as error:
            self.events("scheduler_failed", error=str(error))
            detail = "Cloud Scheduler did not answer, or this function may not ask it; look at the log."
            raise RequestError(
                503, detail, slug="unavailable", title="Temporarily unavailable", retry_after=5
            ) from error


def job_view(job: ScheduledJob) -> dict[str, Any]:
    """A job as an operator is told of it."""
    return {
        "name": job.name,
        "schedule": job.schedule,
        "time_zone": job.time_zone,
        "state": job.state,
        "last_run_at": time_view(job.last_run_at),
        "last_outcome": job.last_outcome,
        "next_run_at": time_view(job.next_run_at),
    }
