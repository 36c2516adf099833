"""Steps for log-based metrics, alert policies and who they write to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cronsim import CronSim

from infra.deploy.names import Names
from infra.deploy.state import State
from infra.deploy.steps import Step
from infra.manifest import Job
from infra.manifest_cloud import AlertPolicy, Metric

LABEL = "bellhop"
"""The label that says which policy of the manifest one is."""
LONGEST_ABSENCE = 84_600
"""Seconds that a condition of absence takes at most: 23.5 hours."""
LONGEST_WINDOW = 90_000
"""Seconds that a policy can add up over at most: 25 hours."""


def metrics(names: Names, state: State, folder: Path) -> Iterator[Step]:
    """Counters that are not there or differ."""
    for name, metric in names.manifest.metrics.items():
        wanted, current = metric_body(name, metric), state.metrics.get(name)
        if current is None or not holds(wanted, current):
            path = str(folder / f"metric-{name}.json")
            verb, reason = ("create", "there is no such metric") if current is None else ("update", "it differs")
            argv = ("logging", "metrics", verb, name, f"--config-from-file={path}")
            yield Step("metrics", name, argv, reason, files={path: _text(wanted)})


def metric_body(name: str, metric: Metric) -> dict[str, Any]:
    """A metric as Cloud Logging's API takes it."""
    events = " OR ".join(f'"{event}"' for event in metric.names)
    body: dict[str, Any] = {
        "name": name,
        "description": metric.description,
        "filter": metric.filter or f'resource.type="{metric.resource}" jsonPayload.event=({events})',
        "metricDescriptor": {"metricKind": "DELTA", "valueType": "INT64"},
    }
    if metric.label:
        body["metricDescriptor"]["labels"] = [{"key": metric.label, "valueType": "STRING"}]
        body["labelExtractors"] = {metric.label: f"EXTRACT(jsonPayload.{metric.label})"}
    return body


def channels(names: Names, state: State) -> Iterator[Step]:
    """The people who are told, by e-mail."""
    for email in names.place.notify:
        if channel_of(state, email) is None:
            argv = (
                *("beta", "monitoring", "channels", "create", f"--display-name=Bellhop: {email}", "--type=email"),
                f"--channel-labels=email_address={email}",
            )
            yield Step("channels", email, argv, "there is no such channel")


def channel_of(state: State, email: str) -> str | None:
    """The channel that writes to an address."""
    for each in state.channels:
        if each.get("type") == "email" and each.get("labels", {}).get("email_address") == email:
            return str(each["name"])
    return None


def policies(names: Names, state: State, folder: Path) -> Iterator[Step]:
    """Alert policies that are not there or differ. A channel that is not there yet is joined by the next run."""
    there = {each.get("userLabels", {}).get(LABEL): each for each in state.alert_policies}
    listed = [name for email in names.place.notify if (name := channel_of(state, email))]
    for name, policy in names.manifest.alert_policies.items():
        wanted, current = policy_body(names, name, policy, listed), there.get(name)
        if current is None or not holds(wanted, current):
            path = str(folder / f"policy-{name}.json")
            alpha = ("alpha", "monitoring", "policies")
            which = ("create",) if current is None else ("update", str(current["name"]).rsplit("/", 1)[1])
            reason = "there is no such policy" if current is None else "it differs"
            argv = (*alpha, *which, f"--policy-from-file={path}")
            yield Step("policies", name, argv, reason, files={path: _text(wanted)})


