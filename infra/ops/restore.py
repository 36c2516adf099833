"""``restore``: documents that are missing, brought back as they were at a moment, or from a restored database.

Only created, never overwritten, so that it can be repeated, and nothing that happened since is undone. An alert that
this version cannot read is the exception: it takes the form that it had.
"""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core import exceptions
from google.cloud import firestore

from infra.ops.console import local_info
from infra.ops.failures import DONE, NOT_DONE, CommandFailed
from infra.ops.import_sql.command import EMULATOR
from infra.ops.import_sql.writing import BATCH, Fates, FirestoreTarget, NewDocument
from infra.ops.restore_table import Restored, print_restored
from shared.adapters.firestore import READ_RETRY, Database, committing, reading
from shared.adapters.firestore_conversation import is_tombstone
from shared.adapters.firestore_documents import alert_document, alert_of
from shared.adapters.firestore_operator_audit import FirestoreOperatorAudit
from shared.domain.alert import State
from shared.domain.erasure import erased
from shared.errors import Conflict, StorageError, Unreadable
from shared.ports.operations import Action

SECONDS = 60.0
TO_THE_SECOND = timedelta(minutes=55)
"""Firestore reads a moment to the second within an hour, and to the minute before that."""

BESIDE = {"alerts": ("dead_letters", "receipts")}


@dataclass(frozen=True)
class Source:
    """The database as it was.

    Attributes:
        client: of the database that is read.
        at: when; None for a database that was restored from a backup.
    """

    client: Any
    at: datetime | None

    def document(self, *path: str) -> Any:
        """One document as it was; it may not have existed."""
        with reading():
            return self.client.document(*path).get(retry=READ_RETRY, timeout=SECONDS, **self._moment)

    def all(self, collection: str, *below: str) -> Iterator[list[Any]]:
        """A collection's documents, so many at a time; ``messages`` are those of every conversation, or of one."""
        if collection == "messages" and not below:
            query = self.client.collection_group(collection)
        else:
            query = self.client.collection(*below, collection)
        query, after = query.order_by("__name__"), None
        while True:
            page = query.limit(BATCH) if after is None else query.start_after(after).limit(BATCH)
            with reading():
                found = list(page.stream(retry=READ_RETRY, timeout=SECONDS, **self._moment))
            if found:
                yield found
            if len(found) < BATCH:
                return
            after = found[-1]

    @property
    def _moment(self) -> dict[str, Any]:
        return {} if self.at is None else {"read_time": self.at}


@dataclass
class Restoring:
    """One run.

    Attributes:
        source: the database as it was.
        database: as it is.
        kept: how long an alert is kept after its end.
        dry: nothing is written.
    """

    source: Source
    database: Database
    kept: timedelta
    rate: float
    dry: bool
    done: Restored = field(default_factory=Restored)
    _target: FirestoreTarget = field(init=False)

    def __post_init__(self) -> None:
        self._target = FirestoreTarget(self.database, self.rate)

    def collection(self, name: str) -> None:
        """All of a collection; raises StorageError."""
        for page in self.source.all(name):
            self._page(name, page)

    def one(self, collection: str, name: str) -> None:
        """A document that is named, with what belongs to it; raises StorageError."""
        then = self.source.document(collection, name)
        if not then.exists:
            self.done.add(collection, "not there then")
            return
        self._page(collection, [then])
        beside = [self.source.document(other, name) for other in BESIDE.get(collection, ())]
        for found in beside:
            if found.exists:
                self._page(found.reference.parent.id, [found])
        if collection == "conversations":
            for page in self.source.all("messages", collection, name):
                self._page("messages", page)

    def _page(self, collection: str, page: list[Any]) -> None:
        now = self._now([then.reference for then in page])
        tombs = self._tombs(page)
        missing, hollow = [], []
        for then in page:
            stands, data = now[_path(then.reference)], then.to_dict()
            fate = self._fate(collection, then, stands, tombs)
            if fate is None:
                missing.append(NewDocument(_path(then.reference), data, {collection: 1}))
            elif fate == "mended" and not self.dry:
                fate = self._mend(stands, data)
            elif fate == "erased" and collection == "alerts" and (emptied := _emptied(then, tombs)) is not None:
                hollow.append(NewDocument(_path(then.reference), emptied, {collection: 1}))
                continue
            if fate is not None:
                self.done.add(collection, fate)
            if fate in (None, "mended"):
                self.done.written.append("/".join(_path(then.reference)))
        self._create(collection, missing, "restored")
        self._create(collection, hollow, "erased")

    def _fate(self, collection: str, then: Any, stands: Any, tombs: set[str]) -> str | None:
        """What becomes of a document; None for one that is to be created."""
        data = then.to_dict()
        if stands.exists:
            mends = collection == "alerts" and not _readable(stands) and _readable(then)
            return "mended" if mends else "there"
        ends = data.get("expires_at") or (data["ended_at"] + self.kept if data.get("ended_at") else None)
        if isinstance(ends, datetime) and ends <= datetime.now(UTC):
            return "over"  # erased ones too: clean-up has archived them, and counted them as such
        return "erased" if tombs & _conversations(then) else None

    def _create(self, collection: str, missing: list[NewDocument], done: str) -> None:
        if self.dry or not missing:
            self.done.add(collection, done, len(missing))
            return
        fates = Fates()
        self._target.create(missing, fates)
        for fate, rows in ((done, fates.imported), ("there", fates.present), ("refused", fates.refused)):
            self.done.add(collection, fate, rows[collection])

    def _mend(self, stands: Any, data: Mapping[str, Any]) -> str:
        """Replace what cannot be read, if it is still the same."""
        gone = {name: firestore.DELETE_FIELD for name in stands.to_dict() if name not in data}
        reference = self.database.document(*_path(stands.reference))
        unchanged = self.database.client.write_option(last_update_time=stands.update_time)
        try:
            with committing():
                reference.update({**data, **gone}, option=unchanged, retry=None, timeout=SECONDS)
        except Conflict:
            return "there"
        return "mended"

    def _now(self, references: list[Any]) -> dict[tuple[str, ...], Any]:
        """The same documents as they are."""
        wanted = [self.database.document(*_path(reference)) for reference in references]
        with reading():
            found = self.database.client.get_all(wanted, retry=READ_RETRY, timeout=SECONDS)
            return {_path(snapshot.reference): snapshot for snapshot in found}

    def _tombs(self, page: list[Any]) -> set[str]:
        """Those of the page's conversations that have been erased."""
        named = sorted({name for then in page for name in _conversations(then)})
        if not named:
            return set()
        stands = self._now([self.database.document("conversations", name) for name in named])
        return {path[-1] for path, snapshot in stands.items() if is_tombstone(snapshot)}


