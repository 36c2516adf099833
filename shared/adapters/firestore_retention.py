"""What is not kept for ever: conversations a while after their last message, and the consent audit, in Firestore.

A conversation goes after all that hangs on it, and only if nobody has written meanwhile; so whatever cuts a run off,
the next one finds it again.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_erasures import FirestoreErasures
from shared.domain.alert import State
from shared.domain.erasure import erased
from shared.errors import Conflict, Contention
from shared.ports import Step


class FirestoreRetention:
    """The part of ``shared.ports.Housekeeping`` that is about visitors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alerts = FirestoreAlerts(database)
        self._hanging = FirestoreErasures(database, timedelta(0))

    def forget_conversations(self, kept: timedelta, limit: int) -> int:
        """Cost: two round trips; for each conversation found those of ``FirestoreErasures.remove`` and its alerts'.

        Index: ``updated_at`` ascending.
        """
        query = self._collection("conversations").where(filter=FieldFilter("updated_at", "<=", self._now() - kept))
        found = self._get(query.order_by("updated_at").limit(limit))
        return sum(self._forget(snapshot) for snapshot in found)

    def forget_audit(self, kept: timedelta, limit: int) -> int:
        """Cost: three round trips, one read and one delete a line (at least two reads); index: ``at`` ascending."""
        query = self._collection("consent_audit").where(filter=FieldFilter("at", "<=", self._now() - kept))
        found = self._get(query.order_by("at").select([]).limit(limit))
        if not found:
            return 0
        batch = self._database.client.batch()
        for snapshot in found:
            batch.delete(snapshot.reference)
        self._database.commit(batch)
        return len(found)

    def _forget(self, snapshot: Any) -> bool:
        """Whether it is gone; an alert that is being sent, or a visitor who writes, keeps it until another run."""
        for alert in self._hanging.alerts(snapshot.id):
            if alert.state != State.ERASED and not self._strip(alert.id, alert.channel):
                return False
        self._hanging.remove(snapshot.id)
        client = self._database.client
        batch = client.batch()
        batch.delete(snapshot.reference, option=client.write_option(last_update_time=snapshot.update_time))
        try:
            self._database.commit(batch)
        except (Conflict, Contention):
            return False
        return True

    def _strip(self, alert_id: str, channel: str) -> bool:
        stored = self._alerts.read(alert_id, channel)
        if stored is None:
            return True
        if stored.alert.state is State.SENDING:
            return False
        after = erased(stored.alert, now=stored.read_at, nonce=secrets.token_hex(16))
        try:
            self._alerts.write(Step(stored.alert, after, stored.version))
        except (Conflict, Contention):
            return False
        return True

    def _now(self) -> Any:
        return self._database.read([self._database.document("alerts", "time")])[0].read_time

    def _collection(self, name: str) -> Any:
        return self._database.client.collection(name)

    def _get(self, query: Any) -> list[Any]:
        with reading():
            return list(query.get(retry=READ_RETRY, timeout=READ_SECONDS))
