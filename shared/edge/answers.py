"""JSON answers with the headers every answer of ours carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import flask

SAFE_HEADERS: Mapping[str, str] = {
    # Answers hold what one visitor said or may do: no cache keeps them (RFC 9111, 5.2.2.5).
    "Cache-Control": "no-store",
    # JSON is never sniffed into a page, framed, or made to load anything.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def json_answer(
    data: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    mimetype: str = "application/json",
) -> flask.Response:
    """Answer with JSON text in UTF-8 (RFC 8259), not to be cached, with the safety headers.

    Args:
        data: what ``json.dumps`` takes, in the order in which it is to be shown.
        status: HTTP status code.
        headers: further headers; they win over the safety headers.
        mimetype: another JSON type, for example ``application/problem+json``.

    Raises:
        ValueError: a NaN or an infinity, which JSON does not have.
        TypeError: something that JSON does not have.
    """
    # A lone surrogate (a language model can produce one) has no UTF-8; its escape is still JSON.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    response = flask.Response(text.encode("utf-8", "backslashreplace") + b"\n", status=status, mimetype=mimetype)
    response.headers.update(SAFE_HEADERS)
    response.headers.update(headers or {})
    return response
