"""Runbooks as pages, the numbers of charts, and how times and numbers are said."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.alert import FINAL, OF_A_LEAD, RELAYED, WAITING
from shared.domain.breaker import BREAKER_OPEN
from shared.edge import console_runbooks as runbooks
from shared.edge.console_charts import charts, latency
from shared.edge.console_view import ago, at, jobs_named, number_of, root_of, span, time_of
from shared.edge.console_words import CHANNELS, KINDS, STATES
from shared.errors import RequestError
from shared.settings.kinds import CHANNELS as CONFIGURED
from tests.unit.test_runbooks import OURS, PAGES, RUNBOOKS, THEIRS

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_runbook_is_a_page(page: str) -> None:
    """With its title, every link to another leading to its page, and no markup that a browser would run."""
    shown = runbooks.whole(page.removesuffix(".md"))
    text = (RUNBOOKS / page).read_text("utf-8")
    assert f"# {shown.title}" in text
    assert "&lt;a " not in shown.html
    linked = re.findall(r'href="ROOT:runbooks/([a-z-]+)', shown.html)
    assert sorted(f"{name}.md" for name in linked) == sorted(re.findall(r"\]\(([a-z-]+\.md)", text))
    assert not re.search(
        r"<(?!/?(?:p|h2|h3|h4|table|thead|tbody|tr|th|td|ul|ol|li|pre|code|strong|em|a)\b)", shown.html
    )
    with pytest.raises(RequestError):
        runbooks.whole(f"../{page}")


@pytest.mark.parametrize("page", sorted(OURS))
def test_every_cause_that_has_a_runbook_is_found_in_it(page: str) -> None:
    """The part that names it, with its anchor, so that what to do stands beside a dead letter."""
    for cause in {*OURS[page], *THEIRS[page]} - {"certificate"}:
        part = runbooks.for_cause(cause)
        assert part is not None, cause
        assert f"{part.name}.md" == page, cause
        whole = runbooks.whole(part.name)
        assert f'id="{part.place}"' in whole.html
        assert part.html in whole.html


@pytest.mark.parametrize(
    ("cause", "place"),
    [
        ("http_500", "http_5xx"),
        ("http_503", "http_5xx"),
        ("smtp_451", "http_5xx"),
        ("http_429", "rate_limited"),
        ("http_400", "rejected"),
        ("internal_KeyError", "internal"),
        ("http_401", "Unauthorized"),
        ("no_active_hooks", "no_active_hooks"),
    ],
)
def test_a_status_is_found_by_itself_or_by_its_family(cause: str, place: str) -> None:
    """As the headings say it."""
    part = runbooks.for_cause(cause)
    assert part is not None
    assert part.place == place


@pytest.mark.parametrize(
    ("cause", "channel", "place"),
    [
        ("http_404", "slack", "no_active_hooks"),
        ("http_404", "monday", "InvalidBoardIdException"),
        ("http_404", "webhook", "http_410"),
        ("http_401", "webhook", "http_401"),
        ("http_401", "monday", "Unauthorized"),
        ("certificate", "slack", "slack_certificate"),
        ("certificate", "email", "smtp_certificate"),
        ("http_500", "webhook", "http_5xx"),
        ("channel_not_configured", "apprise", "channel_not_configured"),
    ],
)
def test_what_several_destinations_have_is_found_of_the_one(cause: str, channel: str, place: str) -> None:
    """Another one's advice would mislead."""
    part = runbooks.for_cause(cause, channel)
    assert part is not None
    assert part.place == place


@pytest.mark.parametrize("cause", [None, "", "nothing_of_ours", "../secret", "http_", "http_9999"])
def test_a_cause_that_nobody_knows_has_none(cause: str | None) -> None:
    """The page shows none then."""
    assert runbooks.for_cause(cause) is None


def point(minute: int, accepted: int, delivered: int, *, oldest: int | None = None, **others: int) -> dict[str, Any]:
    """What was counted at a minute past noon."""
    counted = {"accepted": accepted, "delivered": delivered, "waiting": 0, "parked": 0, "failed": 0, **others}
    moment = NOW + timedelta(minutes=minute)
    return {"at": moment.isoformat(), "channels": {"slack": counted}, "oldest_seconds": oldest}


