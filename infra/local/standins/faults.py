"""The fault switch every destination's stand-in carries.

What ``PUT /_local/{name}/fault`` takes is ``{"mode", "rate"?, "seed"?}`` (design.md, Local system). Here it is checked
and turned into a decision a request; what a mode *does* is the stand-in's own affair.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

STATUS_MODES: tuple[str, ...] = tuple(str(status) for status in range(400, 600))
"""Every HTTP error status as a mode: the destination answers it to everything."""

TRANSPORT_MODES: tuple[str, ...] = ("timeout", "reset", "unanswered", "slow", "down")
"""What goes wrong below HTTP, the same for every destination that is reached over it."""

_KEYS = ("mode", "rate", "seed")


class BadFault(ValueError):  # noqa: N818 - it reads as what it is: a bad fault
    """A fault was asked for that cannot be made; the message says what was wrong and what is accepted."""


@dataclass(frozen=True)
class Fault:
    """What is broken.

    Attributes:
        mode: one of the stand-in's modes.
        rate: the share of requests it strikes, 0 to 1.
        seed: makes the decisions repeatable; None draws other ones every time.
    """

    mode: str
    rate: float = 1.0
    seed: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The fault as ``GET /_local/{name}/fault`` shows it."""
        return {"mode": self.mode, "rate": self.rate, "seed": self.seed}


class FaultSwitch:
    """Whether a request is struck, decided once for each.

    The same seed and rate give the same sequence of decisions, counted from the moment the fault was set. Canaries have
    a sequence of their own, so that whether one comes between changes nothing for the others.
    """

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._random = random.Random()  # noqa: S311 - it breaks things, it guards nothing
        self._of_canaries = random.Random()  # noqa: S311 - as above

    @property
    def fault(self) -> Fault | None:
        """What is broken now; None while the destination is well."""
        return self._fault

    def set(self, fault: Fault | None) -> None:
        """Break, or heal with None, from the next request on; a seed's sequence starts anew."""
        self._fault = fault
        self._random = random.Random(None if fault is None else fault.seed)  # noqa: S311 - as above
        self._of_canaries = random.Random(None if fault is None else fault.seed)  # noqa: S311 - as above

    def strike(self, *, canary: bool = False) -> str | None:
        """The mode the next request meets, None where it is served as usual. Call it once a request."""
        if self._fault is None:
            return None
        drawn = (self._of_canaries if canary else self._random).random()
        return self._fault.mode if drawn < self._fault.rate else None


def parse_fault(body: object, modes: Sequence[str]) -> Fault:
    """The fault a decoded JSON body asks for.

    Args:
        body: what the caller sent, of any shape.
        modes: what this stand-in can do.

    Raises:
        BadFault: for anything but an object with a known ``mode``, a ``rate`` of 0 to 1 (1 when absent) and a whole
            number ``seed`` (none when absent or null).
    """
    if not isinstance(body, dict):
        raise BadFault(f"a fault is a JSON object with {_listed(_KEYS)}, this is {_kind(body)}")
    unknown = sorted(str(key) for key in body if key not in _KEYS)
    if unknown:
        raise BadFault(f"unknown key {_listed(unknown)}; accepted are {_listed(_KEYS)}")
    if "mode" not in body:
        raise BadFault(f'"mode" is missing; accepted are {_listed(modes)}')
    return Fault(mode=_mode(body["mode"], modes), rate=_rate(body.get("rate", 1.0)), seed=_seed(body.get("seed")))


def _mode(value: object, modes: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise BadFault(f'"mode" is a string, this is {_kind(value)}; accepted are {_listed(modes)}')
    if value not in modes:
        raise BadFault(f'"mode" {value[:80]!r} is not known; accepted are {_listed(modes)}')
    return value


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFault(f'"rate" is a number from 0 to 1, this is {_kind(value)}')
    if not 0 <= value <= 1:  # NaN compares false to everything
        raise BadFault('"rate" is a number from 0 to 1, this is outside')
    return float(value)


def _seed(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise BadFault(f'"seed" is a whole number or null, this is {_kind(value)}')
    return value


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _kind(value: object) -> str:
    """What a value is called in JSON: the caller wrote JSON, not Python."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
