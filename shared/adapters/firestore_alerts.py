"""Alerts, dead letters, receipts and destinations in Firestore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.breaker_cache import BreakerCache
from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_breakers import breaker_reference, put_breaker, stored_breaker
from shared.adapters.firestore_documents import (
    alert_changes,
    alert_document,
    alert_of,
    dead_letter_begun,
    dead_letter_document,
    destination_document,
    destination_of,
    tally_id,
)
from shared.domain.alert import CANARY, DEAD_LETTER_STATUS, HOT, OVERDUE, Alert
from shared.domain.destination import Destination
from shared.domain.updates import Standing
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageUnavailable, Unreadable
from shared.ports import Page, Step, StoredAlert, StoredDestination, Version

WRITE_TRIES = 3
RIVALS_MOST = 20


class FirestoreAlerts:
    """``shared.ports.AlertStore`` on Firestore."""

    def __init__(self, database: Database, breakers: BreakerCache | None = None) -> None:
        """Args: breakers: what is known of them; where that is too old, a breaker is read beside its alert."""
        self._database = database
        self._breakers = breakers

    def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
        """Cost: one round trip, two reads (alert, destination) for an alert that nobody has held yet.

        Another read for a breaker not read in the last two seconds. Another round trip for the receipt of an alert that
        somebody has held, and where the alert's channel is not the one given.
        """
        alert, *others = self._read_with(alert_id, channel)
        if not alert.exists:
            return None
        found = alert_of(alert_id, alert.to_dict())
        missing = [self._receipt(alert_id)] if found.was_held else []
        if found.channel != channel:
            missing.append(self._destination(found.channel))
        further = self._database.read(missing) if missing else []
        receipt = further[0] if found.was_held else None
        delivered = receipt is not None and receipt.exists and found.epoch in receipt.get("epochs")
        destination = _stored_destination(found.channel, (further if found.channel != channel else others)[-1])
        return StoredAlert(found, alert.update_time, alert.read_time, delivered, destination)

    def _read_with(self, alert_id: str, channel: str | None) -> list[Any]:
        """The alert, then its destination where the channel is given; its breaker is told to who keeps them."""
        wanted = [self._alert(alert_id), *([self._destination(channel)] if channel is not None else [])]
        breakers = self._breakers
        if channel is None or breakers is None or breakers.get(channel) is not None:
            return self._database.read(wanted)
        asked_at = breakers.asked_at()
        *found, breaker = self._database.read([*wanted, breaker_reference(self._database, channel)])
        breakers.learn(stored_breaker(channel, breaker), asked_at=asked_at)
        return found

    def write(self, step: Step) -> Version:
        """Cost: one round trip, one write.

        One write more where a dead letter begins, changes or ends and for a destination or a breaker, two for each
        alert made and for a change of channel; one round trip, and one read and one write an alert told of, more for
        the delivery of an escalation.

        A commit that was not answered, or that met contention, is looked up (one round trip, one read) and, where it
        did not happen, tried again: its precondition makes that safe.
        """
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                return self._commit(step)
            except (Conflict, Contention, OutcomeUnknown) as error:
                written = self.look_up(step, error)
                if written is not None:
                    return written
                # Of an escalation another than its own version may have moved on, which is read anew.
                if not tries_left or (isinstance(error, Conflict) and not step.told_of):
                    raise
            finally:
                if step.breaker is not None and self._breakers is not None:
                    self._breakers.forget(step.breaker.breaker.name)
        raise AssertionError("unreachable: the last try returns or raises")

    def look_up(self, step: Step, error: Exception) -> Version | None:
        """The alert's new version if the commit happened after all; None if the alert stands as it was read.

        Cost: one round trip, one read; raises the error given where that cannot be read, Conflict where it is another.
        """
        try:
            snapshot = self._database.read([self._alert(step.after.id)])[0]
        except StorageUnavailable:
            raise error from None
        if snapshot.exists and snapshot.get("nonce") == step.after.nonce:
            return _version(snapshot.update_time)
        if not snapshot.exists or snapshot.update_time != step.version:
            raise Conflict(step.after.id) from None
        return None

    def _commit(self, step: Step) -> Version:
        batch = self._database.client.batch()
        self.add(batch, step)
        return _version(self._database.commit(batch)[0].update_time)

    def add(self, batch: Any, step: Step) -> None:
        """Have a batch write a step, the alert first; one round trip for the delivery of an escalation."""
        unchanged = self._database.client.write_option(last_update_time=step.version)
        batch.update(self._alert(step.after.id), alert_changes(step.before, step.after), option=unchanged)
        self._write_dead_letter(batch, step.before, step.after)
        self._write_made(batch, step.made)
        if step.after.channel != step.before.channel:
            self._count(batch, step.before, -1)
            self._count(batch, step.after, 1)
        if step.destination is not None:
            self._write_destination(batch, step.destination)
        if step.breaker is not None:
            put_breaker(self._database, batch, step.breaker)
        if step.told_of:
            self._write_told(batch, step.told_of, step.after)

    def _write_dead_letter(self, batch: Any, before: Alert, after: Alert) -> None:
        if after.kind == CANARY:
            return
        dead_letter = self._database.document("dead_letters", after.id)
        if after.state in DEAD_LETTER_STATUS and before.state in DEAD_LETTER_STATUS:
            batch.set(dead_letter, dead_letter_document(after), merge=True)
        elif after.state in DEAD_LETTER_STATUS:
            batch.set(dead_letter, dead_letter_begun(after))
        elif before.state in DEAD_LETTER_STATUS:
            batch.delete(dead_letter)

    def _write_made(self, batch: Any, made: Sequence[Alert]) -> None:
        for alert in made:
            batch.create(self._alert(alert.id), alert_document(alert))
            self._count(batch, alert, 1)

    def _count(self, batch: Any, alert: Alert, number: int) -> None:
        tally = self._database.document("tallies", tally_id(alert.channel, alert.kind, alert.id))
        counted = {"channel": alert.channel, "kind": alert.kind, "accepted": firestore.Increment(number)}
        batch.set(tally, counted, merge=True)

    def _write_destination(self, batch: Any, stored: StoredDestination) -> None:
        reference, document = self._destination(stored.destination.name), destination_document(stored.destination)
        if stored.version is None:
            batch.create(reference, document)
        else:
            unchanged = self._database.client.write_option(last_update_time=stored.version)
            batch.update(reference, document, option=unchanged)

    def _write_told(self, batch: Any, alert_ids: Sequence[str], told: Alert) -> None:
        """Mark the dead letters that an escalation tells of, unless they are gone or of another epoch by now."""
        for stands in self._database.read([self._database.document("dead_letters", name) for name in alert_ids]):
            if stands.exists and (told.kind == OVERDUE or stands.to_dict().get("escalation_id") == told.id):
                unchanged = self._database.client.write_option(last_update_time=stands.update_time)
                batch.update(stands.reference, {"escalated_at": firestore.SERVER_TIMESTAMP}, option=unchanged)

    def rivals(self, alert: Alert) -> tuple[StoredAlert, ...]:
        """Cost: one round trip, one read an alert found (at least one); no composite index (three equalities)."""
        of_it = self._of(alert.channel).where(filter=FieldFilter("conversation_id", "==", alert.conversation_id))
        sending = of_it.where(filter=FieldFilter("state", "==", "sending")).limit(RIVALS_MOST)
        return tuple(found for found in self.page(sending, RIVALS_MOST).alerts if found.alert.id != alert.id)

    def standing(self, update: Alert) -> Standing:
        """Cost: one round trip, two reads."""
        conversation = self._database.document("conversations", update.conversation_id)
        stands, lead = self._database.read([conversation, self._alert(update.payload["lead_id"])])
        return Standing(
            stands.to_dict().get("version", 0) if stands.exists else None,
            alert_of(lead.id, lead.to_dict()) if lead.exists else None,
        )

    def leave_receipt(self, alert: Alert) -> None:
        """Cost: one round trip, one write."""
        batch = self._database.client.batch()
        receipt = {
            "conversation_id": alert.conversation_id,
            "epochs": firestore.ArrayUnion([alert.epoch]),
            "nonce": alert.nonce,
        }
        batch.set(self._receipt(alert.id), receipt, merge=True)
        self._database.commit(batch)

    def destinations(self, names: Sequence[str]) -> tuple[dict[str, StoredDestination], datetime]:
        """Cost: one round trip, one read a destination (they need not exist)."""
        found = self._database.read([self._destination(name) for name in names])
        stored = {name: _stored_destination(name, snapshot) for name, snapshot in zip(names, found, strict=True)}
        return stored, _version(found[0].read_time)

    def write_destination(self, destination: StoredDestination, made: tuple[Alert, ...] = ()) -> None:
        """Cost: one round trip, one write, and two for each alert made."""
        batch = self._database.client.batch()
        self._write_destination(batch, destination)
        self._write_made(batch, made)
        self._database.commit(batch)

    def due(self, now: datetime, limit: int, *, channel: str, parked: bool, cursor: Any = None) -> Page:
        """Cost: one round trip, one read an alert found (at least one).

        Index: ``channel``, ``state``, ``wake_at`` ascending.
        """
        states = FieldFilter("state", "==", "parked") if parked else FieldFilter("state", "in", ["queued", "sending"])
        due = self._of(channel).where(filter=states).where(filter=FieldFilter("wake_at", "<=", now))
        query = due.order_by("wake_at").limit(limit)
        return self.page(query if cursor is None else query.start_after(cursor), limit)

    def withheld(self, channel: str, limit: int, *, hot: bool = False) -> Page:
        """Cost: one round trip, one read an alert found (at least one).

        Index: ``channel``, ``blocked``, ``created_at`` ascending; for hot leads ``channel``, ``blocked``,
        ``payload.hot``, ``created_at`` ascending.
        """
        query = self._of(channel).where(filter=FieldFilter("blocked", "==", True))
        if hot:
            query = query.where(filter=FieldFilter(f"payload.{HOT}", "==", True))
        return self.page(query.order_by("created_at").limit(limit), limit)

    def queued(self, channel: str) -> int:
        """Cost: one round trip, one read for up to a thousand alerts; no composite index (two equalities)."""
        query = self._of(channel).where(filter=FieldFilter("state", "==", "queued")).count(alias="queued")
        with reading():
            [[found]] = query.get(retry=READ_RETRY, timeout=READ_SECONDS)
        return int(found.value)

    def page(self, query: Any, limit: int) -> Page:
        """What a query finds. Cost: one round trip, one read an alert found (at least one)."""
        with reading():
            found = query.get(retry=READ_RETRY, timeout=READ_SECONDS)
        alerts, unreadable = [], []
        for item in found:
            try:
                alert = alert_of(item.id, item.to_dict() or {})
            except Unreadable:
                unreadable.append(item.id)
            else:
                alerts.append(StoredAlert(alert, item.update_time, item.read_time, receipt=False))
        return Page(tuple(alerts), tuple(unreadable), found[-1] if len(found) == limit else None)

    def _of(self, channel: str) -> Any:
        return self._database.client.collection("alerts").where(filter=FieldFilter("channel", "==", channel))

    def _alert(self, alert_id: str) -> Any:
        return self._database.document("alerts", alert_id)

    def _receipt(self, alert_id: str) -> Any:
        return self._database.document("receipts", alert_id)

    def _destination(self, name: str) -> Any:
        return self._database.document("destinations", name)


def _stored_destination(name: str, snapshot: Any) -> StoredDestination:
    if not snapshot.exists:
        return StoredDestination(Destination(name), None)
    return StoredDestination(destination_of(name, snapshot.to_dict()), _version(snapshot.update_time))


def _version(time: Any) -> Version:
    if not isinstance(time, datetime):
        raise TypeError("Firestore gave no time")
    return time
