"""What a request to the operator's console asks for, checked field by field; what it means is the flows' business."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import flask

from shared.edge import admin_fields as fields
from shared.edge.body import read_json_object
from shared.edge.fields import ID, optional_line, required_text
from shared.edge.refusals import invalid_field, method_not_allowed, not_found

STATUSES = ("pending", "failed", "waived")
ANY = "any"
OPEN = ("failed", "pending")
LIMIT, LIMIT_MOST = 50, 200
REASON_MOST = 500
BY_MOST = 200
EMAIL_MOST = 320
_EMAIL = re.compile(rf"[^\x00-\x20\x7f]{{3,{EMAIL_MOST}}}")
_CAUSE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CURSOR = re.compile(rf"[0-9]{{1,17}}-{ID.pattern}")


@dataclass(frozen=True)
class AlertsQuery:
    """``GET /alerts``: by exactly one of the two."""

    email: str | None
    id: str | None


@dataclass(frozen=True)
class DeadLettersQuery:
    """``GET /dead_letters``: those of this status, cause and channel (None: any), a page from after a place on."""

    status: str | None
    cause: str | None
    channel: str | None
    limit: int
    after: str | None


@dataclass(frozen=True)
class RedriveRequest:
    """``POST /dead_letters/redrive``.

    Attributes:
        ids: named one by one, each once; or None.
        cause: all of this cause; or None.
        since: all that became dead letters then or later; or None.
        before: and before then.
        channel: of them those of this one; None for any.
        statuses: of them those of these; None for any.
        reason: why, None where nothing was said.
        by: who says so, likewise.
    """

    ids: tuple[str, ...] | None
    cause: str | None
    since: datetime | None
    before: datetime | None
    channel: str | None
    statuses: tuple[str, ...] | None
    reason: str | None
    by: str | None


@dataclass(frozen=True)
class RedriveQuery:
    """``GET /redrives/{id}``."""

    id: str


@dataclass(frozen=True)
class WaiveRequest:
    """``POST /dead_letters/{id}/waive``: which, why, and who says so (None where nothing was said)."""

    id: str
    reason: str
    by: str | None


@dataclass(frozen=True)
class ConservationQuery:
    """``GET /conservation``."""


@dataclass(frozen=True)
class CanaryQuery:
    """``GET /canary``."""


@dataclass(frozen=True)
class AuditQuery:
    """``GET /consent_audit``: a page, of one address or of all (None), from after a place on."""

    email: str | None
    limit: int
    after: str | None


@dataclass(frozen=True)
class ErasuresQuery:
    """``GET /erasures`` and ``GET /erasures/{id}``."""

    id: str | None


AdminRequest = (
    AlertsQuery
    | DeadLettersQuery
    | RedriveRequest
    | RedriveQuery
    | WaiveRequest
    | ConservationQuery
    | CanaryQuery
    | AuditQuery
    | ErasuresQuery
)


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
    email = fields.optional_matching(given, "email", _EMAIL, f"an e-mail address of at most {EMAIL_MOST} characters")
    return AlertsQuery(email, fields.optional_matching(given, "id", ID, "an alert's id"))


def _dead_letters(request: flask.Request, _: re.Match[str]) -> AdminRequest:
    given = fields.read_query(request, ("status", "cause", "channel", "limit", "after"))
    return DeadLettersQuery(
        status=fields.optional_of(given, "status", STATUSES),
        cause=fields.optional_matching(given, "cause", _CAUSE, "a cause in one line"),
        channel=fields.optional_matching(given, "channel", _CHANNEL, "a channel's name"),
        limit=fields.optional_number(given, "limit", 1, LIMIT_MOST) or LIMIT,
        after=fields.optional_matching(given, "after", _CURSOR, "what an answer gave as next"),
    )


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
    return RedriveRequest(
        ids=ids,
        cause=cause,
        since=since,
        before=before,
        channel=fields.optional_matching(body, "channel", _CHANNEL, "a channel's name"),
        statuses=OPEN if status is None else None if status == ANY else (status,),
        reason=fields.optional_text(body, "reason", max_length=REASON_MOST),
        by=optional_line(body, "by", max_length=BY_MOST),
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
        email=fields.optional_matching(given, "email", _EMAIL, f"an e-mail address of at most {EMAIL_MOST} characters"),
        limit=fields.optional_number(given, "limit", 1, LIMIT_MOST) or LIMIT,
        after=fields.optional_matching(given, "after", _CURSOR, "what an answer gave as next"),
    )


def _erasures(request: flask.Request, found: re.Match[str]) -> AdminRequest:
    fields.read_query(request, ())
    return ErasuresQuery(found.groupdict().get("id"))


Reader = Callable[[flask.Request, re.Match[str]], AdminRequest]

ROUTES: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("GET", re.compile(r"/alerts"), _alerts),
    ("GET", re.compile(r"/dead_letters"), _dead_letters),
    ("POST", re.compile(r"/dead_letters/redrive"), _redrive),
    ("POST", re.compile(rf"/dead_letters/(?P<id>{ID.pattern})/waive"), _waive),
    ("GET", re.compile(rf"/redrives/(?P<id>{ID.pattern})"), _redrive_query),
    ("GET", re.compile(r"/conservation"), _conservation),
    ("GET", re.compile(r"/canary"), _canary),
    ("GET", re.compile(r"/consent_audit"), _audit),
    ("GET", re.compile(r"/erasures"), _erasures),
    ("GET", re.compile(rf"/erasures/(?P<id>{ID.pattern})"), _erasures),
)
