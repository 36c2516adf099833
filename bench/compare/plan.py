"""What is done to the systems and when: the faults, and the times that hold for all of them alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

What = Literal["kill", "slack", "queue"]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        key: what the command line calls it.
        title: in the table.
        what: processes are killed, Slack answers in another way, or the queue stops.
        mode: of Slack's stand-in, for the second.
        checked: the alternatives are started anew so that they read what Slack answers.
        wait: seconds after everything is healed, before it is judged.
        latency: of Slack's answers, so that something is under way when a process is killed.
    """

    key: str
    title: str
    what: What
    wait: float
    mode: str = ""
    checked: bool = False
    latency: float = 0.2


LONG_WAIT, WAIT = 75.0, 40.0
"""Longer than the longest time after which any of them looks again: Celery's visibility timeout of 60 s, and its next
look; where nobody was cut off, the longest backoff, 16 s."""

FAULTS = (
    Fault("a", "(a) every process killed in turn", "kill", LONG_WAIT),
    Fault("b", "(b) Slack answers 500", "slack", WAIT, mode="500"),
    Fault("c", "(c) the queue stands still", "queue", LONG_WAIT),
    Fault("d", "(d) Slack answers 200 with an error", "slack", WAIT, mode="internal_error"),
    Fault("e", "(d) again, all read the answer", "slack", WAIT, mode="internal_error", checked=True),
)


@dataclass(frozen=True)
class Plan:
    """How much, and how long.

    Attributes:
        rounds: how often each system's throughput and latency are measured, in turn.
        crowd: visitors of a round of throughput.
        lines: their connections.
        pace: visitors a second of a round of latency.
        seconds: how long that goes on.
        settle: seconds between two systems, for what the one before still does.
        rate: visitors a second of each system under a fault.
        before: seconds of a load under a fault before it begins.
        broken: how long it lasts.
        after: how long visitors go on to come after it.
        patience: how long a round waits for what is not shown yet.
    """

    rounds: int = 3
    crowd: int = 200
    lines: int = 16
    pace: float = 15.0
    seconds: float = 6.0
    settle: float = 2.0
    rate: float = 3.0
    before: float = 3.0
    broken: float = 18.0
    after: float = 4.0
    patience: float = 180.0
