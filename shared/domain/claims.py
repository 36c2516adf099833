"""What a task may do with its alert; decided by ``delivery.claim``."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.alert import Alert
from shared.domain.breaker import Breaker
from shared.domain.destination import Destination


@dataclass(frozen=True)
class Claimed:
    """The caller holds the alert until the lease ends and may send it.

    Attributes:
        alert: as it is to be written.
        probe: its destination with the probe's lease taken, to be written with it; None where it is not blocked.
        breaker: the breaker with its probe's lease taken, to be written with it; None where it is closed.
    """

    alert: Alert
    probe: Destination | None = None
    breaker: Breaker | None = None


@dataclass(frozen=True)
class Moved:
    """The alert is not sent now; this is what it becomes (a receipt was found, a lease had expired, a block stands)."""

    alert: Alert


@dataclass(frozen=True)
class Ignored:
    """The task has nothing to do: it is of an older generation, or the alert rests."""

    reason: str


@dataclass(frozen=True)
class Busy:
    """Another holder's lease is live; the task comes back later."""
