"""What an operator looks up and waives, in Firestore."""

from __future__ import annotations

from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import firestore_dead_letters as dead_letters
from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_documents import alert_document, alert_of, dead_letter_document
from shared.adapters.firestore_operator_audit import put_action
from shared.domain.alert import Alert
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageUnavailable, Unreadable
from shared.ports import Version
from shared.ports.operations import Action, DeadLetter, Marked, Place, Wanted

CONVERSATIONS_MOST = 30
"""Of one address; Firestore takes no more values in one query."""

WAIVE_TRIES = 3


class FirestoreOperations:
    """``shared.ports.operations.OperatorStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alert(self, alert_id: str) -> Marked | None:
        """Cost: one round trip, two reads."""
        references = [self._database.document(name, alert_id) for name in ("alerts", "dead_letters")]
        alert, dead_letter = self._database.read(references)
        if not alert.exists:
            return None
        return Marked(alert_of(alert_id, alert.to_dict()), _dead_letter(dead_letter))

    def alerts_of(self, email: str, limit: int) -> list[Marked]:
        """Cost: up to three round trips, one read a conversation and two an alert.

        Index: ``conversations``: ``email``, ``updated_at`` descending; ``alerts``: ``conversation_id``, ``created_at``
        descending.
        """
        latest = firestore.Query.DESCENDING
        theirs = self._collection("conversations").where(filter=FieldFilter("email", "==", email)).select(["email"])
        conversations = self._get(theirs.order_by("updated_at", direction=latest).limit(CONVERSATIONS_MOST))
        if not conversations:
            return []
        of_them = FieldFilter("conversation_id", "in", [item.id for item in conversations])
        found = self._collection("alerts").where(filter=of_them).order_by("created_at", direction=latest)
        return marked(self._database, self._get(found.limit(limit)))

    def dead_letters(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[DeadLetter]:
        """Cost: one round trip, one read a dead letter (at least one); index: see ``firestore_dead_letters.query``."""
        query = dead_letters.query(self._database.client, wanted, after, newest_first=True)
        return dead_letters.readable(self._get(query.limit(limit)))

    def waive(self, waived: Alert, version: Version, action: Action) -> None:
        """Cost: one round trip, three writes; one round trip and one read more where no answer came."""
        for tries_left in reversed(range(WAIVE_TRIES)):
            try:
                self._commit_waived(waived, version, action)
            except (Conflict, Contention, OutcomeUnknown) as error:
                if self._stands(waived, version, error):
                    return
                if not tries_left or isinstance(error, Conflict):
                    raise
            else:
                return

    def _commit_waived(self, waived: Alert, version: Version, action: Action) -> None:
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=version)
        batch.update(self._database.document("alerts", waived.id), alert_document(waived), option=unchanged)
        batch.set(self._database.document("dead_letters", waived.id), dead_letter_document(waived), merge=True)
        put_action(self._database, batch, action)
        self._database.commit(batch)

    def _stands(self, waived: Alert, version: Version, error: Exception) -> bool:
        """Whether the commit happened after all.

        Raises:
            Conflict: somebody else was first.
        """
        try:
            snapshot = self._database.read([self._database.document("alerts", waived.id)])[0]
        except StorageUnavailable:
            raise error from None
        if snapshot.exists and snapshot.get("nonce") == waived.nonce:
            return True
        if not snapshot.exists or snapshot.update_time != version:
            raise Conflict(waived.id) from None
        return False

    def _collection(self, name: str) -> Any:
        return self._database.client.collection(name)

    def _get(self, query: Any) -> list[Any]:
        with reading():
            return list(query.get(retry=READ_RETRY, timeout=READ_SECONDS))


def marked(database: Database, snapshots: list[Any]) -> list[Marked]:
    """Alerts with their dead letters, without those that this version cannot read; one round trip, one read each."""
    if not snapshots:
        return []
    letters = database.read([database.document("dead_letters", item.id) for item in snapshots])
    found = []
    for snapshot, letter in zip(snapshots, letters, strict=True):
        try:
            found.append(Marked(alert_of(snapshot.id, snapshot.to_dict() or {}), _dead_letter(letter)))
        except Unreadable:
            continue
    return found


def _dead_letter(snapshot: Any) -> DeadLetter | None:
    return dead_letters.dead_letter_of(snapshot.id, snapshot.to_dict()) if snapshot.exists else None
