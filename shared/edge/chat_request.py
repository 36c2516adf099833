"""What ``POST /chat`` carries, checked field by field; what it means is the flow's business."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import flask

from shared.edge.body import read_json_object
from shared.edge.client_address import client_address
from shared.edge.fields import optional_exact, optional_flags, optional_line, required_text
from shared.edge.idempotency import idempotency_key
from shared.edge.refusals import invalid_field, method_not_allowed

METHODS = ("POST",)
NAME_MOST = 200
EMAIL_MOST = 320
PHONE_MOST = 64
CANARY = "X-Bellhop-Canary"
"""The header with which the function ``canary`` says that a message is its own."""

_SESSION_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ChatRequest:
    """A well-formed request.

    Attributes:
        message: 1 to 2000 code points, not only spaces.
        session_id: 32 hexadecimal digits, None for a new visitor.
        name: as typed, one line; like e-mail and phone None where it was not given.
        email: as typed, not yet known to be one.
        phone: as typed, not yet known to be one.
        processing: consent to processing, None where nothing was said.
        marketing: consent to marketing mail, likewise.
        idempotency_key: the header, None without one.
        client: the address the request came from, as limits count it.
        canonical: the body in one form, to tell a repeat from another request.
        canary: the header, None without one.
    """

    message: str
    session_id: str | None
    name: str | None
    email: str | None
    phone: str | None
    processing: bool | None
    marketing: bool | None
    idempotency_key: str | None
    client: str
    canonical: str
    canary: str | None


def read_chat_request(request: flask.Request, *, proxy_hops: int) -> ChatRequest:
    """Read and check a request.

    Args:
        request: the request.
        proxy_hops: how many proxies before the function append to X-Forwarded-For.

    Raises:
        RequestError: 405, 413, 415 or 400, saying what was wrong and what is accepted.
    """
    if request.method not in METHODS:
        raise method_not_allowed(METHODS)
    key = idempotency_key(request)
    body = read_json_object(request)
    session_id = optional_exact(body, "session_id", max_length=64)
    if session_id is not None and not _SESSION_ID.fullmatch(session_id):
        raise invalid_field("session_id", "the session_id of an earlier answer (32 hexadecimal digits), or left out")
    consent = optional_flags(body, "consent", ("processing", "marketing"))
    return ChatRequest(
        message=required_text(body, "message"),
        session_id=session_id,
        name=optional_line(body, "name", max_length=NAME_MOST),
        email=optional_line(body, "email", max_length=EMAIL_MOST),
        phone=optional_line(body, "phone", max_length=PHONE_MOST),
        processing=consent.get("processing"),
        marketing=consent.get("marketing"),
        idempotency_key=key,
        client=client_address(request.remote_addr, request.headers.getlist("X-Forwarded-For"), proxy_hops),
        canonical=json.dumps(body, sort_keys=True, separators=(",", ":")),
        canary=request.headers.get(CANARY),
    )
