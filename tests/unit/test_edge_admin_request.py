"""What the operator's console is asked for: every route, every field, every bound."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.edge import admin_asks as asks
from shared.edge.admin_asks import (
    AdminRequest,
    AlertsQuery,
    ConservationQuery,
    DeadLettersQuery,
    RedriveQuery,
    RedriveRequest,
    WaiveRequest,
)
from shared.edge.admin_fields import known_only
from shared.edge.admin_request import read_admin_request
from shared.errors import RequestError

REDRIVE = "/dead_letters/redrive"
WAIVE = "/dead_letters/a-1/waive"


def asked(method: str, path: str, **how: Any) -> AdminRequest:
    """What a request asks for."""
    return read_admin_request(flask.Request(EnvironBuilder(path, method=method, **how).get_environ()))


def refusal(method: str, path: str, **how: Any) -> RequestError:
    """How a request is refused."""
    with pytest.raises(RequestError) as caught:
        asked(method, path, **how)
    return caught.value


def redrive(**body: Any) -> RedriveRequest:
    """A redrive's request."""
    found = asked("POST", REDRIVE, json=body)
    assert isinstance(found, RedriveRequest)
    return found


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/alerts?email=Ana%2Bx@Example.com", AlertsQuery("Ana+x@Example.com", None)),
        ("/alerts?id=3f_-A", AlertsQuery(None, "3f_-A")),
        ("/dead_letters", DeadLettersQuery(None, None, None, 50, None)),
        (
            "/dead_letters?status=failed&cause=http_500&channel=slack&limit=200&after=17-a-b",
            DeadLettersQuery("failed", "http_500", "slack", 200, "17-a-b"),
        ),
        ("/redrives/3f", RedriveQuery("3f")),
        ("/conservation", ConservationQuery()),
        (
            "/dead_letters?from=2026-01-05T09:00:00Z&to=2026-01-05T12:00:00%2B01:00",
            DeadLettersQuery(
                None, None, None, 50, None, datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 11, tzinfo=UTC)
            ),
        ),
        ("/dead_letters/a-1/bundle?by=ana&reason=why", asks.BundleQuery("a-1", "why", "ana")),
        ("/overview", asks.OverviewQuery()),
        ("/history", asks.HistoryQuery(24)),
        ("/history?hours=168", asks.HistoryQuery(168)),
        ("/breakers", asks.BreakersQuery()),
        ("/jobs", asks.JobsQuery()),
        ("/leads?phone=%2B48%20601%20234", asks.LeadsQuery(None, "+48 601 234", None)),
        ("/leads?email=a@b.pl", asks.LeadsQuery("a@b.pl", None, None)),
        ("/leads?id=3f", asks.LeadsQuery(None, None, "3f")),
        ("/conversations/3f?limit=2&after=17-a", asks.ConversationQuery("3f", 2, "17-a")),
        ("/conversations/3f/export", asks.ExportQuery("3f", None, None)),
        ("/operator_audit?limit=1", asks.OperatorAuditQuery(1, None)),
    ],
)
def test_what_is_looked_up(path: str, wanted: AdminRequest) -> None:
    """Every query with what it takes."""
    assert asked("GET", path) == wanted


