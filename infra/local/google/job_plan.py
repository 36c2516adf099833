"""What a job does next: the pure part of running it.

Source: ``google.cloud.scheduler.v1.Job.schedule`` and ``….RetryConfig``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from infra.local.google.backoff import RetryPolicy
from infra.local.google.schedule import Cron, Rhythm


@dataclass(frozen=True)
class Plan:
    """The next attempt.

    Attributes:
        run: the scheduled time of the run it belongs to, which a retry keeps.
        moment: when it is due.
        failures: the attempts of this run that failed.
        first_attempt: when the run's first attempt started; None before it.
    """

    run: datetime
    moment: datetime
    failures: int = 0
    first_attempt: datetime | None = None


def first_plan(times: Cron | Rhythm, now: datetime) -> Plan:
    """The first run after ``now``."""
    run = times.next_after(now)
    return Plan(run=run, moment=run)


def plan_after(
    plan: Plan, *, succeeded: bool, started: datetime, now: datetime, retry: RetryPolicy, times: Cron | Rhythm
) -> Plan:
    """What follows an attempt.

    A failed run is retried until its retries are spent or the next run is due, whichever is first. A run that is due
    while the one before is still under way comes right after it; of several, one.

    Args:
        plan: the attempt that was made.
        succeeded: whether it did.
        started: when it started.
        now: when it ended.
        retry: the job's retry settings.
        times: when the job runs.
    """
    first = plan.first_attempt or started
    next_run = times.next_after(first)
    failures = plan.failures + 1
    if not succeeded and not retry.is_exhausted(attempts=failures, since_first=now - first):
        moment = now + retry.delay(failures)
        if moment < next_run:
            return replace(plan, moment=moment, failures=failures, first_attempt=first)
    return Plan(run=next_run, moment=max(next_run, now))
