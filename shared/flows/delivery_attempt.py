"""An attempt at an alert, as it is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert
from shared.flows.visitor_mail import Leaving
from shared.ports import Version


@dataclass(frozen=True)
class DeliveryAttempt:
    """An attempt under way.

    Attributes:
        held: the alert under its lease.
        version: of that.
        probing: it finds out whether a blocked destination was repaired.
        began: monotonic seconds.
        read_at: Firestore's time then.
        leaving: of an e-mail to a visitor: records that it begins to leave.
    """

    held: Alert
    version: Version
    probing: bool
    began: float
    read_at: datetime
    leaving: Leaving | None = None
