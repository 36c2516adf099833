"""The console's routes about the system as a whole, and about one lead; see ``shared.edge.admin_request``."""

from __future__ import annotations

import re
from collections.abc import Callable

import flask

from shared.edge import admin_fields as fields
from shared.edge.admin_asks import (
    AdminRequest,
    BreakerRequest,
    BreakersQuery,
    ConversationQuery,
    ExportQuery,
    HistoryQuery,
    JobRequest,
    JobsQuery,
    LeadsQuery,
    OperatorAuditQuery,
    OverviewQuery,
)
from shared.edge.body import read_json_object
from shared.edge.fields import ID
from shared.edge.refusals import invalid_field

MODES = ("open", "closed", "auto")
HOURS, HOURS_MOST = 24, 168
PHONE_MOST = 40
_PHONE = re.compile(rf"[^\x00-\x1f\x7f]{{3,{PHONE_MOST}}}")
_JOB = r"[a-z][a-z0-9_]{0,99}"

Reader = Callable[[flask.Request, re.Match[str]], AdminRequest]


def _overview(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return OverviewQuery()


def _history(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("hours",))
    return HistoryQuery(fields.optional_number(given, "hours", 1, HOURS_MOST) or HOURS)


def _breakers(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return BreakersQuery()


def _breaker(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    body = read_json_object(request)
    fields.known_only(body, ("mode", "reason", "by"))
    mode = fields.optional_of(body, "mode", MODES)
    if mode is None:
        raise invalid_field("mode", f"one of {', '.join(MODES)}", "nothing")
    return BreakerRequest(found["channel"], mode, *fields.why_and_who(body))


def _jobs(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return JobsQuery()


def _job(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    body = read_json_object(request)
    fields.known_only(body, ("reason", "by"))
    return JobRequest(found["name"], found["verb"], *fields.why_and_who(body))


def _leads(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("email", "phone", "id"))
    if len(given) != 1:
        raise invalid_field("email", "given, or phone, or id: exactly one of the three")
    must = f"a phone number of at most {PHONE_MOST} characters"
    phone = fields.optional_matching(given, "phone", _PHONE, must)
    one = fields.optional_matching(given, "id", ID, "a conversation's, a session's or an alert's id")
    return LeadsQuery(fields.optional_email(given), phone, one)


def _conversation(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("limit", "after"))
    return ConversationQuery(found["id"], fields.page_size(given), fields.optional_place(given))


def _export(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("reason", "by"))
    return ExportQuery(found["id"], *fields.why_and_who(given))


def _operator_audit(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("limit", "after"))
    return OperatorAuditQuery(fields.page_size(given), fields.optional_place(given))


ROUTES: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("GET", re.compile(r"/overview"), _overview),
    ("GET", re.compile(r"/history"), _history),
    ("GET", re.compile(r"/breakers"), _breakers),
    ("POST", re.compile(rf"/breakers/(?P<channel>{fields.CHANNEL.pattern})"), _breaker),
    ("GET", re.compile(r"/jobs"), _jobs),
    ("POST", re.compile(rf"/jobs/(?P<name>{_JOB})/(?P<verb>pause|resume|run)"), _job),
    ("GET", re.compile(r"/leads"), _leads),
    ("GET", re.compile(rf"/conversations/(?P<id>{ID.pattern})"), _conversation),
    ("GET", re.compile(rf"/conversations/(?P<id>{ID.pattern})/export"), _export),
    ("GET", re.compile(r"/operator_audit"), _operator_audit),
)
