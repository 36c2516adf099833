"""Servers that misbehave: a raw socket on loopback, and what to do with each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.adapters.http import HttpAnswer, post

SOON, AMPLE = 0.4, 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Connection:
    """One accepted connection, given to a server's behaviour.

    Attributes:
        raw: the socket.
        over: set when the test is over; whoever waits, waits for this.
    """

    raw: socket.socket
    over: threading.Event

    def read(self) -> bytes:
        """The whole request, as its Content-Length says."""
        request = b""
        while b"\r\n\r\n" not in request:
            request += self._more()
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        while len(body) < length:
            body += self._more()
        return head + b"\r\n\r\n" + body

    def _more(self) -> bytes:
        received = self.raw.recv(65_536)
        if not received:
            raise ConnectionError("the client has gone")
        return received

    def drip(self, piece: bytes, seconds: float = 0.02) -> None:
        """Send a piece again and again until the client has gone or the test is over."""
        while not self.over.wait(seconds):
            self.raw.sendall(piece)

    def hang(self) -> None:
        """Do nothing for as long as the test takes."""
        self.over.wait(30)

    def reset(self) -> None:
        """Break off, without the farewell of TCP."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()


@dataclass
class Server:
    """A running server.

    Attributes:
        url: where it is.
        connections: how many it has accepted.
        requests: what behaviours kept.
    """

    url: str
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def serving(behave: Callable[[Connection], object], *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that behaves so with each connection, one after the other; gone, with its thread, at the end."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    scheme = "https" if tls else "http"
    server = Server(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/hook")

    def serve() -> None:
        while not over.is_set():
            try:
                accepted, _ = listening.accept()
            except TimeoutError:
                continue
            server.connections += 1
            accepted.settimeout(5)
            with accepted, contextlib.suppress(OSError):
                raw = tls.wrap_socket(accepted, server_side=True) if tls else accepted
                with raw:
                    behave(Connection(raw, over))

    thread = threading.Thread(target=serve, name="raw server")
    thread.start()
    try:
        yield server
    finally:
        over.set()
        thread.join(30)
        listening.close()


@contextlib.contextmanager
def never_accepting() -> Iterator[str]:
    """The URL of a port whose backlog is full: connections to it are neither made nor refused."""
    waiting: list[socket.socket] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
            waiting.append(client)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        finally:
            for client in waiting:
                client.close()


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """The URL of a port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/hook"


def answering(answer: bytes) -> Callable[[Connection], None]:
    """A server that reads the request, answers so and closes."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.raw.sendall(answer)

    return behave


def sent(url: str, *, seconds: float = AMPLE, body: bytes = b"{}") -> HttpAnswer | Exception:
    """What a request came to, on a thread of its own that must end, whatever the server does."""
    result: list[HttpAnswer | Exception] = []

    def send() -> None:
        try:
            headers = {"Content-Type": "application/json", "X-Own": "1"}
            result.append(post(url, body=body, headers=headers, deadline=time.monotonic() + seconds))
        except Exception as error:  # noqa: BLE001 - looked at by the test
            result.append(error)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(seconds + 5)
    assert not thread.is_alive(), "the deadline did not hold"
    return result[0]


def fails(outcome: HttpAnswer | Exception, kind: type[Exception], cause: str) -> bool:
    """Whether it failed so."""
    return (type(outcome), str(outcome)) == (kind, cause)
