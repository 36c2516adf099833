"""A request's body: read with limits, refused with a reason, never left on the wire."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import flask

from shared.edge.json_text import parse_object
from shared.edge.refusals import body_too_large, malformed_body, unsupported_media_type
from shared.errors import RequestError

MAX_BYTES = 64 * 1024
FIELDS_MOST = 50

# A client or proxy that is still sending meets a reset instead of the answer when nobody reads; beyond this it may.
DRAIN_BYTES = 16 * 1024 * 1024

_PIECE = 64 * 1024
_JSON_TYPE = re.compile(r"application/(?:[!#$&^_.+a-z0-9-]+\+)?json")
_LENGTH = re.compile(r"[0-9]{1,18}")
_STATE = "bellhop.body"


def read_json_object(request: flask.Request, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a JSON object from the body of ``request``; the method is the caller's business.

    Accepted is ``application/json`` or another ``application/…+json``, in UTF-8, at most ``max_bytes`` long, by
    Content-Length or chunked (RFC 9112, 6.3). Afterwards nothing of the body is left to read.

    Raises:
        RequestError: 415 another type, charset or content coding; 413 too long; 400 no body, one that broke off, a
            wrong Content-Length, and everything ``parse_object`` refuses.
    """
    try:
        _require_json_type(request)
        data = _read(request, max_bytes)
    finally:
        discard_body(request)
    return parse_object(data)


def read_form(request: flask.Request, *, max_bytes: int = MAX_BYTES) -> dict[str, str]:
    """Read the fields of a form, as ``read_pairs`` does; of a field given twice the last."""
    return dict(read_pairs(request, max_bytes=max_bytes))


def read_pairs(
    request: flask.Request, *, max_bytes: int = MAX_BYTES, max_fields: int = FIELDS_MOST
) -> list[tuple[str, str]]:
    """Read the fields of a form, ``application/x-www-form-urlencoded`` in UTF-8, in their order.

    Raises:
        RequestError: 413, 400: as for JSON; 415 compressed or otherwise coded.
    """
    try:
        _require_identity(request)
        data = _read(request, max_bytes)
    finally:
        discard_body(request)
    try:
        return parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=max_fields)
    except ValueError as error:
        raise malformed_body("The request body is no form in UTF-8, percent-encoded.") from error


def discard_body(request: flask.Request) -> None:
    """Read what is left of the body, at most 16 MiB, and keep none of it; never raises, can be repeated.

    functions-framework reads whatever is left after the answer, all of it into memory, and turns an answer into a
    500 when that fails: so it is given an empty stream.
    """
    seen = 0
    with contextlib.suppress(RequestError):
        for piece in _body(request).pieces():
            seen += len(piece)
            if seen >= DRAIN_BYTES:
                break
    request.environ["wsgi.input"] = io.BytesIO()
    request.environ["wsgi.input_terminated"] = True
    request.environ[_STATE] = _Body(io.BytesIO(), 0)


class _Body:
    """The bytes of one request's body, read once, never beyond its end."""

    def __init__(self, stream: Any, left: int | None) -> None:
        """Read from ``stream``: ``left`` bytes, or until its end where the server marks that (None)."""
        self.stream = stream
        self.left = left

    def pieces(self) -> Iterator[bytes]:
        """Yield what is left, in pieces.

        Raises:
            RequestError: 400, the body broke off before its end.
        """
        while self.left is None or self.left > 0:
            try:
                piece: bytes = self.stream.read(_PIECE if self.left is None else min(_PIECE, self.left))
            except Exception as error:  # each server has errors of its own for a broken body
                self.left = 0
                raise malformed_body("The request body broke off or its chunks are malformed.") from error
            if not piece:
                complete, self.left = self.left is None, 0
                if complete:
                    return
                raise malformed_body("The request body ended before the length given in Content-Length.")
            if self.left is not None:
                self.left -= len(piece)
            yield piece


def _body(request: flask.Request) -> _Body:
    """The body's reader, the same one each time it is asked for."""
    body = request.environ.get(_STATE)
    if not isinstance(body, _Body):
        left = _declared_length(request)
        if left is None and not request.environ.get("wsgi.input_terminated"):
            left = 0  # neither a length nor a server that marks the end: there is no body (RFC 9112, 6.3)
        body = _Body(request.environ["wsgi.input"], left)
        request.environ[_STATE] = body
    return body


def _declared_length(request: flask.Request) -> int | None:
    """Content-Length in bytes, None where there is none.

    Raises:
        RequestError: 400, it is no length, or stands beside Transfer-Encoding (RFC 9112, 6.1).
    """
    text = request.environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    if not _LENGTH.fullmatch(text):
        raise malformed_body("Content-Length must be the number of bytes of the request body.")
    if request.environ.get("HTTP_TRANSFER_ENCODING"):
        raise malformed_body("Content-Length and Transfer-Encoding must not both be sent.")
    return int(text)


def _read(request: flask.Request, max_bytes: int) -> bytes:
    """The whole body, at most ``max_bytes``."""
    body = _body(request)
    if body.left is not None and body.left > max_bytes:
        raise body_too_large(max_bytes)
    data = bytearray()
    for piece in body.pieces():
        data += piece
        if len(data) > max_bytes:
            raise body_too_large(max_bytes)
    return bytes(data)


def _require_json_type(request: flask.Request) -> None:
    """Refuse what does not say that it is JSON in UTF-8 (RFC 8259, 8.1 and 11)."""
    charset = request.mimetype_params.get("charset", "utf-8")
    if not _JSON_TYPE.fullmatch(request.mimetype) or charset.lower() not in {"utf-8", "utf8"}:
        raise unsupported_media_type(
            "The content type must be application/json, in UTF-8.", {"Accept": "application/json"}
        )
    _require_identity(request)


def _require_identity(request: flask.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}:
        raise unsupported_media_type(
            "The request body must not be compressed or otherwise coded.", {"Accept-Encoding": "identity"}
        )
