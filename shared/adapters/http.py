"""One HTTP request with a total deadline, that knows whether it had left.

``requests`` bounds each wait for a byte, not their sum; ``Deadline`` bounds them all. Every request has a connection
of its own, because a kept one that the server has closed looks like a request that was sent and not answered.
Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from shared.adapters.deadline import AddressRefused, CheckAddress, Deadline
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

    attempt: _Attempt
    sock: socket.socket | None

    def _new_conn(self: Any) -> socket.socket:
        """Connect to an address that was checked; errors are the ones urllib3 raises here."""
        try:
            connection: socket.socket = self.attempt.connect(
                self._dns_host, self.port, check=self.attempt.check_address, options=self.socket_options or ()
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "timed out") from error
        except OSError as error:
            raise NewConnectionError(self, "failed") from error
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.attempt.over:
            raise OSError("the deadline has passed")
        super().request(*args, **kwargs)  # type: ignore[misc]
        self.attempt.left = True
        self.attempt.socket = self.sock


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


class _Session(requests.Session):
    """A session to which a redirect is an answer like any other: its ``Location`` is not even read."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: ``allow_redirects=False`` alone would work out the next request, and read the body for it."""
        del resp


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
    with _Session() as session, attempt.kept():
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
                return _read(response, attempt)
        except AddressRefused:
            raise NotSent("private_address") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise (Unanswered if attempt.left else NotSent)(_cause(error, attempt)) from error
        finally:
            attempt.let_go()


def _read(response: requests.Response, attempt: _Attempt) -> HttpAnswer:
    content = response.raw.read(MOST_BYTES, decode_content=True)
    if attempt.over:
        raise Unanswered("timeout")
    text = content.decode("utf-8", "replace")
    return HttpAnswer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, text)


def _cause(error: Exception, attempt: _Attempt) -> str:
    if attempt.over or isinstance(error, requests.Timeout):
        return "timeout"
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate" if _unverified(error) else "tls_failed"
    return "connection_broken" if attempt.left else "connection_failed"


def _unverified(error: BaseException | None) -> bool:
    """Whether it goes back to a certificate that could not be verified; TLS can also break off for other reasons."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
