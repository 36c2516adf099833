"""Conversations that went quiet, their follow-ups, and what keeps one from being sent, in Firestore."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_conversation import is_tombstone
from shared.adapters.firestore_documents import alert_document, tally_id
from shared.adapters.firestore_rights import FirestoreRights
from shared.domain import ids
from shared.domain.alert import Alert
from shared.domain.followups import Quiet, Standing
from shared.errors import Contention, OutcomeUnknown
from shared.ports.rights import DueConversation

TRIES = 3


class FirestoreFollowups:
    """``shared.ports.rights.FollowupStore`` on Firestore.

    Args:
        database: the project's.
        hash_key: what addresses are hashed with.
    """

    def __init__(self, database: Database, hash_key: str) -> None:
        self._database = database
        self._hash_key = hash_key

    def due(self, limit: int, numbers: int) -> tuple[list[DueConversation], datetime]:
        """Cost: three round trips; for each conversation found two reads and one for each number, one more at least.

        Index: ``conversations``: ``followup_at`` ascending.
        """
        now = self._database.read([self._database.document("conversations", "time")])[0].read_time
        query = self._database.client.collection("conversations").where(filter=FieldFilter("followup_at", "<=", now))
        with reading():
            found = query.order_by("followup_at").limit(limit).get(retry=READ_RETRY, timeout=READ_SECONDS)
        addresses = [self._address(snapshot) for snapshot in found]
        wanted: dict[str, Any] = {}
        for snapshot, address in zip(found, addresses, strict=True):
            for number in range(1, numbers + 1):
                wanted[f"{snapshot.id}:{number}"] = self._followup(snapshot.id, number)
            if address is not None:
                wanted[address] = self._database.document("suppressions", address)
        there = dict(zip(wanted, self._database.read(list(wanted.values())), strict=True)) if wanted else {}
        return [
            DueConversation(_quiet(snapshot, address, there, numbers), snapshot.update_time)
            for snapshot, address in zip(found, addresses, strict=True)
        ], now

    def make(self, due: DueConversation, made: Mapping[int, Alert], next_at: datetime | None) -> None:
        """Cost: one round trip, one write, and three for each alert made."""
        conversation_id, client = due.quiet.conversation_id, self._database.client
        for tries_left in reversed(range(TRIES)):
            batch = client.batch()
            unchanged = client.write_option(last_update_time=due.version)
            conversation = self._database.document("conversations", conversation_id)
            batch.update(conversation, {"followup_at": next_at}, option=unchanged)
            for number, alert in made.items():
                self._add(batch, conversation_id, number, alert)
            try:
                self._database.commit(batch)
            except (Contention, OutcomeUnknown):  # its preconditions make it safe to try again
                if not tries_left:
                    raise
            else:
                return

    def _add(self, batch: Any, conversation_id: str, number: int, alert: Alert) -> None:
        batch.create(
            self._followup(conversation_id, number),
            {
                "conversation_id": conversation_id,
                "number": number,
                "alert_id": alert.id,
                "made_at": firestore.SERVER_TIMESTAMP,
            },
        )
        batch.create(self._database.document("alerts", alert.id), alert_document(alert))
        tally = tally_id(alert.channel, alert.kind, alert.id)
        counted = {"channel": alert.channel, "kind": alert.kind, "accepted": firestore.Increment(1)}
        batch.set(self._database.document("tallies", tally), counted, merge=True)

    def _address(self, snapshot: Any) -> str | None:
        email = (snapshot.to_dict() or {}).get("email")
        return ids.address_hash(email, self._hash_key) if isinstance(email, str) else None

    def _followup(self, conversation_id: str, number: int) -> Any:
        return self._database.document("followups", f"{conversation_id}:{number}")


class FirestoreOptOuts:
    """``shared.ports.rights.OptOuts`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.suppress = FirestoreRights(database).suppress

    def look(self, address: str, conversation_id: str) -> Standing:
        """Cost: one round trip, two reads."""
        names = (("suppressions", address), ("conversations", conversation_id))
        suppression, conversation = self._database.read([self._database.document(*name) for name in names])
        if not conversation.exists or is_tombstone(conversation):
            return Standing(suppression.exists, None, marketing=False)
        stands = conversation.to_dict()
        marketing = bool((stands.get("consent") or {}).get("marketing"))
        return Standing(suppression.exists, stands["updated_at"], marketing=marketing)


def _quiet(snapshot: Any, address: str | None, there: Mapping[str, Any], numbers: int) -> Quiet:
    data = snapshot.to_dict()
    made = (number for number in range(1, numbers + 1) if there[f"{snapshot.id}:{number}"].exists)
    return Quiet(
        conversation_id=snapshot.id,
        email=data.get("email"),
        name=data.get("name"),
        language=data.get("language") or "en",
        marketing=bool((data.get("consent") or {}).get("marketing")),
        since=data["updated_at"],
        address=address,
        made=frozenset(made),
        opted_out=address is not None and there[address].exists,
    )
