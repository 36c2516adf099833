"""What a worker reads of a trial's Firestore for the checker, and how it makes documents old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore import Database


def alerts(database: Database) -> dict[str, Any]:
    """Alerts, destinations, breakers and erasures, all of one moment's reads."""
    return {name: _all(database, name) for name in ("alerts", "destinations", "breakers", "erasures")}


def everything(database: Database) -> dict[str, Any]:
    """All that the checker looks at."""
    return {
        name: _all(database, name)
        for name in (
            "alerts",
            "dead_letters",
            "tallies",
            "conversations",
            "digests",
            "erasures",
            "followups",
            "canary_runs",
        )
    }


def collection(database: Database, *, name: str) -> dict[str, Any]:
    """One collection's documents."""
    return _all(database, name)


def age(database: Database, *, collection: str, field: str, days: float) -> int:
    """Move a time of every document of a collection into the past; how many there are."""
    found = list(database.client.collection(collection).stream())
    for snapshot in found:
        snapshot.reference.update({field: datetime.now(UTC) - timedelta(days=days)})
    return len(found)


def _all(database: Database, name: str) -> dict[str, Any]:
    client: firestore.Client = database.client
    return {snapshot.id: snapshot.to_dict() for snapshot in client.collection(name).stream()}
