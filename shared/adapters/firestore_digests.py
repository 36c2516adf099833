"""Digests in Firestore, one document each in ``digests`` with its members' ids; and changes of many alerts at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_alerts import WRITE_TRIES, FirestoreAlerts
from shared.adapters.firestore_documents import alert_of, destination_of
from shared.domain.alert import WAITING, Alert
from shared.domain.destination import Destination
from shared.domain.digest import Digest
from shared.errors import Conflict, Contention, OutcomeUnknown, Unreadable
from shared.ports import Page, Step, StoredAlert, StoredDestination, Version
from shared.ports.digests import StoredDigest

KEPT = timedelta(days=7)
WAITS, DONE = "waiting", "done"


class FirestoreDigests:
    """``shared.ports.DigestStore`` on Firestore."""

    def __init__(self, database: Database, alerts: FirestoreAlerts) -> None:
        self._database = database
        self._alerts = alerts

    def read(self, digest_id: str) -> StoredDigest | None:
        """Cost: two round trips, two reads and one a member."""
        found = self._database.read([self._digest(digest_id)])[0]
        if not found.exists:
            return None
        data = found.to_dict()
        members = tuple(data["members"])
        digest = Digest(digest_id, data["channel"], members, data["created_at"], data["expected_at"])
        place, *alerts = self._database.read(
            [
                self._database.document("destinations", digest.channel),
                *(self._database.document("alerts", name) for name in members),
            ]
        )
        stored = tuple(each for each in map(_stored, alerts) if each is not None)
        destination = StoredDestination(Destination(digest.channel), None)
        if place.exists:
            destination = StoredDestination(destination_of(digest.channel, place.to_dict()), place.update_time)
        return StoredDigest(digest, stored, destination, place.read_time)

    def write(self, steps: Sequence[Step], *, begun: Sequence[Digest] = (), ended: str | None = None) -> Version:
        """Cost: one round trip, the writes of each step (see ``FirestoreAlerts.write``) and one a digest.

        A commit that was not answered, or that met contention, is looked up by its first alert (one round trip, one
        read) and, where it did not happen, tried again.
        """
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                return self._commit(steps, begun, ended)
            except (Conflict, Contention, OutcomeUnknown) as error:
                written = self._alerts.look_up(steps[0], error)
                if written is not None:
                    return written
                if not tries_left or isinstance(error, Conflict):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _commit(self, steps: Sequence[Step], begun: Sequence[Digest], ended: str | None) -> Version:
        batch = self._database.client.batch()
        for step in steps:
            self._alerts.add(batch, step)
        for digest in begun:
            batch.create(self._digest(digest.id), _document(digest))
        if ended is not None:
            batch.update(self._digest(ended), {"state": DONE})
        version: Version = self._database.commit(batch)[0].update_time
        return version

    def leave_receipts(self, alerts: Sequence[Alert]) -> None:
        """Cost: one round trip, one write an alert."""
        batch = self._database.client.batch()
        for alert in alerts:
            receipt = {
                "conversation_id": alert.conversation_id,
                "epochs": firestore.ArrayUnion([alert.epoch]),
                "nonce": alert.nonce,
            }
            batch.set(self._database.document("receipts", alert.id), receipt, merge=True)
        self._database.commit(batch)

    def outstanding(self, channel: str, since: datetime) -> int:
        """Cost: one round trip, one read for up to a thousand digests.

        Index: ``channel``, ``state``, ``expected_at`` ascending.
        """
        digests = self._database.client.collection("digests").where(filter=FieldFilter("channel", "==", channel))
        waiting = digests.where(filter=FieldFilter("state", "==", WAITS))
        return _count(waiting.where(filter=FieldFilter("expected_at", ">=", since)))

    def crowd(self, channel: str, most: int) -> int:
        """Cost: one round trip, one read for up to a thousand alerts; no composite index (two equalities)."""
        alerts = self._database.client.collection("alerts").where(filter=FieldFilter("channel", "==", channel))
        return _count(alerts.where(filter=FieldFilter("state", "==", "parked")).limit(most))

    def overdue(self, channel: str, before: datetime, limit: int) -> Page:
        """Cost: one round trip, one read an alert found (at least one).

        Index: ``channel``, ``overdue``, ``state``, ``created_at`` ascending.
        """
        alerts = self._database.client.collection("alerts").where(filter=FieldFilter("channel", "==", channel))
        states = sorted(state.value for state in WAITING)
        untold = alerts.where(filter=FieldFilter("overdue", "==", False))
        waiting = untold.where(filter=FieldFilter("state", "in", states))
        old = waiting.where(filter=FieldFilter("created_at", "<=", before)).order_by("created_at")
        return self._alerts.page(old.limit(limit), limit)

    def _digest(self, digest_id: str) -> Any:
        return self._database.document("digests", digest_id)


def _document(digest: Digest) -> dict[str, Any]:
    return {
        "channel": digest.channel,
        "members": list(digest.members),
        "state": WAITS,
        "created_at": digest.created_at,
        "expected_at": digest.expected_at,
        "expires_at": digest.created_at + KEPT,
    }


def _stored(snapshot: Any) -> StoredAlert | None:
    """A member as it stands; one that is gone, or that this version cannot read, goes its own way."""
    if not snapshot.exists:
        return None
    try:
        alert = alert_of(snapshot.id, snapshot.to_dict())
    except Unreadable:
        return None
    return StoredAlert(alert, snapshot.update_time, snapshot.read_time, receipt=False)


def _count(query: Any) -> int:
    with reading():
        [[found]] = query.count(alias="found").get(retry=READ_RETRY, timeout=READ_SECONDS)
    return int(found.value)