@pytest.mark.parametrize(
    "path", ["/", "", "/alert", "/alerts/", "/alerts/1", "/dead_letters/x", "/redrives/", "//", "/redrives/a%2Fb"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_is_404(method: str, path: str) -> None:
    """Whatever the method."""
    assert refusal(method, path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/alerts", "GET"),
        ("PUT", "/dead_letters", "GET"),
        ("HEAD", "/conservation", "GET"),
        ("GET", REDRIVE, "POST"),
        ("DELETE", WAIVE, "POST"),
        ("POST", "/overview", "GET"),
        ("GET", "/breakers/slack", "POST"),
        ("GET", "/jobs/cleanup/run", "POST"),
        ("POST", "/conversations/3f/export", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_is_right(method: str, path: str, allowed: str) -> None:
    """In the header Allow (RFC 9110)."""
    refused = refusal(method, path)
    assert (refused.status, refused.headers["Allow"].split(", ")[0]) == (405, allowed)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/alerts", "email"),
        ("/alerts?email=a@b&id=1", "email"),
        ("/alerts?email=", "email"),
        ("/alerts?email=" + "a" * 321, "email"),
        ("/alerts?email=a%0Ab@c", "email"),
        ("/alerts?id=", "id"),
        ("/alerts?id=a.b", "id"),
        ("/alerts?id=" + "a" * 129, "id"),
        ("/alerts?id=1&id=2", "id"),
        ("/alerts?mail=a@b", "mail"),
        ("/dead_letters?status=dead", "status"),
        ("/dead_letters?from=yesterday", "from"),
        ("/dead_letters?to=2026-01-05T09:00:00", "to"),
        ("/dead_letters?from=2026-01-05T09:00:00Z&to=2026-01-05T09:00:00Z", "from"),
        ("/dead_letters/a-1/bundle?why=x", "why"),
        ("/dead_letters/a-1/bundle?reason=", "reason"),
        ("/history?hours=0", "hours"),
        ("/history?hours=169", "hours"),
        ("/overview?now=1", "now"),
        ("/leads", "email"),
        ("/leads?phone=%2B4860&id=1", "email"),
        ("/leads?phone=12", "phone"),
        ("/leads?phone=" + "1" * 41, "phone"),
        ("/leads?id=a.b", "id"),
        ("/conversations/3f?after=x", "after"),
        ("/conversations/3f/export?by=a%0Ab", "by"),
        ("/operator_audit?limit=201", "limit"),
        ("/dead_letters?status=any", "status"),
        ("/dead_letters?limit=0", "limit"),
        ("/dead_letters?limit=201", "limit"),
        ("/dead_letters?limit=-1", "limit"),
        ("/dead_letters?limit=" + "9" * 5000, "limit"),
        ("/dead_letters?limit=%D9%A1", "limit"),
        ("/dead_letters?after=x", "after"),
        ("/dead_letters?after=" + "9" * 18 + "-a", "after"),
        ("/dead_letters?channel=Slack!", "channel"),
        ("/dead_letters?cause=" + "a" * 201, "cause"),
        ("/dead_letters?cause=%00", "cause"),
        ("/conservation?channel=slack", "channel"),
        ("/redrives/a?x=1", "x"),
    ],
)
def test_a_wrong_parameter_is_named(path: str, field: str) -> None:
    """400; what came is not repeated."""
    refused = refusal("GET", path)
    assert (refused.status, refused.slug, refused.field) == (400, "invalid-field", field)


def test_a_redrive_by_ids() -> None:
    """Each id once, in their order; failed and pending ones where nothing else is said."""
    assert redrive(ids=["b", "a", "b"], reason=" mended ", by=" ana ") == RedriveRequest(
        ids=("b", "a"),
        cause=None,
        since=None,
        before=None,
        channel=None,
        statuses=("failed", "pending"),
        reason=" mended ",
        by="ana",
    )


def test_a_redrive_by_cause_or_by_time() -> None:
    """Times in UTC whatever their zone; a status by itself, or any."""
    by_cause = redrive(cause="http_500", channel="slack", status="waived")
    assert (by_cause.cause, by_cause.channel, by_cause.statuses) == ("http_500", "slack", ("waived",))
    by_time = redrive(**{"from": "2026-01-05T10:00:00+01:00", "to": "2026-01-05T12:00:00Z", "status": "any"})
    assert by_time.since == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert by_time.before == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert by_time.statuses is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ids"),
        ({"ids": ["a"], "cause": "x"}, "ids"),
        ({"cause": "x", "from": "2026-01-05T09:00:00Z", "to": "2026-01-06T09:00:00Z"}, "ids"),
        ({"ids": []}, "ids"),
        ({"ids": "a"}, "ids"),
        ({"ids": [f"a{number}" for number in range(501)]}, "ids"),
        ({"ids": ["a", 1]}, "ids.1"),
        ({"ids": ["a/b"]}, "ids.0"),
        ({"ids": ["a" * 129]}, "ids.0"),
        ({"cause": ""}, "cause"),
        ({"cause": 5}, "cause"),
        ({"from": "2026-01-05T09:00:00Z"}, "to"),
        ({"to": "2026-01-05T09:00:00Z"}, "from"),
        ({"from": "2026-01-05T09:00:00Z", "to": "2026-01-05T09:00:00Z"}, "from"),
        ({"from": "2026-01-05T09:00:00", "to": "2026-01-06T09:00:00Z"}, "from"),
        ({"from": "yesterday", "to": "2026-01-06T09:00:00Z"}, "from"),
        ({"from": "0001-01-01T00:00:00+23:59", "to": "2026-01-06T09:00:00Z"}, "from"),
        ({"from": "2026-01-05T09:00:00Z", "to": 7}, "to"),
        ({"cause": "x", "status": "dead"}, "status"),
        ({"cause": "x", "status": ["failed"]}, "status"),
        ({"cause": "x", "channel": "Slack!"}, "channel"),
        ({"cause": "x", "chanel": "slack"}, "chanel"),
        ({"cause": "x", "reason": " "}, "reason"),
        ({"cause": "x", "reason": "a" * 501}, "reason"),
        ({"cause": "x", "by": "a" * 201}, "by"),
        ({"cause": "x", "by": "a\nb"}, "by"),
    ],
)
def test_f31_a_wrong_field_of_a_redrive_is_named(body: dict[str, Any], field: str) -> None:
    """A mistyped filter must not mean everything."""
    refused = refusal("POST", REDRIVE, json=body)
    assert (refused.status, refused.field) == (400, field)


