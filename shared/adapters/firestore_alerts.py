"""Alerts, dead letters and receipts in Firestore."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.domain.alert import DEAD_LETTER_STATUS, Alert, Attempt, State
from shared.errors import Conflict, Contention, OutcomeUnknown
from shared.ports import StoredAlert, Version

WRITE_TRIES = 3


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert as its document in ``alerts`` holds it."""
    return {
        "conversation_id": alert.conversation_id,
        "channel": alert.channel,
        "kind": alert.kind,
        "payload": dict(alert.payload),
        "state": alert.state.value,
        "wake_at": alert.wake_at,
        "generation": alert.generation,
        "epoch": alert.epoch,
        "attempts": alert.attempts,
        "maybe_shown": alert.maybe_shown,
        "nonce": alert.nonce,
        "cause": alert.cause,
        "history": _history_document(alert),
        "created_at": alert.created_at,
        "ended_at": alert.ended_at,
    }


def alert_of(alert_id: str, data: dict[str, Any]) -> Alert:
    """The alert that a document holds."""
    return Alert(
        id=alert_id,
        conversation_id=data["conversation_id"],
        channel=data["channel"],
        kind=data["kind"],
        payload=data["payload"],
        state=State(data["state"]),
        wake_at=data["wake_at"],
        generation=data["generation"],
        epoch=data["epoch"],
        attempts=data["attempts"],
        maybe_shown=data["maybe_shown"],
        nonce=data["nonce"],
        cause=data["cause"],
        history=tuple(Attempt(item["at"], item["outcome"], item["cause"]) for item in data["history"]),
        created_at=data["created_at"],
        ended_at=data["ended_at"],
    )


def dead_letter_document(alert: Alert) -> dict[str, Any]:
    """The dead letter of a parked or failed alert, as its document in ``dead_letters`` holds it."""
    return {
        "status": DEAD_LETTER_STATUS[alert.state],
        "conversation_id": alert.conversation_id,
        "channel": alert.channel,
        "kind": alert.kind,
        "cause": alert.cause,
        "attempts": alert.attempts,
        "history": _history_document(alert),
        "next_attempt_at": alert.wake_at,
        "created_at": alert.created_at,
        "escalated_at": None,
    }


def _history_document(alert: Alert) -> list[dict[str, Any]]:
    return [{"at": item.at, "outcome": item.outcome, "cause": item.cause} for item in alert.history]


class FirestoreAlerts:
    """``shared.ports.AlertStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, alert_id: str) -> StoredAlert | None:
        """Cost: one round trip, two reads (the alert and its receipt)."""
        alert, receipt = self._database.read([self._alert(alert_id), self._receipt(alert_id)])
        if not alert.exists:
            return None
        data = alert.to_dict()
        delivered = receipt.exists and receipt.get("epoch") == data["epoch"]
        return StoredAlert(alert_of(alert_id, data), alert.update_time, alert.read_time, delivered)

    def write(self, before: Alert, after: Alert, version: Version) -> Version:
        """Cost: one round trip, one write, and one more where a dead letter begins, changes or ends.

        A commit that was not answered, or that met contention, is looked up (one round trip, one read) and, where it
        did not happen, tried again: its precondition makes that safe.
        """
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                return self._commit(before, after, version)
            except (Conflict, Contention, OutcomeUnknown):
                snapshot = self._database.read([self._alert(after.id)])[0]
                if snapshot.exists and snapshot.get("nonce") == after.nonce:
                    return _version(snapshot.update_time)
                if not snapshot.exists or snapshot.update_time != version:
                    raise Conflict(after.id) from None
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _commit(self, before: Alert, after: Alert, version: Version) -> Version:
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=version)
        batch.update(self._alert(after.id), alert_document(after), option=unchanged)
        dead_letter = self._database.document("dead_letters", after.id)
        if after.state in DEAD_LETTER_STATUS:
            batch.set(dead_letter, dead_letter_document(after))
        elif before.state in DEAD_LETTER_STATUS:
            batch.delete(dead_letter)
        return _version(self._database.commit(batch)[0].update_time)

    def leave_receipt(self, alert: Alert) -> None:
        """Cost: one round trip, one write."""
        batch = self._database.client.batch()
        receipt = {
            "conversation_id": alert.conversation_id,
            "epoch": alert.epoch,
            "generation": alert.generation,
            "nonce": alert.nonce,
        }
        batch.set(self._receipt(alert.id), receipt)
        self._database.commit(batch)

    def time(self) -> datetime:
        """Cost: one round trip, one read (of a document that need not exist)."""
        return _version(self._database.read([self._database.document("alerts", "time")])[0].read_time)

    def due(self, now: datetime, limit: int) -> list[StoredAlert]:
        """Cost: one round trip, one read an alert found (at least one); index: ``wake_at`` ascending, automatic."""
        query = (
            self._database.client.collection("alerts")
            .where(filter=FieldFilter("wake_at", "<=", now))
            .order_by("wake_at")
            .limit(limit)
        )
        with reading():
            found = query.get(retry=READ_RETRY, timeout=READ_SECONDS)
        return [
            StoredAlert(alert_of(item.id, item.to_dict() or {}), item.update_time, item.read_time, receipt=False)
            for item in found
        ]

    def _alert(self, alert_id: str) -> Any:
        return self._database.document("alerts", alert_id)

    def _receipt(self, alert_id: str) -> Any:
        return self._database.document("receipts", alert_id)


def _version(time: Any) -> Version:
    if not isinstance(time, datetime):
        raise TypeError("Firestore gave no time")
    return time
