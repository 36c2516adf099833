"""The alerts' store in memory, and one that fails as it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.alert import DEAD_LETTER_STATUS, Alert
from shared.errors import OutcomeUnknown, StorageUnavailable
from shared.ports import AlertStore, StoredAlert, Version
from tests.support.documents import Documents, Write


class FakeAlertStore(AlertStore):
    """Alerts, dead letters and receipts in memory; see `tests.support.chat_stores.FakeChatStore`."""

    def __init__(self, documents: Documents | None = None) -> None:
        self.documents = documents or Documents()
        self.calls: list[str] = []

    def put(self, alert: Alert) -> Version:
        """Arrange an alert, without what follows from its state."""
        return self.documents.put(f"alerts/{alert.id}", alert)

    def alert(self, alert_id: str) -> Alert:
        """An alert as it stands."""
        stands = self.documents.get(f"alerts/{alert_id}")
        assert stands is not None
        found: Alert = stands.value
        return found

    def read(self, alert_id: str) -> StoredAlert | None:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("read")
        stands = self.documents.get(f"alerts/{alert_id}")
        if stands is None:
            return None
        receipt = self.documents.get(f"receipts/{alert_id}")
        delivered = receipt is not None and receipt.value.epoch == stands.value.epoch
        return StoredAlert(stands.value, stands.version, self.documents.now, delivered)

    def write(self, before: Alert, after: Alert, version: Version) -> Version:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("write")
        writes = [Write(f"alerts/{after.id}", after, version=version)]
        if after.state in DEAD_LETTER_STATUS:
            writes.append(Write(f"dead_letters/{after.id}", after))
        elif before.state in DEAD_LETTER_STATUS:
            writes.append(Write(f"dead_letters/{after.id}", None))
        return self.documents.commit(writes)[0]

    def leave_receipt(self, alert: Alert) -> None:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("leave_receipt")
        self.documents.commit([Write(f"receipts/{alert.id}", alert)])

    def time(self) -> datetime:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("time")
        return self.documents.now

    def due(self, now: datetime, limit: int) -> list[StoredAlert]:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("due")
        stored = self.documents.under("alerts").values()
        found = [(one.value.wake_at, one) for one in stored if one.value.wake_at is not None]
        waking = sorted((pair for pair in found if pair[0] <= now), key=lambda pair: pair[0])[:limit]
        return [StoredAlert(one.value, one.version, self.documents.now, receipt=False) for _, one in waking]


class FaultyAlertStore(FakeAlertStore):
    """What happens at the n-th write, n from 1: before it, or to its answer.

    Args:
        documents: shared, or its own.
        before: by number, what happens just before that write: a rival writes, time passes.
        raises: by number, the error that write ends with without taking effect.
        unanswered: the numbers of writes that take effect, and whose answer is lost.
        without: operations (``read``, ``due``, ``time``, ``leave_receipt``) that Firestore does not answer.
    """

    def __init__(
        self,
        documents: Documents | None = None,
        *,
        before: dict[int, Callable[[], object]] | None = None,
        raises: dict[int, Exception] | None = None,
        unanswered: frozenset[int] = frozenset(),
        without: tuple[str, ...] = (),
    ) -> None:
        super().__init__(documents)
        self._before, self._raises, self._unanswered, self._without = before or {}, raises or {}, unanswered, without
        self._writes = 0

    def write(self, before: Alert, after: Alert, version: Version) -> Version:
        """Write, as far as this store does."""
        self._writes += 1
        number = self._writes
        self._before.get(number, lambda: None)()
        if number in self._raises:
            self.calls.append("write")
            raise self._raises[number]
        written = super().write(before, after, version)
        if number in self._unanswered:
            raise OutcomeUnknown("DeadlineExceeded")
        return written

    def read(self, alert_id: str) -> StoredAlert | None:
        """Read or fail."""
        self._reach("read")
        return super().read(alert_id)

    def leave_receipt(self, alert: Alert) -> None:
        """Leave one or fail."""
        self._reach("leave_receipt")
        super().leave_receipt(alert)

    def time(self) -> datetime:
        """Tell or fail."""
        self._reach("time")
        return super().time()

    def due(self, now: datetime, limit: int) -> list[StoredAlert]:
        """Find or fail."""
        self._reach("due")
        return super().due(now, limit)

    def _reach(self, operation: str) -> None:
        if operation in self._without:
            raise StorageUnavailable("ServiceUnavailable")
