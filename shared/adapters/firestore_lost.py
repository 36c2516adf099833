"""Which alerts a channel has lost, or has too many of: what mentions them against what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.alert import LEAD

READ_AT_ONCE = 500
APART = timedelta(hours=1)
"""An alert and the message that mentions it are of one commit; their times are no further apart than this."""


class Documents(Protocol):
    """Firestore as it was at one moment; see ``firestore_conservation.Snapshot``."""

    @property
    def client(self) -> Any:
        """The connected client."""

    def all(self, name: str) -> Any:
        """A collection."""

    def get(self, query: Any) -> list[Any]:
        """The documents a query finds."""

    def missing(self, ids: list[str]) -> set[str]:
        """Those of some alerts that there are none of."""


@dataclass
class Lost:
    """A search for alerts that are missing or surplus.

    Attributes:
        snapshot: where to search.
        since: messages since then are looked through.
        most: how many documents of a kind are looked at.
        complete: no bound was met.
    """

    snapshot: Documents
    since: datetime
    most: int
    complete: bool = True

    def found(self, unbalanced: Collection[str]) -> Iterator[tuple[str, str]]:
        """The ids of alerts that are missing, of whatever channel, and those surplus in some, each with its problem."""
        mentioned = self._mentioned()
        told_of = self._told_of()
        for alert_id in self._missing([*mentioned, *told_of]):
            if alert_id in mentioned:
                yield alert_id, f"it is missing: a message of the conversation {mentioned[alert_id]} mentions it"
            else:
                yield alert_id, f"it is missing: it is the escalation of the alert {told_of[alert_id]}"
        for alert_id, channel in self._leads():
            if channel in unbalanced and alert_id not in mentioned:
                yield alert_id, "it is surplus: no message mentions it"

    def _mentioned(self) -> dict[str, str]:
        """The alerts that messages mention, with their conversations.

        Index: ``at``, ``conversation_id`` ascending over the collection group. The second field is there because gcloud
        makes no index of one field over a group.
        """
        messages = self.snapshot.client.collection_group("messages")
        recent = messages.where(filter=FieldFilter("at", ">=", self.since)).select(["alert_ids", "conversation_id"])
        recent = recent.order_by("at").order_by("conversation_id")
        return {
            alert_id: str(message.get("conversation_id"))
            for _, message in self._bounded(recent)
            for alert_id in message.get("alert_ids") or ()
        }

    def _told_of(self) -> dict[str, str]:
        """The escalations that have to be there, with the alerts they tell of; those delivered may be archived."""
        failed = self.snapshot.all("dead_letters").where(filter=FieldFilter("status", "==", "failed"))
        return {
            letter["escalation_id"]: alert_id
            for alert_id, letter in self._bounded(failed.select(["escalation_id", "escalated_at"]))
            if letter.get("escalation_id") and letter.get("escalated_at") is None
        }

    def _leads(self) -> Iterator[tuple[str, str]]:
        """The leads' alerts whose messages are all among those looked through, with their channels."""
        if not self.complete:
            return
        alerts = self.snapshot.all("alerts").where(filter=FieldFilter("created_at", ">=", self.since + APART))
        for alert_id, alert in self._bounded(alerts.select(["kind", "channel"])):
            if alert.get("kind") == LEAD:
                yield alert_id, str(alert.get("channel"))

    def _missing(self, ids: list[str]) -> Iterator[str]:
        for start in range(0, len(ids), READ_AT_ONCE):
            part = ids[start : start + READ_AT_ONCE]
            gone = self.snapshot.missing(part)
            yield from (alert_id for alert_id in part if alert_id in gone)

    def _bounded(self, query: Any) -> list[tuple[str, dict[str, Any]]]:
        found = self.snapshot.get(query.limit(self.most))
        self.complete = self.complete and len(found) < self.most
        return [(snapshot.id, snapshot.to_dict() or {}) for snapshot in found]
