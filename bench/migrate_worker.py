"""One process that plans, runs or takes back a migration, or does the same work without one; it may be killed.

``python -m bench.migrate_worker PROJECT STEP VERB RATE`` prints a line of JSON: the row or plan, seconds, peak memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.bulk_writer import BulkWriterOptions

from shared.adapters.firestore import Database
from shared.adapters.firestore_migrations import FirestoreMigrations
from shared.adapters.system import SystemChance, SystemClock
from shared.errors import MigrationRunning
from shared.flows.migrate import Migrating
from shared.flows.migration_slice import MigrationSlice, WorkSlice
from shared.migrations.catalog import steps
from shared.migrations.step import CannotTransform, Document

LEASE = timedelta(seconds=2)
SLICE_SECONDS = 20.0


class Slices:
    """The next slice, instead of a queue."""

    def __init__(self) -> None:
        self.asked: list[WorkSlice] = []

    def ask(self, step: str, run: int, number: int) -> None:
        """Remember it."""
        self.asked.append(WorkSlice(step, run, number))


def migrate(project: str, step: str, verb: str, rate: float) -> Mapping[str, Any]:
    """Plan a step, or run it or take it back to the end, whoever began with it."""
    store = FirestoreMigrations(Database(project), timedelta(days=30))
    slices, catalog, clock = Slices(), steps(), SystemClock()
    asking = Migrating(catalog, store, slices, LEASE, 3600.0, clock, _quiet, rate)
    working = MigrationSlice(catalog, store, slices, LEASE, SLICE_SECONDS, clock, SystemChance(), _quiet, rate)
    if verb == "plan":
        return asking.plan(step, None)
    ask = asking.run if verb == "run" else asking.roll_back
    while True:
        try:
            ask(step, "bench")
            break
        except MigrationRunning:
            time.sleep(0.1)  # of the one that was killed
    while slices.asked:
        working(slices.asked.pop(0))
    return asking.one(step)


def bare(project: str, step_id: str, rate: float) -> Mapping[str, Any]:
    """What anybody would write: read every document, change it, hand it to a BulkWriter."""
    step, client = steps()[step_id], firestore.Client(project=project)
    options = BulkWriterOptions(initial_ops_per_second=int(rate), max_ops_per_second=int(rate))
    writer, read, written = client.bulk_writer(options), 0, 0
    for snapshot in client.collection(step.selection.collection).stream():
        read += 1
        try:
            change = step.transform(Document(snapshot.id, snapshot.to_dict() or {}))
        except CannotTransform:
            continue
        if change is not None:
            written += 1
            writer.update(snapshot.reference, dict(change.fields))
    writer.close()
    return {"counts": {"read": read, "written": written}}


def _quiet(_: str, /, **__: str | float | None) -> None:
    """Log nothing."""


def main() -> None:
    """Do it and tell of it."""
    project, step, verb, rate = sys.argv[1:]
    began = time.monotonic()
    done = bare(project, step, float(rate)) if verb == "bare" else migrate(project, step, verb, float(rate))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"done": done, "seconds": time.monotonic() - began, "peak_mib": peak}))


if __name__ == "__main__":
    main()
