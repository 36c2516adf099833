"""An attempt at an alert, as it is under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.alert import Alert
from shared.flows.visitor_mail import Leaving
from shared.ports import StoredBreaker, Version


@dataclass(frozen=True)
class DeliveryAttempt:
    """An attempt under way.

    Attributes:
        held: the alert under its lease.
        version: of that.
        probing: it finds out whether a blocked destination was repaired.
        breaker: the destination's, as it was claimed under.
        began: monotonic seconds.
        read_at: Firestore's time then.
        leaving: of an e-mail to a visitor: records that it begins to leave.
    """

    held: Alert
    version: Version
    probing: bool
    breaker: StoredBreaker
    began: float
    read_at: datetime
    leaving: Leaving | None = None

    @property
    def after_leaving(self) -> DeliveryAttempt:
        """The attempt with the alert as it stands since it began to leave."""
        return self if self.leaving is None else replace(self, held=self.leaving.held, version=self.leaving.version)
