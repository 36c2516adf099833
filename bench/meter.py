"""A meter in the wire of a Firestore client: calls, and what Firestore bills for them.

Source of what is billed: https://cloud.google.com/firestore/pricing. A document that is read costs a read, one that is
asked for by name and missing too; a query that finds nothing costs one read, an aggregation one for up to a thousand
index entries (of a sum, those that are counted beside it as ``n``); a document written costs a write and one deleted a
delete.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]

from shared.adapters.firestore import Database

PATIENCE_SECONDS = 120.0
"""Instead of the adapters' deadlines: the emulator has no indexes and looks through everything it holds."""

ENTRIES_A_READ = 1000


class Meter(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Every call of one client passes through here, and is counted.

    Attributes:
        calls: the names of the calls in order: ``BatchGetDocuments``, ``RunQuery``, ``Commit``, ...
        returned: documents that came back.
        reads: reads billed.
        writes: writes billed.
        deletes: deletes billed.
        distance: seconds that every call takes longer, as if the database were further away.
    """

    def __init__(self, distance: float = 0.0, patience: float | None = PATIENCE_SECONDS) -> None:
        """Args: patience: the deadline of every call in seconds; None leaves each its own."""
        self.distance = distance
        self._lock = threading.Lock()
        self._patience = patience
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.calls: list[str] = []
        self._under_way: list[tuple[float, float]] = []
        self.returned = self.reads = self.writes = self.deletes = 0

    @property
    def round_trips(self) -> int:
        """How many calls had to wait for one another: the most of which none began before the one before it ended."""
        count, free = 0, 0.0
        for began, ended in sorted(self._under_way, key=lambda call: call[1]):
            if began >= free:
                count, free = count + 1, ended
        return count

    def watch(self, database: Database) -> None:
        """Count the calls of a database that was not used yet, on the emulator."""
        client: Any = database.client
        plain = client._emulator_channel  # noqa: SLF001 - the library has no other way in
        client._emulator_channel = lambda transport: grpc.intercept_channel(plain(transport), self)  # noqa: SLF001
        client._firestore_api_internal = None  # noqa: SLF001 - connected anew, by that way

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Count a commit; one that is refused writes nothing."""
        self._call(details)
        began = self._begin()
        answer = continuation(self._patient(details), request)
        self.over(began)
        for write in getattr(request, "writes", ()) if answer.code() is grpc.StatusCode.OK else ():
            with self._lock:
                self.deletes += bool(write.delete)
                self.writes += not write.delete
        return answer

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """Count a read or a query, its documents as they come."""
        name, began = self._call(details), self._begin()
        return _Counted(continuation(self._patient(details), request), self, name, began)

    def answered(self, name: str, response: Any) -> None:
        """Count one part of the answer to a read or a query."""
        with self._lock:
            match name:
                case "BatchGetDocuments":
                    self.returned += bool(response.found.name)
                    self.reads += bool(response.found.name or response.missing)
                case "RunQuery":
                    self.returned += bool(response.document.name)
                    self.reads += bool(response.document.name)
                case "RunAggregationQuery":
                    found = response.result.aggregate_fields
                    entries = found["n"] if "n" in found else max(found.values(), key=lambda one: one.integer_value)
                    self.reads += max(1, math.ceil(entries.integer_value / ENTRIES_A_READ))

    def ended(self, name: str, *, documents: int) -> None:
        """A query is over; one that found nothing is billed too."""
        with self._lock:
            self.reads += name == "RunQuery" and not documents

    def over(self, began: float) -> None:
        """A call that began then has its whole answer."""
        with self._lock:
            self._under_way.append((began, time.perf_counter()))

    def _begin(self) -> float:
        began = time.perf_counter()
        time.sleep(self.distance)
        return began

    def _patient(self, details: Any) -> Any:
        return details if self._patience is None else details._replace(timeout=self._patience)

    def _call(self, details: Any) -> str:
        with self._lock:
            self.calls.append(name := method(details))
        return name


def method(details: Any) -> str:
    """The name of a call: ``RunQuery``."""
    path: str = details.method if isinstance(details.method, str) else details.method.decode()
    return path.rsplit("/", 1)[1]


class _Counted:
    """A streamed answer, counted while it is read; for everything else it is the call itself."""

    def __init__(self, call: Any, meter: Meter, name: str, began: float) -> None:
        self._call = call
        self._began = began
        self._meter = meter
        self._name = name
        self._documents = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            response = next(self._call)
        except StopIteration:
            self._meter.over(self._began)
            self._meter.ended(self._name, documents=self._documents)
            raise
        self._documents += self._name == "RunQuery" and bool(response.document.name)
        self._meter.answered(self._name, response)
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)
