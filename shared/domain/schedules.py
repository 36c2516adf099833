"""When a scheduled job should have run."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

JOBS = ("cleanup", "cleanup_daily", "retry_dead_letters", "send_followups")
"""The jobs there have to be, as the manifest names them."""

MISSED = 3
"""A job that has not succeeded for so many of its intervals has stopped, as far as a person is concerned."""


def due_before(schedule: str, time_zone: str, now: datetime, back: int = MISSED) -> datetime | None:
    """When a job was due, so many times ago; None where its schedule cannot be read.

    Args:
        schedule: in cron's notation, as Cloud Scheduler takes it.
        time_zone: of the tz database.
        now: from when to count back.
        back: 1 for the last time that it was due.
    """
    try:
        times = CronSim(schedule, now.astimezone(ZoneInfo(time_zone or "UTC")), reverse=True)
        due = [next(times) for _ in range(back)][-1]
    except (CronSimError, StopIteration, ZoneInfoNotFoundError, ValueError):
        return None
    return due.astimezone(UTC)
