"""The chat widget for other people's pages, and the gallery in which its owner sets it up (``docs/decisions/0021``).

Only for requests that ask for one of these: nothing is read or put together before the first of them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask

from shared.edge.cors import options_answer, with_cors
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed, not_found, precondition_failed

Words = Callable[[], Mapping[str, Any]]

METHODS = ("GET", "HEAD")
FOLDER = Path(__file__).parents[1] / "widget"

# In this order: each uses only what stands above it.
PARTS = ("texts.js", "dom.js", "options.js", "memory.js", "sending.js", "contact.js", "view.js", "element.js")

# Five minutes: a correction is soon everywhere. A day more while a newer one is fetched, and when we are down.
CACHED = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400"
# What visitors agree to is recorded as it is now, so it is never shown as it was (RFC 9111, 5.2.2.4).
ASKED_AGAIN = "no-cache"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
SAFE: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A script may be asked for by any page; the page's own policy and ALLOWED_ORIGINS say what it may do there.
FOR_ALL: Mapping[str, str] = {"Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True)
class File:
    """A file as it is sent: plain and compressed, and what names this version of it."""

    mimetype: str
    plain: bytes
    packed: bytes
    tag: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, mimetype: str, plain: bytes, headers: Mapping[str, str]) -> File:
        """Compressed reproducibly: every instance gives the same bytes the same name."""
        tag = hashlib.sha256(plain).hexdigest()[:20]
        return cls(mimetype, plain, gzip.compress(plain, 9, mtime=0), tag, headers)


def page_answer(
    request: flask.Request,
    words: Words,
    origins: tuple[str, ...],
    *,
    on_error: Callable[[Exception], None],
) -> flask.Response:
    """Answer a request for the widget, for what it says for this business, or for the gallery; nothing is raised.

    A version the caller has is answered with 304 (RFC 9110, 13.1.2), one who takes gzip gets it; 404 and 405 are
    problem details. Only the widget's own two files can be read by scripts of other origins.

    Args:
        request: the request.
        words: what the widget needs to know of the business, as ``widget.json``; asked for once.
        origins: ALLOWED_ORIGINS.
        on_error: see ``shared.edge.problems.answer``.
    """
    allowed = origins if request.path.startswith("/widget.") else ()
    if request.method == "OPTIONS":
        return options_answer(request, allowed, METHODS)
    return with_cors(answer(lambda asked: _answer(asked, words), request, on_error=on_error), request, allowed)


def _answer(request: flask.Request, words: Words) -> flask.Response:
    make = _FILES.get(request.path)
    if make is None:
        raise not_found()
    if request.method not in METHODS:
        raise method_not_allowed(METHODS)
    return _send(request, make(words))


def widget_script() -> bytes:
    """The widget as one script: its parts in one scope, so that a page sees none of its names."""
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    parts = [(FOLDER / name).read_text(encoding="utf-8").strip() for name in PARTS]
    start = '/* Bellhop chat widget */\n(() => {\n"use strict";\n'
    return f"{start}const STYLE = {json.dumps(style)};\n{chr(10).join(parts)}\n}})();\n".encode()


@cache
def _widget(_: Words) -> File:
    return File.of("text/javascript", widget_script(), FOR_ALL)


@cache
def _words(words: Words) -> File:
    headers = {"Cache-Control": ASKED_AGAIN}
    return File.of("application/json", json.dumps(words(), ensure_ascii=False).encode(), headers)


def _gallery(name: str, mimetype: str) -> Callable[[Words], File]:
    @cache
    def read(_: Words) -> File:
        return File.of(mimetype, (FOLDER / name).read_bytes(), {})

    return read


_FILES: Mapping[str, Callable[[Words], File]] = {
    "/widget.js": _widget,
    "/widget.json": _words,
    "/gallery": _gallery("gallery.html", "text/html"),
    "/gallery.js": _gallery("gallery.js", "text/javascript"),
    "/gallery.css": _gallery("gallery.css", "text/css"),
    "/gallery.svg": _gallery("gallery.svg", "image/svg+xml"),
}


def _send(request: flask.Request, file: File) -> flask.Response:
    packed = request.accept_encodings["gzip"] > 0
    response = flask.Response(file.packed if packed else file.plain, content_type=f"{file.mimetype}; charset=utf-8")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers.update({**SAFE, "Cache-Control": CACHED, "Vary": "Accept-Encoding", **file.headers})
    # Two names: a cache must not take one form for the other (RFC 9110, 8.8.3.3).
    response.set_etag(f"{file.tag}-gzip" if packed else file.tag)
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise precondition_failed()
    return response
