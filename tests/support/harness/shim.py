"""The shim in a worker: every call that leaves the process passes here, is counted, and breaks as it is told.

The calls: each of Firestore's, each of Cloud Tasks', each request to Slack, Monday.com and the webhook, and of each
conversation with the mail server the connection and the mail. A call is known by its label and by how many of that
label came before it in the step, so that it is found again although two calls are made side by side.
"""

from __future__ import annotations

import os
import signal
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from shared.adapters import http, smtp
from tests.support.wire import Broken

MODES = ("before", "after", "exit_before", "exit_after")
"""Fails before it leaves; fails after it took effect; the process ends before it leaves; ... after it took effect."""

SENDING = ("slack", "monday", "webhook", "smtp mail")
"""The labels of the calls by which a destination may show an alert."""


@dataclass(frozen=True)
class Strike:
    """What happens to one call of a step.

    Attributes:
        label: the call's; ``*`` for any of Firestore's.
        number: which of them, from 1.
        mode: one of ``MODES``; ``stop`` or ``kill`` (by a signal, before it leaves), or the name of a gRPC status.
        times: so many calls of the label, from that one on, meet the same.
    """

    label: str
    number: int
    mode: str
    times: int = 1

    def matches(self, label: str) -> bool:
        """Whether calls of this label are counted."""
        return self.label == label or (self.label == "*" and label.startswith("firestore "))


@dataclass
class Shim:
    """One worker's.

    Attributes:
        hosts: the labels of HTTP destinations, by ``host:port``.
        calls: the labels of the calls of this step, in order.
        struck: how many of them were struck.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    struck: int = 0
    _strike: Strike | None = None
    _counted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, strike: Strike | None, hosts: dict[str, str]) -> None:
        """A new step."""
        self.calls, self.struck, self._strike, self._counted, self.hosts = [], 0, strike, 0, hosts

    def call(self, label: str, really: Callable[[], Any], before: Exception, after: Exception) -> Any:
        """Make a call, or break it.

        Args:
            label: the call's.
            really: makes it.
            before: what the caller sees if it fails before it leaves.
            after: what the caller sees if no answer comes.
        """
        with self._lock:
            self.calls.append(label)
            met = self._strike is not None and self._strike.matches(label) and self._meets(self._strike)
            self.struck += met
        mode = self._strike.mode if met and self._strike is not None else ""
        match mode:
            case "before":
                raise before
            case "exit_before":
                os._exit(70)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
        if mode in grpc.StatusCode.__members__:
            raise Broken(grpc.StatusCode[mode])
        done = really()
        if mode == "exit_after":
            os._exit(71)
        if mode == "after":
            raise after
        return done

    def _meets(self, strike: Strike) -> bool:
        self._counted += 1
        return strike.number <= self._counted < strike.number + strike.times

    def wire(self, channel: grpc.Channel) -> grpc.Channel:
        """A channel to Firestore that passes here."""
        return grpc.intercept_channel(channel, _Interceptor(self))

    def adapter(self, label: str) -> HTTPAdapter:
        """A transport of requests that passes here."""
        return _Adapter(self, label)

    def install(self) -> None:
        """Put it into what the channels send with."""
        shim = self

        def exchange(connection: HTTPConnection, *args: Any) -> Any:
            label = shim.hosts.get(f"{connection.host}:{connection.port}", "elsewhere")
            refused, lost = ConnectionRefusedError("the shim"), TimeoutError("the shim")
            return shim.call(label, lambda: exchange_really(connection, *args), refused, lost)

        def connect(self: smtp.SmtpClient, *args: Any) -> Any:
            lost = TimeoutError("the shim")
            return shim.call("smtp connection", lambda: connect_really(self, *args), ConnectionRefusedError(), lost)

        def submit(self: smtp.SmtpClient, message: bytes) -> Any:
            broken = smtplib.SMTPServerDisconnected("the shim")
            return shim.call("smtp mail", lambda: submit_really(self, message), broken, TimeoutError("the shim"))

        exchange_really = http._exchange
        connect_really, submit_really = smtp.SmtpClient._get_socket, smtp.SmtpClient.submit
        http._exchange = exchange
        smtp.SmtpClient._get_socket = connect  # type: ignore[method-assign]
        smtp.SmtpClient.submit = submit  # type: ignore[method-assign]


class _Interceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Between Firestore's client and the emulator."""

    def __init__(self, shim: Shim) -> None:
        self._shim = shim

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """A commit, answered before it is said to be."""

        def really() -> Any:
            answered = continuation(details, request)
            answered.exception()  # waits; an error is the caller's to see
            return answered

        lost = Broken(grpc.StatusCode.DEADLINE_EXCEEDED)
        return self._shim.call(_label(details), really, Broken(grpc.StatusCode.UNAVAILABLE), lost)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """A read; it is not tried again by the client's own retry, which would hide the strike."""
        lost = Broken(grpc.StatusCode.DEADLINE_EXCEEDED)
        return self._shim.call(_label(details), lambda: continuation(details, request), lost, lost)


class _Adapter(HTTPAdapter):
    """Between a client of Cloud Tasks and its service."""

    def __init__(self, shim: Shim, label: str) -> None:
        self._shim, self._label = shim, label
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **how: Any) -> requests.Response:
        """Pass it on."""
        label = f"{self._label} {'create' if request.method == 'POST' else 'get'}"
        really = super().send
        refused, lost = requests.ConnectionError("the shim"), requests.ReadTimeout("the shim")
        answer: requests.Response = self._shim.call(label, lambda: really(request, *args, **how), refused, lost)
        return answer


def _label(details: Any) -> str:
    method = details.method if isinstance(details.method, str) else details.method.decode()
    return f"firestore {method.rsplit('/', 1)[1]}"
