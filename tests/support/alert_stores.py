"""The alerts' store in memory, and one that fails as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from shared.domain import ids
from shared.domain.alert import CANARY, DEAD_LETTER_STATUS, HOT, OVERDUE, Alert, State
from shared.domain.destination import Destination
from shared.domain.updates import Standing
from shared.errors import OutcomeUnknown, StorageUnavailable
from shared.ports import AlertStore, Page, Step, StoredAlert, StoredDestination, Version
from tests.support.breakers import breaker_write
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

    def destination(self, name: str) -> Destination:
        """A destination as it stands."""
        return self._destination(name).destination

    def tally(self, channel: str, kind: str) -> int:
        """How many alerts of a channel and kind were accepted."""
        return sum(
            stored.value
            for name, stored in self.documents.under("tallies").items()
            if name.startswith(f"{channel}.{kind}.")
        )

    def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("read")
        stands = self.documents.get(f"alerts/{alert_id}")
        if stands is None:
            return None
        receipt = self.documents.get(f"receipts/{alert_id}")
        delivered = receipt is not None and stands.value.epoch in receipt.value
        destination = self._destination(stands.value.channel)
        return StoredAlert(stands.value, stands.version, self.documents.now, delivered, destination)

    def write(self, step: Step) -> Version:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("write")
        return self.documents.commit(self.writes(step))[0]

    def writes(self, step: Step) -> list[Write]:
        """What a step writes, the alert first."""
        before, after = step.before, step.after
        writes = [Write(f"alerts/{after.id}", after, version=step.version)]
        if after.kind == CANARY:
            pass
        elif after.state in DEAD_LETTER_STATUS:
            writes.append(Write(f"dead_letters/{after.id}", after))
        elif before.state in DEAD_LETTER_STATUS:
            writes.append(Write(f"dead_letters/{after.id}", None))
        writes += self._made(step.made)
        if after.channel != before.channel:
            writes += [_counted(before, -1), _counted(after, 1)]
        if step.destination is not None:
            writes.append(self._destination_write(step.destination))
        if step.breaker is not None:
            writes.append(breaker_write(step.breaker))
        for told_of in step.told_of:
            writes += self._told(told_of, after)
        return writes

    def _told(self, alert_id: str, told: Alert) -> list[Write]:
        stands = self.documents.get(f"dead_letters/{alert_id}")
        if stands is None:
            return []
        of_this = stands.value.state is not State.PARKED and ids.escalation_id(alert_id, stands.value.epoch) == told.id
        if not of_this and told.kind != OVERDUE:
            return []
        return [Write(f"escalated/{alert_id}", self.documents.now)]

    def rivals(self, alert: Alert) -> tuple[StoredAlert, ...]:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("rivals")
        return tuple(
            StoredAlert(one.value, one.version, self.documents.now, receipt=False)
            for one in self.documents.under("alerts").values()
            if (one.value.conversation_id, one.value.channel) == (alert.conversation_id, alert.channel)
            and one.value.state is State.SENDING
            and one.value.id != alert.id
        )

    def standing(self, update: Alert) -> Standing:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("standing")
        conversation = self.documents.get(f"conversations/{update.conversation_id}")
        lead = self.documents.get(f"alerts/{update.payload['lead_id']}")
        return Standing(conversation.value.version if conversation else None, lead.value if lead else None)

    def leave_receipt(self, alert: Alert) -> None:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("leave_receipt")
        self.documents.commit([Write(f"receipts/{alert.id}", lambda was: {*(was or ()), alert.epoch})])

    def destinations(self, names: Sequence[str]) -> tuple[dict[str, StoredDestination], datetime]:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("destinations")
        return {name: self._destination(name) for name in names}, self.documents.now

    def write_destination(self, destination: StoredDestination, made: tuple[Alert, ...] = ()) -> None:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("write_destination")
        self.documents.commit([self._destination_write(destination), *self._made(made)])

    def due(self, now: datetime, limit: int, *, channel: str, parked: bool, cursor: Any = None) -> Page:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("due")
        states = {State.PARKED} if parked else {State.QUEUED, State.SENDING}
        found = [
            (one.value.wake_at, name, one)
            for name, one in self.documents.under("alerts").items()
            if one.value.channel == channel and one.value.state in states and one.value.wake_at is not None
        ]
        waking = sorted(each for each in found if each[0] <= now)
        return self.page([each for each in waking if cursor is None or each[:2] > cursor], limit)

    def withheld(self, channel: str, limit: int, *, hot: bool = False) -> Page:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("withheld")
        found = [
            (one.value.created_at, name, one)
            for name, one in self.documents.under("alerts").items()
            if one.value.channel == channel and one.value.blocked and (not hot or one.value.payload.get(HOT))
        ]
        return self.page(sorted(found), limit)

    def queued(self, channel: str) -> int:
        """See ``shared.ports.AlertStore``."""
        self.calls.append("queued")
        alerts = [one.value for one in self.documents.under("alerts").values()]
        return sum(alert.channel == channel and alert.state is State.QUEUED for alert in alerts)

    def page(self, found: list[Any], limit: int) -> Page:
        """The first of these as a page."""
        kept = found[:limit]
        alerts = tuple(StoredAlert(one.value, one.version, self.documents.now, receipt=False) for *_, one in kept)
        return Page(alerts, cursor=kept[-1][:2] if len(kept) == limit else None)

    def _made(self, made: Sequence[Alert]) -> list[Write]:
        alerts = [Write(f"alerts/{alert.id}", alert, missing=True) for alert in made]
        return alerts + [_counted(alert, 1) for alert in made]

    def _destination(self, name: str) -> StoredDestination:
        stands = self.documents.get(f"destinations/{name}")
        return StoredDestination(stands.value if stands else Destination(name), stands.version if stands else None)

    @staticmethod
    def _destination_write(stored: StoredDestination) -> Write:
        path, missing = f"destinations/{stored.destination.name}", stored.version is None
        return Write(path, stored.destination, missing=missing, version=stored.version)


def _counted(alert: Alert, number: int) -> Write:
    return Write(f"tallies/{alert.channel}.{alert.kind}.{alert.id}", lambda was: (was or 0) + number)


class FaultyAlertStore(FakeAlertStore):
    """What happens at the n-th write, n from 1: before it, or to its answer.

    Args:
        documents: shared, or its own.
        before: by number, what happens just before that write: a rival writes, time passes.
        raises: by number, the error that write ends with without taking effect.
        unanswered: the numbers of writes that take effect, and whose answer is lost.
        without: operations (``read``, ``due``, ``destinations``, ``leave_receipt``) that Firestore does not answer.
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

    def write(self, step: Step) -> Version:
        """Write, as far as this store does."""
        self._writes += 1
        number = self._writes
        self._before.get(number, lambda: None)()
        if number in self._raises:
            self.calls.append("write")
            raise self._raises[number]
        written = super().write(step)
        if number in self._unanswered:
            raise OutcomeUnknown("DeadlineExceeded")
        return written

    def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
        """Read or fail."""
        self._reach("read")
        return super().read(alert_id, channel)

    def leave_receipt(self, alert: Alert) -> None:
        """Leave one or fail."""
        self._reach("leave_receipt")
        super().leave_receipt(alert)

    def destinations(self, names: Sequence[str]) -> tuple[dict[str, StoredDestination], datetime]:
        """Tell or fail."""
        self._reach("destinations")
        return super().destinations(names)

    def due(self, now: datetime, limit: int, *, channel: str, parked: bool, cursor: Any = None) -> Page:
        """Find or fail."""
        self._reach("due")
        return super().due(now, limit, channel=channel, parked=parked, cursor=cursor)

    def _reach(self, operation: str) -> None:
        if operation in self._without:
            raise StorageUnavailable("ServiceUnavailable")
