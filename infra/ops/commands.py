"""What each command does: call the console, show its answer, say by the exit status whether all is well."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.ops import tables
from infra.ops.console import Console
from infra.ops.failures import DONE, NOT_DONE, CommandFailed
from infra.ops.migrate import migrate
from infra.ops.system_commands import SYSTEM_COMMANDS

POLL_SECONDS = 0.5
POLL_SECONDS_MOST = 5.0


def conservation(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where it does not balance, naming the alerts."""
    answer = console.get("/conservation", "balanced")
    balanced = bool(answer["balanced"])
    if options.json:
        _print_json(answer)
    else:
        shown = tables.terminal()
        shown.print(tables.conservation_table(answer))
        if answer["alerts"]:
            shown.print(tables.wrong_table(answer))
        shown.print("balanced: every alert is accounted for" if balanced else "NOT balanced")
        if not answer.get("complete", True):
            shown.print("There is more than was looked through, or shown.")
    return DONE if balanced else NOT_DONE


def alerts(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is none."""
    answer = console.get("/alerts", "alerts", email=options.email, id=options.id)
    if options.json:
        _print_json(answer)
    elif answer["alerts"]:
        shown = tables.terminal()
        shown.print(tables.alerts_table(answer))
        for alert in answer["alerts"]:
            if alert["attempts"]:
                shown.print(f"\nattempts of {alert['id']} ({alert['channel']}):", markup=False)
                shown.print(tables.attempts_table(alert))
    if not answer["alerts"]:
        raise CommandFailed("there is no such alert")
    return DONE


def dead_letters(console: Console, options: argparse.Namespace) -> int:
    """Exit 0 also where there are none: that is good news."""
    given = {name: getattr(options, name) for name in ("status", "cause", "channel", "limit", "after")}
    given |= {"from": options.since, "to": options.before}
    answer = console.get("/dead_letters", "dead_letters", **given)
    if options.json:
        _print_json(answer)
        return DONE
    shown = tables.terminal()
    if not answer["dead_letters"]:
        shown.print("no dead letters")
        return DONE
    shown.print(tables.dead_letters_table(answer))
    if answer["next"] is not None:
        shown.print(f"There are more: --after {answer['next']}", markup=False)
    return DONE


def redrive(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where an alert was skipped or there was none."""
    selection = {"ids": options.ids or None, "cause": options.cause, "from": options.since, "to": options.before}
    others = {name: getattr(options, name) for name in ("channel", "status", "reason", "by")}
    begun = console.post("/dead_letters/redrive", "redrive", selection | others)
    if options.no_wait:
        _print_json(begun) if options.json else print(f"redrive {begun['redrive']} goes on by itself")
        return DONE
    answer = _waited_for(console, str(begun["redrive"]))
    if options.json:
        _print_json(answer)
    else:
        print(_progress(answer))
    return DONE if answer["queued"] and not answer["skipped"] else NOT_DONE


def waive(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where it has not failed."""
    body = {"reason": options.reason, "by": options.by}
    answer = console.post(f"/dead_letters/{options.id}/waive", "state", body)
    if options.json:
        _print_json(answer)
    else:
        print(f"{options.id} is {answer['state']}")
    return DONE


def canary(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where the last canary is late, or none was sent for too long."""
    answer = console.get("/canary", "runs")
    if options.json:
        _print_json(answer)
        return NOT_DONE if answer["late"] else DONE
    shown = tables.terminal()
    if not answer["configured"]:
        shown.print("no canary is configured")
        return DONE
    shown.print(tables.canary_table(answer))
    for channel in answer["without"]:
        shown.print(f"{channel} has no target for canaries", markup=False)
    shown.print("LATE: leads may be held up; see runbooks/canary-late.md" if answer["late"] else "canaries arrive")
    return NOT_DONE if answer["late"] else DONE


def consent_audit(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is no entry."""
    after, number = options.after, 0
    while True:
        answer = console.get("/consent_audit", "entries", email=options.email, limit=options.limit, after=after)
        number += len(answer["entries"])
        if options.all:
            for entry in answer["entries"]:
                print(json.dumps(entry))
        after = answer["next"]
        if after is None or not options.all:
            break
    if options.json and not options.all:
        _print_json(answer)
    elif not options.all and answer["entries"]:
        shown = tables.terminal()
        shown.print(tables.audit_table(answer))
        if after is not None:
            shown.print(f"There are more: --after {after}", markup=False)
    if not number:
        raise CommandFailed("there is no entry")
    return DONE


def erasures(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is none."""
    if options.id is not None:
        answer = console.get(f"/erasures/{options.id}", "state")
        found = [answer]
    else:
        answer = console.get("/erasures", "erasures")
        found = answer["erasures"]
    if options.json:
        _print_json(answer)
    elif found:
        shown = tables.terminal()
        shown.print(tables.erasures_table(found))
        if options.id is not None:
            shown.print(tables.certificate_table(answer))
    if not found:
        raise CommandFailed("there is no erasure")
    return DONE


COMMANDS: Mapping[str, Callable[[Console, argparse.Namespace], int]] = {
    "conservation": conservation,
    "alerts": alerts,
    "dead-letters": dead_letters,
    "redrive": redrive,
    "waive": waive,
    "canary": canary,
    "consent-audit": consent_audit,
    "erasures": erasures,
    "migrate": migrate,
    **SYSTEM_COMMANDS,
}


def _waited_for(console: Console, redrive_id: str) -> dict[str, Any]:
    """The redrive once it is done; what it has come to is shown meanwhile, if somebody looks."""
    wait = POLL_SECONDS
    answer = console.get(f"/redrives/{redrive_id}", "state")
    shown = tables.terminal(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        bar = progress.add_task(_progress(answer), total=answer["total"])
        while answer["state"] != "done":
            time.sleep(wait)
            wait = min(wait * 1.5, POLL_SECONDS_MOST)
            answer = console.get(f"/redrives/{redrive_id}", "state")
            progress.update(bar, completed=answer["selected"], description=_progress(answer))
    return answer


def _progress(answer: Mapping[str, Any]) -> str:
    counts = f"{answer['queued']} queued, {answer['skipped']} skipped of {answer['selected']}"
    return f"redrive {answer['id']} is {answer['state']}: {counts}"


def _print_json(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer, indent=2))
