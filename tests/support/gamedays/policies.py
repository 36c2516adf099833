"""Whether an alert policy would fire, by its body as it is deployed and the entries that were logged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from infra.deploy import place as places
from infra.deploy.names import Names
from infra.deploy.plan_monitoring import interval, metric_body, policy_body
from infra.local.wiring import FAST_RHYTHM_SECONDS
from infra.manifest import load
from tests.support.cloud_project import PROJECT
from tests.support.google_apis.state import PROJECT_NUMBER
from tests.support.log_filter import matches

MANIFEST = load()
NAMES = Names(MANIFEST, places.load("production", MANIFEST, project=PROJECT), PROJECT_NUMBER)
_METRIC = re.compile(r'metric\.type="logging\.googleapis\.com/user/(\w+)"')


def policies_of(page: str) -> list[str]:
    """The alert policies that lead to a runbook."""
    return [name for name, policy in MANIFEST.alert_policies.items() if policy.runbook == page]


def fires(
    policy: str,
    entries: Sequence[Mapping[str, Any]],
    since: datetime,
    now: datetime,
    *,
    clock: float = 1.0,
    job: str = "",
) -> bool:
    """Whether one of a policy's conditions holds.

    Args:
        policy: its name in the manifest.
        entries: everything that was logged.
        since: what was logged before is not counted against a threshold; for what is missing it counts.
        now: the time.
        clock: what the policy's times are multiplied by, where a system has shorter rhythms than the cloud.
        job: only what the policy says of this job counts, by the local system's rhythm.
    """
    body = policy_body(NAMES, policy, MANIFEST.alert_policies[policy], [])
    if job:
        clock = FAST_RHYTHM_SECONDS / interval(MANIFEST.jobs[job])
    looked_at = [each for each in body["conditions"] if not job or f'job_id="{job}"' in str(each)]
    return any(_holds(condition, entries, since, now, clock) for condition in looked_at)


def filter_of(condition: Mapping[str, Any]) -> str:
    """What a condition counts, as a filter of log entries: its metric's, and what it says of the resource."""
    said = str(condition["filter"]).replace("resource.label.", "resource.labels.")
    return _METRIC.sub(lambda found: f"({metric_body(found[1], MANIFEST.metrics[found[1]])['filter']})", said)


def _holds(
    whole: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], since: datetime, now: datetime, clock: float
) -> bool:
    kind = next(iter(set(whole) - {"displayName"}))
    condition = whole[kind]
    text = filter_of(condition)
    times = [datetime.fromisoformat(each["timestamp"]) for each in entries if matches(text, each)]
    if kind == "conditionAbsent":
        return bool(times) and now - max(times) > _seconds(condition["duration"]) * clock
    window = _seconds(condition["aggregations"][0]["alignmentPeriod"]) * clock
    if condition["comparison"] == "COMPARISON_LT":
        begun = min((datetime.fromisoformat(each["timestamp"]) for each in entries), default=now)
        counted = list(_within(times, now - window, now))
        return now - begun > window and len(counted) < condition["thresholdValue"]
    return len(list(_within(times, max(since, now - window), now))) > condition["thresholdValue"]


def _within(times: Sequence[datetime], first: datetime, last: datetime) -> Iterator[datetime]:
    return (each for each in times if first <= each <= last)


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text.removesuffix("s")))
