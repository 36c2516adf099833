"""The files of the console's pages: named by what is in them, so that a browser may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import flask

from shared.edge.refusals import method_not_allowed, not_found

FOLDER = Path(__file__).parents[1] / "console"
METHODS = ("GET", "HEAD")
KEPT = "public, max-age=31536000, immutable"
TYPES: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
BUNDLES: Mapping[str, tuple[str, ...]] = {
    "console.css": ("vendor/uplot/uPlot.min.css", "tokens.css", "layout.css", "parts.css"),
    "console.js": ("time.js", "live.js", "forms.js", "start.js"),
    "charts.js": ("vendor/uplot/uPlot.iife.min.js", "charts.js"),
    "icon.svg": ("icon.svg",),
}
"""What a page loads → the files it is made of, in this order."""

PATH = re.compile(r"/assets/(?P<stem>[a-z]+)\.(?P<tag>[0-9a-f]{16})\.(?P<kind>css|js|svg)")


@dataclass(frozen=True)
class Asset:
    """A file as it is sent: plain and compressed, under a name that changes with its content."""

    name: str
    mimetype: str
    plain: bytes
    packed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """All of them, by the name that templates use; read once."""
    return {name: _made(name, parts) for name, parts in BUNDLES.items()}


def asset_answer(request: flask.Request) -> flask.Response:
    """A file; nobody needs to be signed in for it, as it says nothing of anybody.

    Raises:
        RequestError: 404, there is none of this name, as after a new version; 405.
    """
    if request.method not in METHODS:
        raise method_not_allowed(METHODS, options=False)
    found = PATH.fullmatch(request.path)
    asset = assets().get(f"{found['stem']}.{found['kind']}") if found else None
    if asset is None or request.path != f"/assets/{asset.name}":
        raise not_found()
    packed = request.accept_encodings["gzip"] > 0
    response = flask.Response(asset.packed if packed else asset.plain, content_type=f"{asset.mimetype}; charset=utf-8")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers.update(
        {
            "Cache-Control": KEPT,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )
    return response


def _made(name: str, parts: tuple[str, ...]) -> Asset:
    stem, _, kind = name.partition(".")
    plain = b"\n".join((FOLDER / "assets" / part).read_bytes().strip() for part in parts) + b"\n"
    tag = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(f"{stem}.{tag}.{kind}", TYPES[f".{kind}"], plain, gzip.compress(plain, 9, mtime=0))
