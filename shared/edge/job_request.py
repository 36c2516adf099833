"""Which run of which job a request of Cloud Scheduler is.

Source: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#httptarget. The headers say
nothing about who called: that is the token's part.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_JOB = re.compile(r"[A-Za-z0-9_-]{1,500}")
_TIME = re.compile(r"[0-9TZ:.+-]{1,40}")


def read_slot(header: Callable[[str, str], str]) -> tuple[str, str] | tuple[None, None]:
    """The job's name and the time of its slot; two Nones for a run that is not the scheduler's, as for a task.

    Args:
        header: gives a header's value by its name, or what it is told to give where there is none.
    """
    job, time = header("X-CloudScheduler-JobName", ""), header("X-CloudScheduler-ScheduleTime", "")
    return (job, time) if _JOB.fullmatch(job) and _TIME.fullmatch(time) else (None, None)
