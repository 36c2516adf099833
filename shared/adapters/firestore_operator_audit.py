"""Who did what, in Firestore: one document an action in ``operator_audit``, which nobody changes."""

from __future__ import annotations

from typing import Any

from google.cloud import firestore

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.errors import Conflict, Contention, OutcomeUnknown
from shared.ports.operations import Action, Place
from shared.ports.operations_system import Done

NOTE_TRIES = 3


class FirestoreOperatorAudit:
    """``shared.ports.operations_system.OperatorAudit`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, action: Action) -> None:
        """Cost: one round trip, one write; the same again where no answer came."""
        for tries_left in reversed(range(NOTE_TRIES)):
            batch = self._database.client.batch()
            put_action(self._database, batch, action)
            try:
                self._database.commit(batch)
            except Conflict:  # an earlier try was written after all
                return
            except (Contention, OutcomeUnknown):
                if not tries_left:
                    raise
            else:
                return

    def listed(self, limit: int, after: Place | None = None) -> list[Done]:
        """Cost: one round trip, one read an action (at least one); no composite index."""
        collection = self._database.client.collection("operator_audit")
        newest = firestore.Query.DESCENDING
        query = collection.order_by("at", direction=newest).order_by("__name__", direction=newest)
        if after is not None:
            query = query.start_after({"at": after.entered_at, "__name__": collection.document(after.id)})
        with reading():
            found = query.limit(limit).get(retry=READ_RETRY, timeout=READ_SECONDS)
            return [_done_of(snapshot) for snapshot in found]


def put_action(database: Database, batch: Any, action: Action) -> None:
    """Have a batch write the record of an action, once."""
    batch.create(database.document("operator_audit", action.id), _document(action))


def _document(action: Action) -> dict[str, Any]:
    return {
        "at": firestore.SERVER_TIMESTAMP,
        "action": action.name,
        "subject": dict(action.subject),
        "reason": action.reason,
        "by": action.by,
    }


def _done_of(snapshot: Any) -> Done:
    data = snapshot.to_dict()
    action = Action(snapshot.id, data["action"], data.get("subject") or {}, data.get("reason"), data.get("by"))
    return Done(action, data["at"])
