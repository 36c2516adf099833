"""Cloud Logging's query language, as the tests understand it."""

from __future__ import annotations

import pytest

from infra.deploy.plan_monitoring import metric_body
from infra.manifest import load
from tests.support.log_filter import matches, parsed

ENTRY = {
    "timestamp": "2026-01-05T09:00:00.5+00:00",
    "severity": "ERROR",
    "resource": {"type": "cloud_run_revision", "labels": {"service_name": "deliver-alert"}},
    "jsonPayload": {"event": "breaker_opened", "channel": "slack", "count": 7, "@type": "a.b/C"},
    "httpRequest": {"status": 204},
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        'jsonPayload.event="breaker_opened"',
        "jsonPayload.event=Breaker_Opened",
        'resource.type="cloud_run_revision" jsonPayload.event=("model_opened" OR "breaker_opened")',
        'jsonPayload.event=~"_opened$"',
        'jsonPayload.event!~"_closed$" AND severity>=WARNING',
        "NOT jsonPayload.channel=monday",
        "-jsonPayload.channel=monday",
        'jsonPayload."@type"="a.b/C" httpRequest.status>=200 httpRequest.status<300',
        'timestamp>="2026-01-05T09:00:00Z" timestamp<="2026-01-05T09:00:01Z"',
        "jsonPayload.channel:* jsonPayload.channel:lac",
        "jsonPayload.nothing!=x",
        '"deliver-alert"',
        "jsonPayload.count=7 AND jsonPayload.count>6.5",
        # OR before AND.
        "jsonPayload.count=7 OR jsonPayload.count=8 AND jsonPayload.channel=slack OR jsonPayload.channel=monday",
    ],
)
def test_a_filter_that_finds_the_entry(text: str) -> None:
    """In every form that it takes."""
    assert matches(text, ENTRY)


@pytest.mark.parametrize(
    "text",
    [
        'jsonPayload.event="breaker_open"',
        'jsonPayload.event=("model_opened" OR "model_closed")',
        'jsonPayload.event=~"^_opened"',
        "severity>ERROR",
        "httpRequest.status>=300",
        "jsonPayload.nothing=x",
        "jsonPayload.nothing:*",
        "NOT jsonPayload.channel=slack",
        'timestamp>="2026-01-05T09:00:01Z"',
        "retry-dead-letters",
        "jsonPayload.count=7 OR jsonPayload.count=8 AND jsonPayload.channel=monday",
    ],
)
def test_a_filter_that_does_not(text: str) -> None:
    """What is missing is found by no comparison."""
    assert not matches(text, ENTRY)


@pytest.mark.parametrize("text", ["jsonPayload.event=", 'a="b', "(a=b", "a=b OR", "a=b ) c=d"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    """As Cloud Logging would."""
    with pytest.raises(ValueError, match="no filter"):
        parsed(text)


def test_every_metrics_filter_is_understood() -> None:
    """As it is deployed."""
    for name, metric in load().metrics.items():
        parsed(metric_body(name, metric)["filter"])
