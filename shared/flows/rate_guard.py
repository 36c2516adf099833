"""Count a request of a public endpoint other than chat against its client's limits (``API_RATE_LIMIT_*``)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain import admission
from shared.domain.admission import Limit, Memory, Rate
from shared.errors import Contention, RateLimited, StorageError, Unavailable
from shared.ports import Clock, Events, RateWindows

BUSY_RETRY_SECONDS = 2


@dataclass(frozen=True)
class RateGuard:
    """The flow with what it needs.

    Attributes:
        windows: where requests are counted.
        limits: of the endpoint, for each client; limits of another name are counted apart.
        memory: what this instance remembers of clients.
        clock: for windows.
        events: where to report.
    """

    windows: RateWindows
    limits: tuple[Limit, ...]
    memory: Memory
    clock: Clock
    events: Events

    def __call__(self, client: str) -> Rate:
        """Count a request: one round trip, and none for a client that is known to be over its limit.

        Args:
            client: the address the request came from, normalised.

        Returns:
            What is left to the client.

        Raises:
            RateLimited: over the limit, or too much at once.
            Unavailable: it could not be counted; limits do not fail open.
        """
        now = self.clock.now()
        windows = admission.windows(client, self.limits, now)
        full = self.memory.refused(windows)
        if full is None:
            try:
                counted = self.windows.count(windows)
            except Contention:
                raise RateLimited(BUSY_RETRY_SECONDS) from None
            except StorageError as error:
                self.events("storage_failed", error=type(error).__name__)
                raise Unavailable from error
            full = admission.exceeded(counted)
            if full is None:
                return admission.tightest(counted, now)
            self.memory.refuse(full)
            self.events("request_refused")
        raise RateLimited(admission.seconds_until(full.ends_at, now), full.limit.name)
