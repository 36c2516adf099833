"""Problem details (RFC 9457) as the local system answers them."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web


def problem(status: int, detail: str) -> web.Response:
    """An error with a sentence that says what was wrong and what is accepted."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json")
