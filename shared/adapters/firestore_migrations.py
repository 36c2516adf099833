"""Migrations in Firestore: ledgers, pages of documents, conditional writes in bulk.

Changes of one document only go by BatchWrite, which answers for each write by itself (the client's BulkWriter sends the
same calls, but repeats a conditional write whose answer was lost, which then fails on its own precondition). Changes
with other documents beside are commits of their own.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

from shared.adapters.firestore import READ_RETRY, Database, committing, reading
from shared.adapters.firestore_images import fitting, pack_document, pack_name, pack_of
from shared.adapters.firestore_ledgers import ledger_document, ledger_of
from shared.adapters.firestore_restore import Restoring
from shared.errors import Conflict, StorageError
from shared.migrations.ledger import Ledger
from shared.migrations.step import REMOVED, Change, Document, Selection
from shared.ports.migrations import Found, Pack, Restored, StoredLedger, Wanted, Written

BATCH = 100
WRITERS = 8
BATCH_SECONDS = 20.0
PAGE_SECONDS = 30.0
STREAM_SECONDS = 300.0
PAGES_AHEAD = 3
SAVE_SECONDS = 15.0
_GONE_ON, _REFUSED = frozenset({5, 6, 9}), frozenset({3, 7, 11, 12})
"""google.rpc.Code: not found, already exists, failed precondition; and what no repeat will change."""


class FirestoreMigrations:
    """``shared.ports.migrations.MigrationStore`` on Firestore."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        """Args: database; kept: how long before-images are kept."""
        self._database, self._kept = database, kept
        self._pace = Pace(1.0)

    def ledgers(self, steps: Sequence[str]) -> dict[str, StoredLedger]:
        """Cost: one round trip, one read a step."""
        found = self._database.read([self._ledger(step) for step in steps])
        return {step: _stored(step, snapshot) for step, snapshot in zip(steps, found, strict=True)}

    def save(
        self, stored: StoredLedger, ledger: Ledger, *, images: Sequence[Wanted] = (), without: Pack | None = None
    ) -> StoredLedger:
        """Cost: one round trip, one write, and one for a pack."""
        client = self._database.client
        batch = client.batch()
        if stored.version is None:
            batch.create(self._ledger(ledger.step), ledger_document(ledger))
        else:
            unchanged = client.write_option(last_update_time=stored.version)
            batch.update(self._ledger(ledger.step), ledger_document(ledger), option=unchanged)
        if images:
            pack = self._database.document("before_images", pack_name(ledger.step, ledger.run, ledger.page))
            expires_at = stored.read_at + self._kept
            batch.set(pack, pack_document(ledger, images) | {"expires_at": expires_at}, merge=True)
        if without is not None:
            batch.delete(self._database.document("before_images", without.id))
        with committing():
            version = batch.commit(retry=None, timeout=SAVE_SECONDS)[0].update_time
        return StoredLedger(ledger, version, timedelta(0), version)

    def count(self, selection: Selection) -> int:
        """Cost: one round trip, one read for up to a thousand documents."""
        collection: Any = self._database.client.collection(selection.collection)
        query = collection.count(alias="all")
        with reading():
            [[found]] = query.get(retry=READ_RETRY, timeout=PAGE_SECONDS)
        return int(found.value)

    def pages(self, selection: Selection, after: str | None, limit: int) -> Iterator[list[Found]]:
        """Cost: one round trip for all of them, one read a document (at least one).

        One query as of one moment, not one a page: what is written or comes later is found by the next pass.
        """
        found = self._query(selection, after).stream(retry=READ_RETRY, timeout=STREAM_SECONDS)

        def taken() -> list[Found]:
            with reading():
                return [_found(snapshot) for snapshot in itertools.islice(found, limit)]

        reader = ThreadPoolExecutor(1, thread_name_prefix="page")
        try:
            coming = deque(reader.submit(taken) for _ in range(PAGES_AHEAD))
            while page := coming.popleft().result():
                coming.append(reader.submit(taken))
                yield page
        finally:
            reader.shutdown(cancel_futures=True)
            found.close()

    def page_until(self, selection: Selection, after: str | None, until: str) -> list[Found]:
        """Cost: one round trip, one read a document (at least one)."""
        last = self._database.document(selection.collection, until)
        query = self._query(selection, after).where(filter=FieldFilter("__name__", "<=", last))
        with reading():
            return [_found(snapshot) for snapshot in query.get(retry=READ_RETRY, timeout=PAGE_SECONDS)]

    def _query(self, selection: Selection, after: str | None) -> Any:
        collection = self._database.client.collection(selection.collection)
        query: Any = collection.order_by("__name__")
        if selection.fields:
            query = query.select(list(selection.fields))
        if after is not None:
            query = query.where(filter=FieldFilter("__name__", ">", collection.document(after)))
        return query

    def reread(self, selection: Selection, ids: Sequence[str]) -> dict[str, Found]:
        """Cost: one round trip, one read a document."""
        collection = self._database.client.collection(selection.collection)
        with reading():
            found = self._database.client.get_all(
                [collection.document(name) for name in ids],
                field_paths=list(selection.fields) or None,
                retry=READ_RETRY,
                timeout=PAGE_SECONDS,
            )
            return {snapshot.id: _found(snapshot) for snapshot in found if snapshot.exists}

    def write(self, changes: Sequence[Wanted], rate: float) -> list[Written]:
        """Cost: one round trip for up to a hundred changes, one write each; one round trip for each with others."""
        alone = [wanted for wanted in changes if wanted.change.alone]
        batches = [alone[start : start + BATCH] for start in range(0, len(alone), BATCH)]
        batches += [[wanted] for wanted in changes if not wanted.change.alone]
        pace = self._paced(rate)
        become: dict[str, Written] = {}
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="write") as writers:
            for batch, written in zip(
                batches, writers.map(lambda each: self._written(each, pace), batches), strict=True
            ):
                become |= {wanted.found.document.id: one for wanted, one in zip(batch, written, strict=True)}
        return [become[wanted.found.document.id] for wanted in changes]

    def _written(self, batch: Sequence[Wanted], pace: Pace) -> list[Written]:
        pace.wait(sum(wanted.change.writes for wanted in batch))
        if not batch[0].change.alone:
            return [self._commit(batch[0])]
        client = self._database.client
        writes = BulkWriteBatch(client)
        for wanted in batch:
            self._add(writes, wanted)
        try:
            statuses = writes.commit(retry=None, timeout=BATCH_SECONDS).status
        except exceptions.GoogleAPIError:
            return [Written.UNSURE] * len(batch)
        return [_become(status.code) for status in statuses]

    def _commit(self, wanted: Wanted) -> Written:
        """One change with the documents beside it, all or nothing."""
        batch = self._database.client.batch()
        self._add(batch, wanted)
        add_beside(self._database, batch, wanted.change)
        try:
            with committing():
                batch.commit(retry=None, timeout=BATCH_SECONDS)
        except Conflict:
            return Written.CHANGED
        except StorageError as error:
            return Written.REFUSED if type(error) is StorageError else Written.UNSURE
        return Written.DONE

    def _add(self, batch: Any, wanted: Wanted) -> None:
        reference = self._database.document(wanted.collection, wanted.found.document.id)
        unchanged = self._database.client.write_option(last_update_time=wanted.found.version)
        if wanted.change.removes:
            batch.delete(reference, option=unchanged)
        else:
            batch.update(reference, plain(wanted.change), option=unchanged)

    def fitting(self, changes: Sequence[Wanted], beside: Pack | None = None) -> int:
        """Cost: nothing."""
        return fitting(changes, beside)

    def pack_of_page(self, ledger: Ledger) -> Pack | None:
        """Cost: one round trip, one read."""
        name = pack_name(ledger.step, ledger.run, ledger.page)
        snapshot = self._database.read([self._database.document("before_images", name)])[0]
        return pack_of(snapshot) if snapshot.exists else None

    def newest_pack(self, step: str) -> Pack | None:
        """Cost: one round trip, one read."""
        collection = self._database.client.collection("before_images")
        first, beyond = collection.document(f"{step}-"), collection.document(f"{step}-~")
        query = collection.where(filter=FieldFilter("__name__", ">=", first))
        query = query.where(filter=FieldFilter("__name__", "<", beyond)).order_by("__name__").limit(1)
        with reading():
            found = query.get(retry=READ_RETRY, timeout=PAGE_SECONDS)
        return next(map(pack_of, found), None)

    def restore(self, selection: Selection, pack: Pack, rate: float) -> Restored:
        """Cost: two round trips, one read and one write a document; more for those that change meanwhile."""
        self._paced(rate).wait(len(pack.images))
        return Restoring(self._database, selection.collection)(pack)

    def _paced(self, rate: float) -> Pace:
        """The pace of all calls; another one where the rate is another one."""
        if self._pace.rate != rate:
            self._pace = Pace(rate)
        return self._pace

    def _ledger(self, step: str) -> Any:
        return self._database.document("migrations", step)


class Pace:
    """No more than so many operations a second, for all threads together; a second's worth may go at once."""

    def __init__(self, rate: float) -> None:
        self.rate, self._lock, self._free_at = rate, threading.Lock(), time.monotonic() - 1.0

    def wait(self, operations: int) -> None:
        """Wait for one's turn."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - 1.0) + operations / self.rate
            turn = self._free_at - operations / self.rate
        time.sleep(max(0.0, turn - now))


def plain(change: Change) -> dict[str, Any]:
    """A change's fields as the client takes them."""
    return {name: firestore.DELETE_FIELD if value is REMOVED else value for name, value in change.fields.items()}


def add_beside(database: Database, batch: Any, change: Change) -> None:
    """Add what a change creates and counts."""
    for new in change.creates:
        batch.create(database.document(new.collection, new.id), dict(new.fields))
    for tally in change.tallies:
        counted = {**tally.labels, tally.field: firestore.Increment(1)}
        batch.set(database.document(tally.collection, tally.id), counted, merge=True)


def _become(code: int) -> Written:
    if not code:
        return Written.DONE
    if code in _GONE_ON:
        return Written.CHANGED
    return Written.REFUSED if code in _REFUSED else Written.UNSURE


def _found(snapshot: Any) -> Found:
    return Found(Document(snapshot.id, snapshot.to_dict() or {}), snapshot.update_time)


def _stored(step: str, snapshot: Any) -> StoredLedger:
    if not snapshot.exists:
        return StoredLedger(Ledger(step), None, timedelta(0), snapshot.read_time)
    idle = snapshot.read_time - snapshot.update_time
    return StoredLedger(ledger_of(step, snapshot.to_dict()), snapshot.update_time, idle, snapshot.read_time)
