"""Redrives in Firestore: one document each in ``redrives``, removed by the clean-up a while after its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import firestore_dead_letters as dead_letters
from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_operator_audit import put_action
from shared.errors import Conflict, Contention, OutcomeUnknown, StorageUnavailable
from shared.ports.operations import Action, DeadLetter, Member, Place, Redrive, Selection, Wanted

KEPT = timedelta(days=30)
BEGIN_TRIES = 3
COUNT_MOST = 20_000


class FirestoreRedrives:
    """``shared.ports.operations.RedriveStore`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, redrive_id: str, selection: Selection, action: Action) -> Redrive:
        """Cost: two round trips, two writes, one read; the same again where no answer came.

        Where no ids are given one count more: a read for up to a thousand, at most twenty.
        """
        begun = _begun(selection, action) | {"total": self._total(selection)}
        for tries_left in reversed(range(BEGIN_TRIES)):
            batch = self._database.client.batch()
            batch.create(self._redrive(redrive_id), begun)
            put_action(self._database, batch, action)
            try:
                self._database.commit(batch)
            except (Conflict, Contention, OutcomeUnknown):
                written = self.find(redrive_id)
                if written is None and not tries_left:
                    raise
            else:
                written = self.find(redrive_id)
            if written is not None:
                return written
        raise OutcomeUnknown(redrive_id)

    def _total(self, selection: Selection) -> int | None:
        """How many are meant, for whoever watches: with it or without, all of them are sent."""
        if selection.ids is not None:
            return len(selection.ids)
        query = dead_letters.query(self._database.client, selection.wanted, None, newest_first=False)
        try:
            with reading():
                found = query.limit(COUNT_MOST).count(alias="n").get(retry=READ_RETRY, timeout=READ_SECONDS)
        except StorageUnavailable:
            return None
        return int(found[0][0].value)

    def find(self, redrive_id: str) -> Redrive | None:
        """Cost: one round trip, one read."""
        snapshot = self._database.read([self._redrive(redrive_id)])[0]
        return _redrive_of(snapshot) if snapshot.exists else None

    def running(self, limit: int) -> list[Redrive]:
        """Cost: one round trip, one read a redrive (at least one); no composite index."""
        query = self._database.client.collection("redrives").where(filter=FieldFilter("state", "==", "running"))
        return [_redrive_of(snapshot) for snapshot in self._get(query.limit(limit))]

    def take(self, redrive: Redrive, limit: int) -> Redrive:
        """Cost: one round trip, one read a dead letter (at least one).

        Index: see ``firestore_dead_letters.query``; none where ids are given.
        """
        wanted = replace(redrive.selection.wanted, until=redrive.requested_at)
        if redrive.selection.ids is not None:
            return self._take_named(redrive, redrive.selection.ids[redrive.named : redrive.named + limit], wanted)
        query = dead_letters.query(self._database.client, wanted, redrive.reached, newest_first=False)
        snapshots = self._get(query.limit(limit))
        if not snapshots:
            return replace(redrive, done=True)
        members = tuple(map(_member, dead_letters.readable(snapshots)))
        reached = Place(snapshots[-1].get("entered_at"), snapshots[-1].id)
        others = len(snapshots) - len(members)
        return replace(redrive, members=members, reached=reached, selected=redrive.selected + others)

    def _take_named(self, redrive: Redrive, ids: tuple[str, ...], wanted: Wanted) -> Redrive:
        if not ids:
            return replace(redrive, done=True)
        snapshots = self._database.read([self._database.document("dead_letters", name) for name in ids])
        found = dead_letters.readable([snapshot for snapshot in snapshots if snapshot.exists])
        members = tuple(_member(item) for item in found if dead_letters.meets(item, wanted))
        others = len(ids) - len(members)
        return replace(redrive, members=members, named=redrive.named + len(ids), selected=redrive.selected + others)

    def save(self, redrive: Redrive) -> Redrive:
        """Cost: one round trip, one write."""
        client = self._database.client
        batch = client.batch()
        unchanged = client.write_option(last_update_time=redrive.version)
        batch.update(self._redrive(redrive.id), _progress(redrive), option=unchanged)
        written = self._database.commit(batch)[0].update_time
        return replace(redrive, version=written, finished_at=written if redrive.done else None, idle=timedelta(0))

    def _redrive(self, redrive_id: str) -> Any:
        return self._database.document("redrives", redrive_id)

    def _get(self, query: Any) -> list[Any]:
        with reading():
            return list(query.get(retry=READ_RETRY, timeout=READ_SECONDS))


def _member(dead_letter: DeadLetter) -> Member:
    return Member(dead_letter.id, dead_letter.channel, dead_letter.epoch)


def _begun(selection: Selection, action: Action) -> dict[str, Any]:
    wanted = selection.wanted
    return {
        "state": "running",
        "ids": list(selection.ids) if selection.ids is not None else None,
        "statuses": list(wanted.statuses) if wanted.statuses is not None else None,
        "cause": wanted.cause,
        "channel": wanted.channel,
        "since": wanted.since,
        "before": wanted.before,
        "requested_at": firestore.SERVER_TIMESTAMP,
        "reason": action.reason,
        "by": action.by,
        "members": [],
        "reached": None,
        "named": 0,
        "selected": 0,
        "queued": 0,
        "finished_at": None,
        "expires_at": None,
    }


def _progress(redrive: Redrive) -> dict[str, Any]:
    reached = redrive.reached
    progress: dict[str, Any] = {
        "state": "done" if redrive.done else "running",
        "members": [{"id": item.id, "channel": item.channel, "epoch": item.epoch} for item in redrive.members],
        "reached": {"entered_at": reached.entered_at, "id": reached.id} if reached is not None else None,
        "named": redrive.named,
        "selected": redrive.selected,
        "queued": redrive.queued,
    }
    if redrive.done:
        progress |= {"finished_at": firestore.SERVER_TIMESTAMP, "expires_at": redrive.requested_at + KEPT}
    return progress


def _redrive_of(snapshot: Any) -> Redrive:
    data = snapshot.to_dict()
    reached = data["reached"]
    return Redrive(
        id=snapshot.id,
        selection=Selection(
            ids=tuple(data["ids"]) if data["ids"] is not None else None,
            wanted=Wanted(
                statuses=tuple(data["statuses"]) if data["statuses"] is not None else None,
                cause=data["cause"],
                channel=data["channel"],
                since=data["since"],
                before=data["before"],
            ),
        ),
        requested_at=data["requested_at"],
        reason=data["reason"],
        by=data["by"],
        version=snapshot.update_time,
        idle=snapshot.read_time - snapshot.update_time,
        done=data["state"] == "done",
        members=tuple(Member(item["id"], item["channel"], item["epoch"]) for item in data["members"]),
        reached=Place(reached["entered_at"], reached["id"]) if reached is not None else None,
        named=data["named"],
        selected=data["selected"],
        queued=data["queued"],
        finished_at=data["finished_at"],
        total=data.get("total"),
    )