def test_a_waive_needs_its_reason() -> None:
    """1 to 500 characters, which may be several lines."""
    assert asked("POST", WAIVE, json={"reason": "a\nb", "by": "ana"}) == WaiveRequest("a-1", "a\nb", "ana")
    assert asked("POST", WAIVE, json={"reason": "ż" * 500}) == WaiveRequest("a-1", "ż" * 500, None)
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "a" * 501}, {"reason": None}, {"reason": ["x"]}):
        assert refusal("POST", WAIVE, json=body).field == "reason"
    assert refusal("POST", WAIVE, json={"reason": "x", "status": "failed"}).field == "status"


@pytest.mark.parametrize("path", [REDRIVE, WAIVE])
@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"reason": NaN}', "application/json", 400),
        (b'{"reason": "\xff"}', "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
def test_f31_a_body_that_is_no_json_object_is_refused(path: str, data: bytes, kind: str, status: int) -> None:
    """As everywhere."""
    assert refusal("POST", path, data=data, content_type=kind).status == status


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()) | st.none(), max_size=4))
def test_f31_any_body_is_understood_or_refused(body: dict[str, Any]) -> None:
    """Never another error than a refusal."""
    for path in (REDRIVE, WAIVE):
        with contextlib.suppress(RequestError):
            asked("POST", path, json=body)


def test_a_field_without_a_name_is_refused_by_one() -> None:
    """The sentence names something."""
    with pytest.raises(RequestError) as refused:
        known_only({"": 1}, ("email", "id"))
    assert refused.value.field == "?"
    assert refused.value.detail == "?: must be left out; there are email, id."


@pytest.mark.parametrize("mode", ["open", "closed", "auto"])
def test_a_breaker_is_moved_by_its_channel(mode: str) -> None:
    """With why and who."""
    assert asked("POST", "/breakers/slack", json={"mode": mode}) == asks.BreakerRequest("slack", mode, None, None)
    whole = {"mode": mode, "reason": "a drill", "by": "ana"}
    assert asked("POST", "/breakers/slack", json=whole) == asks.BreakerRequest("slack", mode, "a drill", "ana")


@pytest.mark.parametrize("body", [{}, {"mode": "half-open"}, {"mode": 1}, {"mode": None}, {"mode": ["open"]}])
def test_a_breaker_has_three_modes(body: dict[str, Any]) -> None:
    """And the refusal names them."""
    refused = refusal("POST", "/breakers/slack", json=body)
    assert (refused.status, refused.field) == (400, "mode")
    assert "open, closed, auto" in refused.detail


@pytest.mark.parametrize("verb", ["pause", "resume", "run"])
def test_a_job_is_moved_by_its_name(verb: str) -> None:
    """With why and who; another verb is no route."""
    body = {"reason": "a drill", "by": "ana"}
    assert asked("POST", f"/jobs/cleanup_daily/{verb}", json=body) == asks.JobRequest(
        "cleanup_daily", verb, "a drill", "ana"
    )
    assert refusal("POST", "/jobs/cleanup/stop", json={}).status == 404
    assert refusal("POST", f"/jobs/cleanup/{verb}", json={"force": True}).field == "force"