def restore(options: argparse.Namespace) -> int:
    """Do what was asked for; raises CommandFailed."""
    project = _project(options)
    at = _moment(options.at)
    database = Database(project)
    beside = options.from_database
    client: Any = firestore.Client(project=project, database=beside) if beside else database.client
    restoring = Restoring(
        Source(client, at), database, timedelta(days=options.delivered_days), options.rate, options.dry_run
    )
    try:
        for collection, name in options.what:
            if name is None:
                restoring.collection(collection)
            else:
                restoring.one(collection, name)
        if restoring.done.written and not options.dry_run:
            FirestoreOperatorAudit(database).note(_action(options, at))
    except (StorageError, exceptions.GoogleAPIError) as error:
        why = error.__cause__ or error
        raise CommandFailed(
            f"Firestore did not do it ({type(why).__name__}: {why}); what was restored stands, run the command again"
        ) from None
    finally:
        for each in {client, database.client}:
            each.close()
    print_restored(restoring.done, options, at)
    wrong = sum(counts["not there then"] + counts["refused"] for counts in restoring.done.counts.values())
    return NOT_DONE if wrong else DONE


def _project(options: argparse.Namespace) -> str:
    if options.project is not None:
        return str(options.project)
    info = local_info(options.url)
    os.environ[EMULATOR] = str(info["firestore"])
    return str(info["project"])


def _moment(at: datetime | None) -> datetime | None:
    """The moment as Firestore takes it."""
    if at is None or datetime.now(UTC) - at < TO_THE_SECOND:
        return at
    return at.replace(second=0, microsecond=0)


def _action(options: argparse.Namespace, at: datetime | None) -> Action:
    named = [collection if name is None else f"{collection}/{name}" for collection, name in options.what]
    subject = {"what": named, "at": at, "database": options.from_database}
    return Action(secrets.token_hex(16), "restore", subject, options.reason, options.by)


def _path(reference: Any) -> tuple[str, ...]:
    return tuple(reference.path.split("/"))


def _readable(snapshot: Any) -> bool:
    try:
        alert_of(snapshot.id, snapshot.to_dict())
    except Unreadable:
        return False
    return True


def _emptied(then: Any, tombs: set[str]) -> dict[str, Any] | None:
    """An alert that says nothing of those who were erased: it is counted, so it must be there. None if unreadable."""
    try:
        alert = alert_of(then.id, then.to_dict())
    except Unreadable:
        return None
    if alert.state is State.ERASED:
        return dict(then.to_dict())
    if alert.state is State.SENDING:  # whatever came of it, that was long ago
        alert = replace(alert, state=State.PARKED)
    now, nonce = datetime.now(UTC), secrets.token_hex(16)
    for name in sorted(tombs & _conversations(then)):
        alert = erased(alert, now=now, nonce=nonce, conversation_id=name)
    return alert_document(alert)


def _conversations(then: Any) -> set[str]:
    """The conversations that a document hangs on."""
    data, parent = then.to_dict(), then.reference.parent.parent
    named = {data.get("conversation_id"), *data.get("conversation_ids", ()), parent.id if parent is not None else None}
    return {name for name in named if isinstance(name, str) and name}
