"""Errors as RFC 9457 problem details, and the frame around every function that makes sure of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from shared.edge.answers import json_answer
from shared.edge.body import MAX_BYTES, discard_body
from shared.edge.refusals import body_too_large, from_status, internal_error, method_not_allowed
from shared.errors import RequestError

# A problem type must be a URI but need not be a page (RFC 9457, 3.1.1). A URN needs no domain that somebody has to
# own and keep for ever, and no relative reference that would mean something else under every function's path. The
# namespace is not registered (RFC 8141); nothing resolves it, clients compare it as text.
TYPE_PREFIX = "urn:bellhop:problem:"

SERVER_ERROR = 500


def problem(error: RequestError) -> flask.Response:
    """Answer with the problem details of ``error`` (RFC 9457).

    The body has ``type``, ``title``, ``status``, ``detail`` and, where known, ``field``; the headers are those of
    every JSON answer, ``Retry-After`` in seconds where waiting helps, and the error's own.
    """
    members: dict[str, object] = {
        "type": TYPE_PREFIX + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if error.field is not None:
        members["field"] = error.field
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(0, error.retry_after))
    return json_answer(members, error.status, headers, mimetype="application/problem+json")


def from_http_exception(error: HTTPException) -> RequestError:
    """Ours for what werkzeug or Flask raised: same status, our words; its own may repeat what the caller sent."""
    if isinstance(error, RequestEntityTooLarge):
        return body_too_large(MAX_BYTES)
    if isinstance(error, MethodNotAllowed):
        return method_not_allowed(tuple(error.valid_methods or ()))
    headers = {name: value for name, value in error.get_headers() if name in {"Retry-After", "WWW-Authenticate"}}
    return from_status(error.code, headers)


def answer(
    handler: Callable[[flask.Request], flask.Response],
    request: flask.Request,
    *,
    on_error: Callable[[Exception], None],
) -> flask.Response:
    """Run ``handler`` and answer with what it returned, or with the problem it raised; nothing escapes.

    What is left of the request's body is read and thrown away, so that the caller sees the answer.

    Args:
        handler: answers a request, or raises RequestError to refuse it.
        request: the request.
        on_error: told of every exception that becomes a 5xx, our own 503 included, so that it can be logged; called
            inside the ``except`` clause, so the traceback is at hand. What it raises is dropped.
    """
    try:
        response = handler(request)
    except Exception as error:  # noqa: BLE001 - the last frame: whatever it was, the caller gets an answer
        refusal = _refusal(error)
        if refusal.status >= SERVER_ERROR:
            with contextlib.suppress(Exception):
                on_error(error)
        response = problem(refusal)
    discard_body(request)
    return response


def _refusal(error: Exception) -> RequestError:
    """What the caller is told about ``error``."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, HTTPException):
        return from_http_exception(error)
    return internal_error()
