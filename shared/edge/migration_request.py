"""What a request to ``admin_migration`` asks for, checked field by field; what it means is the flows' business."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flask

from shared.edge import admin_fields as fields
from shared.edge.admin_fields import BY_MOST, REASON_MOST
from shared.edge.body import read_json_object
from shared.edge.fields import optional_exact, optional_line
from shared.edge.json_text import json_type
from shared.edge.refusals import invalid_field, method_not_allowed, not_found

STEP = r"[0-9]{4}"
STAMPS = ("done", "pending")
NAME_MOST = 1500
"""Bytes of a document's name, which also is not one that Firestore keeps for itself (see ``shared.edge.fields.ID``)."""

_NAME = re.compile(r"(?!\.{1,2}\Z)(?!__(?!id[0-9]+__\Z).*__\Z)[^/]+")
_LARGEST = 2**53
_OF_SLICES = ("", "/")


@dataclass(frozen=True)
class StatusQuery:
    """``GET /``: all steps; ``GET /{step}``: one."""

    step: str | None


@dataclass(frozen=True)
class RunRequest:
    """``POST /{step}``: a plan, from after a document on, or a run."""

    step: str
    dry_run: bool
    after: str | None
    by: str | None


@dataclass(frozen=True)
class RollbackRequest:
    """``POST /{step}/rollback``."""

    step: str
    by: str | None


@dataclass(frozen=True)
class StampRequest:
    """``POST /{step}/stamp``."""

    step: str
    state: str
    by: str | None
    reason: str | None


@dataclass(frozen=True)
class AcceptRequest:
    """``POST /{step}/accept``."""

    step: str
    by: str | None
    reason: str | None


@dataclass(frozen=True)
class SliceTask:
    """``POST /``: one slice, by task; None where there is nothing in it."""

    step: str
    run: int
    number: int


MigrationRequest = StatusQuery | RunRequest | RollbackRequest | StampRequest | AcceptRequest


def is_slice(request: flask.Request) -> bool:
    """Whether it is a task's: the only one that is sent to the function itself."""
    return request.path in _OF_SLICES and request.method == "POST"


def read_slice(request: flask.Request) -> SliceTask | None:
    """Check a task's body; an empty object asks for nothing.

    Raises:
        RequestError: 400, names the field.
    """
    body = read_json_object(request)
    if not body:
        return None
    step = fields.optional_matching(body, "step", re.compile(STEP), "a step's number of four digits")
    if step is None:
        raise invalid_field("step", "a step's number of four digits", "nothing")
    return SliceTask(step, _number(body, "run"), _number(body, "slice"))


def read_migration_request(request: flask.Request) -> MigrationRequest:
    """Read and check a request; the key is the caller's business, before this.

    Raises:
        RequestError: 404, 405, 413, 415 or 400, saying what was wrong and what is accepted.
    """
    there = [(method, read, found) for method, path, read in ROUTES if (found := path.fullmatch(request.path or "/"))]
    if not there:
        raise not_found()
    for method, read, found in there:
        if method == request.method:
            return read(request, found)
    by_task = ("POST",) if request.path in _OF_SLICES else ()
    raise method_not_allowed((*(method for method, _, _ in there), *by_task), options=False)


def _status(request: flask.Request, found: re.Match[str]) -> MigrationRequest:
    fields.read_query(request, ())
    return StatusQuery(found.groupdict().get("step"))


def _run(request: flask.Request, found: re.Match[str]) -> MigrationRequest:
    body = read_json_object(request)
    fields.known_only(body, ("dry_run", "after", "by"))
    dry_run = body.get("dry_run")
    if not isinstance(dry_run, bool):  # said, never guessed: one of the two changes documents
        raise invalid_field("dry_run", "true or false", json_type(dry_run) if "dry_run" in body else "nothing")
    after = optional_exact(body, "after", max_length=NAME_MOST)
    if after is not None and not (dry_run and _NAME.fullmatch(after) and len(after.encode()) <= NAME_MOST):
        raise invalid_field("after", "what the plan before this one gave as next, with dry_run")
    return RunRequest(found["step"], dry_run, after, _by(body))


def _rollback(request: flask.Request, found: re.Match[str]) -> MigrationRequest:
    body = _optional_body(request)
    fields.known_only(body, ("by",))
    return RollbackRequest(found["step"], _by(body))


def _stamp(request: flask.Request, found: re.Match[str]) -> MigrationRequest:
    body = read_json_object(request)
    fields.known_only(body, ("state", "by", "reason"))
    state = fields.optional_of(body, "state", STAMPS)
    if state is None:
        raise invalid_field("state", f"one of {', '.join(STAMPS)}", "nothing")
    return StampRequest(found["step"], state, _by(body), _reason(body))


def _accept(request: flask.Request, found: re.Match[str]) -> MigrationRequest:
    body = _optional_body(request)
    fields.known_only(body, ("by", "reason"))
    return AcceptRequest(found["step"], _by(body), _reason(body))


def _optional_body(request: flask.Request) -> dict[str, Any]:
    """A body where there is one: who asks need not say who they are."""
    none = request.content_length == 0 or (request.content_length is None and "chunked" not in _coding(request))
    return {} if none else read_json_object(request)


def _coding(request: flask.Request) -> str:
    return request.headers.get("Transfer-Encoding", "").lower()


def _by(body: Mapping[str, Any]) -> str | None:
    return optional_line(body, "by", max_length=BY_MOST)


def _reason(body: Mapping[str, Any]) -> str | None:
    return fields.optional_text(body, "reason", max_length=REASON_MOST)


def _number(body: Mapping[str, Any], field: str) -> int:
    value = body.get(field)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 2.0 is 2: JSON has one kind of number (RFC 8259, 6)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LARGEST:
        raise invalid_field(field, "a whole number from 1", json_type(value) if field in body else "nothing")
    return value


Reader = Callable[[flask.Request, re.Match[str]], MigrationRequest]

ROUTES: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("GET", re.compile(r"/"), _status),
    ("GET", re.compile(rf"/(?P<step>{STEP})"), _status),
    ("POST", re.compile(rf"/(?P<step>{STEP})"), _run),
    ("POST", re.compile(rf"/(?P<step>{STEP})/rollback"), _rollback),
    ("POST", re.compile(rf"/(?P<step>{STEP})/stamp"), _stamp),
    ("POST", re.compile(rf"/(?P<step>{STEP})/accept"), _accept),
)
