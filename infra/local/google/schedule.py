"""Cron lines in a time zone.

Source: ``google.cloud.scheduler.v1.Job.schedule`` and ``time_zone``, crontab(5). cronsim reads the line and decides, as
Debian's cron does, what happens when the clocks change: a time that is skipped runs right after, one that comes twice
runs once, and every-hour patterns follow real time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from infra.local.google.errors import ApiError, invalid_argument

_FIELDS = 5
_BEYOND_CRON = re.compile(r"#|(?:^|[\s,\d])L")  # cronsim knows "2#1" and "L", Cloud Scheduler does not
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # the start of a leap year: 29 February is found


@dataclass(frozen=True)
class Cron:
    """A schedule, checked.

    Attributes:
        line: five fields: minute, hour, day of the month, month, day of the week.
        zone: where its times are meant.
    """

    line: str
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime:
        """The first time strictly after ``moment``, in UTC."""
        return next(CronSim(self.line, moment.astimezone(self.zone))).astimezone(UTC)


@dataclass(frozen=True)
class Rhythm:
    """Every so often: what the local system puts in a cron line's place to make days pass quickly."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """That much later."""
        return moment + self.every


def parse_cron(line: str, time_zone: str) -> Cron:
    """The schedule these two texts mean; an empty time zone is UTC.

    Raises:
        ApiError: INVALID_ARGUMENT, naming the line or the zone that is not one.
    """
    zone = _zone(time_zone)
    fields = line.split()
    if len(fields) != _FIELDS or _BEYOND_CRON.search(line):
        raise _bad_line(line)
    try:
        cron = Cron(" ".join(fields), zone)
        cron.next_after(_EPOCH)
    except CronSimError as error:
        raise _bad_line(line) from error
    except StopIteration as error:
        raise invalid_argument(f'Schedule "{line}" never comes.') from error
    return cron


def _bad_line(line: str) -> ApiError:
    return invalid_argument(
        f'Schedule "{line[:200]}" is invalid: five cron fields are expected, such as "*/5 * * * *".'
    )


def _zone(name: str) -> ZoneInfo:
    if name.lower() in {"", "utc"}:
        return ZoneInfo("Etc/UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise invalid_argument(
            f'Time zone "{name[:200]}" is invalid: a name of the tz database is expected.'
        ) from error
