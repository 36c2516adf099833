"""Runs of scheduled jobs, and what has had its time, in Firestore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_documents import tally_id
from shared.adapters.firestore_retention import FirestoreRetention
from shared.domain.alert import CANARY, FINAL, State
from shared.errors import Conflict, Contention, OutcomeUnknown
from shared.ports import Slot

TAKE_TRIES = 3
ARCHIVED_STATES = sorted(state.value for state in FINAL - {State.FAILED})


class FirestoreJobSlots:
    """``shared.ports.JobSlots`` on Firestore: one document a job, which knows its last slot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, job: str, time: str, nonce: str, lease: timedelta) -> Slot:
        """Cost: two round trips, one read, one write; two more where somebody else was faster."""
        for _ in range(TAKE_TRIES):
            stands = self._read(job)
            held = self._held(stands, time, nonce, lease)
            if held is not None:
                return held
            try:
                self._write(stands, {"time": time, "nonce": nonce, "done": False})
            except (Conflict, Contention, OutcomeUnknown):
                continue
            return Slot.TAKEN
        return Slot.RUNNING

    def _held(self, stands: Any, time: str, nonce: str, lease: timedelta) -> Slot | None:
        """What became of the slot; None where it may be taken."""
        if not stands.exists or stands.get("time") < time:
            return None
        if stands.get("nonce") == nonce:
            return Slot.TAKEN
        if stands.get("done") or stands.get("time") > time:
            return Slot.DONE
        return Slot.RUNNING if stands.read_time - stands.update_time < lease else None

    def leave(self, job: str, nonce: str, *, done: bool) -> None:
        """Cost: two round trips, one read, one write."""
        stands = self._read(job)
        if stands.exists and stands.get("nonce") == nonce:
            time = stands.get("time") if done else ""
            self._write(stands, {"time": time, "nonce": nonce, "done": done})

    def _read(self, job: str) -> Any:
        return self._database.read([self._database.document("job_slots", job)])[0]

    def _write(self, stands: Any, document: dict[str, Any]) -> None:
        """Write what is to stand, if nobody has changed what stood."""
        client = self._database.client
        batch = client.batch()
        if stands.exists:
            batch.update(stands.reference, document, option=client.write_option(last_update_time=stands.update_time))
        else:
            batch.create(stands.reference, document)
        self._database.commit(batch)


class FirestoreHousekeeping:
    """``shared.ports.Housekeeping`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        retention = FirestoreRetention(database)
        self.forget_conversations, self.forget_audit = retention.forget_conversations, retention.forget_audit

    def remove_expired(self, collection: str, limit: int) -> int:
        """Cost: two round trips, one read and one delete a document (at least two reads); index: ``expires_at``."""
        now = self._now()
        query = self._database.client.collection(collection).where(filter=FieldFilter("expires_at", "<=", now))
        found = self._get(query.order_by("expires_at").limit(limit))
        return self._delete(found, self._expired_of)

    def archive_ended(self, kept: timedelta, limit: int) -> int:
        """Cost: three round trips; a read and up to three deletes an alert, and one write for each tally.

        Index: ``state``, ``ended_at`` ascending.
        """
        query = self._database.client.collection("alerts").where(filter=FieldFilter("state", "in", ARCHIVED_STATES))
        ended = query.where(filter=FieldFilter("ended_at", "<=", self._now() - kept))
        found = self._get(ended.order_by("ended_at").limit(limit))
        return self._delete(found, self._ended_of)

    def _delete(self, found: Sequence[Any], batch_of: Any) -> int:
        """All in one commit; one by one where somebody has changed one of them meanwhile."""
        if not found:
            return 0
        try:
            self._database.commit(batch_of(found))
        except Conflict:
            return sum(self._delete_one(snapshot, batch_of) for snapshot in found)
        return len(found)

    def _delete_one(self, snapshot: Any, batch_of: Any) -> int:
        try:
            self._database.commit(batch_of([snapshot]))
        except Conflict:
            return 0
        return 1

    def _expired_of(self, found: Sequence[Any]) -> Any:
        batch = self._database.client.batch()
        for snapshot in found:
            self._delete_unchanged(batch, snapshot)
        return batch

    def _ended_of(self, found: Sequence[Any]) -> Any:
        """The alerts with receipts and dead letters, and their tallies: counted only if every one is deleted by us."""
        batch = self._database.client.batch()
        archived: Counter[tuple[str, str, str]] = Counter()
        for snapshot in found:
            data = snapshot.to_dict()
            self._delete_unchanged(batch, snapshot)
            batch.delete(self._database.document("receipts", snapshot.id))
            batch.delete(self._database.document("dead_letters", snapshot.id))
            if data["kind"] == CANARY:  # left over by a run that nothing followed; never counted
                continue
            tally = tally_id(data["channel"], data["kind"], snapshot.id)
            archived[data["channel"], data["kind"], tally] += 1
        for (channel, kind, tally), number in archived.items():
            counted = {"channel": channel, "kind": kind, "archived": firestore.Increment(number)}
            batch.set(self._database.document("tallies", tally), counted, merge=True)
        return batch

    def _delete_unchanged(self, batch: Any, snapshot: Any) -> None:
        unchanged = self._database.client.write_option(last_update_time=snapshot.update_time)
        batch.delete(snapshot.reference, option=unchanged)

    def _now(self) -> Any:
        """Firestore's time; one round trip, one read of a document that need not exist."""
        return self._database.read([self._database.document("alerts", "time")])[0].read_time

    def _get(self, query: Any) -> Any:
        with reading():
            return query.get(retry=READ_RETRY, timeout=READ_SECONDS)
