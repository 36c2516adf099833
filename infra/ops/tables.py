"""Answers of the console as tables for a terminal; in a pipe as plain text, a line a row."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 240
COUNTS = (
    "accepted",
    "queued",
    "sending",
    "delivered",
    "parked",
    "failed",
    "waived",
    "suppressed",
    "superseded",
    "erased",
    "archived",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def terminal(*, stderr: bool = False) -> Terminal:
    """Where to print; wide where nobody looks, so that no id is cut."""
    stream = sys.stderr if stderr else sys.stdout
    return Terminal(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=False)


def conservation_table(answer: Mapping[str, Any]) -> Table:
    """Every channel's counts; a channel that does not balance is marked."""
    rows = []
    for name, counts in answer["channels"].items():
        rest = sum(counts[each] for each in COUNTS if each != "accepted")
        fits = "" if counts["accepted"] == rest else f"{rest - counts['accepted']:+d}"
        rows.append((name, *(counts[each] for each in COUNTS), fits))
    return table(("channel", *COUNTS, "too many"), rows)


def wrong_table(answer: Mapping[str, Any]) -> Table:
    """The alerts that are wrong."""
    return table(("alert", "problem"), [(alert["id"], alert["problem"]) for alert in answer["alerts"]])


def canary_table(answer: Mapping[str, Any]) -> Table:
    """The canaries of the last day, the newest first, a row a channel; latencies in milliseconds."""
    names = ("state", "latency_ms", "reached", "cause")
    rows = [
        (run["at"], channel, *_row(leg, names)) for run in answer["runs"] for channel, leg in run["channels"].items()
    ]
    return table(("at", "channel", *names), rows)


def audit_table(answer: Mapping[str, Any]) -> Table:
    """The consent audit, newest first."""
    names = ("at", "actor", "action", "source", "consent", "wording", "address", "conversation_id")
    return table(names, [_row(entry, names) for entry in answer["entries"]])


def erasures_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Erasures, newest first."""
    names = ("id", "state", "requested_at", "finished_at")
    return table(names, [_row(each, names) for each in found])


def certificate_table(answer: Mapping[str, Any]) -> Table:
    """Where what was erased, could not be, and is kept, each with why."""
    rows = [("erased", each["where"], each["count"], "") for each in answer["erased"]]
    rows += [("NOT erased", each["where"], each["count"], each["why"]) for each in answer["not_erased"]]
    rows += [("kept", each["where"], each["what"], each["why"]) for each in answer["kept"]]
    if answer["monday"]["problems"]:
        rows.append(("delayed", "monday", answer["monday"]["tries"], ", ".join(answer["monday"]["problems"])))
    return table(("what", "where", "count", "why"), rows)


def alerts_table(answer: Mapping[str, Any]) -> Table:
    """Alerts, newest first."""
    names = ("id", "channel", "kind", "state", "epoch", "attempts_used", "cause", "created_at", "wake_at", "ended_at")
    return table(names, [_row(alert, names) for alert in answer["alerts"]])


def attempts_table(alert: Mapping[str, Any]) -> Table:
    """Every attempt of one alert that is kept."""
    names = ("at", "outcome", "cause")
    return table(names, [_row(attempt, names) for attempt in alert["attempts"]])


def dead_letters_table(answer: Mapping[str, Any]) -> Table:
    """Dead letters, newest first."""
    names = ("id", "status", "channel", "kind", "cause", "attempts_used", "entered_at", "next_attempt_at", "runbook")
    rows = [(*_row(item, names), item["escalated_at"]) for item in answer["dead_letters"]]
    return table((*names, "escalated_at"), rows)


def _row(item: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(item[name] for name in names)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under their names; values as people read them."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(names):
        # The first column is what other commands take: never cut.
        made.add_column(name.replace("_", " "), no_wrap=number == 0, overflow="fold")
    for row in rows:
        made.add_row(*(Text(_shown(value)) for value in row))
    return made


def _shown(value: Any) -> str:
    """A value as people read it: times to the second, nothing that a terminal would obey."""
    if value is None:
        return "-"
    text = _CONTROL.sub("?", str(value))
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", text):
        return f"{text[:10]} {text[11:19]}Z"
    return text
