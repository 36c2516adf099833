"""What goes wrong in a soak, and when: decided by the seed and by counting, never by the clock.

A destination's faults hang on the number of the request that meets them; what is done to functions and queues hangs on
how many requests the destinations have had in all. So a seed repeats which request of which destination fails how, and
what is done in which order after how many requests. What it does not repeat is which alert makes that request: that is
up to the scheduling of the processes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

FUNCTIONS = ("chat", "deliver_alert", "retry_dead_letters")
"""Whose processes are killed and stopped."""

MIXES: Mapping[str, Mapping[str, float]] = {
    "slack": {
        "500": 4,
        "503": 2,
        "429": 6,
        "rate_limited": 3,
        "rollup_error": 2,
        "reset": 3,
        "down": 4,
        "unanswered": 2,
        "timeout": 1.5,
        "slow": 1.5,
        "internal_error": 1,
        "fatal_error": 1,
        "invalid_payload": 0.5,
        "msg_too_long": 0.3,
    },
    "monday": {
        "500": 4,
        "502": 2,
        "429": 4,
        "423": 2,
        "COMPLEXITY_BUDGET_EXHAUSTED": 2,
        "ComplexityException": 2,
        "maxConcurrencyExceeded": 2,
        "FIELD_LIMIT_EXCEEDED": 2,
        "API_TEMPORARILY_BLOCKED": 1,
        "INTERNAL_SERVER_ERROR": 3,
        "partial_data": 3,
        "reset": 4,
        "down": 4,
        "unanswered": 4,
        "timeout": 0.8,
        "slow": 0.8,
        "ColumnValueException": 0.5,
    },
    "webhook": {
        "500": 5,
        "502": 2,
        "503": 4,
        "429": 5,
        "408": 1,
        "reset": 4,
        "down": 4,
        "unanswered": 3,
        "timeout": 1.5,
        "slow": 1.5,
        "400": 0.5,
    },
    "smtp": {
        "421": 4,
        "450": 3,
        "451": 4,
        "452": 2,
        "454": 2,
        "reset": 3,
        "down": 4,
        "unanswered": 3,
        "timeout": 1,
        "slow": 1,
        "552": 0.5,
        "554": 0.5,
    },
}
"""How often each fault is met, beside the others; ``unanswered`` and ``slow`` take the message all the same.

Without Monday.com's DAILY_LIMIT_EXCEEDED, which makes an alert wait until the next day of UTC.
"""

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "slack": ("no_active_hooks", "invalid_token", "channel_is_archived", "no_service", "action_prohibited", "403"),
    "monday": ("Unauthorized", "USER_ACCESS_DENIED", "InvalidBoardIdException", "missingRequiredPermissions"),
    "webhook": ("401", "404", "410", "302"),
    "smtp": ("535", "530", "bad_certificate"),
}
"""What a person has to repair: met by several requests in a row, then it is healed."""

SPELL_REQUESTS = (3, 14)
"""A block is met by so many requests; while it lasts few are made but probes."""

STOP_SECONDS = (1.0, 9.0)
PAUSE_SECONDS = (1.0, 8.0)


@dataclass(frozen=True)
class Spell:
    """A block: from the request of this number to before that one, every request meets it."""

    begins: int
    ends: int
    mode: str


class Faults:
    """One destination's faults, by the number of its request.

    Args:
        seed: of the run.
        destination: as the stand-ins are called.
        rate: the share of requests that fail outside blocks, 0 to 1.
        gap: requests between two blocks, on average; 0 for no blocks.
    """

    def __init__(self, seed: int, destination: str, rate: float, gap: int) -> None:
        self._name = f"{seed}/{destination}"
        self._rate = rate
        self._modes, self._weights = zip(*MIXES[destination].items(), strict=True)
        self._spells = self._all_spells(BLOCKS[destination], gap) if gap and rate else iter(())
        self._spell: Spell | None = next(self._spells, None)

    def mode(self, number: int) -> str | None:
        """What the request of this number meets, None for nothing; numbers from 1, never falling."""
        while self._spell is not None and number >= self._spell.ends:
            self._spell = next(self._spells, None)
        if self._spell is not None and number >= self._spell.begins:
            return self._spell.mode
        chance = random.Random(f"{self._name}/{number}")  # noqa: S311 - it breaks things, it guards nothing
        return chance.choices(self._modes, self._weights)[0] if chance.random() < self._rate else None

    def _all_spells(self, modes: tuple[str, ...], gap: int) -> Iterator[Spell]:
        chance = random.Random(f"{self._name}/blocks")  # noqa: S311 - as above
        ends = 0
        while True:
            begins = ends + chance.randint(gap // 2 + 1, gap + gap // 2 + 1)
            ends = begins + chance.randint(*SPELL_REQUESTS)
            yield Spell(begins, ends, chance.choice(modes))


@dataclass(frozen=True)
class Action:
    """Something done to the system.

    Attributes:
        after: how many requests the destinations have had in all.
        what: ``kill`` all processes of a function, ``kill one`` of them, ``stop`` all or ``stop one`` for some seconds;
            ``purge`` a queue, ``pause`` one for some seconds, ``run`` a job beside its rhythm.
        whom: the function, queue or job.
        seconds: how long.
    """

    after: int
    what: str
    whom: str
    seconds: float = 0.0


def actions(seed: int, queues: tuple[str, ...], *, every: int) -> Iterator[Action]:
    """What is done, in order, without end.

    Args:
        seed: of the run.
        queues: of the channels.
        every: requests from one action to the next, on average.
    """
    chance = random.Random(f"{seed}/actions")  # noqa: S311 - it breaks things, it guards nothing
    kinds = {"kill": 3, "kill one": 4, "stop": 1, "stop one": 4, "purge": 2, "pause": 2, "run": 2}
    after = 0
    for _ in count():
        after += chance.randint(every // 2 + 1, every + every // 2 + 1)
        what = chance.choices(list(kinds), list(kinds.values()))[0]
        match what:
            case "purge" | "pause":
                whom = chance.choice(queues)
            case "run":
                whom = chance.choice(("retry_dead_letters", "retry_dead_letters", "cleanup"))
            case _:
                whom = chance.choices(FUNCTIONS, (2, 5, 2))[0]
        low, high = PAUSE_SECONDS if what == "pause" else STOP_SECONDS
        lasts = what in ("stop", "stop one", "pause")
        yield Action(after, what, whom, round(chance.uniform(low, high), 1) if lasts else 0.0)
