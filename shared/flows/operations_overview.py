"""The system at a glance: whether a lead is in danger, what waits and where, and how it came to be so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.domain.counts import Counts
from shared.domain.danger import ESCALATION_PATIENCE, ChannelFacts, Danger, Facts, judge
from shared.domain.runbooks import runbook_for
from shared.domain.samples import Sample, thinned
from shared.domain.schedules import JOBS, due_before
from shared.errors import SchedulerUnavailable
from shared.flows.canary_view import LookAtCanary
from shared.flows.operations import answered
from shared.flows.operations_answers import time_view
from shared.flows.operations_breakers import breaker_view
from shared.flows.operations_jobs import job_view
from shared.ports import Clock, Events
from shared.ports.operations_system import Look, Oldest, Overseeing, Samples, ScheduledJob, Scheduler

HOURS_SHOWN = 24


@dataclass(frozen=True)
class Overviewing:
    """The flows with what they need.

    Attributes:
        overseeing: what counts.
        samples: how it was counted before.
        scheduler: whose jobs are looked at.
        canary: what the made-up leads say.
        parked_most: how long an alert may wait.
        clock: for how far back charts go.
        events: where to report.
    """

    overseeing: Overseeing
    samples: Samples
    scheduler: Scheduler
    canary: LookAtCanary
    parked_most: timedelta
    clock: Clock
    events: Events

    def overview(self) -> dict[str, Any]:
        """Everything at a glance, and one sentence that says whether a lead is in danger.

        Jobs are null where the scheduler does not answer; ``balanced`` is what the last full count said, null where
        there was none for a day.

        Raises:
            Unavailable: storage did not answer.
        """
        with answered(self.events):
            look = self.overseeing.look(parked_most=self.parked_most, patience=ESCALATION_PATIENCE)
            before, verdict = self.samples.since(look.at - timedelta(hours=HOURS_SHOWN), look.at)
        jobs = self._jobs()
        facts = _facts(look, jobs, balanced=verdict.balanced if verdict is not None else None)
        counted_at = verdict.at if verdict is not None else min((each.at for each in before), default=look.at)
        danger = judge(replace(facts, uncounted_for=look.at - counted_at, canary=self.canary.standing()))
        oldest = min(look.oldest.values(), key=lambda each: each.created_at, default=None)
        return {
            "danger": danger_view(danger),
            "at": time_view(look.at),
            "channels": {name: _counts_view(counts) for name, counts in look.channels.items()},
            "oldest_waiting": _oldest_view(oldest, look) if oldest is not None else None,
            "breakers": [breaker_view(breaker, look.at) for breaker in look.breakers.values()],
            "blocks": _blocks_view(look),
            "jobs": [job_view(job) for job in jobs] if jobs is not None else None,
            "balanced": verdict.balanced if verdict is not None else None,
            "balanced_at": time_view(verdict.at) if verdict is not None else None,
            "wrong": list(verdict.wrong) if verdict is not None else [],
            "history": _points(before),
        }

    def history(self, hours: int) -> dict[str, Any]:
        """What was counted in the last so many hours, oldest first; raises Unavailable."""
        until = self.clock.now()
        with answered(self.events):
            found, _ = self.samples.since(until - timedelta(hours=hours), until)
        return {"points": _points(found)}

    def _jobs(self) -> list[ScheduledJob] | None:
        try:
            return self.scheduler.jobs()
        except SchedulerUnavailable as error:
            self.events("scheduler_failed", error=str(error))
            return None


def _facts(look: Look, jobs: list[ScheduledJob] | None, *, balanced: bool | None) -> Facts:
    channels = {
        name: ChannelFacts(
            counts=counts,
            oldest_at=look.oldest[name].created_at if name in look.oldest else None,
            shut_out=not look.breakers[name].shut,
            blocked=look.destinations[name].blocked,
            mode=look.breakers[name].mode,
        )
        for name, counts in look.channels.items()
    }
    stopped = _stopped(look, jobs) if jobs is not None else None
    return Facts(look.at, channels, look.late, stopped, balanced)


def _stopped(look: Look, jobs: list[ScheduledJob]) -> tuple[str, ...]:
    """The jobs that are missing, do not run, or have not succeeded for several of their intervals.

    The canary's is not among them: a system may have none, and whether it is late is told by itself.
    """
    missing = set(JOBS) - {job.name for job in jobs}
    return tuple(sorted(missing | {job.name for job in jobs if job.name in JOBS and _has_stopped(job, look)}))


def _has_stopped(job: ScheduledJob, look: Look) -> bool:
    if job.state != "enabled":
        return True
    ran = job.last_run_at if job.last_outcome == "succeeded" else None
    known = [at for at in (ran, look.slots.get(job.name), job.changed_at) if at is not None]
    due = due_before(job.schedule, job.time_zone, look.at)
    return due is not None and (not known or max(known) < due)


def danger_view(danger: Danger) -> dict[str, Any]:
    """The judgement as an operator is told of it."""
    reasons = [
        {
            "level": reason.level.value,
            "what": reason.what,
            "says": reason.says,
            "channel": reason.channel,
            "count": reason.count,
            "runbook": reason.runbook,
        }
        for reason in danger.reasons
    ]
    return {"level": danger.level.value, "sentence": danger.sentence, "reasons": reasons}


def _counts_view(counts: Counts) -> dict[str, Any]:
    return {
        "accepted": counts.accepted,
        "queued": counts.queued,
        "sending": counts.sending,
        "parked": counts.parked,
        "delivered": counts.delivered,
        "failed": counts.failed,
        "ended": counts.ended,
        "waiting": counts.waiting,
        "untold": counts.untold,
        "overdue": counts.overdue,
        "capped": counts.capped,
    }


def _oldest_view(oldest: Oldest, look: Look) -> dict[str, Any]:
    return {
        "id": oldest.id,
        "channel": oldest.channel,
        "kind": oldest.kind,
        "state": oldest.state,
        "created_at": time_view(oldest.created_at),
        "age_seconds": max(0, int((look.at - oldest.created_at).total_seconds())),
    }


def _blocks_view(look: Look) -> list[dict[str, Any]]:
    return [
        {
            "channel": name,
            "cause": place.cause,
            "since": time_view(place.since),
            "probe_at": time_view(place.probe_at),
            "runbook": runbook_for(place.cause, "blocked"),
        }
        for name, place in look.destinations.items()
        if place.blocked
    ]


def _points(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    return [
        {
            "at": time_view(sample.at),
            "channels": {name: dict(counted) for name, counted in sample.channels.items()},
            "oldest_seconds": sample.oldest_seconds,
        }
        for sample in thinned(samples)
    ]
