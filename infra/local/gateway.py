"""The one address of the local system: every function under its name, ``/_local/`` to look and to break, ``/`` to play.

The gateway stands where Google's front end stands in production: it takes the function's name off the path, appends the
caller's address to ``X-Forwarded-For``, and holds a request back while no instance listens. It listens on loopback
only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from infra.local.problems import problem

BODY_MOST = 32 * 1024 * 1024
"""What Cloud Functions take at most; more is refused before a function sees it."""

BODY_SECONDS = 30.0
"""How long a body may take to come; in the cloud the function's own timeout ends such a request."""

INSTANCE_SECONDS = 15.0
"""How long a request waits for a function that is starting (again)."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

FORWARDED = frozenset({"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})


class Gateway:
    """Passes requests on to the functions.

    Attributes:
        urls: where each function listens, by name.
        body_seconds: how long a body may take to come.
    """

    def __init__(self, urls: Mapping[str, str], *, body_seconds: float = BODY_SECONDS) -> None:
        self.urls = urls
        self.body_seconds = body_seconds
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Get ready to call; one session for all calls."""
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self) -> None:
        """End what is open."""
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on and its answer back."""
        name, _, rest = request.rel_url.raw_path.lstrip("/").partition("/")
        url = self.urls.get(name)
        if url is None:
            known = ", ".join(f"/{function}" for function in sorted(self.urls))
            return problem(404, f"There is no function of that name; there are {known}, and /_local/ and /.")
        if not rest and request.rel_url.raw_path == f"/{name}" and _opens_console(name, request):
            # Its links are relative to a slash; a function of its own host has no path without one.
            raise web.HTTPPermanentRedirect(f"/{name}/?{request.rel_url.raw_query_string}".rstrip("?"))
        if not _utf8(request):  # aiohttp would leave such bytes out, and another header would arrive
            return problem(400, "A header is not UTF-8.")
        try:
            async with asyncio.timeout(self.body_seconds):
                body = await request.read()
        except TimeoutError:
            slow = problem(408, f"The body did not come within {self.body_seconds:g} seconds.")
            slow.force_close()
            return slow
        except web.HTTPRequestEntityTooLarge:
            return problem(413, f"The body is too large; at most {BODY_MOST} bytes are accepted.")
        query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
        return await self._pass_on(request, f"{url}/{rest}{query}", body)

    async def _pass_on(self, request: web.Request, url: str, body: bytes) -> web.StreamResponse:
        if self._session is None:
            return problem(503, "The local system is starting.")
        give_up = time.monotonic() + INSTANCE_SECONDS
        while True:
            try:
                async with self._session.request(
                    request.method,
                    URL(url, encoded=True),
                    data=body or None,
                    headers=_forwarded(request, body),
                    allow_redirects=False,
                ) as answer:
                    content = await answer.read()
                    kept = CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP)
                    return web.Response(status=answer.status, body=content, headers=kept)
            except aiohttp.ClientConnectorError:
                if time.monotonic() > give_up:
                    return problem(503, "The function does not start; see /_local/logs/ for why.")
                await asyncio.sleep(0.05)
            except (aiohttp.ClientError, OSError):
                return problem(502, "The function ended while it was answering; what it did is not known.")


def _opens_console(name: str, request: web.Request) -> bool:
    """Whether somebody opens the console in a browser."""
    shown = "text/html" in request.headers.get("Accept", "")
    return name == "admin_console" and request.method == "GET" and shown and "X-ADMIN-API-KEY" not in request.headers


def _utf8(request: web.Request) -> bool:
    try:
        "".join(request.headers.values()).encode()
    except UnicodeEncodeError:
        return False
    return True


def _forwarded(request: web.Request, body: bytes) -> list[tuple[str, str]]:
    headers = [
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in HOP_BY_HOP and name.lower() not in FORWARDED
    ]
    claimed = request.headers.getall("X-Forwarded-For", [])
    headers.append(("X-Forwarded-For", ", ".join([*claimed, request.remote or "unknown"])))
    headers.append(("X-Forwarded-Proto", "http"))
    headers.append(("X-Forwarded-Host", request.host))
    if not body and request.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", "0"))
    return headers


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another origin could make a browser send here: names that are not this machine's."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    if host not in {"localhost", "::1"} and not host.startswith("127."):
        return problem(421, "This address serves 127.0.0.1 and localhost only.")
    local = request.path.startswith("/_local/") and request.method not in {"GET", "HEAD"}
    origin = request.headers.get("Origin")
    if local and origin is not None and origin != f"http://{request.host}":
        return problem(403, "Pages of other origins may not change the local system.")
    return await handler(request)
