"""What an operator looks up of one lead, in Firestore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_conversation import conversation_of, is_tombstone
from shared.adapters.firestore_operations import marked
from shared.domain.alert import HANDOFF
from shared.ports.operations import Marked, Place
from shared.ports.operations_leads import Lead, LoggedTurn

SHOWN = (
    "name",
    "email",
    "phone",
    "score",
    "consent",
    "language",
    "turn_count",
    "alerted",
    "fields",
    "created_at",
    "started_at",
    "updated_at",
    "erased_at",
)
"""Of a conversation, all but what was said in it."""

HANGING_ON_IT = ("followups", "receipts", "admissions", "consent_audit")
"""Collections whose documents carry the id of the conversation that they are of; alerts do, too."""


class FirestoreLeads:
    """``shared.ports.operations_leads.LeadStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_email(self, email: str, limit: int) -> list[Lead]:
        """Cost: one round trip, one read a conversation (at least one); index: ``email``, ``updated_at`` descending."""
        return self._of_person("email", email, limit)

    def by_phone(self, phone: str, limit: int) -> list[Lead]:
        """Cost: one round trip, one read a conversation (at least one); index: ``phone``, ``updated_at`` descending."""
        return self._of_person("phone", phone, limit)

    def _of_person(self, field: str, value: str, limit: int) -> list[Lead]:
        theirs = self._collection("conversations").where(filter=FieldFilter(field, "==", value)).select(SHOWN)
        newest = theirs.order_by("updated_at", direction=firestore.Query.DESCENDING)
        return _leads(self._get(newest.limit(limit)))

    def by_ids(self, conversation_ids: Sequence[str], alert_id: str) -> list[Lead]:
        """Cost: one round trip and one read an id; one more of each where an alert names another conversation."""
        references = [self._database.document("conversations", name) for name in conversation_ids]
        *found, alert = self._database.read([*references, self._database.document("alerts", alert_id)])
        named = (alert.to_dict() or {}).get("conversation_id")
        if named and named not in conversation_ids:
            found += self._database.read([self._database.document("conversations", named)])
        return _leads(found)

    def alerts_of(self, conversation_ids: Sequence[str], limit: int) -> list[Marked]:
        """Cost: two round trips, two reads an alert (at least one).

        Index: ``alerts``: ``conversation_id``, ``created_at`` descending.
        """
        if not conversation_ids:
            return []
        of_them = FieldFilter("conversation_id", "in", list(conversation_ids))
        newest = self._collection("alerts").where(filter=of_them)
        newest = newest.order_by("created_at", direction=firestore.Query.DESCENDING)
        return marked(self._database, self._get(newest.limit(limit)))

    def turns(self, conversation_id: str, limit: int, after: Place | None = None) -> list[LoggedTurn]:
        """Cost: one round trip, one read a turn (at least one); index: ``messages``: ``conversation_id``, ``at``."""
        messages = self._messages(conversation_id)
        of_it = messages.where(filter=FieldFilter("conversation_id", "==", conversation_id))
        query = of_it.order_by("at").order_by("__name__")
        if after is not None:
            query = query.start_after({"at": after.entered_at, "__name__": messages.document(after.id)})
        return [_turn(snapshot) for snapshot in self._get(query.limit(limit))]

    def everything(self, conversation_id: str, limit: int) -> Mapping[str, list[dict[str, Any]]]:
        """Cost: seven round trips, one read a document and one more an alert (at least one a collection)."""
        conversation = self._database.read([self._database.document("conversations", conversation_id)])[0]
        if not conversation.exists or is_tombstone(conversation):
            return {}
        of_it = FieldFilter("conversation_id", "==", conversation_id)
        found = {"conversations": [conversation], "messages": self._get(self._messages(conversation_id).limit(limit))}
        for name in ("alerts", *HANGING_ON_IT):
            found[name] = self._get(self._collection(name).where(filter=of_it).limit(limit))
        letters = [self._database.document("dead_letters", each.id) for each in found["alerts"]]
        found["dead_letters"] = [each for each in self._database.read(letters) if each.exists] if letters else []
        return {name: [{"id": each.id} | (each.to_dict() or {}) for each in these] for name, these in found.items()}

    def _messages(self, conversation_id: str) -> Any:
        return self._database.document("conversations", conversation_id).collection("messages")

    def _collection(self, name: str) -> Any:
        return self._database.client.collection(name)

    def _get(self, query: Any) -> list[Any]:
        with reading():
            return list(query.get(retry=READ_RETRY, timeout=READ_SECONDS))


def _leads(snapshots: Sequence[Any]) -> list[Lead]:
    return [_lead(snapshot) for snapshot in snapshots if snapshot.exists and not is_tombstone(snapshot)]


def _lead(snapshot: Any) -> Lead:
    known = conversation_of(snapshot.id, snapshot.to_dict() or {})
    return Lead(
        id=known.id,
        name=known.details.name,
        email=known.details.email,
        phone=known.details.phone,
        score=known.score,
        consent=known.consent,
        language=known.language,
        turn_count=known.turn_count,
        handoff=HANDOFF in known.alerted,
        fields=known.fields,
        created_at=known.created_at,
        updated_at=known.updated_at,
    )


def _turn(snapshot: Any) -> LoggedTurn:
    data = snapshot.to_dict()
    return LoggedTurn(snapshot.id, data["at"], data["question"], data["answer"], tuple(data.get("alert_ids", ())))
