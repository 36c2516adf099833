"""Opt-outs, the consent audit and the beginning of erasures in Firestore.

``suppressions/{keyed hash}`` is there while an address is opted out; ``consent_audit/{random}`` is only ever created.
Both change in one commit, so that nothing happens that is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_documents import record_document
from shared.domain.erasure import DONE, RUNNING
from shared.domain.rights import OptOutStanding, Recorded
from shared.errors import Conflict, Contention, OutcomeUnknown
from shared.ports.rights import Noted

TRIES = 3


class FirestoreRights:
    """``shared.ports.rights.RightsStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def suppress(self, address: str, reason: str, record: Recorded) -> bool:
        """Cost: one round trip, two writes; the same calls whether the address is known, opted out or neither."""

        def commit() -> None:
            batch = self._database.client.batch()
            batch.create(self._suppression(address), suppression_document(reason))
            batch.create(self._database.document("consent_audit", record.id), record_document(record))
            self._database.commit(batch)

        return self._once(commit, record)

    def lift(self, address: str, record: Recorded) -> bool:
        """Cost: one round trip, two writes."""
        client = self._database.client

        def commit() -> None:
            batch = client.batch()
            batch.delete(self._suppression(address), option=client.write_option(exists=True))
            batch.create(self._database.document("consent_audit", record.id), record_document(record))
            self._database.commit(batch)

        return self._once(commit, record)

    def standing(self, address: str) -> OptOutStanding:
        """Cost: one round trip, two reads."""
        suppression, erasure = self._database.read([self._suppression(address), self._erasure(address)])
        since = suppression.get("since") if suppression.exists else None
        return OptOutStanding(since, erasure.get("state") if erasure.exists else None)

    def request_erasure(self, address: str, conversation_id: str, record: Recorded) -> bool:
        """Cost: two round trips, two reads, up to three writes; those two again in a conflict."""
        for tries_left in reversed(range(TRIES)):
            suppression, erasure = self._database.read([self._suppression(address), self._erasure(address)])
            if erasure.exists and (erasure.get("state") == RUNNING or erasure.get("request") == record.id):
                return bool(erasure.get("request") == record.id)
            try:
                self._begin(suppression, erasure, conversation_id, record)
            except (Conflict, Contention, OutcomeUnknown):
                if not tries_left:
                    raise
                continue
            return True
        raise AssertionError("unreachable: the last try returns or raises")

    def _begin(self, suppression: Any, erasure: Any, conversation_id: str, record: Recorded) -> None:
        client = self._database.client
        batch = client.batch()
        begun = {
            "state": RUNNING,
            "request": record.id,
            "conversation_id": conversation_id,
            "requested_at": firestore.SERVER_TIMESTAMP,
            "wake_at": firestore.SERVER_TIMESTAMP,
            "earlier": [],
        }
        if erasure.exists:
            was = erasure.to_dict()
            done = {name: was[name] for name in ("requested_at", "finished_at", "erased") if name in was}
            begun["earlier"] = [*was.get("earlier", []), done] if was.get("state") == DONE else was.get("earlier", [])
            unchanged = client.write_option(last_update_time=erasure.update_time)
            batch.update(
                erasure.reference,
                dict.fromkeys(was.keys() - begun.keys(), firestore.DELETE_FIELD) | begun,
                unchanged,
            )
        else:
            batch.create(erasure.reference, begun)
        if suppression.exists:
            unchanged = client.write_option(last_update_time=suppression.update_time)
            batch.update(suppression.reference, {"reason": "erasure"}, unchanged)
        else:
            batch.create(suppression.reference, suppression_document("erasure"))
        batch.create(self._database.document("consent_audit", record.id), record_document(record))
        self._database.commit(batch)

    def audit(self, address: str | None, limit: int, after: tuple[datetime, str] | None) -> list[Noted]:
        """Cost: one round trip, one read a line (at least one).

        Index: ``consent_audit``: ``at`` descending; with an address ``address``, ``at`` descending.
        """
        query = self._database.client.collection("consent_audit").order_by("at", direction=firestore.Query.DESCENDING)
        query = query.order_by("__name__", direction=firestore.Query.DESCENDING)
        if address is not None:
            query = query.where(filter=FieldFilter("address", "==", address))
        if after is not None:
            at, name = after
            query = query.start_after({"at": at, "__name__": self._database.document("consent_audit", name)})
        with reading():
            found = query.limit(limit).get(retry=READ_RETRY, timeout=READ_SECONDS)
        return [_noted(snapshot) for snapshot in found]

    def _once(self, commit: Callable[[], None], record: Recorded) -> bool:
        """Whether this commit changed something; not where its precondition fails, unless by its own work."""
        for tries_left in reversed(range(TRIES)):
            try:
                commit()
            except Conflict:
                return tries_left < TRIES - 1 and self._is_recorded(record)
            except (Contention, OutcomeUnknown):
                if not tries_left:
                    raise
            else:
                return True
        raise AssertionError("unreachable: the last try returns or raises")

    def _is_recorded(self, record: Recorded) -> bool:
        return bool(self._database.read([self._database.document("consent_audit", record.id)])[0].exists)

    def _suppression(self, address: str) -> Any:
        return self._database.document("suppressions", address)

    def _erasure(self, address: str) -> Any:
        return self._database.document("erasures", address)


def suppression_document(reason: str) -> dict[str, Any]:
    """An opt-out from now on."""
    return {"list": "marketing", "reason": reason, "since": firestore.SERVER_TIMESTAMP}


def _noted(snapshot: Any) -> Noted:
    data = snapshot.to_dict()
    names = ("actor", "action", "source", "address", "conversation_id", "client", "wording", "consent")
    return Noted(Recorded(id=snapshot.id, **{name: data.get(name) for name in names}), data["at"])
