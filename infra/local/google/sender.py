"""Requests over the network, as Google makes them: no redirects, no cookies, no proxies."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from infra.local.google.attempt import Call, Outcome

_CHUNK = 64 * 1024


class HttpSender:
    """Makes every request of the stand-in through one session; ``close`` it.

    Each request has its own connection: a function that is being restarted must not fail the next task by a
    connection it had kept open.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, call: Call) -> Outcome:
        """The answer's status once it has been read whole, or why there is none; never raises."""
        try:
            async with self._opened().request(
                call.method, call.url, headers=call.headers, data=call.body or None, allow_redirects=False
            ) as answer:
                while await answer.content.read(_CHUNK):
                    pass
                return Outcome(answer.status, retry_after=_retry_after(answer.headers.get("Retry-After", "")))
        except (aiohttp.ClientError, OSError, ValueError):
            return Outcome(None)

    async def close(self) -> None:
        """End every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline is kept by the stand-in's own clock
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,
            )
        return self._session


def _retry_after(value: str) -> timedelta | None:
    """The seconds asked for; its other form, a date, is not heeded."""
    return timedelta(seconds=int(value)) if value.isdecimal() and value.isascii() and len(value) <= 6 else None  # noqa: PLR2004 - digits: eleven days
