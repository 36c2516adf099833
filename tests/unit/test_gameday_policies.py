"""Whether an alert policy would fire, as game days decide it: by what is deployed and what was logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.manifest import load
from tests.support.gamedays.policies import fires, policies_of
from tests.support.log_filter import parsed

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=2)


def logged(event: str, seconds_ago: float, kind: str = "cloud_run_revision") -> dict[str, Any]:
    """An entry of a function's."""
    at = NOW - timedelta(seconds=seconds_ago)
    return {"timestamp": at.isoformat(), "resource": {"type": kind}, "jsonPayload": {"event": event}}


def ran(job: str, seconds_ago: float, status: int = 200) -> dict[str, Any]:
    """An entry of Cloud Scheduler's."""
    at = NOW - timedelta(seconds=seconds_ago)
    return {
        "timestamp": at.isoformat(),
        "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": job}},
        "jsonPayload": {"@type": "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"},
        "httpRequest": {"status": status},
    }


def test_one_more_than_is_allowed_within_the_window_fires() -> None:
    """Not as many as are allowed, not those before the window or the fault, not another resource's."""
    twenty = [logged("alert_parked", 10) for _ in range(20)]
    assert not fires("dead-letters-growing", twenty, LONG_AGO, NOW)
    assert fires("dead-letters-growing", [*twenty, logged("alert_parked", 899)], LONG_AGO, NOW)
    for other in (logged("alert_parked", 901), logged("alert_made", 5), logged("alert_parked", 5, "cloud_run_job")):
        assert not fires("dead-letters-growing", [*twenty, other], LONG_AGO, NOW)
    assert not fires("dead-letters-growing", [*twenty, *twenty], NOW - timedelta(seconds=5), NOW)


def test_what_has_never_counted_is_not_missed() -> None:
    """As Cloud Monitoring has it; after its time it is."""
    assert not fires("canary-absent", [], LONG_AGO, NOW)
    assert not fires("canary-absent", [logged("canary_arrived", 2399)], LONG_AGO, NOW)
    assert fires("canary-absent", [logged("canary_arrived", 2401)], LONG_AGO, NOW)
    assert fires("canary-absent", [logged("canary_arrived", 21)], LONG_AGO, NOW, clock=5 / 600)
    assert not fires("canary-absent", [logged("canary_arrived", 19)], LONG_AGO, NOW, clock=5 / 600)


@pytest.mark.parametrize(("seconds_ago", "status", "found"), [(14, 200, False), (16, 200, True), (14, 503, True)])
def test_a_job_is_missed_after_three_of_its_intervals(seconds_ago: float, status: int, *, found: bool) -> None:
    """On a system with short rhythms three times those; a failure is no success, another job's none of this one's."""
    entries = [ran("retry_dead_letters", 60), ran("retry_dead_letters", seconds_ago, status), ran("cleanup", 1)]
    assert fires("job-not-succeeded", entries, LONG_AGO, NOW, job="retry_dead_letters") is found
    assert not fires("job-not-succeeded", entries, LONG_AGO, NOW, job="cleanup")


def test_a_daily_job_is_missed_after_twenty_five_hours() -> None:
    """That nothing at all was logged of it counts too, once it was looked at for so long."""
    seen = ran("cleanup", 90_001)
    assert fires("job-not-succeeded", [seen], LONG_AGO, NOW)
    assert not fires("job-not-succeeded", [ran("cleanup", 5)], LONG_AGO, NOW)
    daily = [ran("cleanup_daily", 80_000), ran("send_followups", 80_000), ran("cleanup", 5)]
    assert not fires("job-not-succeeded", [logged("x", 90_001), *daily], LONG_AGO, NOW)
    assert fires("job-not-succeeded", [logged("x", 90_001), *daily[1:]], LONG_AGO, NOW)


def test_every_policy_can_be_looked_at() -> None:
    """None of them is of a kind, or counts by a filter, that is not known here."""
    manifest = load()
    for name, policy in manifest.alert_policies.items():
        assert name in policies_of(policy.runbook)
        fires(name, [logged("x", 5)], LONG_AGO, NOW)
    assert parsed("a=b")
