"""The canary as an operator sees it: the runs of the last day, for a chart, and whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.domain import canary
from shared.domain.canary import Leg, Run
from shared.errors import StorageError, Unavailable
from shared.ports import Events
from shared.ports.canary import CanaryRuns

RUNS_MOST = 144
"""A day of runs, one every ten minutes."""


@dataclass(frozen=True)
class LookAtCanary:
    """The flow with what it needs: the ledger, after how long without a run one is missed, and where to report."""

    runs: CanaryRuns
    missing_after: timedelta
    events: Events

    def __call__(self) -> dict[str, Any]:
        """The newest runs, the newest first; a bounded number of reads.

        ``late`` is true where the newest run whose end is known did not arrive everywhere in time, or none was begun
        for too long.

        Raises:
            Unavailable: storage did not answer.
        """
        try:
            found, now = self.runs.newest(RUNS_MOST)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        runs = [stored.run for stored in found]
        last = runs[0] if runs else None
        configured = last is not None and bool(last.legs)
        judged = next((run for run in runs if run.legs and run.judged), None)
        missed = canary.missed(last, now=now, after=self.missing_after)
        return {
            "configured": configured,
            "last_run": last.at.isoformat() if last is not None else None,
            "late": configured and (missed or (judged is not None and judged.late)),
            "without": list(last.without) if last is not None else [],
            "runs": [_shown(run) for run in runs if run.legs],
        }


def _shown(run: Run) -> dict[str, Any]:
    channels = {name: _leg(leg) for name, leg in run.legs.items()}
    return {"id": run.id, "at": run.at.isoformat(), "channels": channels}


def _leg(leg: Leg) -> dict[str, Any]:
    return {"state": leg.mark.value, "latency_ms": leg.milliseconds, "reached": leg.reached, "cause": leg.cause}
