"""The wire between a Firestore client and the emulator: counts the calls, and breaks them as it is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc


class Broken(grpc.RpcError):
    """A call that ended with a status, as gRPC tells it."""

    def __init__(self, status: grpc.StatusCode) -> None:
        super().__init__()
        self._status = status

    def code(self) -> grpc.StatusCode:
        """The status."""
        return self._status

    def details(self) -> str:
        """What a server would say beside it."""
        return "broken by a test"

    def trailing_metadata(self) -> None:
        """Nothing."""
        return

    def result(self) -> None:
        """As an interceptor further out asks for it."""
        raise self


class Wire(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Every call of one client passes through here.

    Attributes:
        calls: the names of the calls, ``Commit``, ``BatchGetDocuments``, ``RunQuery``, in order.
        billed: how many documents were asked for by name (``reads``), written and deleted.
        before: called with each name, just before that call leaves.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.billed: Counter[str] = Counter()
        self.before: Callable[[str], None] = lambda _name: None
        self._counted: Counter[str] = Counter()
        self._faults: dict[tuple[str, int], tuple[grpc.StatusCode, bool]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Count from nothing."""
        with self._lock:
            self.calls.clear()
            self.billed.clear()

    def break_call(self, name: str, *numbers: int, status: grpc.StatusCode, takes_effect: bool = False) -> None:
        """End these calls of a name (from 1, counted from now on) with a status, after their effect or without."""
        with self._lock:
            for number in numbers:
                self._faults[name, self._counted[name] + number] = status, takes_effect

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """A commit."""
        return self._pass(continuation, details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """A read."""
        return self._pass(continuation, details, request)

    def _pass(self, continuation: Any, details: Any, request: Any) -> Any:
        method = details.method if isinstance(details.method, str) else details.method.decode()
        name = method.rsplit("/", 1)[1]
        with self._lock:
            self.calls.append(name)
            self.billed.update(_billed(name, request))
            self._counted[name] += 1
            status, takes_effect = self._faults.pop((name, self._counted[name]), (None, True))
        self.before(name)
        if status is None:
            return continuation(details, request)
        if takes_effect:
            continuation(details, request).result()
        raise Broken(status)


def _billed(name: str, request: Any) -> Counter[str]:
    """The documents a request names, by what it does to them."""
    if name == "BatchGetDocuments":
        return Counter(reads=len(request.documents))
    if name == "Commit":
        return Counter("deletes" if write.delete else "writes" for write in request.writes)
    return Counter()