def test_a_chart_shows_where_accepted_and_delivered_part() -> None:
    """Both from the chart's beginning on; what is parked and failed as it stood; the oldest one's age in minutes."""
    points = [point(0, 100, 98, parked=2), point(5, 110, 98, parked=11, failed=1, oldest=90)]
    slack, oldest = charts({"points": points}, ["slack"])
    assert slack["title"] == "Slack"
    assert [each["values"] for each in slack["plot"]["series"]] == [[0, 10], [0, 0], [2, 11], [0, 1]]
    assert slack["last"] == [10, 0, 11, 1]
    assert slack["plot"]["times"] == [int(NOW.timestamp()), int(NOW.timestamp()) + 300]
    assert slack["said"] == "Accepted 10, Delivered 0, Parked 11, Failed 1"
    assert [row["numbers"] for row in slack["rows"]] == [[10, 0, 11, 1], [0, 0, 2, 0]]
    assert oldest["plot"]["series"][0]["values"] == [0, 1.5]


def test_a_channel_that_came_later_begins_then() -> None:
    """Before it there is a gap, no zero; a chart of nothing is none; a table stays short."""
    early = {**point(0, 0, 0), "channels": {}}
    slack, _ = charts({"points": [early, point(1, 5, 5), point(2, 7, 6)]}, ["slack"])
    assert slack["plot"]["series"][0]["values"] == [None, 0, 2]
    assert charts({"points": []}, ["slack"]) == []
    many = charts({"points": [point(number, number, number) for number in range(400)]}, ["slack"])[0]
    assert len(many["rows"]) <= 26
    assert many["rows"][0]["numbers"][0] == 399


def test_what_a_canary_took_is_drawn_the_oldest_first() -> None:
    """In seconds; one that did not arrive is a gap; a single run is no line."""
    arrived = {"state": "arrived", "latency_ms": 1234, "reached": "delivered", "cause": None}
    runs = [
        {"id": "2", "at": "2026-03-04T12:10:00+00:00", "channels": {"slack": {**arrived, "latency_ms": None}}},
        {"id": "1", "at": "2026-03-04T12:00:00+00:00", "channels": {"slack": arrived, "monday": arrived}},
    ]
    chart = latency(runs)
    assert chart is not None
    assert [(each["label"], each["values"]) for each in chart["plot"]["series"]] == [
        ("Slack", [1.2, None]),
        ("Monday.com", [1.2, None]),
    ]
    assert latency(runs[:1]) is None
    assert latency([]) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (4, "now"),
        (-4, "now"),
        (40, "40 s ago"),
        (-40, "in 40 s"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (-90000, "in 1 d"),
    ],
)
def test_a_time_is_said_from_now(seconds: int, said: str) -> None:
    """In its largest unit, with the exact time beside it."""
    moment = NOW - timedelta(seconds=seconds)
    assert ago(moment, NOW) == said
    assert said in time_of(moment.isoformat(), NOW)
    assert moment.strftime("%H:%M:%S UTC") in time_of(moment, NOW)


def test_what_is_not_there_is_a_dash() -> None:
    """For times, spans and numbers."""
    assert "\N{EN DASH}" in time_of(None, NOW)
    assert span(None) == number_of(None) == "\N{EN DASH}"
    assert number_of(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("path", "root"), [("/", "./"), ("/jobs", "./"), ("/redrives/r1", "../"), ("/a/b/c", "../../")]
)
def test_addresses_are_relative_to_where_a_page_is(path: str, root: str) -> None:
    """Whatever name the function is served under; what is put into one is encoded."""
    assert root_of(path) == root
    assert at(root, "alerts", id="a b&c", nothing=None, empty="") == f"{root}alerts?id=a+b%26c"
    assert at(root, "conversations/ä") == f"{root}conversations/%C3%A4"


def test_everything_has_a_name_for_people() -> None:
    """Every state, kind and channel there is."""
    assert {state.value for state in WAITING | FINAL} <= set(STATES)
    assert {"pending", "open", "half-open", "closed", "enabled", "paused", "retry", "rejected", "unconfirmed"} <= set(
        STATES
    )
    assert OF_A_LEAD | RELAYED | {"followup"} <= set(KINDS)
    assert set(CHANNELS) == set(CONFIGURED)
    assert BREAKER_OPEN


def test_a_job_is_named_only_where_a_sentence_speaks_of_one() -> None:
    """What stands beside it is text, whatever it is."""
    assert jobs_named("the cleanup of <b>") == "the cleanup of &lt;b&gt;"
    assert jobs_named("the job cleanup & the job new_one") == (
        'the job <span title="cleanup">Clean-up</span> &amp; the job new_one'
    )
