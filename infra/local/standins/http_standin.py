"""What every destination reached over HTTP has in common: a port of its own, and the ways a connection goes wrong.

A destination adds two things: what it answers when it is well (``accept``) and what it answers when it is told to
fail with a status or an error's name (``refuse``). The modes below HTTP are made here, the same for all:

``timeout``
    The body is read, an answer never comes; nothing is accepted. The connection ends after ``hang_seconds``.
``reset``
    The body is read, then the connection is reset (RST); nothing is accepted.
``unanswered``
    The request is served as usual, then the connection is reset instead of an answer.
``slow``
    The request is served as usual, and what is sent back is the raw answer, status line included, one byte every
    ``drip_seconds``: each read makes progress, so only a total deadline ends it.
``down``
    At rate 1 the port refuses connections: the listening socket is closed, open connections are reset, and healing
    takes the same port again. At a lower rate a struck connection is reset before the body is read.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from infra.local.standins.faults import Fault, FaultSwitch
from shared.adapters.http import CANARY_AGENT

_HOST = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time to linger: closing sends RST


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, body, its media type and further headers."""

    status: int
    body: str
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def response(self) -> web.Response:
        """The answer as aiohttp sends it."""
        return web.Response(
            status=self.status, text=self.body, content_type=self.content_type, headers=dict(self.headers)
        )

    def raw(self) -> bytes:
        """The answer as it goes over the wire; the connection ends with it."""
        body = self.body.encode()
        lines = [
            f"HTTP/1.1 {self.status} {phrase(self.status)}",
            f"Content-Type: {self.content_type}; charset=utf-8",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


class _NoAnswer(web.Response):
    """Nothing more is sent on this connection: aiohttp closes it as it does when the client has gone."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        del request
        raise ConnectionResetError


class HttpStandIn(ABC):
    """A destination on a loopback port that can be broken and healed.

    Attributes:
        name: what ``/_local/{name}/…`` calls it.
        path: the path of the URL given out.
        modes: every mode ``set_fault`` takes, the commonest first.
        received: what was accepted, oldest first, as the destination would show it.
        canaries: the same of what was accepted at the target for canaries.
        requests: how many requests reached it, accepted or not.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        self.received: list[dict[str, Any]] = []
        self.canaries: list[dict[str, Any]] = []
        self.requests = 0
        self._hang_seconds = hang_seconds
        self._drip_seconds = drip_seconds
        self._switch = FaultSwitch()
        self._changing = asyncio.Lock()
        self._http: web.Server | None = None
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._reserved: socket.socket | None = None  # keeps the port while down: bound, not listening

    @property
    def fault(self) -> Fault | None:
        """What is broken now; None while it is well."""
        return self._switch.fault

    async def start(self) -> str:
        """Listen on a free loopback port; the URL a client is configured with.

        Raises:
            RuntimeError: it was started before and not stopped.
        """
        async with self._changing:
            if self._http is not None:
                raise RuntimeError(f"the {self.name} stand-in is already started")
            self._http = web.Server(self._serve, access_log=None, handler_cancellation=True)
            self._reserved = _bound(0)
            self._port = int(self._reserved.getsockname()[1])
            self._switch.set(None)
            await self._listen()
        return f"http://{_HOST}:{self._port}{self.path}"

    async def stop(self) -> None:
        """Give up the port and end every connection at once; no task and no socket is left. Safe to repeat."""
        async with self._changing:
            await self._refuse_connections()
            if self._reserved is not None:
                self._reserved.close()
                self._reserved = None
            self._http = None

    async def set_fault(self, fault: Fault) -> None:
        """Break it, from the next request on; with ``down`` at rate 1, running requests are cut off too.

        Raises:
            ValueError: the mode is none of this stand-in's.
            RuntimeError: it is not started.
        """
        if fault.mode not in self.modes:
            raise ValueError(f"{fault.mode!r} is not a mode of the {self.name} stand-in")
        await self._change(fault)

    async def heal(self) -> None:
        """Serve as usual from the next request on, on the same port."""
        await self._change(None)

    @abstractmethod
    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """What the destination answers when it is well; what it accepts it adds to ``received``."""

    @abstractmethod
    def refuse(self, mode: str) -> Answer:
        """What the destination answers in a mode that is a status or an error's name."""

    def fail(self, mode: str, request: web.BaseRequest, body: bytes) -> Answer:
        """The same for a request as it came, for a destination whose failures depend on it."""
        del request, body
        return self.refuse(mode)

    async def _change(self, fault: Fault | None) -> None:
        async with self._changing:
            if self._http is None:
                raise RuntimeError(f"the {self.name} stand-in is not started")
            self._switch.set(fault)
            if fault is not None and fault.mode == "down" and fault.rate >= 1:
                await self._refuse_connections()
            else:
                await self._listen()

    async def _listen(self) -> None:
        if self._reserved is None or self._http is None:
            return
        self._listener = await asyncio.get_running_loop().create_server(self._http, sock=self._reserved)
        self._reserved = None

    async def _refuse_connections(self) -> None:
        """Close the listening socket, keep its port, reset what is connected and wait until it is over."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._reserved = _bound(self._port)
        await asyncio.sleep(0)  # a connection accepted in this turn of the loop is counted only in the next
        while self._http is not None and self._http.connections:
            for connection in self._http.connections:
                _reset(connection.transport)
            await asyncio.sleep(0)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._listener is None:
            return _cut(request)
        self.requests += 1
        mode = self._switch.strike(canary=request.headers.get("User-Agent") == CANARY_AGENT)
        if mode == "down":
            return _cut(request)
        body = await request.read()
        match mode:
            case "reset" | "unanswered":
                if mode == "unanswered":
                    self.accept(request, body)
                return _cut(request)
            case "timeout":
                await asyncio.sleep(self._hang_seconds)
                return _NoAnswer()
            case "slow":
                return await self._drip(request, self.accept(request, body).raw())
            case _:
                return (self.accept(request, body) if mode is None else self.fail(mode, request, body)).response()

    async def _drip(self, request: web.BaseRequest, raw: bytes) -> web.StreamResponse:
        for byte in raw:
            if request.transport is None:
                break
            request.transport.write(bytes([byte]))
            await asyncio.sleep(self._drip_seconds)
        return _NoAnswer()


def phrase(status: int) -> str:
    """The reason phrase of a status, ``Status 599`` for one without a name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def strict_json(text: str) -> Any:
    """A JSON text's value (RFC 8259: no NaN, no Infinity).

    Raises:
        ValueError: it is not JSON, or nested too deep to be read.
    """

    def refuse_constant(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _bound(port: int) -> socket.socket:
    """A loopback socket that holds ``port`` (0: a free one) and refuses connections until it listens."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((_HOST, port))
    except OSError:
        held.close()
        raise
    return held


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection; what is returned tells aiohttp that nothing follows."""
    _reset(request.transport)
    return _NoAnswer()


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
