"""Take a sample of the counts for the charts, at most one a minute, and once an hour count every alert.

Charts are a convenience: what goes wrong here is reported and holds nothing up. That not every alert is accounted for
is told of by the event ``not_balanced``, which an alert policy looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.samples import Sample, Verdict
from shared.errors import StorageError
from shared.ports import Clock, Events
from shared.ports.operations import Counting
from shared.ports.operations_system import Look, Overseeing, Samples

WRONG_KEPT = 20


@dataclass(frozen=True)
class TakeSample:
    """The flow with what it needs.

    Attributes:
        overseeing: what counts at a glance.
        counting: what counts every alert.
        samples: where samples are kept.
        kept: how long an alert is kept after its end.
        clock: says which minute it is.
        events: where to report.
    """

    overseeing: Overseeing
    counting: Counting
    samples: Samples
    kept: timedelta
    clock: Clock
    events: Events

    def __call__(self) -> bool:
        """Take one, unless this minute has one; whether it was taken."""
        try:
            sampled, judged = self.samples.taken(self.clock.now())
            if sampled:
                return False
            look = self.overseeing.counts()
            self.samples.keep(_sample(look), None if judged else self._verdict(look))
        except StorageError as error:
            self.events("sample_failed", error=type(error).__name__)
            return False
        return True

    def _verdict(self, look: Look) -> Verdict | None:
        """Whether every alert is accounted for; None where that could not be found out."""
        try:
            census = self.counting.census(self.kept)
        except StorageError as error:
            self.events("sample_failed", error=type(error).__name__)
            return None
        if not census.balanced:
            self.events("not_balanced", count=len(census.wrong))
        return Verdict(look.at, census.balanced, tuple(alert.id for alert in census.wrong[:WRONG_KEPT]))


def _sample(look: Look) -> Sample:
    oldest = min((each.created_at for each in look.oldest.values()), default=None)
    return Sample(
        at=look.at,
        channels={
            name: {
                "accepted": counts.accepted,
                "delivered": counts.delivered,
                "waiting": counts.waiting,
                "parked": counts.parked,
                "failed": counts.failed,
            }
            for name, counts in look.channels.items()
        },
        oldest_seconds=max(0, int((look.at - oldest).total_seconds())) if oldest is not None else None,
    )
