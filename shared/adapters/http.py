"""One HTTP request with a total deadline, that knows whether it had left.

These are the connections of urllib3, on which ``requests`` stands too: a session and an adapter for each request cost
more than the request itself. ``Deadline`` bounds the whole of it. Every request has a connection of its own, because a
kept one that the server has closed looks like a request that was sent and not answered. Redirects are not followed,
the environment's proxies are not used.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from typing import Any

import certifi
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, SSLError
from urllib3.exceptions import TimeoutError as LibraryTimeoutError
from urllib3.util import parse_url

from shared.adapters.deadline import AddressRefused, CheckAddress, Deadline
from shared.errors import BellhopError

MOST_BYTES = 1024 * 1024
AGENT, CANARY_AGENT = "bellhop", "bellhop-canary"
"""How we introduce ourselves to those we call."""

"""An answer is read up to here; destinations answer with far less."""


class NotSent(BellhopError):  # noqa: N818 - it says what it is
    """The request had not left whole when it failed: the destination cannot have acted on it."""


class Unanswered(BellhopError):  # noqa: N818 - it says what it is
    """The request left and no whole answer came."""


@dataclass(frozen=True)
class HttpAnswer:
    """A destination's answer: status, headers (by lower-case name), and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str


class _Attempt(Deadline):
    """The connection of one request: shut down at the deadline, and asked whether the request had left."""

    def __init__(self, deadline: float, check_address: CheckAddress | None) -> None:
        super().__init__(deadline)
        self.left = False
        self.check_address = check_address
        self.socket: socket.socket | None = None

    def let_go(self) -> None:
        """Close what urllib3 leaves to the garbage collector where it cannot make sense of an answer."""
        if self.socket is not None:
            with contextlib.suppress(OSError):  # it is closed, as usual
                socket.close(self.socket.detach())


class _Watched:
    """Mixed into urllib3's connections: tells the attempt when it is connected and when the request has left."""

    sock: socket.socket | None

    def __init__(self, attempt: _Attempt, **kwargs: Any) -> None:
        self._attempt = attempt
        super().__init__(**kwargs)

    def _new_conn(self: Any) -> socket.socket:
        """Connect to an address that was checked."""
        connection: socket.socket = self._attempt.connect(
            self._dns_host, self.port, check=self._attempt.check_address, options=self.socket_options or ()
        )
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self._attempt.over:
            raise OSError("the deadline has passed")
        super().request(*args, **kwargs)  # type: ignore[misc]
        self._attempt.left = True
        self._attempt.socket = self.sock


class _Plain(_Watched, HTTPConnection):
    """A connection without TLS."""


class _Secure(_Watched, HTTPSConnection):
    """A connection with TLS."""


@cache
def _authorities() -> ssl.SSLContext:
    """The authorities that are trusted, read once: they are many."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], deadline: float, check_address: CheckAddress | None = None
) -> HttpAnswer:
    """Send one POST and wait for the whole answer.

    Args:
        url: where to; the environment's proxies are not used.
        body: sent as it is.
        headers: sent beside the usual ones.
        deadline: monotonic seconds by which this call returns or raises, whatever the server does.
        check_address: sees every address the URL's host resolved to before one is connected to; refuses by raising
            ``AddressRefused``.

    Raises:
        NotSent: refused, not found, or broken off before the whole request had left; ``private_address`` and
            ``certificate`` are the causes where the address or the certificate was not accepted here.
        Unanswered: it left, and the deadline passed or the connection ended before the whole answer was there.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotSent("deadline")
    attempt = _Attempt(deadline, check_address)
    with attempt.kept():
        try:
            connection, target = _connection(url, attempt, left)
            with contextlib.closing(connection):
                return _exchange(connection, target, body, headers, attempt)
        except AddressRefused:
            raise NotSent("private_address") from None
        except (HTTPError, HTTPException, OSError) as error:
            raise (Unanswered if attempt.left else NotSent)(_cause(error, attempt)) from error
        finally:
            attempt.let_go()


def _exchange(
    connection: HTTPConnection, target: str, body: bytes, headers: Mapping[str, str], attempt: _Attempt
) -> HttpAnswer:
    sent = {"User-Agent": AGENT, **headers, "Connection": "close"}
    connection.request("POST", target, body=body, headers=sent, preload_content=False)
    return _read(connection.getresponse(), attempt)


def _connection(url: str, attempt: _Attempt, seconds: float) -> tuple[HTTPConnection, str]:
    """A connection to a URL's host, not yet opened, and what is asked for there."""
    parts = parse_url(url)
    host = str(parts.host).removeprefix("[").removesuffix("]")
    if parts.scheme == "https":
        secure = _Secure(attempt, host=host, port=parts.port or 443, timeout=seconds, ssl_context=_authorities())
        return secure, parts.request_uri
    return _Plain(attempt, host=host, port=parts.port or 80, timeout=seconds), parts.request_uri


def _read(response: BaseHTTPResponse, attempt: _Attempt) -> HttpAnswer:
    content = response.read(MOST_BYTES, decode_content=True)
    if attempt.over:
        raise Unanswered("timeout")
    text = content.decode("utf-8", "replace")
    return HttpAnswer(response.status, {k.lower(): v for k, v in response.headers.items()}, text)


def _cause(error: Exception, attempt: _Attempt) -> str:
    if attempt.over or isinstance(error, TimeoutError | LibraryTimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError | SSLError):
        return "certificate" if _unverified(error) else "tls_failed"
    return "connection_broken" if attempt.left else "connection_failed"


def _unverified(error: BaseException | None) -> bool:
    """Whether it goes back to a certificate that could not be verified; TLS can also break off for other reasons."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
