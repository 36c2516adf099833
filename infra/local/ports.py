"""Ports of this machine that stay ours until somebody listens on them."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"


class Port:
    """A free port of loopback, held until `release`: nobody else gets it, and a server that we start can listen on it.

    A port that was found free and let go is anybody's until the server has it, and again whenever the server is started
    anew. This one is bound, not listened on: the system gives it to no other socket that asks for any port, and to no
    outgoing connection, while a server that sets ``SO_REUSEADDR`` may have it, as gunicorn, asyncio, Java and Redis do.
    Whoever connects before is refused.

    Attributes:
        number: the port.
    """

    def __init__(self) -> None:
        """Hold one.

        Raises:
            OSError: none is free.
        """
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number = int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """``http://`` and the address."""
        return f"http://{HOST}:{self.number}"

    def release(self) -> None:
        """Let it go; who listens on it goes on. Again and again is no error."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go."""
        self.release()


def held_urls(names: list[str], ending: ExitStack | AsyncExitStack) -> dict[str, str]:
    """A URL on a port of its own for each name, held until the end."""
    return {name: ending.enter_context(Port()).url for name in names}
