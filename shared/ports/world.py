"""Time, chance, and where a flow reports what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

Version = datetime
"""A document's update time: a write that names it succeeds only while nobody else has written."""


class Clock(Protocol):
    """The instance's own clock."""

    def now(self) -> datetime:
        """The time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, for deadlines."""


class Chance(Protocol):
    """Where random values come from."""

    def token(self) -> str:
        """128 random bits, 32 lower-case hexadecimal digits."""

    def fraction(self) -> float:
        """A number from 0 to 1."""


class Events(Protocol):
    """Where a flow reports what happened; see ``shared.events`` for the names."""

    def __call__(self, event: str, /, **values: str | float | None) -> None:
        """Log one registered event."""
