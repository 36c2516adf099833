"""One HTTP request with a total deadline, that knows whether it had left.

``requests`` bounds each wait for a byte, not their sum: a server that sends a byte at a time holds its caller for
ever. Here a timer shuts the socket down at the deadline. Every request has a connection of its own, because a kept
one that the server has closed looks like a request that was sent and not answered. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from shared.errors import BellhopError

MOST_BYTES = 1024 * 1024
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


class _Attempt:
    """The connection of one request: shut down at the deadline, and asked whether the request had left."""

    def __init__(self, deadline: float) -> None:
        self.left = False
        self.over = False
        self._deadline = deadline
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def connected(self, connection: socket.socket) -> None:
        """Take a handle of the connection that stays good through a TLS handshake, which a deadline ends too."""
        with self._lock:
            self._handle = connection.dup()
        if self.over:
            self.end()

    def end(self) -> None:
        """The deadline has passed: whoever waits on the connection is woken."""
        with self._lock:
            self.over = True
            if self._handle is not None:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the deadline while the request is under way."""
        timer = threading.Timer(max(0.0, self._deadline - time.monotonic()), self.end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                if self._handle is not None:
                    self._handle.close()
                    self._handle = None


class _Watched:
    """Mixed into urllib3's connections: tells the attempt when it is connected and when the request has left."""

    attempt: _Attempt

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.attempt.connected(connection)
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.attempt.over:
            raise OSError("the deadline has passed")
        super().request(*args, **kwargs)  # type: ignore[misc]
        self.attempt.left = True


class _OneAttempt(HTTPAdapter):
    """A transport whose connections belong to one attempt."""

    def __init__(self, attempt: _Attempt) -> None:
        self._attempt = attempt
        super().__init__(max_retries=0)

    def init_poolmanager(self, *_: Any, **__: Any) -> None:
        plain = type("Plain", (_Watched, HTTPConnection), {"attempt": self._attempt})
        secure = type("Secure", (_Watched, HTTPSConnection), {"attempt": self._attempt})
        self.poolmanager = PoolManager(num_pools=1)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


def post(url: str, *, body: bytes, headers: Mapping[str, str], deadline: float) -> HttpAnswer:
    """Send one POST and wait for the whole answer.

    Args:
        url: where to; the environment's proxies are not used.
        body: sent as it is.
        headers: sent beside the usual ones.
        deadline: monotonic seconds by which this call returns or raises, whatever the server does.

    Raises:
        NotSent: refused, not found, or broken off before the whole request had left.
        Unanswered: it left, and the deadline passed or the connection ended before the whole answer was there.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotSent("deadline")
    attempt = _Attempt(deadline)
    with requests.Session() as session, attempt.watched():
        session.trust_env = False
        session.mount("http://", _OneAttempt(attempt))
        session.mount("https://", _OneAttempt(attempt))
        try:
            with session.post(
                url,
                data=body,
                headers={**headers, "Connection": "close"},
                timeout=left,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = response.raw.read(MOST_BYTES, decode_content=True)
                if attempt.over:
                    raise Unanswered("timeout")
                text = content.decode("utf-8", "replace")
                return HttpAnswer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, text)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise (Unanswered if attempt.left else NotSent)(_cause(error, attempt)) from error


def _cause(error: Exception, attempt: _Attempt) -> str:
    if attempt.over or isinstance(error, requests.Timeout):
        return "timeout"
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate"
    return "connection_broken" if attempt.left else "connection_failed"
