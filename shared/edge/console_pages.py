"""The console's pages: each shows what the JSON half answers at the same address."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import flask

from shared.edge import console_runbooks
from shared.edge.admin_fields import read_query
from shared.edge.console_api import Api
from shared.edge.console_charts import charts, latency
from shared.edge.console_forms import utc
from shared.edge.console_session import Session
from shared.edge.console_view import HEADERS, page
from shared.edge.console_words import CHANNELS
from shared.edge.fields import ID
from shared.edge.refusals import invalid_field, not_found
from shared.errors import RequestError

HOURS = (6, 24, 72, 168)
NOT_FOUND = 404
LIVE, GLANCE = "X-Live", "glance"
"""A page that renews itself says so, and whether it asks for less than all of itself."""

LIVE_SECONDS = 5
SLOW_SECONDS = 15
Shown = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in, for a page."""

    request: flask.Request
    api: Api
    session: Session
    now: datetime

    @property
    def glance(self) -> bool:
        """Whether a page that is open renews what changes by the second, and not its charts, which cost most."""
        return self.request.headers.get(LIVE) == GLANCE

    def query(self, *names: str) -> dict[str, str]:
        """The query's parameters, those that were left empty left out; raises RequestError for unknown ones."""
        given = read_query(self.request, (*names, "notice"))
        return {name: value.strip() for name, value in given.items() if name != "notice" and value.strip()}


def shown(visit: Visit) -> flask.Response:
    """Answer with a page, or a file to keep.

    Raises:
        RequestError: 404, there is no such page; 400, its query is not understood; as the JSON half refuses it.
    """
    for pattern, section, template, make in _PAGES:
        if found := pattern.fullmatch(visit.request.path):
            made = make(visit, found)
            if isinstance(made, flask.Response):
                return made
            given = {"section": section, "session": visit.session, "now": visit.now, "notice": _notice(visit), **made}
            return page(template, visit.request.path, **given)
    raise not_found("This page")


def _notice(visit: Visit) -> str | None:
    return visit.request.args.get("notice")


def _overview(visit: Visit, _: re.Match[str]) -> Shown:
    given = visit.query("hours")
    hours = given.get("hours", "24")
    if hours not in map(str, HOURS):
        raise invalid_field("hours", f"one of {', '.join(map(str, HOURS))}")
    overview = visit.api.get("/overview")
    drawn = None if visit.glance else charts(visit.api.get("/history", hours=hours), overview["channels"])
    return {
        "overview": overview,
        "charts": drawn,
        "canary": None if visit.glance else _canary(visit.api),
        "hours": int(hours),
        "choices": HOURS,
        "glance": visit.glance,
        "live": LIVE_SECONDS,
    }


def _canary(api: Api) -> Shown | None:
    """How the canaries fare; None in a system that has none."""
    try:
        found = api.get("/canary")
    except RequestError as refused:
        if refused.status != NOT_FOUND:
            raise
        return None
    return found | {"chart": latency(found["runs"]), "arrives": _arrives(found["runs"])}


def _arrives(runs: list[Shown]) -> bool:
    """Whether the newest canary of which all is known arrived everywhere."""
    states = ({leg["state"] for leg in run["channels"].values()} for run in runs)
    return next((each for each in states if "waiting" not in each), set()) == {"arrived"}


def _leads(visit: Visit, _: re.Match[str]) -> Shown:
    given = visit.query("q", "email", "phone", "id")
    asked = given.get("q")
    by: dict[str, str] = {name: given[name] for name in ("email", "phone", "id") if name in given}
    if asked is not None and not by:
        by = {_kind_of(asked): asked}
    found = visit.api.get("/leads", **by) if by else None
    return {"asked": asked or next(iter(by.values()), ""), "found": found, "live": LIVE_SECONDS if found else None}


def _kind_of(asked: str) -> str:
    """What somebody who types this looks for."""
    if "@" in asked:
        return "email"
    digits = sum(each.isdigit() for each in asked)
    return "phone" if digits >= 6 and re.fullmatch(r"[0-9 +()./-]+", asked) else "id"  # noqa: PLR2004


def _conversation(visit: Visit, found: re.Match[str]) -> Shown:
    visit.query()
    return {"found": visit.api.get(f"/conversations/{found['id']}"), "live": SLOW_SECONDS}


