"""How fast a queue may dispatch: its token bucket, and the slowing down when the target asks for mercy.

Source: ``google.cloud.tasks.v2.RateLimits`` (token bucket) and ``HttpRequest`` (system throttling). Google does not
publish how much a 429 or 503 slows a queue. Here every such answer empties the bucket and halves the rate, down to a
64th, and bursts stop; every 2xx doubles it again, up to what was set. However slow, a queue that may do one dispatch a
minute or more does one a minute (or one per ``longest_gap``, where that is given).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

_MOST_HALVINGS = 6
_LONGEST_GAP = timedelta(minutes=1)
_ROUNDING = 1e-9  # of a token; sums of floats fall short of 1 by less
_SLOW_DOWN = frozenset({429, 503})


class Throttle:
    """A token bucket. It starts full, fills with ``rate`` tokens a second up to ``burst``, a dispatch takes one."""

    def __init__(self, *, rate: float, burst: int, now: datetime, longest_gap: timedelta | None = None) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at = now
        self._halvings = 0
        self._slowest = 1 / (longest_gap or _LONGEST_GAP).total_seconds()

    @property
    def rate(self) -> float:
        """Dispatches a second at present."""
        return max(self._rate / 2.0**self._halvings, min(self._rate, self._slowest))

    def change(self, *, rate: float, burst: int, now: datetime) -> None:
        """New limits, from now on; tokens in hand stay as far as they fit."""
        self._fill(now)
        self._rate, self._burst = rate, burst
        self._tokens = min(self._tokens, float(burst))

    def ready_at(self, now: datetime) -> datetime:
        """When the next dispatch may go: ``now``, or a later moment."""
        self._fill(now)
        missing = 1 - self._tokens
        if missing <= _ROUNDING:
            return now
        return now + timedelta(microseconds=math.ceil(missing / self.rate * 1_000_000))

    def take(self, now: datetime) -> None:
        """A dispatch goes."""
        self._fill(now)
        self._tokens = max(0.0, self._tokens - 1)

    def answered(self, status: int | None, now: datetime) -> None:
        """The target answered; None where it did not."""
        self._fill(now)
        if status in _SLOW_DOWN:
            self._halvings = min(self._halvings + 1, _MOST_HALVINGS)
            self._tokens = 0.0
        elif status is not None and 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            self._halvings = max(self._halvings - 1, 0)

    def _fill(self, now: datetime) -> None:
        elapsed = max(0.0, (now - self._filled_at).total_seconds())
        room = 1 if self._halvings else self._burst
        self._tokens = min(float(room), self._tokens + elapsed * self.rate)
        self._filled_at = now
