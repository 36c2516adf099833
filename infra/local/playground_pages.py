"""The playground's files, served with headers that let nothing else in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "playground"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def playground_routes() -> list[web.RouteDef]:
    """The page at ``/`` and its files under ``/playground/``; only files that are there when the system starts."""
    files = {f"/playground/{path.name}": path for path in FOLDER.iterdir() if path.suffix in {".css", ".js", ".svg"}}
    files["/"] = FOLDER / "index.html"
    return [web.get(url, _page(path)) for url, path in files.items()]


def _page(path: Path) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def serve(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers=HEADERS)

    return serve
