"""When a failed attempt is repeated and when it is given up: the same rules for tasks and for jobs.

Source: ``google.cloud.tasks.v2.RetryConfig`` and ``google.cloud.scheduler.v1.RetryConfig``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

UNLIMITED = -1
_NO_LIMIT = timedelta(0)
_MOST_DOUBLINGS = 64  # 2^64 of the shortest backoff is beyond every maximum; more would only overflow


@dataclass(frozen=True)
class RetryPolicy:
    """Retry settings.

    Attributes:
        max_attempts: attempts in all, the first included; ``UNLIMITED`` for no limit.
        max_retry_duration: time for retrying, from the first attempt on; zero for no limit.
        min_backoff: the wait after the first failure.
        max_backoff: no wait is longer.
        max_doublings: how often the wait doubles before it grows by equal steps.
    """

    max_attempts: int
    max_retry_duration: timedelta
    min_backoff: timedelta
    max_backoff: timedelta
    max_doublings: int

    def delay(self, failures: int) -> timedelta:
        """The wait after the ``failures``-th failure (1 is the first).

        It doubles ``max_doublings`` times, then grows by the last step, and never exceeds ``max_backoff``: with 10 s,
        300 s and 3 doublings it is 10, 20, 40, 80, 160, 240, 300, 300, … seconds.
        """
        doublings = min(self.max_doublings, _MOST_DOUBLINGS)
        earlier = failures - 1
        steps = 2.0 ** min(earlier, doublings) * max(1, earlier - doublings + 1)
        longest = self.max_backoff.total_seconds()
        return timedelta(seconds=min(self.min_backoff.total_seconds() * steps, longest))

    def is_exhausted(self, *, attempts: int, since_first: timedelta) -> bool:
        """Whether a thing that has failed is given up.

        Both limits must be reached where both are set; a limit that is not set does not hold retrying up. With
        neither set it is never given up.

        Args:
            attempts: how many were made.
            since_first: how long ago the first one started.
        """
        if self.max_attempts == UNLIMITED and self.max_retry_duration == _NO_LIMIT:
            return False
        attempts_spent = self.max_attempts == UNLIMITED or attempts >= self.max_attempts
        return attempts_spent and since_first >= self.max_retry_duration

    def capped(self, longest: timedelta | None) -> RetryPolicy:
        """The same policy with no wait longer than ``longest``; unchanged for None."""
        if longest is None:
            return self
        return replace(self, min_backoff=min(self.min_backoff, longest), max_backoff=min(self.max_backoff, longest))


def since(first: datetime | None, now: datetime) -> timedelta:
    """How long ago ``first`` was; nothing where it has not been yet."""
    return _NO_LIMIT if first is None else now - first
