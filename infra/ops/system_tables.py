"""The overview, breakers, jobs, leads and the operators' audit as tables for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from infra.ops.tables import table

COUNTS = ("accepted", "delivered", "queued", "sending", "parked", "failed", "untold", "overdue", "ended")
POINTS = ("accepted", "delivered", "waiting", "parked", "failed")
BARS = " ▁▂▃▄▅▆▇█"


def reasons_table(answer: Mapping[str, Any]) -> Table:
    """Why a lead is in danger, or something is watched."""
    names = ("level", "what", "channel", "count", "runbook", "says")
    return table(names, [_row(reason, names) for reason in answer["danger"]["reasons"]])


def channels_table(answer: Mapping[str, Any]) -> Table:
    """Every channel's counts, with what waits lately as a chart."""
    rows = [
        (name, *(counts[each] for each in COUNTS), _chart(answer["history"], name, "waiting"))
        for name, counts in answer["channels"].items()
    ]
    return table(("channel", *COUNTS, "waiting lately"), rows)


def history_table(answer: Mapping[str, Any]) -> Table:
    """Every point, a row a channel."""
    rows = [
        (point["at"], name, *(counted.get(each) for each in POINTS), point["oldest_seconds"])
        for point in answer["points"]
        for name, counted in point["channels"].items()
    ]
    return table(("at", "channel", *POINTS, "oldest_seconds"), rows)


def breakers_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Every channel's breaker."""
    names = ("channel", "state", "mode", "failures", "cause", "opened_at", "probe_at", "draining", "closed_at")
    return table(names, [_row(each, names) for each in found])


def jobs_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Every job."""
    names = ("name", "state", "schedule", "time_zone", "last_run_at", "last_outcome", "next_run_at")
    return table(names, [_row(each, names) for each in found])


def lead_table(lead: Mapping[str, Any]) -> Table:
    """What is known of a lead, a row a field."""
    names = ("id", "name", "email", "phone", "score", "language", "handoff", "created_at", "updated_at")
    rows = [(name.replace("_", " "), lead[name]) for name in (*names, "monday_item_url")]
    rows += [(name, value) for name, value in lead["fields"].items()]
    agreed = [name for name in ("processing", "marketing") if lead["consent"][name]]
    return table(("lead", "value"), [*rows, ("agreed to", ", ".join(agreed) or None)])


def lead_alerts_table(lead: Mapping[str, Any]) -> Table:
    """Its alerts, newest first."""
    names = ("id", "channel", "kind", "state", "attempts_used", "cause", "next_attempt_at", "runbook", "url")
    return table(names, [_row(alert, names) for alert in lead["alerts"]])


def turns_table(turns: Sequence[Mapping[str, Any]]) -> Table:
    """What was said."""
    names = ("at", "question", "answer")
    return table(names, [_row(turn, names) for turn in turns])


def actions_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Who did what."""
    rows = [
        (each["at"], each["action"], each["by"], each["reason"], json.dumps(each["subject"], ensure_ascii=False))
        for each in found
    ]
    return table(("at", "action", "by", "reason", "subject"), rows)


def _chart(points: Sequence[Mapping[str, Any]], channel: str, what: str, width: int = 24) -> str:
    """The last so many values as bars."""
    values = [point["channels"].get(channel, {}).get(what, 0) for point in points][-width:]
    most = max(values, default=0)
    return "".join(BARS[round(value / most * (len(BARS) - 1))] for value in values) if most else ""


def _row(item: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(item[name] for name in names)
