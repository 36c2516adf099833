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
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from infra.local.ports import HOST
from infra.local.standins.standin import StandIn, reset
from shared.adapters.http import CANARY_AGENT


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


class HttpStandIn(StandIn):
    """A destination over HTTP.

    Attributes:
        path: the path of the URL given out.
    """

    path: ClassVar[str]

    def __init__(self, *, hang_seconds: float = 120.0, drip_seconds: float = 0.25) -> None:
        super().__init__(hang_seconds=hang_seconds, drip_seconds=drip_seconds)
        self._http: web.Server | None = None

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

    def open(self) -> None:
        """Make the server."""
        self._http = web.Server(self._serve, access_log=None, handler_cancellation=True)

    def close(self) -> None:
        """Forget it."""
        self._http = None

    def url(self, port: int) -> str:
        """With the destination's path."""
        return f"http://{HOST}:{port}{self.path}"

    def protocol(self) -> asyncio.BaseProtocol:
        """One of the server's."""
        assert self._http is not None  # noqa: S101 - it listens
        return self._http()

    def cut(self) -> bool:
        """Reset every connection of the server."""
        connections = self._http.connections if self._http is not None else []
        for connection in connections:
            reset(connection.transport)
        return bool(connections)

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


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection; what is returned tells aiohttp that nothing follows."""
    reset(request.transport)
    return _NoAnswer()
