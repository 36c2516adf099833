"""Counts as they were, in Firestore: one document an hour in ``samples``, a place in it for each minute.

A minute has one place, so two runs of a job in the same minute leave one sample. A document holds sixty at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.adapters.firestore import Database
from shared.domain.samples import KEPT, Sample, Verdict, hour_of, minute_of

HOUR = timedelta(hours=1)


class FirestoreSamples:
    """``shared.ports.operations_system.Samples`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def taken(self, at: datetime) -> tuple[bool, bool]:
        """Cost: one round trip, one read."""
        stands = self._database.read([self._hour(at)])[0].to_dict() or {}
        return _place(at) in stands.get("points", {}), "verdict" in stands

    def keep(self, sample: Sample, verdict: Verdict | None) -> None:
        """Cost: one round trip, one write; nothing guards it: whoever writes the same minute writes the same place."""
        document: dict[str, Any] = {
            "points": {_place(sample.at): _document(sample)},
            "expires_at": hour_of(sample.at) + KEPT,
        }
        if verdict is not None:
            document["verdict"] = {"at": verdict.at, "balanced": verdict.balanced, "wrong": list(verdict.wrong)}
        batch = self._database.client.batch()
        batch.set(self._hour(sample.at), document, merge=True)
        self._database.commit(batch)

    def since(self, at: datetime, until: datetime) -> tuple[list[Sample], Verdict | None]:
        """Cost: one round trip, one read an hour."""
        hours = [hour_of(at) + HOUR * number for number in range((hour_of(until) - hour_of(at)) // HOUR + 1)]
        found = [each.to_dict() or {} for each in self._database.read([self._hour(hour) for hour in hours])]
        samples = [_sample(point) for each in found for point in each.get("points", {}).values()]
        verdicts = [each["verdict"] for each in found if "verdict" in each]
        newest = (
            Verdict(verdicts[-1]["at"], verdicts[-1]["balanced"], tuple(verdicts[-1]["wrong"])) if verdicts else None
        )
        between = [sample for sample in samples if at <= sample.at <= until]
        return sorted(between, key=lambda sample: sample.at), newest

    def _hour(self, at: datetime) -> Any:
        return self._database.document("samples", f"{hour_of(at):%Y-%m-%dT%H}")


def _place(at: datetime) -> str:
    return f"{minute_of(at):%M}"


def _document(sample: Sample) -> dict[str, Any]:
    channels = {name: dict(counted) for name, counted in sample.channels.items()}
    return {"at": sample.at, "channels": channels, "oldest_seconds": sample.oldest_seconds}


def _sample(point: dict[str, Any]) -> Sample:
    return Sample(point["at"], point["channels"], point.get("oldest_seconds"))
