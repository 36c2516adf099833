"""The console's pages: what they ask the JSON half, what they show of it, and the headers they are sent with."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import flask
import pytest
from werkzeug.test import create_environ

from shared.edge import admin_asks as asks
from shared.edge.console_assets import assets
from shared.edge.console_origin import from_browser
from shared.edge.console_session import COOKIE
from shared.errors import RequestError, Unavailable
from tests.support.console_site import WHO, ConsoleSite, as_described

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
AT = "2026-03-04T11:56:00+00:00"
ALERT: dict[str, Any] = {
    "id": "a1",
    "channel": "slack",
    "kind": "lead",
    "state": "failed",
    "epoch": 2,
    "attempts": [{"at": AT, "outcome": "rejected", "cause": "invalid_payload"}],
    "attempts_used": 1,
    "cause": "invalid_payload",
    "wake_at": None,
    "created_at": AT,
    "ended_at": AT,
    "conversation_id": "c1",
    "escalated_at": AT,
    "dead_letter": "failed",
}
LEAD: dict[str, Any] = {
    "id": "c1",
    "created_at": AT,
    "updated_at": AT,
    "name": NASTY,
    "email": "eve@example.com",
    "phone": "+48601000000",
    "score": 62,
    "language": "en",
    "turn_count": 1,
    "fields": {"area": NASTY},
    "consent": {"processing": True, "marketing": None, "at": AT, "wording": NASTY},
    "handoff": True,
    "monday_item_url": "javascript:alert(1)",
    "alerts": [
        {**ALERT, "next_attempt_at": None, "runbook": "alert-failed.md", "url": "javascript:alert(1)", "note": NASTY}
    ],
}
LETTER: dict[str, Any] = {
    "id": "a1",
    "status": "failed",
    "channel": "slack",
    "kind": "lead",
    "cause": "invalid_payload",
    "epoch": 1,
    "attempts": [],
    "attempts_used": 1,
    "next_attempt_at": None,
    "created_at": AT,
    "entered_at": AT,
    "conversation_id": "c1",
    "escalated_at": None,
    "runbook": "alert-failed.md",
}
COUNTS = dict.fromkeys(
    ("accepted", "queued", "sending", "parked", "delivered", "failed", "ended", "waiting", "untold", "overdue"), 1
)
BREAKER: dict[str, Any] = {
    "channel": "slack",
    "state": "open",
    "mode": "auto",
    "failures": 5,
    "cause": NASTY,
    "opened_at": AT,
    "probe_at": AT,
    "draining": True,
    "closed_at": None,
}
JOB: dict[str, Any] = {
    "name": "cleanup",
    "schedule": "*/10 * * * *",
    "time_zone": "Etc/UTC",
    "state": "paused",
    "last_run_at": AT,
    "last_outcome": "failed",
    "next_run_at": None,
}
REASON = {"level": "danger", "what": "x", "says": NASTY, "channel": None, "count": 1, "runbook": "alert-failed.md"}
POINT = {"at": AT, "channels": {"slack": {"accepted": 3, "delivered": 1, "parked": 2}}, "oldest_seconds": 90}
OVERVIEW: dict[str, Any] = {
    "danger": {"level": "danger", "sentence": NASTY, "reasons": [REASON, REASON]},
    "at": AT,
    "channels": {"slack": {**COUNTS, "capped": False}},
    "oldest_waiting": {
        "id": "a1",
        "channel": "slack",
        "kind": "lead",
        "state": "parked",
        "created_at": AT,
        "age_seconds": 240,
    },
    "breakers": [BREAKER],
    "blocks": [{"channel": "slack", "cause": NASTY, "since": AT, "probe_at": None, "runbook": "alert-failed.md"}],
    "jobs": [JOB],
    "balanced": False,
    "balanced_at": AT,
    "wrong": ["a1"],
    "history": [],
}
ERASURE: dict[str, Any] = {
    "id": "e1",
    "state": "done",
    "requested_at": AT,
    "finished_at": AT,
    "erased": [{"where": "messages", "count": 2}],
    "not_erased": [{"where": "slack", "count": 1, "why": "it cannot be deleted there", "alerts": ["a1"]}],
    "kept": [{"where": "suppressions", "what": "a hash", "why": "so that nothing is sent"}],
    "monday": {"items_of": 1, "deleted": 1, "tries": 1, "looked_again": True, "problems": ["http_500"]},
}
ENTRY = {
    "id": "n1",
    "at": AT,
    "actor": "visitor",
    "action": "consent",
    "source": "chat",
    "address": "a" * 32,
    "conversation_id": "c1",
    "client": "203.0.113.7",
    "wording": None,
    "consent": {"marketing": True},
}
ACTION = {
    "id": "r1",
    "at": AT,
    "action": "redrive",
    "subject": {"ids": ["a1", "a2", "a3", "a4"], "cause": NASTY},
    "reason": NASTY,
    "by": NASTY,
}
REDRIVE: dict[str, Any] = {
    "id": "r1",
    "state": "running",
    "total": 5000,
    "selected": 1250,
    "queued": 1200,
    "skipped": 50,
    "requested_at": AT,
    "finished_at": None,
    "by": NASTY,
    "reason": NASTY,
}
TURN = {"id": "t1", "at": AT, "question": NASTY, "answer": NASTY, "alert_ids": ["a1"]}
ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    # what the JSON half is asked → under which path docs/openapi.yaml describes it, and an answer
    "/overview": ("/overview", OVERVIEW),
    "/history": ("/history", {"points": [POINT, {**POINT, "at": "2026-03-04T11:58:00+00:00"}]}),
    "/leads": ("/leads", {"conversations": [LEAD], "slack_note": "a note"}),
    "/conversations/c1": ("/conversations/{id}", {"conversation": LEAD, "turns": [TURN], "next": "17-t1"}),
    "/alerts": ("/alerts", {"alerts": [ALERT]}),
    "/dead_letters": ("/dead_letters", {"dead_letters": [LETTER], "next": "17-a1"}),
    "/redrives/r1": ("/redrives/{id}", REDRIVE),
    "/breakers": ("/breakers", {"breakers": [BREAKER, {**BREAKER, "channel": "email", "mode": "open"}]}),
    "/jobs": ("/jobs", {"jobs": [JOB]}),
    "/consent_audit": ("/consent_audit", {"entries": [ENTRY], "next": "17-n1"}),
    "/erasures": ("/erasures", {"erasures": [ERASURE]}),
    "/erasures/e1": ("/erasures/{id}", ERASURE),
    "/operator_audit": ("/operator_audit", {"actions": [ACTION], "next": None}),
}
PAGES = {
    "/": "Overview",
    "/overview?hours=6": "Overview",
    "/leads": "Where is my lead?",
    "/leads?q=eve@example.com": "Where is my lead?",
    "/conversations/c1": "What was said",
    "/alerts?id=a1": "New lead for Slack",
    "/alerts?email=eve@example.com": "Alerts of eve@example.com",
    "/dead_letters": "Dead letters",
    "/dead_letters?cause=invalid_payload&status=failed&channel=slack": "Redrive all that fit",
    "/redrives/r1": "1,200 queued so far".replace(",", "\u202f"),
    "/breakers": "Breakers",
    "/jobs": "Jobs",
    "/consent_audit": "Consent and erasure",
    "/erasures/e1": "Certificate of erasure",
    "/operator_audit": "Operator audit",
    "/runbooks": "Runbooks",
    "/runbooks/alert-failed": "An alert failed",
}


class Unsafe(HTMLParser):
    """What a browser would take for code, or would load from elsewhere, in a page as it reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @classmethod
    def in_page(cls, html: str) -> list[str]:
        """Every piece of it."""
        reader = cls()
        reader.feed(html)
        return reader.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag."""
        given = dict(attrs)
        if tag in {"style", "iframe", "object", "embed", "base"} or (tag == "script" and "src" not in given):
            self.found.append(tag)
        self.found += [name for name in given if name.startswith("on") or name in {"style", "srcdoc"}]
        for name in ("href", "src", "action", "formaction"):
            if ":" in (given.get(name) or "").split("/")[0].replace("mailto:", "").replace("tel:", ""):
                self.found.append(f"{name}={given[name]}")


@pytest.fixture
def site() -> ConsoleSite:
    """A console with an operator in it, and something to show on every page."""
    made = ConsoleSite()
    made.answers |= {path: as_described(described, answer) for path, (described, answer) in ANSWERS.items()}
    made.sign_in()
    return made


def said(answer: flask.Response) -> str:
    """The text of a page."""
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_shown_under_a_strict_policy(site: ConsoleSite, path: str) -> None:
    """No inline script or style, nothing from elsewhere, no frame, no cache; visitors' markup is text."""
    answer = site.get(path)
    html = said(answer)
    assert (answer.status_code, site.errors) == (200, [])
    assert PAGES[path] in html
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert {policy[name] for name in ("default-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert {policy[name] for name in ("script-src", "style-src", "form-action", "connect-src")} == {"'self'"}
    assert policy["require-trusted-types-for"] == "'script'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.mimetype == "text/html"
    assert Unsafe.in_page(html) == []
    assert WHO in html


@pytest.mark.parametrize("path", PAGES)
def test_every_address_in_a_page_is_relative_and_of_the_console(site: ConsoleSite, path: str) -> None:
    """So that the console may be served under any name; links to elsewhere are a lead's, or a runbook's."""
    for target in re.findall(r'(?:href|src|action|formaction)="([^"]*)"', said(site.get(path))):
        assert target.startswith((".", "#", "mailto:", "tel:")), target
        assert "//" not in target


def test_json_and_pages_are_told_apart() -> None:
    """Who shows a key is answered in JSON, whatever they accept; a browser is whoever asks for pages."""

    def of_browser(path: str = "/jobs", **headers: str) -> bool:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return from_browser(flask.Request(create_environ(path, headers=sent)))

    assert of_browser(Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert of_browser(Cookie=f"{COOKIE}=anything", Accept="*/*")
    assert of_browser("/assets/console.0123456789abcdef.css")
    assert not of_browser()
    assert not of_browser(Accept="*/*")
    assert not of_browser(Accept="application/json")
    assert not of_browser(Content_Type="application/x-www-form-urlencoded")
    assert not of_browser(X_ADMIN_API_KEY="k", Accept="text/html", Cookie=f"{COOKIE}=anything")
    assert not of_browser(X_ADMIN_API_KEY="", Accept="text/html")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/leads?q=%20ana@example.com%20", asks.LeadsQuery("ana@example.com", None, None)),
        ("/leads?q=%2B48+601+000+000", asks.LeadsQuery(None, "+48 601 000 000", None)),
        ("/leads?q=12345", asks.LeadsQuery(None, None, "12345")),
        ("/leads?q=0123456789abcdef", asks.LeadsQuery(None, None, "0123456789abcdef")),
        ("/leads?phone=601000000", asks.LeadsQuery(None, "601000000", None)),
        ("/alerts?id=a1", asks.AlertsQuery(None, "a1")),
        (
            "/dead_letters?status=&cause=x&channel=&from=2026-03-04T10:00&to=2026-03-04T11:00&after=17-a",
            asks.DeadLettersQuery(
                None, "x", None, 50, "17-a", datetime(2026, 3, 4, 10, tzinfo=UTC), datetime(2026, 3, 4, 11, tzinfo=UTC)
            ),
        ),
        ("/operator_audit?after=17-a", asks.OperatorAuditQuery(50, "17-a")),
    ],
)
def test_a_page_asks_what_its_address_says(site: ConsoleSite, path: str, wanted: asks.AdminRequest) -> None:
    """Empty fields of a form were not given; times in it are UTC."""
    assert site.get(path).status_code == 200
    assert site.asked[0] == wanted


@pytest.mark.parametrize(
    ("path", "form", "wanted", "leads_to"),
    [
        (
            "/dead_letters/redrive",
            {"what": "ids", "ids": ["a1", "a2"], "status": "any", "reason": "mended"},
            asks.RedriveRequest(("a1", "a2"), None, None, None, None, None, "mended", WHO),
            "../redrives/r1",
        ),
        (
            "/dead_letters/redrive",
            {"what": "cause", "cause": "http_500", "status": "", "channel": "", "reason": "mended"},
            asks.RedriveRequest(None, "http_500", None, None, None, ("failed", "pending"), "mended", WHO),
            "../redrives/r1",
        ),
        (
            "/dead_letters/redrive",
            {"what": "range", "from": "2026-03-04T10:00", "to": "2026-03-04T11:00Z", "reason": "x", "status": "failed"},
            asks.RedriveRequest(
                None,
                None,
                datetime(2026, 3, 4, 10, tzinfo=UTC),
                datetime(2026, 3, 4, 11, tzinfo=UTC),
                None,
                ("failed",),
                "x",
                WHO,
            ),
            "../redrives/r1",
        ),
        (
            "/dead_letters/a1/waive",
            {"reason": "called"},
            asks.WaiveRequest("a1", "called", WHO),
            "../../alerts?id=a1&notice=waived",
        ),
        (
            "/breakers/slack",
            {"mode": "open", "reason": "x"},
            asks.BreakerRequest("slack", "open", "x", WHO),
            "../breakers?notice=breaker-open",
        ),
        (
            "/jobs/cleanup/pause",
            {"reason": "x"},
            asks.JobRequest("cleanup", "pause", "x", WHO),
            "../../jobs?notice=job-pause",
        ),
    ],
)
def test_a_button_does_what_the_command_would(
    site: ConsoleSite, path: str, form: dict[str, Any], wanted: asks.AdminRequest, leads_to: str
) -> None:
    """In the name of who is signed in, whatever the form says; then its outcome is shown."""
    site.answers[path] = {"redrive": "r1"}
    answer = site.post(path, {**form, "by": "somebody else"})
    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    assert site.asked == [wanted]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/dead_letters/redrive", {"what": "ids"}),
        ("/dead_letters/redrive", {"what": "cause"}),
        ("/dead_letters/redrive", {"what": "range", "from": "soon", "to": "later"}),
        ("/dead_letters/redrive", {"what": "ids", "ids": ["../x"]}),
        ("/dead_letters/a1/waive", {"reason": "   "}),
        ("/breakers/slack", {"mode": "ajar"}),
    ],
)
def test_what_a_form_lacks_is_told_in_a_page(site: ConsoleSite, path: str, form: dict[str, Any]) -> None:
    """400, with the sentence that the JSON half refuses it with; nothing is done."""
    answer = site.post(path, form)
    assert (answer.status_code, answer.mimetype, site.asked) == (400, "text/html", [])
    assert "must be" in said(answer)


