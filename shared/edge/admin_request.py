"""What a request to the operator's console asks for, checked field by field; what it means is the flows' business."""

from __future__ import annotations

import re

import flask

from shared.edge import admin_fields as fields
from shared.edge.admin_asks import (
    AdminRequest,
    AlertsQuery,
    AuditQuery,
    BundleQuery,
    CanaryQuery,
    ConservationQuery,
    DeadLettersQuery,
    ErasuresQuery,
    RedriveQuery,
    RedriveRequest,
    WaiveRequest,
)
from shared.edge.admin_fields import BY_MOST, LIMIT, LIMIT_MOST, REASON_MOST
from shared.edge.admin_system_request import ROUTES as OF_THE_SYSTEM
from shared.edge.admin_system_request import Reader
from shared.edge.body import read_json_object
from shared.edge.fields import ID, optional_line, required_text
from shared.edge.refusals import invalid_field, method_not_allowed, not_found

__all__ = ["ANY", "BY_MOST", "LIMIT", "LIMIT_MOST", "REASON_MOST", "ROUTES", "STATUSES", "read_admin_request"]

STATUSES = ("pending", "failed", "waived")
ANY = "any"
OPEN = ("failed", "pending")
_CAUSE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def read_admin_request(request: flask.Request) -> AdminRequest:
    """Read and check a request; the key is the caller's business, before this.

    Raises:
        RequestError: 404, 405, 413, 415 or 400, saying what was wrong and what is accepted.
    """
    there = [(method, read, found) for method, path, read in ROUTES if (found := path.fullmatch(request.path))]
    if not there:
        raise not_found()
    for method, read, found in there:
        if method == request.method:
            return read(request, found)
    raise method_not_allowed(tuple(method for method, _, _ in there), options=False)


def _alerts(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("email", "id"))
    if len(given) != 1:
        raise invalid_field("email", "given, or id, and not both")
    return AlertsQuery(fields.optional_email(given), fields.optional_matching(given, "id", ID, "an alert's id"))


def _dead_letters(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("status", "cause", "channel", "from", "to", "limit", "after"))
    since, before = fields.optional_time(given, "from"), fields.optional_time(given, "to")
    if since is not None and before is not None and since >= before:
        raise invalid_field("from", "earlier than to")
    return DeadLettersQuery(
        status=fields.optional_of(given, "status", STATUSES),
        cause=fields.optional_matching(given, "cause", _CAUSE, "a cause in one line"),
        channel=fields.optional_channel(given),
        limit=fields.page_size(given),
        after=fields.optional_place(given),
        since=since,
        before=before,
    )


def _bundle(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("reason", "by"))
    return BundleQuery(found["id"], *fields.why_and_who(given))


def _redrive(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    body = read_json_object(request)
    fields.known_only(body, ("ids", "cause", "from", "to", "channel", "status", "reason", "by"))
    ids, cause = fields.optional_ids(body, "ids"), fields.optional_matching(body, "cause", _CAUSE, "a cause")
    since, before = fields.optional_time(body, "from"), fields.optional_time(body, "to")
    if (since is None) != (before is None):
        raise invalid_field("from" if since is None else "to", "given where the other one is")
    if since is not None and before is not None and since >= before:
        raise invalid_field("from", "earlier than to")
    if [ids, cause, since].count(None) != 2:  # noqa: PLR2004 - of three, one is given
        raise invalid_field("ids", "given, or cause, or from and to: exactly one of the three")
    status = fields.optional_of(body, "status", (*STATUSES, ANY))
    reason, by = fields.why_and_who(body)
    return RedriveRequest(
        ids=ids,
        cause=cause,
        since=since,
        before=before,
        channel=fields.optional_channel(body),
        statuses=OPEN if status is None else None if status == ANY else (status,),
        reason=reason,
        by=by,
    )


def _redrive_query(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return RedriveQuery(found["id"])


def _waive(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    body = read_json_object(request)
    fields.known_only(body, ("reason", "by"))
    reason = required_text(body, "reason", max_length=REASON_MOST)
    return WaiveRequest(found["id"], reason, optional_line(body, "by", max_length=BY_MOST))


def _conservation(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return ConservationQuery()


def _canary(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return CanaryQuery()


def _audit(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("email", "limit", "after"))
    return AuditQuery(
        email=fields.optional_email(given),
        limit=fields.page_size(given),
        after=fields.optional_place(given),
    )


def _erasures(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return ErasuresQuery(found.groupdict().get("id"))


ROUTES: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("GET", re.compile(r"/alerts"), _alerts),
    ("GET", re.compile(r"/dead_letters"), _dead_letters),
    ("POST", re.compile(r"/dead_letters/redrive"), _redrive),
    ("POST", re.compile(rf"/dead_letters/(?P<id>{ID.pattern})/waive"), _waive),
    ("GET", re.compile(rf"/dead_letters/(?P<id>{ID.pattern})/bundle"), _bundle),
    ("GET", re.compile(rf"/redrives/(?P<id>{ID.pattern})"), _redrive_query),
    ("GET", re.compile(r"/conservation"), _conservation),
    ("GET", re.compile(r"/canary"), _canary),
    ("GET", re.compile(r"/consent_audit"), _audit),
    ("GET", re.compile(r"/erasures"), _erasures),
    ("GET", re.compile(rf"/erasures/(?P<id>{ID.pattern})"), _erasures),
    *OF_THE_SYSTEM,
)
