"""Taking documents back to their before-images, those that are as the step left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

from shared.adapters.firestore import READ_RETRY, Database, committing, reading
from shared.adapters.firestore_images import decoded, digest
from shared.errors import Conflict, OutcomeUnknown
from shared.migrations.decide import Problem
from shared.migrations.step import REMOVED
from shared.ports.migrations import Pack, Restored

TRIES = 6
SECONDS = 20.0
BATCH = 100
SINCE = "it has been changed since"
GONE = "it is gone"
REPLACED = "there is another document of its name"


class Restoring:
    """One pack's images, back where they belong; again and again is no error."""

    def __init__(self, database: Database, collection: str) -> None:
        self._database, self._collection = database, collection

    def __call__(self, pack: Pack) -> Restored:
        """Cost: two round trips, one read and one write an image, and again for those that change meanwhile.

        Raises:
            StorageError: it is not known of some.
        """
        left = dict(pack.images)
        kept: list[Problem] = []
        for _ in range(TRIES):
            stands = self._read(list(left))
            writes = []
            for name, image in list(left.items()):
                write, problem = self._decided(decoded(image.data, self._database.client), stands[name])
                if problem is not None:
                    kept.append(Problem(name, problem))
                if write is None:
                    del left[name]
                else:
                    writes.append((name, write))
            if not left:
                return Restored(len(pack.images) - len(kept), tuple(kept))
            self._write(writes)
        raise OutcomeUnknown(pack.id)

    def _read(self, names: Sequence[str]) -> dict[str, Any]:
        collection = self._database.client.collection(self._collection)
        with reading():
            found = self._database.client.get_all(
                [collection.document(name) for name in names], retry=READ_RETRY, timeout=SECONDS
            )
            return {snapshot.id: snapshot for snapshot in found}

    def _decided(self, image: Mapping[str, Any], snapshot: Any) -> tuple[Mapping[str, Any] | None, str | None]:
        """What has still to be written for an image, or why it is left alone; two Nones where it is as it was."""
        before, names = image["before"], image["fields"]
        if not snapshot.exists:
            return ({"image": image, "snapshot": snapshot}, None) if image["removed"] else (None, GONE)
        fields = snapshot.to_dict() or {}
        stands = digest({name: fields.get(name, REMOVED) for name in names})
        if stands == digest(before):
            return None, (REPLACED if image["removed"] and set(fields) != set(names) else None)
        if image["removed"]:
            return None, REPLACED
        created = self._as_created(image["created"])
        if stands != image["after"] or created is None:
            return None, SINCE
        return {"image": image, "snapshot": snapshot, "created": created}, None

    def _as_created(self, created: Sequence[Mapping[str, Any]]) -> list[Any] | None:
        """The documents that came with the change, if all of them are as they came."""
        if not created:
            return []
        found = self._database.read([self._database.document(each["collection"], each["id"]) for each in created])
        same = all(
            snapshot.exists and digest(snapshot.to_dict() or {}) == each["digest"]
            for snapshot, each in zip(found, created, strict=True)
        )
        return found if same else None

    def _write(self, writes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Each conditionally, those without others in bulk; what failed is looked at again by the caller."""
        alone = [write for _, write in writes if not (write["image"]["created"] or write["image"]["tallies"])]
        for start in range(0, len(alone), BATCH):
            bulk = BulkWriteBatch(self._database.client)
            for write in alone[start : start + BATCH]:
                self._add(bulk, write)
            with committing():
                bulk.commit(retry=None, timeout=SECONDS)
        for _, write in writes:
            if write["image"]["created"] or write["image"]["tallies"]:
                self._commit(write)

    def _commit(self, write: Mapping[str, Any]) -> None:
        batch, image = self._database.client.batch(), write["image"]
        self._add(batch, write)
        for created in write["created"]:
            unchanged = self._database.client.write_option(last_update_time=created.update_time)
            batch.delete(created.reference, option=unchanged)
        for each in image["tallies"]:
            reference = self._database.document(each["collection"], each["id"])
            batch.update(reference, {each["field"]: firestore.Increment(-1)})
        try:
            self._database.commit(batch)
        except Conflict:
            return

    def _add(self, batch: Any, write: Mapping[str, Any]) -> None:
        image, snapshot = write["image"], write["snapshot"]
        if image["removed"]:
            batch.create(snapshot.reference, image["before"])
            return
        unchanged = self._database.client.write_option(last_update_time=snapshot.update_time)
        fields = {name: image["before"].get(name, firestore.DELETE_FIELD) for name in image["fields"]}
        batch.update(snapshot.reference, fields, option=unchanged)
