"""What the overview draws: the points of ``GET /history`` as charts, each with its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.edge.console_view import number_of
from shared.edge.console_words import CHANNELS, word

ROWS_MOST = 24
COLOURS = 4
_SERIES = (
    # field of a point, what it is called, its colour, counted from the chart's beginning
    ("accepted", "Accepted", 1, True),
    ("delivered", "Delivered", 2, True),
    ("parked", "Parked", 3, False),
    ("failed", "Failed", 4, False),
)


def charts(history: Mapping[str, Any], names: Iterable[str]) -> list[dict[str, Any]]:
    """A chart a channel, and one of how long the oldest alert had waited; none where there is nothing to draw.

    Accepted and delivered grow from the chart's beginning on, so that two lines that part are alerts that do not
    arrive; parked and failed are as they stood.

    Args:
        history: what ``GET /history`` answered.
        names: the channels that are drawn, in their order.
    """
    points = history["points"]
    if not points:
        return []
    made = [_channel(name, points) for name in names]
    waited = [None if (age := point["oldest_seconds"]) is None else round(age / 60, 1) for point in points]
    minutes = [minutes or 0 for minutes in waited]
    return [*made, _chart("Oldest alert that waits, in minutes", points, [("Minutes", 3, minutes)])]


def latency(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """A chart of how long canaries took to arrive, in seconds, a line a channel; None where there is nothing to draw.

    Args:
        runs: those of ``GET /canary``, the newest first; what did not arrive is a gap.
    """
    points = list(reversed(runs))
    there = {name for run in points for name in run["channels"]}
    names = [name for name in CHANNELS if name in there]
    lines = [
        (word(name, CHANNELS), 1 + number % COLOURS, [_seconds(run["channels"].get(name)) for run in points])
        for number, name in enumerate(names)
    ]
    if len(points) <= 1 or not lines:
        return None
    return _chart("Until a canary arrives, in seconds", points, lines)


def _seconds(leg: Mapping[str, Any] | None) -> float | None:
    took = leg["latency_ms"] if leg is not None else None
    return None if took is None else round(took / 1000, 1)


def _channel(name: str, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    lines = []
    for field, label, colour, growing in _SERIES:
        values = [point["channels"].get(name, {}).get(field) for point in points]
        start = next((value for value in values if value is not None), 0) if growing else 0
        lines.append((label, colour, [None if value is None else max(0, value - start) for value in values]))
    return _chart(word(name, CHANNELS), points, lines)


def _chart(
    title: str, points: Sequence[Mapping[str, Any]], lines: Sequence[tuple[str, int, list[Any]]]
) -> dict[str, Any]:
    last = [values[-1] for _, _, values in lines]
    every = max(1, len(points) // ROWS_MOST)
    numbers = range(len(points) - 1, -1, -every)
    return {
        "title": title,
        "last": last,
        "said": ", ".join(f"{label} {number_of(value)}" for (label, _, _), value in zip(lines, last, strict=True)),
        "plot": {
            "times": [int(datetime.fromisoformat(point["at"]).timestamp()) for point in points],
            "series": [{"label": label, "colour": colour, "values": values} for label, colour, values in lines],
        },
        "rows": [
            {"at": points[number]["at"], "numbers": [values[number] for _, _, values in lines]} for number in numbers
        ],
    }
