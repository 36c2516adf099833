"""The playground's files, served with headers that let nothing else in.

Two pages: the playground, and a small company's site, which it shows in a frame and which has the widget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "playground"
SITE = "/playground/site"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def playground_routes() -> list[web.RouteDef]:
    """The page at ``/`` and its files under ``/playground/``; only files that are there when the system starts."""
    files = {f"/playground/{path.name}": path for path in FOLDER.iterdir() if path.suffix in {".css", ".js", ".svg"}}
    files["/"] = FOLDER / "index.html"
    pages = [web.get(url, _page(path, "'none'")) for url, path in files.items()]
    return [*pages, web.get(SITE, _page(FOLDER / "site.html", "'self'"))]


def _page(path: Path, ancestors: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    headers = {**HEADERS, "Content-Security-Policy": POLICY.format(ancestors=ancestors)}

    async def serve(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers=headers)

    return serve
