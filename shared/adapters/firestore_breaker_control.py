"""Breakers as an operator moves them, in Firestore: the breaker and the record of who did it in one commit."""

from __future__ import annotations

from collections.abc import Sequence

from shared.adapters.firestore import Database
from shared.adapters.firestore_breakers import FirestoreBreakers, put_breaker
from shared.adapters.firestore_operator_audit import put_action
from shared.errors import Conflict, OutcomeUnknown
from shared.ports.breakers import StoredBreaker
from shared.ports.operations import Action


class FirestoreBreakerControl:
    """``shared.ports.operations_system.BreakerControl`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._breakers = FirestoreBreakers(database)

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """Cost: one round trip, one read a breaker (they need not exist)."""
        return self._breakers.read(names)

    def move(self, stored: StoredBreaker, action: Action) -> None:
        """Cost: one round trip, two writes; one round trip and one read more where it was refused or not answered."""
        batch = self._database.client.batch()
        put_breaker(self._database, batch, stored)
        put_action(self._database, batch, action)
        try:
            self._database.commit(batch)
        except (Conflict, OutcomeUnknown):
            name = stored.breaker.name
            if self.read([name])[name].breaker.nonce != stored.breaker.nonce:
                raise
