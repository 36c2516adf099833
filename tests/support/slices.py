"""What migrations ask for, instead of a queue."""

from __future__ import annotations

from shared.flows.migration_slice import WorkSlice


class Slices:
    """``shared.ports.migrations.Slices`` that remembers.

    Attributes:
        asked: what was asked for and nobody has taken yet, oldest first.
    """

    def __init__(self) -> None:
        self.asked: list[WorkSlice] = []

    def ask(self, step: str, run: int, number: int) -> None:
        """Remember it."""
        self.asked.append(WorkSlice(step, run, number))
