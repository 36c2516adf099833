"""What an operator is told of a migration, as JSON; nothing of what a document holds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from shared.migrations.ledger import APPLIED
from shared.migrations.step import Step
from shared.ports.migrations import StoredLedger


def ledger_view(step: Step, stored: StoredLedger, lease: timedelta) -> dict[str, Any]:
    """A step with its ledger.

    ``stalled`` says that nobody works at what was begun; ``changed`` that the code is not the code that was run.
    """
    ledger = stored.ledger
    return {
        "id": step.id,
        "title": step.title,
        "description": step.description,
        "state": ledger.state.value,
        "stalled": ledger.working and stored.idle >= lease,
        "requires": list(step.requires),
        "checksum": ledger.checksum or step.checksum,
        "changed": ledger.state in APPLIED and ledger.checksum not in (None, step.checksum),
        "counts": asdict(ledger.counts),
        "total": ledger.total,
        "run": ledger.run,
        "passes": ledger.passes,
        "errors": [{"id": problem.id, "reason": problem.reason} for problem in ledger.problems],
        "reasons": dict(ledger.reasons),
        "cause": ledger.cause,
        "by": ledger.by,
        "requested_at": _time(ledger.requested_at),
        "finished_at": _time(ledger.finished_at),
        "duration_seconds": round(ledger.seconds, 1),
        "log": [
            {"at": _time(entry.at), "what": entry.what, "by": entry.by, "reason": entry.reason} for entry in ledger.log
        ],
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
