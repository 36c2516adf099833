"""Firestore, as every store here uses it: one client a process, short deadlines, errors of ours.

The client library's own retry is off for commits: its retry of a commit that was applied would fail on its own
precondition.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# Before gRPC is imported: a read is taken in by the thread that waits for it, not by one that is made for it.
os.environ.setdefault("GRPC_SINGLE_THREADED_UNARY_STREAM", "1")

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import firestore

from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError, StorageUnavailable

COMMIT_SECONDS = 5.0
READ_SECONDS = 5.0

CONFLICTS = (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.NotFound)
CONTENTIONS = (exceptions.Aborted, exceptions.ResourceExhausted)
NO_ANSWER = (
    exceptions.DeadlineExceeded,
    exceptions.ServiceUnavailable,
    exceptions.InternalServerError,
    exceptions.Cancelled,
    exceptions.Unknown,
    exceptions.RetryError,
)

READ_RETRY = Retry(
    predicate=lambda error: isinstance(error, (exceptions.ServiceUnavailable, *CONTENTIONS)),
    initial=0.05,
    maximum=0.5,
    timeout=READ_SECONDS,
)


class Database:
    """One project's Firestore; the connection is made at first use, in the process that uses it.

    The process that loads a function forks before it serves, and gRPC does not survive a fork.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._client: firestore.Client | None = None

    @property
    def client(self) -> firestore.Client:
        """The connected client."""
        with self._lock:
            if self._client is None:
                client: Any = firestore.Client(project=self._project)
                # The library makes the channel at the first call. Two threads that call at once, as a chat's first
                # message does, make two, and what waits on the one that is dropped fails.
                client._firestore_api  # noqa: B018, SLF001 - it has no other way to connect
                self._client = client
            return self._client

    def document(self, *path: str) -> Any:
        """A reference to a document; no round trip."""
        return self.client.document(*path)

    def read(self, references: Sequence[Any]) -> list[Any]:
        """Read documents, in the order asked for; one that is missing is a snapshot that does not exist.

        Cost: one round trip, one read a document.

        Raises:
            StorageUnavailable: they could not be read.
        """
        with reading():
            found = self.client.get_all(list(references), retry=READ_RETRY, timeout=READ_SECONDS)
            by_path = {snapshot.reference.path: snapshot for snapshot in found}
        return [by_path[reference.path] for reference in references]

    def commit(self, batch: Any) -> list[Any]:
        """Commit a batch, once.

        Cost: one round trip, one write a document.

        Returns:
            The write results in the order of the writes, each with ``update_time`` and ``transform_results``.

        Raises:
            Conflict: a precondition failed; nothing was written.
            Contention: nothing was written.
            OutcomeUnknown: no answer came.
            StorageError: it was refused for another reason; nothing was written.
        """
        with committing():
            return list(batch.commit(retry=None, timeout=COMMIT_SECONDS))


@contextmanager
def committing() -> Iterator[None]:
    """Turn the client library's errors of a commit into ours; the one place where that happens."""
    try:
        yield
    except CONFLICTS as error:
        raise Conflict(type(error).__name__) from error
    except CONTENTIONS as error:
        raise Contention(type(error).__name__) from error
    except NO_ANSWER as error:
        raise OutcomeUnknown(type(error).__name__) from error
    except exceptions.GoogleAPIError as error:
        raise StorageError(type(error).__name__) from error


@contextmanager
def reading() -> Iterator[None]:
    """Turn the client library's errors of a read into ours; the one place where that happens."""
    try:
        yield
    except exceptions.GoogleAPIError as error:
        raise StorageUnavailable(type(error).__name__) from error
