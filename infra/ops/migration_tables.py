"""Plans and ledgers as tables for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from infra.ops.tables import table

COUNTS = ("read", "written", "unchanged", "failed")


def status_table(steps: Sequence[Mapping[str, Any]]) -> Table:
    """Every step, in order."""
    names = ("step", "title", "state", *COUNTS, "by", "finished at", "seconds")
    return table(
        names,
        [
            (
                step["id"],
                step["title"],
                _state(step),
                *(step["counts"][name] for name in COUNTS),
                step["by"],
                step["finished_at"],
                step["duration_seconds"],
            )
            for step in steps
        ],
    )


def row_parts(row: Mapping[str, Any]) -> Iterator[RenderableType]:
    """One step's ledger: where it stands, what was counted, what was left as it was, and who did what."""
    yield Text(f"{row['id']} {row['title']}: {_state(row)}", style="bold")
    if row["cause"]:
        yield Text(str(row["cause"]))
    yield table(tuple(row["counts"]), [tuple(row["counts"].values())])
    yield from _left(row)
    if row["log"]:
        names = ("at", "what", "by", "reason")
        yield table(names, [tuple(entry[name] for name in names) for entry in row["log"]])


def plan_parts(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """A plan: what it would do, what it would cost, and what it could not do."""
    yield Text(f"{plan['step']} {plan['title']}: plan, nothing was written", style="bold")
    yield Text(plan["description"])
    if plan["waits_for"]:
        yield Text(f"To be done first: {', '.join(plan['waits_for'])}")
    yield table(tuple(plan["counts"]), [tuple(plan["counts"].values())])
    cost = plan["cost"]
    yield Text(
        f"Costs {cost['reads']} reads, {cost['writes']} writes and {cost['deletes']} deletes: "
        f"at most ${cost['dollars']:.4f} at list price. Takes about {plan['expected_seconds']:g} seconds."
    )
    for sample in plan["samples"]:
        yield Text(f"\nfor example {sample['id']}", style="bold")
        yield Text(f"  before {json.dumps(sample['before'], ensure_ascii=False)}")
        yield Text(f"  after  {json.dumps(sample['after'], ensure_ascii=False)}")
    yield from _left(plan)


def _left(row: Mapping[str, Any]) -> Iterator[RenderableType]:
    if not row["reasons"]:
        return
    yield Text("\nleft as they are:", style="bold")
    yield table(("reason", "documents"), list(row["reasons"].items()))
    yield table(("id", "reason"), [(problem["id"], problem["reason"]) for problem in row["errors"]])
    if sum(row["reasons"].values()) > len(row["errors"]):
        yield Text(f"and {sum(row['reasons'].values()) - len(row['errors'])} more")


def _state(row: Mapping[str, Any]) -> str:
    marks = [mark for mark, true in (("stands still", row["stalled"]), ("code changed", row["changed"])) if true]
    return f"{row['state']} ({', '.join(marks)})" if marks else str(row["state"])
