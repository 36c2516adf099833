"""A plan: what a run would do, counted document by document, without writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.migrations.decide import Decided, Problem
from shared.migrations.masking import masked
from shared.migrations.pace import READS_A_SECOND, cost_of, seconds_for
from shared.migrations.step import REMOVED, Change, Document

SAMPLES = 3
PROBLEMS_KEPT = 100


@dataclass
class Plan:
    """What is found while a collection is read.

    Attributes:
        read: documents read.
        written: documents that would be changed.
        unchanged: documents that need nothing.
        writes: writes that Firestore bills for the changes.
        problems: the first of the documents that cannot be transformed.
        reasons: how many there are of each reason.
        samples: a few changes, masked.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    writes: int = 0
    problems: list[Problem] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, documents: Sequence[Document], decided: Decided) -> None:
        """Count one more page."""
        self.read += len(documents)
        self.written += len(decided.changes)
        self.unchanged += decided.unchanged
        self.writes += sum(change.writes for change in decided.changes.values())
        self.reasons.update(problem.reason for problem in decided.problems)
        self.problems += decided.problems[: PROBLEMS_KEPT - len(self.problems)]
        if len(self.samples) < SAMPLES:
            by_id = {document.id: document for document in documents}
            wanted = list(decided.changes.items())[: SAMPLES - len(self.samples)]
            self.samples += [sample(by_id[name], change) for name, change in wanted]

    def view(self, *, total: int, first_rate: float, page: int) -> dict[str, Any]:
        """As JSON: counts as a run will have them, samples, cost, duration, what cannot be transformed.

        Args:
            total: how many documents there are, by Firestore's own count.
            first_rate: operations a second at the beginning of a run.
            page: documents a page.
        """
        cost = cost_of(self.read, self.writes, page=page)
        passes = 2 if self.writes else 1
        return {
            "counts": {
                "read": self.read,
                "written": self.written,
                "unchanged": self.unchanged,
                "failed": sum(self.reasons.values()),
            },
            "total": total,
            "samples": self.samples,
            "errors": [{"id": problem.id, "reason": problem.reason} for problem in self.problems],
            "reasons": dict(self.reasons),
            "cost": {
                "reads": cost.reads,
                "writes": cost.writes,
                "deletes": cost.deletes,
                "dollars": round(cost.dollars, 6),
            },
            "expected_seconds": round(self.read * passes / READS_A_SECOND + seconds_for(cost.writes, first_rate), 1),
        }


def sample(document: Document, change: Change) -> dict[str, Any]:
    """What changes of one document, before and after, masked."""
    before = {name: document.fields[name] for name in change.fields if name in document.fields}
    shown: dict[str, Any] = {"id": document.id, "before": masked(document.fields if change.removes else before)}
    after = {name: value for name, value in change.fields.items() if value is not REMOVED}
    shown["after"] = None if change.removes else masked(after)
    if change.creates:
        shown["creates"] = [
            {"collection": new.collection, "id": new.id, **masked(new.fields)} for new in change.creates
        ]
    return shown
