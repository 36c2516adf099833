"""A destination that costs as little as possible: every POST is answered ``ok``, ``GET /certs`` with certificates.

Both functions post to the same one, in a process of its own, so that what differs is theirs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from bench.wire import head_and_length

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nDate: {date}\r\n{more}\r\n"
_CACHE = "Cache-Control: public, max-age=3600, must-revalidate\r\n"
_CLOSE = "Connection: close\r\n"


class Answering(asyncio.Protocol):
    """One connection; ``received`` counts the messages of all."""

    def __init__(self, certificates: bytes, received: list[int]) -> None:
        self._certificates = certificates
        self._received = received
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._heard += data
        while self._transport is not None:
            head, length = head_and_length(self._heard)
            if head is None or len(self._heard) < len(head) + length:
                return
            self._heard = self._heard[len(head) + length :]
            self._answer(head, self._transport)

    def _answer(self, head: bytes, transport: asyncio.Transport) -> None:
        closes = b"\r\nconnection: close\r\n" in head.lower()
        kind, more, body = "text/html", "", b"ok"
        if head.startswith(b"GET /certs"):
            kind, more, body = "application/json", _CACHE, self._certificates
        elif head.startswith(b"GET /received"):
            body = str(self._received[0]).encode()
        else:
            self._received[0] += 1
        more += _CLOSE if closes else ""
        text = _HEAD.format(kind=kind, length=len(body), date=formatdate(usegmt=True), more=more)
        transport.write(text.encode() + body)
        if closes:
            transport.close()


async def serve(environ: Mapping[str, str]) -> None:
    """Listen on ``PORT`` until the end; ``CERTIFICATES`` names a file."""
    certificates = await asyncio.to_thread(Path(environ["CERTIFICATES"]).read_bytes)
    received = [0]
    server = await asyncio.get_running_loop().create_server(
        lambda: Answering(certificates, received), "127.0.0.1", int(environ["PORT"])
    )
    await server.serve_forever()


if __name__ == "__main__":
    import os

    sys.exit(asyncio.run(serve(os.environ)))
