"""Canaries in Firestore: their runs, one document each in ``canary_runs``, and the documents that a run left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_documents import alert_of
from shared.adapters.firestore_erasures import FirestoreErasures
from shared.domain.alert import Alert
from shared.domain.canary import Leg, Mark, Run
from shared.errors import Conflict, Contention, OutcomeUnknown, Unreadable
from shared.ports.canary import StoredRun

KEPT = timedelta(days=35)
MILLISECOND = timedelta(milliseconds=1)
WRITE_TRIES = 3


class FirestoreCanaryRuns:
    """``shared.ports.canary.CanaryRuns`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unsettled(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """Cost: two round trips, one read a run (at least two); index: ``open``, ``at`` descending."""
        waiting = self._runs().where(filter=FieldFilter("open", "==", True))
        return self._found(waiting, limit)

    def newest(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """Cost: two round trips, one read a run (at least two); index: ``at`` descending."""
        return self._found(self._runs(), limit)

    def begin(self, run: Run) -> StoredRun:
        """Cost: one round trip, one write; one round trip and one read more where no answer came."""
        for tries_left in reversed(range(WRITE_TRIES)):
            batch = self._database.client.batch()
            batch.create(self._run(run.id), _document(run))
            try:
                return StoredRun(run, self._database.commit(batch)[0].update_time)
            except (Conflict, Contention, OutcomeUnknown):
                stands = self._database.read([self._run(run.id)])[0]
                if stands.exists:  # its id is nobody else's
                    return StoredRun(run, stands.update_time)
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def save(self, stored: StoredRun) -> StoredRun:
        """Cost: one round trip, one write. Of a commit that was not answered another run of the job goes on."""
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=stored.version)
        batch.update(self._run(stored.run.id), _document(stored.run), option=unchanged)
        return replace(stored, version=self._database.commit(batch)[0].update_time)

    def _found(self, query: Any, limit: int) -> tuple[list[StoredRun], datetime]:
        now = self._database.read([self._run("time")])[0].read_time
        with reading():
            newest = query.order_by("at", direction=firestore.Query.DESCENDING).limit(limit)
            found = newest.get(retry=READ_RETRY, timeout=READ_SECONDS)
        return [StoredRun(_run_of(each.id, each.to_dict()), each.update_time) for each in found], now

    def _runs(self) -> Any:
        return self._database.client.collection("canary_runs")

    def _run(self, run_id: str) -> Any:
        return self._database.document("canary_runs", run_id)


class FirestoreCanaryRemains:
    """``shared.ports.canary.CanaryRemains`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hanging = FirestoreErasures(database, timedelta(0))

    def alerts(self, run: Run) -> tuple[dict[str, Alert | None], datetime]:
        """Cost: one round trip, one read a channel."""
        names = list(run.legs)
        found = self._database.read([self._alert(run.alert_id(name)) for name in names])
        alerts = {name: _alert(snapshot) for name, snapshot in zip(names, found, strict=True)}
        return alerts, found[0].read_time

    def remove(self, run: Run, alerts: Mapping[str, Alert | None]) -> None:
        """Cost: two round trips, one read and two deletes a channel; those of ``FirestoreErasures.remove``, one delete.

        What an alert says is read once more: it is deleted only as it was judged.
        """
        client = self._database.client
        found = self._database.read([self._alert(run.alert_id(name)) for name in alerts])
        batch = client.batch()
        for snapshot, known in zip(found, alerts.values(), strict=True):
            if _alert(snapshot) != known:
                raise Conflict(snapshot.id)
            if snapshot.exists:
                unchanged = client.write_option(last_update_time=snapshot.update_time)
                batch.delete(snapshot.reference, option=unchanged)
                batch.delete(self._database.document("receipts", snapshot.id))
        if any(snapshot.exists for snapshot in found):
            self._database.commit(batch)
        self._hanging.remove(run.conversation_id)
        gone = client.batch()
        gone.delete(self._database.document("conversations", run.conversation_id))
        self._database.commit(gone)

    def _alert(self, alert_id: str) -> Any:
        return self._database.document("alerts", alert_id)


def _alert(snapshot: Any) -> Alert | None:
    """An alert as it stands; one that this version cannot read is as good as none: it is never sent."""
    if not snapshot.exists:
        return None
    try:
        return alert_of(snapshot.id, snapshot.to_dict() or {})
    except Unreadable:
        return None


def _document(run: Run) -> dict[str, Any]:
    return {
        "at": run.at,
        "channels": {name: _leg_document(leg) for name, leg in run.legs.items()},
        "without": list(run.without),
        "chat": run.chat,
        "open": run.open,
        "told_at": run.told_at,
        "expires_at": run.at + KEPT,
    }


def _leg_document(leg: Leg) -> dict[str, Any]:
    return {"state": leg.mark.value, "latency_ms": leg.milliseconds, "reached": leg.reached, "cause": leg.cause}


def _run_of(run_id: str, data: dict[str, Any]) -> Run:
    """The run of a document; raises Unreadable."""
    try:
        return Run(
            id=run_id,
            at=data["at"],
            legs={name: _leg_of(leg) for name, leg in data["channels"].items()},
            without=tuple(data["without"]),
            chat=data["chat"],
            open=data["open"],
            told_at=data["told_at"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(run_id) from error


def _leg_of(data: dict[str, Any]) -> Leg:
    latency = None if data["latency_ms"] is None else data["latency_ms"] * MILLISECOND
    return Leg(Mark(data["state"]), latency, data["reached"], data["cause"])
