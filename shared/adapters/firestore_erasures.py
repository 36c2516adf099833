"""The ledger of erasures, and all documents of a conversation, in Firestore.

A conversation is found by ``email_hashes``, the keyed hashes of every address it ever had, and, where an earlier
version of the code wrote it, by its ``email``. What hangs on it carries ``conversation_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_conversation import is_tombstone
from shared.adapters.firestore_documents import record_document
from shared.adapters.firestore_image_erasure import forget_images
from shared.domain.erasure import DONE, RUNNING, Erasure
from shared.domain.rights import Recorded
from shared.errors import Conflict, OutcomeUnknown
from shared.ports.rights import FoundAlert

CONVERSATIONS_MOST = 50
DOCUMENTS_MOST = 400
HANGING_ON_IT = ("admissions", "receipts", "followups")
"""Collections whose documents carry the id of the conversation that they are of."""


class FirestoreErasures:
    """``shared.ports.rights.ErasureStore`` on Firestore.

    Args:
        database: the project's.
        kept: how long a tombstone is kept: as long as a browser may know the conversation.
    """

    def __init__(self, database: Database, kept: timedelta) -> None:
        self._database = database
        self._kept = kept

    def running(self, limit: int) -> tuple[list[Erasure], Any]:
        """Cost: two round trips, one read an erasure (at least two); no composite index."""
        now = self._database.read([self._erasure("time")])[0].read_time
        query = self._collection("erasures").where(filter=FieldFilter("state", "==", RUNNING))
        return [_erasure_of(snapshot) for snapshot in self._get(query.limit(limit))], now

    def listed(self, limit: int) -> list[Erasure]:
        """Cost: one round trip, one read an erasure (at least one); index: ``requested_at`` descending."""
        query = self._collection("erasures").order_by("requested_at", direction=firestore.Query.DESCENDING)
        return [_erasure_of(snapshot) for snapshot in self._get(query.limit(limit))]

    def find(self, erasure_id: str) -> Erasure | None:
        """Cost: one round trip, one read."""
        snapshot = self._database.read([self._erasure(erasure_id)])[0]
        return _erasure_of(snapshot) if snapshot.exists else None

    def save(self, erasure: Erasure, record: Recorded | None = None) -> Erasure:
        """Cost: one round trip, one write, and one for a record; one round trip and one read more for the version."""
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=erasure.version)
        batch.update(self._erasure(erasure.id), _progress(erasure), option=unchanged)
        if record is not None:
            batch.create(self._database.document("consent_audit", record.id), record_document(record))
        self._database.commit(batch)
        saved = self.find(erasure.id)
        if saved is None:
            raise Conflict(erasure.id)
        return saved

    def conversations(self, address: str, conversation_id: str) -> Sequence[str]:
        """Cost: two round trips, one read a conversation found (at least two); one more each for old documents.

        Index: ``conversations``: ``email_hashes`` (contains); for old documents ``email``.
        """
        of_it = FieldFilter("email_hashes", "array_contains", address)
        found = self._get(self._collection("conversations").where(filter=of_it).limit(CONVERSATIONS_MOST))
        names = [snapshot.id for snapshot in found]
        asked = self._database.read([self._database.document("conversations", conversation_id)])[0]
        stands = asked.to_dict() or {}
        # Only what an earlier version wrote is believed for its address: of any other the address may be another one by
        # now, perhaps somebody's who has nothing to do with this link.
        if not asked.exists or is_tombstone(asked) or "email_hashes" in stands:
            return names
        names.append(asked.id)
        email = stands.get("email")
        if isinstance(email, str):
            same = self._collection("conversations").where(filter=FieldFilter("email", "==", email))
            names += [snapshot.id for snapshot in self._get(same.limit(CONVERSATIONS_MOST))]
        return tuple(dict.fromkeys(names))

    def entomb(self, conversation_id: str, erasure_id: str) -> None:
        """Cost: two round trips, one read, one write."""
        reference = self._database.document("conversations", conversation_id)
        stands = self._database.read([reference])[0]
        if not stands.exists or is_tombstone(stands):
            return
        batch = self._database.client.batch()
        expires_at = stands.read_time + self._kept
        batch.set(reference, {"erased_at": firestore.SERVER_TIMESTAMP, "erasure": erasure_id, "expires_at": expires_at})
        self._database.commit(batch)

    def alerts(self, conversation_id: str) -> Sequence[FoundAlert]:
        """Cost: two round trips, one read an alert (at least two); no composite index."""
        of_it = FieldFilter("conversation_id", "==", conversation_id)
        tells_of_it = FieldFilter("conversation_ids", "array_contains", conversation_id)
        found = [
            item
            for each in (of_it, tells_of_it)
            for item in self._get(self._collection("alerts").where(filter=each).select(["channel", "state"]))
        ]
        return [FoundAlert(item.id, item.get("channel"), item.get("state")) for item in found]

    def remove(self, conversation_id: str) -> dict[str, int]:
        """Cost: a round trip each for finding and deleting, a read and a delete a document (at least five reads)."""
        messages = self._database.document("conversations", conversation_id).collection("messages")
        removed = {"messages": self._delete_all(messages)}
        for name in HANGING_ON_IT:
            of_it = FieldFilter("conversation_id", "==", conversation_id)
            removed[name] = self._delete_all(self._collection(name).where(filter=of_it))
        removed["before_images"] = 0
        while packs := forget_images(self._database, conversation_id):
            removed["before_images"] += packs
        return removed

    def _delete_all(self, query: Any) -> int:
        """Delete what a query finds, page by page; a page whose commit was not answered is simply found again."""
        removed = 0
        while found := self._get(query.select([]).limit(DOCUMENTS_MOST)):
            batch = self._database.client.batch()
            for snapshot in found:
                batch.delete(snapshot.reference)
            try:
                self._database.commit(batch)
            except OutcomeUnknown:
                continue
            removed += len(found)
        return removed

    def _erasure(self, erasure_id: str) -> Any:
        return self._database.document("erasures", erasure_id)

    def _collection(self, name: str) -> Any:
        return self._database.client.collection(name)

    def _get(self, query: Any) -> list[Any]:
        with reading():
            return list(query.get(retry=READ_RETRY, timeout=READ_SECONDS))


def _progress(erasure: Erasure) -> dict[str, Any]:
    progress = {
        "state": erasure.state,
        "wake_at": erasure.wake_at,
        "conversations": list(erasure.conversations),
        "erased": dict(erasure.erased),
        "sent": {channel: list(alerts) for channel, alerts in erasure.sent.items()},
        "tries": erasure.tries,
        "problem": erasure.problem,
        "problems": list(erasure.problems),
        "looked_again": erasure.looked_again,
        "relook_at": erasure.relook_at,
    }
    if erasure.state == DONE:
        progress["finished_at"] = firestore.SERVER_TIMESTAMP
    return progress


def _erasure_of(snapshot: Any) -> Erasure:
    data = snapshot.to_dict()
    return Erasure(
        id=snapshot.id,
        state=data["state"],
        conversation_id=data["conversation_id"],
        requested_at=data["requested_at"],
        wake_at=data["wake_at"],
        conversations=tuple(data.get("conversations", ())),
        erased=data.get("erased", {}),
        sent={channel: tuple(alerts) for channel, alerts in data.get("sent", {}).items()},
        tries=data.get("tries", 0),
        problem=data.get("problem"),
        problems=tuple(data.get("problems", ())),
        looked_again=data.get("looked_again", False),
        relook_at=data.get("relook_at"),
        finished_at=data.get("finished_at"),
        version=snapshot.update_time,
    )
