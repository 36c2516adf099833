"""What became of the documents that were to be restored, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from infra.ops.tables import table, terminal

FATES = ("restored", "mended", "there", "erased", "over", "not there then", "refused")
SHOWN = 20


@dataclass
class Restored:
    """What became of documents: how many of each fate by collection, and the names of those that were written."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    def add(self, collection: str, fate: str, number: int = 1) -> None:
        """Count."""
        self.counts.setdefault(collection, Counter())[fate] += number


def print_restored(done: Restored, options: argparse.Namespace, at: datetime | None) -> None:
    """Print it."""
    if options.json:
        counts = {name: {fate: counts[fate] for fate in FATES} for name, counts in done.counts.items()}
        answer = {"dry_run": options.dry_run, "at": at.isoformat() if at else None, "collections": counts}
        print(json.dumps(answer | {"documents": done.written}, indent=2))
        return
    shown = terminal()
    if options.dry_run:
        shown.print("dry run: nothing was written")
    shown.print(f"as of {at:%Y-%m-%d %H:%M:%S %Z}" if at else f"from the database {options.from_database}")
    rows = [(name, *(counts[fate] for fate in FATES)) for name, counts in done.counts.items()]
    shown.print(table(("collection", *FATES), rows))
    for name in done.written[:SHOWN]:
        shown.print(f"  {name}", markup=False)
    if len(done.written) > SHOWN:
        shown.print(f"  and {len(done.written) - SHOWN} more (--json names them)")
