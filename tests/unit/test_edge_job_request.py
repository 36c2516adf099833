"""Which run of which job a request is, by Cloud Scheduler's headers."""

from __future__ import annotations

import pytest

from shared.edge.job_request import read_slot

TIME = "2026-01-05T09:00:00.000Z"


def test_the_schedulers_headers_name_the_slot() -> None:
    """The job's name and the slot's time."""
    headers = {"X-CloudScheduler-JobName": "cleanup", "X-CloudScheduler-ScheduleTime": TIME}
    assert read_slot(headers.get) == ("cleanup", TIME)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CloudScheduler-JobName": "cleanup"},
        {"X-CloudScheduler-ScheduleTime": TIME},
        {"X-CloudScheduler-JobName": "clean up", "X-CloudScheduler-ScheduleTime": TIME},
        {"X-CloudScheduler-JobName": "cleanup", "X-CloudScheduler-ScheduleTime": "now"},
        {"X-CloudScheduler-JobName": "x" * 501, "X-CloudScheduler-ScheduleTime": TIME},
    ],
)
def test_anything_else_is_a_run_without_a_slot(headers: dict[str, str]) -> None:
    """By hand, by a task, or by somebody who forges: it is run, as runs are safe to repeat."""
    assert read_slot(headers.get) == (None, None)  # type: ignore[arg-type]
