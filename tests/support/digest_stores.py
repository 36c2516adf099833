"""The digests' store in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.domain.alert import Alert, State
from shared.domain.digest import Digest
from shared.ports import DigestStore, Page, Step, StoredAlert, StoredDigest, Version
from tests.support.alert_stores import FakeAlertStore
from tests.support.documents import Write


class FakeDigestStore(DigestStore):
    """Digests in memory, beside the alerts of a store.

    Attributes:
        fails: errors that the next writes end with, without taking effect.
    """

    def __init__(self, alerts: FakeAlertStore) -> None:
        self._alerts = alerts
        self._documents = alerts.documents
        self.fails: list[Exception] = []

    def read(self, digest_id: str) -> StoredDigest | None:
        """See ``shared.ports.DigestStore``."""
        found = self._documents.get(f"digests/{digest_id}")
        if found is None:
            return None
        digest: Digest = found.value[0]
        stored = [self._documents.get(f"alerts/{name}") for name in digest.members]
        now = self._documents.now
        members = tuple(StoredAlert(each.value, each.version, now, receipt=False) for each in stored if each)
        destination = self._alerts.destinations([digest.channel])[0][digest.channel]
        return StoredDigest(digest, members, destination, now)

    def write(self, steps: Sequence[Step], *, begun: Sequence[Digest] = (), ended: str | None = None) -> Version:
        """See ``shared.ports.DigestStore``."""
        if self.fails:
            raise self.fails.pop(0)
        writes = [write for step in steps for write in self._alerts.writes(step)]
        writes += [Write(f"digests/{digest.id}", (digest, "waiting"), missing=True) for digest in begun]
        if ended is not None:
            writes.append(Write(f"digests/{ended}", lambda was: (was[0], "done")))
        return self._documents.commit(writes)[0]

    def leave_receipts(self, alerts: Sequence[Alert]) -> None:
        """See ``shared.ports.DigestStore``."""
        for alert in alerts:
            self._alerts.leave_receipt(alert)

    def outstanding(self, channel: str, since: datetime) -> int:
        """See ``shared.ports.DigestStore``."""
        digests = [stored.value for stored in self._documents.under("digests").values()]
        return sum(
            digest.channel == channel and state == "waiting" and digest.expected_at >= since
            for digest, state in digests
        )

    def crowd(self, channel: str, most: int) -> int:
        """See ``shared.ports.DigestStore``."""
        alerts = [stored.value for stored in self._documents.under("alerts").values()]
        return min(most, sum(alert.channel == channel and alert.state is State.PARKED for alert in alerts))

    def overdue(self, channel: str, before: datetime, limit: int) -> Page:
        """See ``shared.ports.DigestStore``."""
        found = [
            (one.value.created_at, name, one)
            for name, one in self._documents.under("alerts").items()
            if one.value.channel == channel
            and one.value.waiting
            and not one.value.overdue
            and one.value.created_at <= before
        ]
        return self._alerts.page(sorted(found, key=lambda each: each[:2]), limit)