@pytest.mark.parametrize(
    "path", ["/?hours=5", "/?hours=x", "/jobs?x=1", "/dead_letters?status=odd", "/dead_letters?after=x", "/leads?q=x y"]
)
def test_a_query_that_nobody_understands_is_told(site: ConsoleSite, path: str) -> None:
    """As a page, with what is accepted."""
    answer = site.get(path)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


@pytest.mark.parametrize("path", ["/nothing", "/conversations/../x", "/runbooks/nothing", "/alerts/a1", "/redrives/r2"])
def test_what_does_not_exist_is_told(site: ConsoleSite, path: str) -> None:
    """404 in a page, for who is signed in."""
    assert site.get(path).status_code == 404
    assert site.post("/nothing").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(site: ConsoleSite, method: str) -> None:
    """With those there are."""
    answer = site.request(method, "/jobs")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_storage_that_does_not_answer_is_told_and_bugs_are_reported(site: ConsoleSite) -> None:
    """503 with when to try again; a 500 says nothing of what happened."""
    site.answers["/jobs"] = Unavailable()
    answer = site.get("/jobs")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert site.errors == []
    site.answers["/jobs"] = ZeroDivisionError("secret")
    answer = site.get("/jobs")
    assert (answer.status_code, len(site.errors)) == (500, 1)
    assert "secret" not in said(answer)


