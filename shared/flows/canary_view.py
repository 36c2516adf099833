"""The canary as an operator sees it: the runs of the last day, for a chart, and whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.domain import canary
from shared.domain.canary import Leg, Run, Standing
from shared.errors import StorageError, Unavailable
from shared.ports import Events
from shared.ports.canary import CanaryRuns

RUNS_MOST = 144
"""A day of runs, one every ten minutes."""

GLANCED_AT = 4
"""So many of the newest runs say how it stands: the one under way, and one whose end is known."""

GOOD = (Standing.QUIET, Standing.ARRIVES)


@dataclass(frozen=True)
class LookAtCanary:
    """The flow with what it needs: the ledger, after how long without a run one is missed, and where to report."""

    runs: CanaryRuns
    missing_after: timedelta
    events: Events

    def __call__(self) -> dict[str, Any]:
        """The newest runs, the newest first; a bounded number of reads.

        ``late`` is true where the newest run whose end is known did not arrive everywhere in time or was cut off, or
        none was begun for too long.

        Raises:
            Unavailable: storage did not answer.
        """
        runs, now = self._newest(RUNS_MOST)
        last = runs[0] if runs else None
        stands = canary.standing(runs, now=now, after=self.missing_after)
        return {
            "configured": last is not None and bool(last.legs),
            "last_run": last.at.isoformat() if last is not None else None,
            "late": stands not in GOOD,
            "without": list(last.without) if last is not None else [],
            "runs": [_shown(run) for run in runs if run.legs],
        }

    def standing(self) -> Standing:
        """The same in one word, at a read a run, of four at most; raises Unavailable."""
        runs, now = self._newest(GLANCED_AT)
        return canary.standing(runs, now=now, after=self.missing_after)

    def _newest(self, most: int) -> tuple[list[Run], datetime]:
        try:
            found, now = self.runs.newest(most)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        return [stored.run for stored in found], now


def _shown(run: Run) -> dict[str, Any]:
    channels = {name: _leg(leg) for name, leg in run.legs.items()}
    return {"id": run.id, "at": run.at.isoformat(), "channels": channels}


def _leg(leg: Leg) -> dict[str, Any]:
    return {"state": leg.mark.value, "latency_ms": leg.milliseconds, "reached": leg.reached, "cause": leg.cause}
