"""``migrate``: what the function ``admin_migration`` answers, as tables, and its ledger as a progress bar."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from infra.ops import migration_tables as tables
from infra.ops.console import Console
from infra.ops.failures import DONE, NOT_DONE, CommandFailed
from infra.ops.tables import terminal

POLL_SECONDS = 0.3
POLL_SECONDS_MOST = 2.0
STALLED_SECONDS = 60.0
"""A slice whose holder died comes back with its task, a little after its lease."""

SAMPLES, ERRORS = 3, 100


def migrate(console: Console, options: argparse.Namespace) -> int:
    """Run one verb."""
    verbs: Mapping[str, Callable[[Console, argparse.Namespace], int]] = {
        "status": _status,
        "plan": _plan,
        "run": _run,
        "rollback": _rollback,
        "stamp": _stamp,
        "accept": _accept,
    }
    return verbs[options.verb](console, options)


def _status(console: Console, options: argparse.Namespace) -> int:
    if options.step is not None:
        return _shown(console.get(f"/{options.step}", "state"), options)
    answer = console.get("/", "steps")
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        terminal().print(tables.status_table(answer["steps"]))
    return DONE


def _plan(console: Console, options: argparse.Namespace) -> int:
    """The plan, put together where it came in parts; 1 where it says that documents would be left as they are."""
    plan: dict[str, Any] = {}
    with terminal(stderr=True).status("reading") as status:
        while not plan or plan["next"] is not None:
            body = {"dry_run": True, "after": plan.get("next")}
            plan = _joined(plan, console.post(f"/{options.step}", "counts", body))
            status.update(f"read {plan['counts']['read']} of {plan['total']}")
    if options.json:
        print(json.dumps(plan, indent=2))
    else:
        for part in tables.plan_parts(plan):
            terminal().print(part)
    return NOT_DONE if plan["counts"]["failed"] else DONE


def _joined(plan: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Two parts of a plan as one: what is counted is added, what is listed is bounded."""
    if not plan:
        return part
    counted = {name: Counter(plan[name]) + Counter(part[name]) for name in ("counts", "reasons", "cost")}
    whole = part | {name: {**dict.fromkeys(part[name], 0), **counts} for name, counts in counted.items()}
    whole["samples"] = [*plan["samples"], *part["samples"]][:SAMPLES]
    whole["errors"] = [*plan["errors"], *part["errors"]][:ERRORS]
    whole["expected_seconds"] = round(plan["expected_seconds"] + part["expected_seconds"], 1)
    return whole


def _run(console: Console, options: argparse.Namespace) -> int:
    begun = console.post(f"/{options.step}", "state", {"dry_run": False, "by": options.by})
    return _shown(begun if options.no_wait else _waited_for(console, options.step, begun), options)


def _rollback(console: Console, options: argparse.Namespace) -> int:
    begun = console.post(f"/{options.step}/rollback", "state", {"by": options.by})
    return _shown(begun if options.no_wait else _waited_for(console, options.step, begun), options)


def _stamp(console: Console, options: argparse.Namespace) -> int:
    body = {"state": options.stamp, "by": options.by, "reason": options.reason}
    return _shown(console.post(f"/{options.step}/stamp", "state", body), options)


def _accept(console: Console, options: argparse.Namespace) -> int:
    body = {"by": options.by, "reason": options.reason}
    return _shown(console.post(f"/{options.step}/accept", "state", body), options)


def _waited_for(console: Console, step: str, row: dict[str, Any]) -> dict[str, Any]:
    """The ledger once nobody works at it any more; a bar on standard error, if somebody looks, until then."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    wait, stalled_since = POLL_SECONDS, None
    with Progress(*columns, console=terminal(stderr=True), transient=True) as progress:
        bar = progress.add_task(row["state"], total=None)
        while row["state"] in ("running", "rolling_back"):
            stalled_since = (stalled_since or time.monotonic()) if row["stalled"] else None
            if stalled_since is not None and time.monotonic() - stalled_since > STALLED_SECONDS:
                raise CommandFailed(
                    f"step {step} stands still: nobody works at it; `migrate {_verb(row)} {step}` goes on with it"
                )
            _show(progress, bar, row)
            time.sleep(wait)
            wait = min(wait * 1.2, POLL_SECONDS_MOST)
            row = console.get(f"/{step}", "state")
    return row


def _show(progress: Progress, bar: TaskID, row: Mapping[str, Any]) -> None:
    counts = row["counts"]
    if row["state"] == "rolling_back":
        progress.update(
            bar, description="taking back", completed=counts["restored"] + counts["kept"], total=counts["written"]
        )
    elif row["passes"]:
        done = counts["verified"] - (row["passes"] - 1) * (row["total"] or 0)
        progress.update(bar, description="verifying", completed=max(0, done), total=row["total"])
    else:
        progress.update(bar, description="migrating", completed=counts["read"], total=row["total"])


def _verb(row: Mapping[str, Any]) -> str:
    return "run" if row["state"] == "running" else "rollback"


def _shown(row: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(row, indent=2))
    else:
        for part in tables.row_parts(row):
            terminal().print(part)
    left = row["counts"]["kept"] if row["state"] == "rolled_back" else row["counts"]["failed"]
    if options.verb in ("stamp", "accept", "status") or (options.no_wait and row["state"] != "failed"):
        return DONE
    return DONE if row["state"] in ("done", "rolled_back") and not left else NOT_DONE