def test_a_notice_is_one_of_ours(site: ConsoleSite) -> None:
    """What an address says is never shown."""
    assert "Back to automatic" in said(site.get("/breakers?notice=breaker-auto"))
    assert "evil" not in said(site.get("/breakers?notice=evil"))


def test_a_file_to_keep_is_never_shown_in_the_browser(site: ConsoleSite) -> None:
    """Whatever is in it; who took it is passed on."""
    site.answers |= {"/conversations/c1/export": {"html": NASTY}, "/dead_letters/a1/bundle": {"format": "x"}}
    answer = site.get("/conversations/c1/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="bellhop-export-c1.json"'
    assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")
    site.get("/dead_letters/a1/bundle?reason=look")
    assert site.asked == [asks.ExportQuery("c1", None, WHO), asks.BundleQuery("a1", "look", WHO)]


def test_an_alert_without_a_dead_letter_offers_nothing_to_redrive(site: ConsoleSite) -> None:
    """Nor a bundle; one that waits can be sent again but not waived."""
    site.answers["/alerts"] = {"alerts": [{**ALERT, "state": "delivered", "dead_letter": None}]}
    html = said(site.get("/alerts?id=a1"))
    assert "Redrive" not in html
    assert "bundle" not in html
    site.answers["/alerts"] = {"alerts": [{**ALERT, "state": "parked", "dead_letter": "pending"}]}
    html = said(site.get("/alerts?id=a1"))
    assert "Redrive" in html
    assert "Waive" not in html


def test_a_page_that_renews_itself_asks_for_its_charts_now_and_then(site: ConsoleSite) -> None:
    """In between for what changes by the second; what it does not get it leaves as it is."""
    html = said(site.get("/", X_Live="glance"))
    assert site.asked == [asks.OverviewQuery()]
    assert 'data-region="danger"' in html
    assert 'data-region="charts"' not in html
    assert 'data-region="charts"' in said(site.get("/", X_Live="whole"))


def test_the_canary_is_shown_where_there_is_one(site: ConsoleSite) -> None:
    """Its latency as a chart, and whether it arrives; a system without one shows nothing of it."""
    assert "Canary" not in said(site.get("/"))
    leg = {"state": "arrived", "latency_ms": 1900, "reached": "delivered", "cause": None}
    runs = [{"id": "r2", "at": AT, "channels": {"slack": {**leg, "latency_ms": None}}}]
    runs.append({"id": "r1", "at": "2026-03-04T11:46:00+00:00", "channels": {"slack": leg}})
    canary = {"configured": True, "last_run": AT, "late": True, "without": ["email"], "runs": runs}
    site.answers["/canary"] = as_described("/canary", canary)
    html = said(site.get("/"))
    assert "Until a canary arrives, in seconds: Slack \N{EN DASH}" in html
    assert "Late" in html
    assert "none for E-mail" in html
    site.answers["/canary"] = {**canary, "configured": False, "last_run": None, "runs": []}
    assert "No channel has a target for canaries" in said(site.get("/"))


@pytest.mark.parametrize("name", ["console.css", "console.js", "charts.js", "icon.svg"])
def test_a_pages_file_is_kept_for_ever_under_a_name_of_its_content(name: str) -> None:
    """For everybody, packed for who takes that; under another name there is nothing."""
    site = ConsoleSite()
    path = f"/assets/{assets()[name].name}"
    plain, packed = site.get(path), site.get(path, Accept_Encoding="gzip")
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept-Encoding" in plain.headers["Vary"]
    for other in ("/assets/console.0000000000000000.css", "/assets/../console.py", "/assets/", f"{path}x"):
        with pytest.raises(RequestError) as refused:
            site.get(other)
        assert refused.value.status == 404
    with pytest.raises(RequestError) as refused:
        site.request("POST", path)
    assert refused.value.status == 405


@pytest.mark.parametrize(
    ("path", "empty", "region"),
    [
        ("/dead_letters", {"dead_letters": [], "next": None}, "letters"),
        ("/jobs", {"jobs": []}, "jobs"),
        ("/breakers", {"breakers": []}, "breakers"),
    ],
)
def test_a_list_that_was_empty_has_the_place_where_it_fills(
    site: ConsoleSite, path: str, empty: dict[str, Any], region: str
) -> None:
    """A page that renews itself puts in what both answers have a region for."""
    filled = said(site.get(path))
    site.answers[path] = empty
    bare = said(site.get(path))
    assert [html.count(f'data-region="{region}"') for html in (filled, bare)] == [1, 1]


@pytest.mark.parametrize(
    "path", ["/", "/leads?q=eve@example.com", "/conversations/c1", "/alerts?id=a1", "/erasures/e1", "/redrives/r1"]
)
def test_every_page_that_renews_itself_says_whether_it_does(site: ConsoleSite, path: str) -> None:
    """And has something to renew; one that does not renew itself says nothing."""
    html = said(site.get(path))
    assert html.count('class="pulse"') == 1
    assert "data-region=" in html
    assert "pulse" not in said(site.get("/operator_audit"))


def test_an_overview_holds_what_it_shows_once_nobody_knows(site: ConsoleSite) -> None:
    """Beside the sentence of now; never green. An answer that is less than the whole page says so."""
    html = said(site.get("/"))
    assert re.search(
        r'<template id="not-known"><section class="danger" data-level="unknown" data-region="danger"', html
    )
    assert "data-glance" not in html
    assert "data-glance" in said(site.get("/", X_Live="glance"))


@pytest.mark.parametrize(
    ("query", "heading", "sent"),
    [
        ("cause=http_500", "Cause <code>http_500</code>, failed and waiting", {"what": "cause", "cause": "http_500"}),
        ("cause=http_500&channel=slack&status=failed", "</code>, Slack, failed", {"channel": "slack"}),
        (
            "from=2026-03-04T10:00&to=2026-03-04T11:00",
            "From 2026-03-04T10:00 to 2026-03-04T11:00, UTC, failed and waiting",
            {"what": "range", "from": "2026-03-04T10:00", "to": "2026-03-04T11:00"},
        ),
    ],
)
def test_redrive_all_sends_what_its_heading_names(
    site: ConsoleSite, query: str, heading: str, sent: dict[str, str]
) -> None:
    """By cause or by time, as the command would."""
    html = said(site.get(f"/dead_letters?{query}"))
    assert heading in html
    for name, value in sent.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in html


@pytest.mark.parametrize("times", ["from=2026-03-04T10:00&to=2026-03-04T11:00", "from=2026-03-04T10:00"])
def test_a_cause_and_a_time_together_are_not_sent_again_as_one(site: ConsoleSite, times: str) -> None:
    """The command takes one of the two: sending by cause alone would send more than the page shows."""
    html = said(site.get(f"/dead_letters?cause=http_500&{times}"))
    assert "Redrive all" not in html
    assert "select rows, or clear one filter" in html


@pytest.mark.parametrize("path", ["/", "/breakers"])
@pytest.mark.parametrize(("mode", "state", "word"), [("closed", "closed", "Closed"), ("open", "open", "Open")])
def test_a_forced_breaker_says_so_and_is_never_green(
    site: ConsoleSite, path: str, mode: str, state: str, word: str
) -> None:
    """A person said so, whatever fails: that is nothing that is well."""
    breaker = {**BREAKER, "mode": mode, "state": state}
    site.answers |= {"/overview": {**OVERVIEW, "breakers": [breaker]}, "/breakers": {"breakers": [breaker]}}
    html = said(site.get(path))
    assert f'<span class="pill" data-tone="wait">Forced {mode}</span>' in html
    assert f">{word}</span>" in html
    assert '<span class="pill" data-tone="good">Closed</span>' not in html
    breaker |= {"mode": "auto", "state": "closed"}
    html = said(site.get(path))
    assert '<span class="pill" data-tone="good">Closed</span>' in html
    assert "Forced closed</span>" not in html


@pytest.mark.parametrize(
    ("states", "pill"),
    [
        ([], "Not known yet"),
        (["waiting"], "Not known yet"),
        (["unknown"], "Not known yet"),
        (["waiting", "arrived"], "Arrives"),
        (["waiting", "unknown", "arrived"], "Not known yet"),
    ],
)
def test_a_canary_arrives_once_one_has(site: ConsoleSite, states: list[str], pill: str) -> None:
    """The newest that is judged counts; while none is, nothing is known."""
    leg = {"latency_ms": None, "reached": None, "cause": None}
    runs = [
        {"id": f"r{number}", "at": AT, "channels": {"slack": {**leg, "state": state}}}
        for number, state in enumerate(states)
    ]
    canary = {"configured": True, "last_run": AT, "late": False, "without": [], "runs": runs}
    site.answers["/canary"] = as_described("/canary", canary)
    html = said(site.get("/"))
    pills = {word: f">{word}</span>" in html for word in ("Arrives", "Not known yet", "Late")}
    assert pills == {"Arrives": False, "Not known yet": False, "Late": False, pill: True}


@pytest.mark.parametrize(
    ("path", "action"),
    [("/conversations/c1", "/conversations/c1/export"), ("/alerts?id=a1", "/dead_letters/a1/bundle")],
)
def test_who_takes_a_file_says_why(site: ConsoleSite, path: str, action: str) -> None:
    """It stands in the audit; there is no way around the form."""
    html = said(site.get(path))
    form = re.search(rf'<form class="take" method="get" action="[./]*{action[1:]}">(.*?)</form>', html)
    assert form is not None
    assert re.search(r'<input [^>]*name="reason"[^>]* required>', form[1])
    assert not re.search(rf'href="[^"]*{action[1:]}', html)


def test_jobs_have_names_for_people(site: ConsoleSite) -> None:
    """With the one that commands take in reach, in the sentence, its reasons, the tables and the audit."""
    says = "the job cleanup_daily does not run"
    reason = {**REASON, "what": "job_stopped", "says": says}
    danger = {"level": "watch", "sentence": f"No lead is in danger, but {says}.", "reasons": [reason, reason]}
    site.answers["/overview"] = {**OVERVIEW, "danger": danger}
    html = said(site.get("/"))
    named = 'he job <span title="cleanup_daily">Daily clean-up</span> does not run.'
    assert html.count(named) == 3
    assert 'title="cleanup">Clean-up</th>' in html
    assert 'title="cleanup">Clean-up</h2>' in said(site.get("/jobs"))
    paused = {**ACTION, "action": "job_pause", "subject": {"job": "send_followups"}}
    site.answers["/operator_audit"] = {"actions": [paused], "next": None}
    assert '<span title="send_followups">Follow-ups</span>' in said(site.get("/operator_audit"))