def policy_body(names: Names, name: str, policy: AlertPolicy, told: Sequence[str]) -> dict[str, Any]:
    """A policy as Cloud Monitoring's API takes it; ``told`` are the names of channels."""
    link = f"{names.place.runbooks}/{policy.runbook}.md"
    metric = f'metric.type="logging.googleapis.com/user/{policy.metric}"'
    counted = f'{metric} AND resource.type="{names.manifest.metrics[policy.metric].resource}"'
    if policy.jobs:
        conditions = [_stands_still(metric, job, each) for job, each in names.manifest.jobs.items()]
    elif policy.absent_for:
        conditions = [_absent(counted, policy.absent_for)]
    else:
        conditions = [_too_many(counted, policy)]
    return {
        "displayName": f"Bellhop: {name}",
        "userLabels": {LABEL: name},
        "severity": policy.severity,
        "combiner": "OR",
        "enabled": True,
        "documentation": {
            "content": f"{policy.says}\n\nWhat to do: {link}",
            "mimeType": "text/markdown",
            "links": [{"displayName": "Runbook", "url": link}],
        },
        "conditions": conditions,
        "notificationChannels": list(told),
    }


def _too_many(counted: str, policy: AlertPolicy) -> dict[str, Any]:
    return {
        "displayName": f"more than {policy.above:g} in {policy.within} s",
        "conditionThreshold": {
            "filter": counted,
            "comparison": "COMPARISON_GT",
            "thresholdValue": policy.above,
            "duration": "0s",
            "aggregations": [
                {
                    "alignmentPeriod": f"{policy.within}s",
                    "perSeriesAligner": "ALIGN_SUM",
                    "crossSeriesReducer": "REDUCE_SUM",
                }
            ],
        },
    }


def _absent(counted: str, seconds: int) -> dict[str, Any]:
    """Nothing was counted for so long; of a counter that never counted Cloud Monitoring tells nothing."""
    summed = {"alignmentPeriod": "300s", "perSeriesAligner": "ALIGN_SUM", "crossSeriesReducer": "REDUCE_SUM"}
    return {
        "displayName": f"nothing for {seconds} s",
        "conditionAbsent": {
            "filter": counted,
            "duration": f"{seconds}s",
            "aggregations": [summed],
        },
    }


def _stands_still(metric: str, name: str, job: Job) -> dict[str, Any]:
    """No success for three times the job's interval, or for as long as Cloud Monitoring can look back."""
    which = f'{metric} AND resource.type="cloud_scheduler_job" AND resource.label.job_id="{name}"'
    late = 3 * interval(job)
    if late <= LONGEST_ABSENCE:
        summed = {"alignmentPeriod": f"{interval(job)}s", "perSeriesAligner": "ALIGN_SUM"}
        return {
            "displayName": f"{name} has not succeeded for {late} s",
            "conditionAbsent": {"filter": which, "duration": f"{late}s", "aggregations": [summed]},
        }
    summed = {"alignmentPeriod": f"{LONGEST_WINDOW}s", "perSeriesAligner": "ALIGN_SUM"}
    return {
        "displayName": f"{name} has not succeeded for {LONGEST_WINDOW} s",
        "conditionThreshold": {
            "filter": which,
            "comparison": "COMPARISON_LT",
            "thresholdValue": 1,
            "duration": "300s",
            "evaluationMissingData": "EVALUATION_MISSING_DATA_ACTIVE",
            "aggregations": [summed],
        },
    }


def interval(job: Job) -> int:
    """The longest wait between two runs of a job within some days, in seconds, of whole minutes."""
    runs = CronSim(job.schedule, datetime(2024, 1, 1, tzinfo=UTC))
    first = next(runs)
    longest, before = timedelta(0), first
    for _ in range(50):
        following = next(runs)
        longest, before = max(longest, following - before), following
    return int(longest.total_seconds())


def holds(wanted: Any, current: Any) -> bool:
    """Whether all that is wanted is there; what Google fills in beside, and the zeros it leaves out, do not matter."""
    if isinstance(wanted, Mapping):
        fields = current if isinstance(current, Mapping) else {}
        return all(holds(value, fields.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        items = current or []
        return len(wanted) == len(items) and all(holds(*pair) for pair in zip(wanted, items, strict=True))
    return bool(wanted == current or (not wanted and not current))


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
