"""Conservation: what was accepted is somewhere (guarantee 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.alert import State

STATES = tuple(state.value for state in State)


@dataclass(frozen=True)
class ChannelCounts:
    """A channel's alerts, counted.

    Attributes:
        accepted: the tally of those that were made for it, less those that went on to another channel.
        archived: the tally of those that were removed after their end.
        states: how many there are in each state; a state that nobody knows is not among them.
        alerts: how many there are, whatever their state.
    """

    accepted: int
    archived: int
    states: Mapping[str, int]
    alerts: int

    @property
    def known(self) -> int:
        """How many are in a state that there is."""
        return sum(self.states.get(state, 0) for state in STATES)

    @property
    def balanced(self) -> bool:
        """Whether every alert that was accepted is in exactly one state, or archived."""
        return self.accepted == self.known + self.archived and self.known == self.alerts


@dataclass(frozen=True)
class WrongAlert:
    """An alert that is not as it must be, and why, for a person."""

    id: str
    problem: str


@dataclass(frozen=True)
class Census:
    """All alerts counted at one moment, and those of them that are wrong.

    Attributes:
        channels: the counts of every channel that has an alert or a tally.
        wrong: a bounded number of alerts that are not as they must be.
        complete: whether all was looked through that had to be; False where a bound was met.
    """

    channels: Mapping[str, ChannelCounts]
    wrong: tuple[WrongAlert, ...] = ()
    complete: bool = True

    @property
    def balanced(self) -> bool:
        """Whether nothing is lost, nothing is there twice, and no alert is wrong."""
        return not self.wrong and all(counts.balanced for counts in self.channels.values())
