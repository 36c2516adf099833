"""Breakers in Firestore: one document a destination in ``breakers``, written at failures and transitions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from shared.adapters.firestore import Database
from shared.domain.breaker import Breaker
from shared.errors import Conflict, OutcomeUnknown
from shared.ports import Version
from shared.ports.breakers import StoredBreaker


class FirestoreBreakers:
    """``shared.ports.BreakerDocuments`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """Cost: one round trip, one read a breaker (they need not exist)."""
        found = self._database.read([breaker_reference(self._database, name) for name in names])
        return {name: stored_breaker(name, snapshot) for name, snapshot in zip(names, found, strict=True)}

    def write(self, stored: StoredBreaker) -> Version:
        """Cost: one round trip, one write.

        One round trip and one read more where it was refused or not answered: it may be our own that stands.
        """
        batch = self._database.client.batch()
        put_breaker(self._database, batch, stored)
        try:
            version: Version = self._database.commit(batch)[0].update_time
        except (Conflict, OutcomeUnknown):
            name = stored.breaker.name
            stands = self.read([name])[name]
            if stands.version is None or stands.breaker.nonce != stored.breaker.nonce:
                raise
            version = stands.version
        return version


def breaker_reference(database: Database, name: str) -> Any:
    """Where a breaker's document is."""
    return database.document("breakers", name)


def put_breaker(database: Database, batch: Any, stored: StoredBreaker) -> None:
    """Have a batch write a breaker, under its precondition."""
    reference = breaker_reference(database, stored.breaker.name)
    document = asdict(stored.breaker) | {"failures": list(stored.breaker.failures)}
    del document["name"]
    if stored.version is None:
        batch.create(reference, document)
    else:
        batch.update(reference, document, option=database.client.write_option(last_update_time=stored.version))


def stored_breaker(name: str, snapshot: Any) -> StoredBreaker:
    """The breaker that a snapshot holds; a field that this version does not know is left out."""
    if not isinstance(snapshot.read_time, datetime):
        raise TypeError("Firestore gave no time")
    if not snapshot.exists:
        return StoredBreaker(Breaker(name), None, snapshot.read_time)
    known = {item.name for item in fields(Breaker)} - {"name", "failures"}
    data = snapshot.to_dict()
    values = {key: value for key, value in data.items() if key in known}
    breaker = Breaker(name=name, failures=tuple(data.get("failures", ())), **values)
    return StoredBreaker(breaker, snapshot.update_time, snapshot.read_time)
