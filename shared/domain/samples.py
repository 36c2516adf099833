"""Counts as they were, for charts: a sample now and then, and fewer of them for a long time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=35)
POINTS_MOST = 400
"""What a chart can show."""

COUNTED = ("accepted", "delivered", "waiting", "parked", "failed")


@dataclass(frozen=True)
class Sample:
    """What was counted at a time.

    Attributes:
        at: when.
        channels: of each channel, what ``COUNTED`` names.
        oldest_seconds: for how long the oldest alert had been waiting; None where none was.
    """

    at: datetime
    channels: Mapping[str, Mapping[str, int]]
    oldest_seconds: int | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether every alert was accounted for, when all of them were last counted.

    Attributes:
        at: when.
        balanced: whether.
        wrong: ids of alerts that were wrong, the first few.
    """

    at: datetime
    balanced: bool
    wrong: tuple[str, ...] = ()


def hour_of(at: datetime) -> datetime:
    """The hour that a time is in."""
    return at.replace(minute=0, second=0, microsecond=0)


def minute_of(at: datetime) -> datetime:
    """The minute that a time is in."""
    return at.replace(second=0, microsecond=0)


def thinned(samples: Sequence[Sample], most: int = POINTS_MOST) -> list[Sample]:
    """At most so many of some samples, evenly spread, the last one among them."""
    if len(samples) <= most:
        return list(samples)
    return [samples[(number + 1) * len(samples) // most - 1] for number in range(most)]
