"""What this process knows of the breakers, each for two seconds at most; without pybreaker, which costs cold starts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from shared.ports import Clock
from shared.ports.breakers import StoredBreaker

KNOWN_SECONDS = 2.0
"""How long what was read is relied on: no attempt begins later than this after a breaker opened."""


@dataclass(frozen=True)
class Known:
    """A breaker and when it was read, in monotonic seconds."""

    stored: StoredBreaker
    fetched: float


class BreakerCache:
    """What this process knows of the breakers, for threads too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def asked_at(self) -> float:
        """The time to remember with what is asked for now."""
        return self._clock.monotonic()

    def get(self, name: str) -> Known | None:
        """What is known of a breaker; None where that is too old."""
        with self._lock:
            known = self._known.get(name)
        return known if known is not None and self._clock.monotonic() - known.fetched < KNOWN_SECONDS else None

    def learn(self, stored: StoredBreaker, *, asked_at: float) -> Known:
        """Remember a breaker that was asked for at this time; a later one is not forgotten for it."""
        known = Known(stored, asked_at)
        with self._lock:
            older = self._known.get(stored.breaker.name)
            if older is None or older.fetched <= asked_at:
                self._known[stored.breaker.name] = known
        return known

    def forget(self, name: str) -> None:
        """Have it read anew."""
        with self._lock:
            self._known.pop(name, None)
