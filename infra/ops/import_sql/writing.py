"""Documents of an import on their way into Firestore: created, never overwritten, at the pace of a ramp-up.

How far an import has come is in ``migrations/import-sql``: a run that was cut off is gone on with. What was written
since is met again and found to be there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

from shared.adapters.firestore import Database, committing
from shared.adapters.firestore_migrations import Pace, add_beside
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageError
from shared.migrations.pace import rate_after
from shared.migrations.step import Change

LEDGER = ("migrations", "import-sql")
BATCH = 200
BATCH_BYTES = 2_000_000
SECONDS = 30.0
TRIES = 8
_ALREADY_EXISTS = 6
_TRANSIENT = frozenset({1, 2, 4, 8, 10, 13, 14})


@dataclass(frozen=True)
class NewDocument:
    """A document to be created, and the rows it is made of: table and how many."""

    path: tuple[str, ...]
    fields: Mapping[str, Any]
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Together:
    """Documents that are created in one commit, with what counts them."""

    change: Change
    rows: Mapping[str, int]


@dataclass
class Fates:
    """What became of rows: by table those imported now, those that were there, and those refused."""

    imported: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)


class Target(Protocol):
    """Where an import writes."""

    def create(self, documents: Sequence[NewDocument], fates: Fates) -> None:
        """Create documents, each by itself; raises StorageError."""

    def create_together(self, together: Together, fates: Fates) -> None:
        """Create documents in one commit; raises StorageError."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep how far the import has come; raises StorageError."""

    def load(self) -> dict[str, Any]:
        """What was kept last; raises StorageError."""


class FirestoreTarget:
    """``Target`` on Firestore."""

    def __init__(self, database: Database, first_rate: float) -> None:
        self._database, self._first_rate = database, first_rate
        self._began = time.monotonic()
        self._pace, self._rate = Pace(first_rate), first_rate

    def create(self, documents: Sequence[NewDocument], fates: Fates) -> None:
        """Cost: one round trip and as many writes as documents; again for those that were not answered."""
        left = list(documents)
        for number in range(TRIES):
            codes = self._sent(left)
            for document, code in zip(left, codes, strict=True):
                if code not in _TRANSIENT:
                    _count(document, code, fates)
            left = [document for document, code in zip(left, codes, strict=True) if code in _TRANSIENT]
            if not left:
                return
            time.sleep(0.1 * 2**number)
        raise OutcomeUnknown("documents were not answered")

    def _sent(self, documents: Sequence[NewDocument]) -> list[int]:
        self._wait(len(documents))
        batch = BulkWriteBatch(self._database.client)
        for document in documents:
            batch.create(self._database.document(*document.path), dict(document.fields))
        try:
            return [status.code for status in batch.commit(retry=None, timeout=SECONDS).status]
        except exceptions.InvalidArgument:
            if len(documents) == 1:
                return [3]
            return [code for document in documents for code in self._sent([document])]
        except exceptions.GoogleAPIError:
            return [14] * len(documents)

    def create_together(self, together: Together, fates: Fates) -> None:
        """Cost: one round trip and as many writes as documents and counters; again where it was not answered."""
        for number in range(TRIES):
            self._wait(together.change.writes)
            batch = self._database.client.batch()
            add_beside(self._database, batch, together.change)
            try:
                with committing():
                    batch.commit(retry=None, timeout=SECONDS)
            except Conflict:
                # After an attempt that was not answered these may be our own documents: they are there either way.
                (fates.imported if number else fates.present).update(together.rows)
                return
            except (Contention, OutcomeUnknown):
                time.sleep(0.1 * 2**number)
                continue
            except StorageError:
                fates.refused.update(together.rows)
                return
            fates.imported.update(together.rows)
            fates.documents.update(new.collection for new in together.change.creates)
            return
        raise OutcomeUnknown("documents were not answered")

    def save(self, state: Mapping[str, Any]) -> None:
        """Cost: one round trip, one write."""
        with committing():
            kept = {**state, "updated_at": firestore.SERVER_TIMESTAMP}
            self._database.document(*LEDGER).set(kept, retry=None, timeout=SECONDS)

    def load(self) -> dict[str, Any]:
        """Cost: one round trip, one read."""
        snapshot = self._database.read([self._database.document(*LEDGER)])[0]
        return dict(snapshot.to_dict() or {}) if snapshot.exists else {}

    def _wait(self, operations: int) -> None:
        rate = rate_after(time.monotonic() - self._began, self._first_rate)
        if rate != self._rate:
            self._pace, self._rate = Pace(rate), rate
        self._pace.wait(operations)


class NoTarget:
    """``Target`` of a dry run: everything would be created."""

    def create(self, documents: Sequence[NewDocument], fates: Fates) -> None:
        """Count."""
        for document in documents:
            _count(document, 0, fates)

    def create_together(self, together: Together, fates: Fates) -> None:
        """Count."""
        fates.imported.update(together.rows)
        fates.documents.update(new.collection for new in together.change.creates)

    def save(self, state: Mapping[str, Any]) -> None:
        """Nothing is kept."""

    def load(self) -> dict[str, Any]:
        """Nothing was kept."""
        return {}


def _count(document: NewDocument, code: int, fates: Fates) -> None:
    become = fates.imported if not code else fates.present if code == _ALREADY_EXISTS else fates.refused
    become.update(document.rows)
    if not code:
        fates.documents[document.path[-2]] += 1
