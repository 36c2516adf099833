"""A deadline for everything one attempt does on the network, from the name's resolution to the last byte.

A socket's timeout bounds each wait, not their sum: a server that sends a byte at a time holds its caller for ever, a
name with several addresses is tried as many times as it has, and a name server that is silent has no timeout at all.
Here one moment ends them all: an alarm shuts the connection down.
"""

from __future__ import annotations

import contextlib
import heapq
import ipaddress
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import BellhopError

CheckAddress = Callable[[str, int], None]
"""Looks at an address and a port before they are connected to; raises ``AddressRefused``."""

_TIMER_LATE = 1.0  # a socket's own timeout is the last resort: the alarm, which says why, comes first
ALARM_THREAD = "deadlines"
_SOONEST = 0.001  # a socket's timeout of 0 would mean: do not wait at all


class AddressRefused(BellhopError):  # noqa: N818 - it says what it is
    """The name resolved to an address that must not be connected to."""


@dataclass(order=True)
class _Call:
    """What is to be called at a moment, unless it is cancelled before."""

    at: float
    number: int
    what: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class _Alarm:
    """One thread for all deadlines of the process: starting one for each costs an attempt more than its commit."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def call(self, at: float, what: Callable[[], None]) -> _Call:
        """Have something called at a moment, in monotonic seconds; it must be quick and raise nothing."""
        call = _Call(at, next(self._numbers), what)
        with self._changed:
            heapq.heappush(self._calls, call)
            if self._thread is None or not self._thread.is_alive():  # the first, or the first after a fork
                self._thread = threading.Thread(target=self._run, name=ALARM_THREAD, daemon=True)
                self._thread.start()
            elif self._calls[0] is call:
                self._changed.notify()
        return call

    def _run(self) -> None:
        while True:
            self._next().what()

    def _next(self) -> _Call:
        """Wait for the next call that is due and stands."""
        with self._changed:
            while True:
                while self._calls and self._calls[0].cancelled:
                    heapq.heappop(self._calls)
                left = self._calls[0].at - time.monotonic() if self._calls else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._calls)
                self._changed.wait(left)


_ALARM = _Alarm()


class Deadline:
    """The moment by which an attempt is over.

    Attributes:
        over: it has passed while the attempt was under way, and what was connected has been shut down.
    """

    def __init__(self, at: float) -> None:
        """Args: at: monotonic seconds."""
        self.over = False
        self._at = at
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def remaining(self) -> float:
        """Seconds until then, never negative."""
        return max(0.0, self._at - time.monotonic())

    def connect(
        self, host: str, port: int, *, check: CheckAddress | None = None, options: Sequence[Any] = ()
    ) -> socket.socket:
        """A TCP connection that is shut down at the deadline, to the first of a name's addresses that answers.

        Args:
            host: a name or an address.
            port: the port.
            check: sees every address the name resolved to, before the first is tried. What was checked is what is
                connected to: the name is not resolved again.
            options: arguments of ``setsockopt``.

        Raises:
            AddressRefused: by the check; nothing was connected to.
            socket.gaierror: the name cannot be resolved.
            OSError: no address answered in time.
        """
        found = _resolved(host, port, self.remaining())
        for _, address in found if check is not None else ():
            check(str(address[0]), port)  # type: ignore[misc]
        failure: OSError = TimeoutError("the deadline has passed")
        for number, (family, address) in enumerate(found):
            if self.remaining() <= 0:
                break
            try:
                connection = _connected(family, address, options, self.remaining() / (len(found) - number))
            except OSError as error:
                failure = error
                continue
            connection.settimeout(self.remaining() + _TIMER_LATE)
            self._watch(connection)
            return connection
        raise failure

    def end(self) -> None:
        """The deadline has passed: whoever waits on the connection is woken."""
        with self._lock:
            self.over = True
            self._shut_down()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the deadline while the attempt is under way.

        What is still connected afterwards is shut down: an attempt leaves no connection open, whoever holds its socket.
        """
        call = _ALARM.call(self._at, self.end)
        try:
            yield
        finally:
            call.cancelled = True
            with self._lock:
                self._shut_down()
                if self._handle is not None:
                    self._handle.close()
                    self._handle = None

    def _watch(self, connection: socket.socket) -> None:
        """Take a handle of the connection that stays good through a TLS handshake, which the deadline ends too."""
        with self._lock:
            self._handle = connection.dup()
        if self.over:
            self.end()

    def _shut_down(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it has ended already
                self._handle.shutdown(socket.SHUT_RDWR)


def _connected(family: int, address: Any, options: Sequence[Any], seconds: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            connection.setsockopt(*option)
        connection.settimeout(max(seconds, _SOONEST))
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _resolved(host: str, port: int, seconds: float) -> list[tuple[int, Any]]:
    """A host's families and socket addresses, in the system's order; on a thread, as the resolver has no timeout."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return _look_up(host, port)
    found: list[list[tuple[int, Any]] | OSError] = []

    def look_up() -> None:
        try:
            found.append(_look_up(host, port))
        except UnicodeError:
            found.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    answer = found[0] if found else TimeoutError("the name was not resolved in time")
    if isinstance(answer, OSError):
        raise answer
    return answer


def _look_up(host: str, port: int) -> list[tuple[int, Any]]:
    return [(int(entry[0]), entry[4]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
