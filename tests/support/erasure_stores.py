"""What an erasure goes through, in memory: its ledger, the conversations of an address, and a destination's items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.erasure import DONE, Erasure
from shared.domain.rights import Recorded
from shared.errors import Conflict, StorageError
from shared.ports.rights import ErasureStore, FoundAlert, RemoteEraser, Removal
from tests.support.alert_stores import FakeAlertStore
from tests.support.documents import NOW


class FakeErasures(ErasureStore):
    """``shared.ports.rights.ErasureStore`` over the alerts of a fake store.

    Attributes:
        erasures: by id, as they stand.
        saved: every version that was saved, in order.
        records: the audit.
        found: the address's conversations that are no tombstones.
        entombed: those that are.
        there: how many documents of each collection a conversation still has.
        calls: what was asked, in order.
        fails: raised when the running ones are asked for.
        raced: others are faster at these erasures.
    """

    def __init__(self, alerts: FakeAlertStore, *erasures: Erasure, conversations: Sequence[str] = ()) -> None:
        self.alert_store = alerts
        self.erasures = {each.id: each for each in erasures}
        self.saved: list[Erasure] = []
        self.records: list[Recorded] = []
        self.found = list(conversations)
        self.entombed: list[tuple[str, str]] = []
        self.there: dict[str, dict[str, int]] = {}
        self.calls: list[str] = []
        self.fails: StorageError | None = None
        self.raced: set[str] = set()

    def running(self, limit: int) -> tuple[list[Erasure], datetime]:
        """See ``ErasureStore``."""
        if self.fails is not None:
            raise self.fails
        return [each for each in self.erasures.values() if each.state != DONE][:limit], NOW

    def listed(self, limit: int) -> list[Erasure]:
        """See ``ErasureStore``."""
        return sorted(self.erasures.values(), key=lambda each: each.requested_at, reverse=True)[:limit]

    def find(self, erasure_id: str) -> Erasure | None:
        """See ``ErasureStore``."""
        return self.erasures.get(erasure_id)

    def save(self, erasure: Erasure, record: Recorded | None = None) -> Erasure:
        """See ``ErasureStore``."""
        if erasure.id in self.raced or self.erasures[erasure.id].version != erasure.version:
            raise Conflict(erasure.id)
        self.calls.append("save")
        stands = replace(erasure, version=NOW + timedelta(microseconds=1 + len(self.saved)))
        self.erasures[erasure.id] = stands
        self.saved.append(erasure)
        self.records += [record] if record is not None else []
        return stands

    def conversations(self, address: str, conversation_id: str) -> Sequence[str]:
        """See ``ErasureStore``; one at a time."""
        return [] if address not in self.erasures else self.found[:1]

    def entomb(self, conversation_id: str, erasure_id: str) -> None:
        """See ``ErasureStore``."""
        self.calls.append(f"entomb {conversation_id}")
        self.found.remove(conversation_id)
        self.entombed.append((conversation_id, erasure_id))

    def alerts(self, conversation_id: str) -> Sequence[FoundAlert]:
        """See ``ErasureStore``."""
        stored = [each.value for each in self.alert_store.documents.under("alerts").values()]
        return [
            FoundAlert(each.id, each.channel, each.state)
            for each in stored
            if conversation_id in (each.conversation_id, *each.conversation_ids)
        ]

    def remove(self, conversation_id: str) -> dict[str, int]:
        """See ``ErasureStore``."""
        self.calls.append(f"remove {conversation_id}")
        return self.there.pop(conversation_id, {})


class FakeRemote(RemoteEraser):
    """A destination that comes to these removals, one after the other.

    Attributes:
        asked: for which alerts, and by when.
    """

    def __init__(self, *removals: Removal) -> None:
        self._removals = list(removals)
        self.asked: list[tuple[tuple[str, ...], float]] = []

    def erase(self, alert_ids: Sequence[str], *, deadline: float) -> Removal:
        """See ``RemoteEraser``."""
        self.asked.append((tuple(alert_ids), deadline))
        return self._removals.pop(0)
