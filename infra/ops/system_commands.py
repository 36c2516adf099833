"""What each command about the system does: call the console, show its answer, say by the exit status how it stands."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from infra.ops import system_tables as tables
from infra.ops.console import Console
from infra.ops.failures import DONE, NOT_DONE, CommandFailed
from infra.ops.tables import terminal

STYLES = {"none": "green", "watch": "yellow", "danger": "bold red"}


def overview(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where a lead is in danger."""
    answer = console.get("/overview", "danger")
    level = answer["danger"]["level"]
    if options.json:
        print_json(answer)
    else:
        shown = terminal()
        shown.print(answer["danger"]["sentence"], style=STYLES.get(level), markup=False)
        for title, found in _parts(answer):
            shown.print(f"\n{title}:")
            shown.print(found)
        shown.print(f"\n{_accounted(answer)}", markup=False)
    return NOT_DONE if level == "danger" else DONE


def _parts(answer: Mapping[str, Any]) -> list[tuple[str, Any]]:
    parts = []
    if answer["danger"]["reasons"]:
        parts.append(("why", tables.reasons_table(answer)))
    if answer["channels"]:
        parts.append(("channels", tables.channels_table(answer)))
    parts.append(("breakers", tables.breakers_table(answer["breakers"])))
    if answer["jobs"] is not None:
        parts.append(("jobs", tables.jobs_table(answer["jobs"])))
    return parts


def _accounted(answer: Mapping[str, Any]) -> str:
    oldest = answer["oldest_waiting"]
    waits = (
        f"oldest waiting: {oldest['id']} ({oldest['channel']}), {oldest['age_seconds']} s" if oldest else "none waits"
    )
    match answer["balanced"]:
        case None:
            counted = "not counted in full lately"
        case True:
            counted = f"every alert was accounted for at {answer['balanced_at']}"
        case _:
            counted = f"NOT balanced at {answer['balanced_at']}: {', '.join(answer['wrong'])}"
    return f"{waits}; {counted}"


def history(console: Console, options: argparse.Namespace) -> int:
    """Exit 0 also where nothing was sampled yet."""
    answer = console.get("/history", "points", hours=options.hours)
    if options.json:
        print_json(answer)
    elif answer["points"]:
        terminal().print(tables.history_table(answer))
    else:
        print("nothing was sampled yet; the job cleanup does that")
    return DONE


def breakers(console: Console, options: argparse.Namespace) -> int:
    """Every breaker."""
    answer = console.get("/breakers", "breakers")
    print_json(answer) if options.json else terminal().print(tables.breakers_table(answer["breakers"]))
    return DONE


def breaker(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is no such channel."""
    body = {"mode": options.mode, "reason": options.reason, "by": options.by}
    answer = console.post(f"/breakers/{options.channel}", "mode", body)
    print_json(answer) if options.json else terminal().print(tables.breakers_table([answer]))
    return DONE


def jobs(console: Console, options: argparse.Namespace) -> int:
    """Every job; exit 1 where the scheduler does not answer."""
    answer = console.get("/jobs", "jobs")
    print_json(answer) if options.json else terminal().print(tables.jobs_table(answer["jobs"]))
    return DONE


def job(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is no such job."""
    body = {"reason": options.reason, "by": options.by}
    answer = console.post(f"/jobs/{options.name}/{options.verb}", "state", body)
    print_json(answer) if options.json else terminal().print(tables.jobs_table([answer]))
    return DONE


def operator_audit(console: Console, options: argparse.Namespace) -> int:
    """Exit 0 also where nobody did anything."""
    after = options.after
    while True:
        answer = console.get("/operator_audit", "actions", limit=options.limit, after=after)
        after = answer["next"]
        if options.all:
            for each in answer["actions"]:
                print(json.dumps(each, ensure_ascii=False))
        if after is None or not options.all:
            break
    if options.json and not options.all:
        print_json(answer)
    elif not options.all:
        terminal().print(tables.actions_table(answer["actions"]))
        if after is not None:
            print(f"There are more: --after {after}")
    return DONE


def leads(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is none."""
    answer = console.get("/leads", "conversations", email=options.email, phone=options.phone, id=options.id)
    if options.json:
        print_json(answer)
    for lead in answer["conversations"] if not options.json else ():
        shown = terminal()
        shown.print(tables.lead_table(lead))
        shown.print(tables.lead_alerts_table(lead))
        shown.print("")
    if not answer["conversations"]:
        raise CommandFailed("there is no such lead")
    return DONE


def conversation(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is none."""
    path, turns, after = f"/conversations/{options.id}", [], options.after
    while True:
        answer = console.get(path, "turns", limit=options.limit, after=after)
        turns += answer["turns"]
        after = answer["next"]
        if after is None or not options.all:
            break
    if options.json:
        print_json(answer | {"turns": turns})
        return DONE
    shown = terminal()
    shown.print(tables.lead_table(answer["conversation"]))
    shown.print(tables.turns_table(turns))
    if after is not None:
        shown.print(f"There are more: --after {after}", markup=False)
    return DONE


def export(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is no such conversation."""
    return _taken(console.get(f"/conversations/{options.id}/export", "collections", **_why(options)), options)


def bundle(console: Console, options: argparse.Namespace) -> int:
    """Exit 1 where there is no such dead letter."""
    return _taken(console.get(f"/dead_letters/{options.id}/bundle", "format", **_why(options)), options)


def _why(options: argparse.Namespace) -> dict[str, str | None]:
    return {"reason": options.reason, "by": options.by}


def _taken(answer: Mapping[str, Any], options: argparse.Namespace) -> int:
    """Write it to a file that is not there yet, or print it."""
    if options.output is None:
        print_json(answer)
        return DONE
    try:
        with open(options.output, "x", encoding="utf-8") as file:  # noqa: PTH123 - "x" and a name as it was given
            file.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise CommandFailed(f"{options.output} cannot be made: {error.strerror}") from None
    print(f"written to {options.output}")
    return DONE


def print_json(answer: Mapping[str, Any]) -> None:
    """The console's answer as it came."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))


SYSTEM_COMMANDS: Mapping[str, Callable[[Console, argparse.Namespace], int]] = {
    "overview": overview,
    "history": history,
    "breakers": breakers,
    "breaker": breaker,
    "jobs": jobs,
    "job": job,
    "leads": leads,
    "conversation": conversation,
    "export": export,
    "operator-audit": operator_audit,
    "bundle": bundle,
}
