"""A channel's alerts as they are counted at a glance: by what waits and what failed, the rest by subtraction.

Delivered alerts are many and grow for ever; those that are not are few. So the delivered are what was accepted less all
others, which costs the same whatever was delivered.
"""

from __future__ import annotations

from dataclasses import dataclass

WAITING = ("queued", "sending", "parked")
ENDED = ("waived", "suppressed", "superseded", "erased")
"""How an alert ends without being delivered and without anybody having to act."""


@dataclass(frozen=True)
class Counts:
    """A channel's alerts.

    Attributes:
        accepted: since the beginning.
        queued: waiting in the queue, or for it.
        sending: under way.
        parked: waiting for their next try.
        failed: not sent again by themselves.
        ended: of those that are kept: not delivered, and nobody has to act.
        untold: of the failed: nobody was told of.
        overdue: of those that wait: for longer than an alert may.
        capped: a count met its bound: there may be more.
    """

    accepted: int
    queued: int = 0
    sending: int = 0
    parked: int = 0
    failed: int = 0
    ended: int = 0
    untold: int = 0
    overdue: int = 0
    capped: bool = False

    @property
    def waiting(self) -> int:
        """How many are still to be delivered by themselves."""
        return self.queued + self.sending + self.parked

    @property
    def delivered(self) -> int:
        """How many were delivered, those among them that are no longer kept; what ended otherwise and is gone, too."""
        return max(0, self.accepted - self.waiting - self.failed - self.ended)