def _alert(visit: Visit, _: re.Match[str]) -> Shown:
    given = visit.query("id", "email")
    alerts = visit.api.get("/alerts", **given)["alerts"]
    if "email" in given:
        return {"alerts": alerts, "alert": None, "runbook": None, "asked": given["email"]}
    if not alerts:
        raise not_found("An alert of this id")
    [alert] = alerts
    runbook = console_runbooks.for_cause(alert["cause"], alert["channel"]) if alert["dead_letter"] is not None else None
    return {"alerts": None, "alert": alert, "runbook": runbook, "asked": None, "live": LIVE_SECONDS}


def _dead_letters(visit: Visit, _: re.Match[str]) -> Shown:
    given = visit.query("status", "cause", "channel", "from", "to", "after", "limit")
    times: dict[str, str | None] = {name: utc(given[name]) for name in ("from", "to") if name in given}
    found = visit.api.get("/dead_letters", **(given | times))
    runbook = console_runbooks.for_cause(given.get("cause"), given.get("channel"))
    return {
        "given": given,
        "given_but_after": {name: value for name, value in given.items() if name != "after"},
        "channels": tuple(CHANNELS),
        "letters": found["dead_letters"],
        "next": found["next"],
        "runbook": runbook,
        "causes": sorted({each["cause"] for each in found["dead_letters"] if each["cause"]}),
        "live": SLOW_SECONDS,
    }


def _redrive(visit: Visit, found: re.Match[str]) -> Shown:
    visit.query()
    redrive = visit.api.get(f"/redrives/{found['id']}")
    return {"redrive": redrive, "live": 1 if redrive["state"] == "running" else None}


def _breakers(visit: Visit, _: re.Match[str]) -> Shown:
    visit.query()
    return {"found": visit.api.get("/breakers"), "live": LIVE_SECONDS}


def _jobs(visit: Visit, _: re.Match[str]) -> Shown:
    visit.query()
    return {"found": visit.api.get("/jobs"), "live": LIVE_SECONDS}


def _consent(visit: Visit, _: re.Match[str]) -> Shown:
    given = visit.query("email", "after", "limit")
    found = visit.api.get("/consent_audit", **given)
    erasures = visit.api.get("/erasures")["erasures"]
    return {"given": given, "entries": found["entries"], "next": found["next"], "erasures": erasures}


def _erasure(visit: Visit, found: re.Match[str]) -> Shown:
    visit.query()
    return {"erasure": visit.api.get(f"/erasures/{found['id']}"), "live": SLOW_SECONDS}


def _audit(visit: Visit, _: re.Match[str]) -> Shown:
    found = visit.api.get("/operator_audit", **visit.query("after", "limit"))
    return {"actions": found["actions"], "next": found["next"]}


def _runbooks(visit: Visit, found: re.Match[str]) -> Shown:
    visit.query()
    name = found.groupdict().get("name") or "README"
    return {"runbook": console_runbooks.whole(name), "name": name}


def _file(visit: Visit, found: re.Match[str]) -> flask.Response:
    """What the JSON half answers, as a file: the browser keeps it and shows none of it."""
    answer = visit.api.raw(visit.request.path, {**visit.query("reason"), "by": visit.api.by})
    response = flask.Response(answer.get_data(), mimetype="application/json", headers=dict(HEADERS))
    name = f"bellhop-{found['what']}-{found['id'][:12]}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


Make = Callable[[Visit, re.Match[str]], Shown | flask.Response]
_ID = rf"(?P<id>{ID.pattern})"
_PAGES: tuple[tuple[re.Pattern[str], str, str, Make], ...] = (
    (re.compile(r"/(?:overview)?"), "overview", "overview", _overview),
    (re.compile(r"/leads"), "find", "leads", _leads),
    (re.compile(rf"/conversations/{_ID}"), "find", "conversation", _conversation),
    (re.compile(rf"/conversations/{_ID}/(?P<what>export)"), "find", "", _file),
    (re.compile(r"/alerts"), "find", "alert", _alert),
    (re.compile(r"/dead_letters"), "letters", "dead_letters", _dead_letters),
    (re.compile(rf"/dead_letters/{_ID}/(?P<what>bundle)"), "letters", "", _file),
    (re.compile(rf"/redrives/{_ID}"), "letters", "redrive", _redrive),
    (re.compile(r"/breakers"), "breakers", "breakers", _breakers),
    (re.compile(r"/jobs"), "jobs", "jobs", _jobs),
    (re.compile(r"/consent_audit"), "consent", "consent", _consent),
    (re.compile(rf"/erasures/{_ID}"), "consent", "erasure", _erasure),
    (re.compile(r"/operator_audit"), "audit", "audit", _audit),
    (re.compile(r"/runbooks(?:/(?P<name>[a-z-]{1,60}))?"), "runbooks", "runbooks", _runbooks),
)
