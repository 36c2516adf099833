"""Opt-outs, audit and erasures in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.domain.rights import OptOutStanding, Recorded
from shared.errors import StorageError
from shared.ports.rights import Noted, RightsStore


class FakeRights(RightsStore):
    """``shared.ports.rights.RightsStore`` in memory.

    Attributes:
        suppressed: address → reason.
        erasing: addresses whose erasure runs.
        records: the audit, oldest first.
        calls: the methods called.
        fails: raised by every call.
    """

    def __init__(self) -> None:
        self.suppressed: dict[str, str] = {}
        self.erasing: set[str] = set()
        self.records: list[Recorded] = []
        self.calls: list[str] = []
        self.fails: StorageError | None = None

    def suppress(self, address: str, reason: str, record: Recorded) -> bool:
        """See ``RightsStore``."""
        self._called("suppress")
        if address in self.suppressed:
            return False
        self.suppressed[address] = reason
        self.records.append(record)
        return True

    def lift(self, address: str, record: Recorded) -> bool:
        """See ``RightsStore``."""
        self._called("lift")
        if self.suppressed.pop(address, None) is None:
            return False
        self.records.append(record)
        return True

    def standing(self, address: str) -> OptOutStanding:
        """See ``RightsStore``."""
        self._called("standing")
        since = datetime(2026, 1, 5, tzinfo=UTC) if address in self.suppressed else None
        return OptOutStanding(since, "running" if address in self.erasing else None)

    def request_erasure(self, address: str, conversation_id: str, record: Recorded) -> bool:
        """See ``RightsStore``."""
        self._called("request_erasure")
        if address in self.erasing:
            return False
        self.erasing.add(address)
        self.suppressed[address] = "erasure"
        self.records.append(record)
        return True

    def audit(self, address: str | None, limit: int, after: tuple[datetime, str] | None) -> list[Noted]:
        """See ``RightsStore``."""
        self._called("audit")
        at = datetime(2026, 1, 5, tzinfo=UTC)
        return [Noted(each, at) for each in reversed(self.records) if address in (None, each.address)][:limit]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fails is not None:
            raise self.fails
