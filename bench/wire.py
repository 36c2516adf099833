"""Just enough of HTTP/1.1 for a load that costs little beside what it measures."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """A status, a body, and the seconds from the request's first byte to the answer's last."""

    status: int
    body: bytes
    seconds: float


def head_and_length(heard: bytes) -> tuple[bytes | None, int]:
    """A message's head with the empty line and the length of its body; no head while it is not whole."""
    end = heard.find(_END)
    if end < 0:
        return None, 0
    head = heard[: end + len(_END)]
    found = _LENGTH.search(head)
    return head, int(found[1]) if found else 0


async def post_all(url: str, bodies: list[bytes], headers: Mapping[str, str], concurrency: int) -> list[Answer]:
    """POST every body, so many at a time, each line of requests over a connection that is kept.

    Raises:
        OSError, TimeoutError: a connection broke, or an answer did not come.
    """
    waiting = iter(bodies)
    lines = (_line(url, waiting, headers) for _ in range(concurrency))
    return [answer for line in await asyncio.gather(*lines) for answer in line]


async def get(url: str) -> Answer:
    """One GET."""
    place = urlsplit(url)
    request = f"GET {place.path or '/'} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        return (await _exchange(reader, writer, request))[0]
    finally:
        writer.close()


class Line:
    """One connection, opened at first use and kept as long as the server keeps it."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST one JSON body.

        Raises:
            OSError, TimeoutError, asyncio.IncompleteReadError: the connection broke, or an answer did not come.
        """
        place = self._place
        head = f"POST {place.path or '/'} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        if self._connection is None:
            self._connection = await asyncio.open_connection(place.hostname, place.port)
        answer, closes = await _exchange(*self._connection, request)
        if closes:
            self._connection[1].close()
            self._connection = None
        return answer

    async def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection[1].close()
            with suppress(OSError):
                await self._connection[1].wait_closed()


async def _line(url: str, waiting: Iterator[bytes], headers: Mapping[str, str]) -> list[Answer]:
    line = Line(url)
    answers = [await line.post(body, headers) for body in waiting]
    await line.close()
    return answers


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[Answer, bool]:
    """Send a request; its answer, and whether the connection ends with it."""
    began = time.perf_counter()
    writer.write(request)
    async with asyncio.timeout(_ANSWER_SECONDS):
        head, length = head_and_length(await reader.readuntil(_END))
        body = await reader.readexactly(length)
    seconds = time.perf_counter() - began
    told = head or b""
    return Answer(int(told.split(b" ", 2)[1]), body, seconds), b"\r\nconnection: close\r\n" in told.lower()
