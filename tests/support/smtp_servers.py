"""A mail server whose every answer a test decides, on a thread; and the messages channels are given."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from shared.ports import Message

LEAD = {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+441234567", "message": "Hello", "score": 85}
MADE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def a_message(**changes: Any) -> Message:
    """A lead's message, as a channel is given it."""
    fields: dict[str, Any] = {
        "alert_id": "0123456789abcdef",
        "kind": "lead",
        "payload": LEAD,
        "maybe_shown": False,
        "created_at": MADE,
    }
    return Message(**{**fields, **changes})


class MailServer:
    """One connection's worth of SMTP.

    Attributes:
        heard: the commands, and after DATA the mail as one entry.
        port: where it listens.
    """

    ANSWERS: dict[str, Any] = {  # noqa: RUF012 - read only
        "greeting": "220 here",
        "EHLO": "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 HELP",
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "AUTH": "235 ok",
        "DATA": "354 go on",
        "reading": "",
        "mail": "250 kept",
        "QUIT": "221 bye",
    }

    def __init__(self, tls: ssl.SSLContext | None = None, **answers: Any) -> None:
        self.heard: list[str] = []
        self._answers = {**self.ANSWERS, **answers}
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    @contextlib.contextmanager
    def running(self) -> Iterator[MailServer]:
        """Serve; the thread and its sockets are gone afterwards."""
        self._thread.start()
        try:
            yield self
        finally:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join(10)
            self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(30)
                if self._tls is not None:
                    with self._tls.wrap_socket(connection, server_side=True) as secure:
                        self._talk(secure)
                else:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            self._answer(connection, "greeting", lines.readline)
            while line := lines.readline():
                command = line.decode("utf-8", "replace").strip()
                self.heard.append(command)
                verb = command.split(" ")[0].upper()
                self._answer(connection, verb, lines.readline)
                if verb == "DATA" and self._answers["DATA"].startswith("354"):
                    if self._answers["reading"] is not CLOSE:
                        self.heard.append(b"".join(iter(lines.readline, b".\r\n")).decode())
                    self._answer(connection, "reading", lines.readline)
                    self._answer(connection, "mail", lines.readline)

    def _answer(self, connection: socket.socket, stage: str, hear: Callable[[], bytes]) -> None:
        answer = self._answers.get(stage, "500 what")
        if callable(answer):
            answer(connection, hear)
        elif answer:
            connection.sendall(f"{answer}\r\n".encode())


def CLOSE(connection: socket.socket, _: Callable[[], bytes]) -> None:  # noqa: N802 - reads like an answer
    """End the connection instead of an answer."""
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionError


def HANG(_: socket.socket, hear: Callable[[], bytes]) -> None:  # noqa: N802 - as above
    """Never answer; the client's end ends this."""
    while hear():
        pass
    raise ConnectionError


def DRIP(connection: socket.socket, _: Callable[[], bytes]) -> None:  # noqa: N802 - as above
    """Send a line's bytes one by one, for ever; the client's end ends this."""
    pause = threading.Event()
    while not pause.wait(0.005):
        connection.sendall(b"2")


def FLOOD(connection: socket.socket, _: Callable[[], bytes]) -> None:  # noqa: N802 - as above
    """Send lines of one reply without end; the client's end ends this."""
    while True:
        connection.sendall(b"250-and then\r\n" * 100)


def HALF(connection: socket.socket, _: Callable[[], bytes]) -> None:  # noqa: N802 - as above
    """Break off within the line that would have been a success."""
    connection.sendall(b"250 ke")
    CLOSE(connection, _)
