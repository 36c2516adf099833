"""The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header-07)."""

from __future__ import annotations

import re

import flask

from shared.edge.refusals import invalid_header

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(request: flask.Request) -> str | None:
    """The key as sent, None where there is none. The draft's quoted form is taken as is: quotes are part of the key.

    A header sent twice reaches us folded into one, with a comma (RFC 9110, 5.3). With a comma and a space it is
    refused, for the space. gunicorn folds with a bare comma, which is a legal character of one key: two lines then
    make one key, the same each time the same request comes, so a repeat is still found.

    Raises:
        RequestError: 400 naming the header: empty, over 255 characters, or others than visible ASCII.
    """
    values = request.headers.getlist(HEADER)
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise invalid_header(HEADER, "sent once, with 1 to 255 visible ASCII characters and no spaces")
    return values[0]
