"""How many messages a day are answered in full, for the whole system, counted without a hot document.

An instance takes a part of the day's budget at a time, a lease, from one of a few counters: a message costs one write
more only once in so many, and no counter is written often. Counted approximately. Too few, by what an instance that
ended had left. Too many, by those that an instance answers at the same time while their lease is on its way, and by one
for each counter that it finds empty while others may not be. Another budget on the same day begins anew.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.domain.admission import Limit, Window, windows

DAY_SECONDS = 24 * 60 * 60
LEASES_A_DAY = 100
LARGEST_LEASE = 50
MOST_SHARDS = 8
MESSAGES_A_SHARD = 5_000


@dataclass(frozen=True)
class Lease:
    """A part of the day's budget: which counter it comes from, with that counter's share, and how many messages."""

    shard: Window
    messages: int


@dataclass(frozen=True)
class Bid:
    """One message's part in the budget: until when its day is, and the lease that it is to bring, if any."""

    ends_at: datetime
    lease: Lease | None


class Budget:
    """What one instance knows of the budget of the UTC day; for threads too.

    Attributes:
        lease: how many messages are taken at a time: a message costs 1/lease of a write.
    """

    def __init__(self, messages: int) -> None:
        shards = min(MOST_SHARDS, max(1, messages // MESSAGES_A_SHARD))
        self.lease = min(LARGEST_LEASE, max(1, messages // LEASES_A_DAY))
        self._limits = {
            f"shard {number}": Limit("budget", messages // shards + (number < messages % shards), DAY_SECONDS)
            for number in range(shards)
        }
        self._lock = threading.Lock()
        self._ends_at = datetime.min.replace(tzinfo=UTC)
        self._open: list[Window] = []
        self._left = self._waiting = self._leasing = 0

    def bid(self, now: datetime, fraction: float) -> Bid:
        """Begin a message. It is to bring a lease where neither what is left nor what is on its way will do for it.

        Args:
            now: the time; a new day begins with everything.
            fraction: from 0 to 1, random, so that instances take from different counters.
        """
        with self._lock:
            if now >= self._ends_at:
                self._begin(now)
            enough = self._left + self._leasing * self.lease > self._waiting
            self._waiting += 1
            if enough or not self._open:
                return Bid(self._ends_at, None)
            self._leasing += 1
            shard = self._open[int(fraction * len(self._open)) % len(self._open)]
            return Bid(self._ends_at, Lease(shard, self.lease))

    def settle(self, bid: Bid, counted: int | None, *, admitted: bool) -> bool:
        """Take what the lease brought, and count the message; to be called once for every bid, whatever happened.

        Args:
            bid: the message's.
            counted: what the counter says after its lease; None without one, or where it may not have been taken.
            admitted: whether the message is answered at all; if not it uses nothing.

        Returns:
            Whether the message is within the budget.
        """
        with self._lock:
            if bid.ends_at != self._ends_at:
                return True
            self._waiting -= 1
            if bid.lease is None:
                within = self._left + self._leasing * self.lease > 0
            else:
                granted = self._granted(bid.lease, counted)
                within = self._left > 0 or (not granted and bool(self._open))
            self._left -= within and admitted
            return within

    def _granted(self, lease: Lease, counted: int | None) -> int:
        """Add what a lease brought to what is left; a counter that has given all its share is not asked again."""
        self._leasing -= 1
        if counted is None:
            return 0
        share = lease.shard.limit.quota
        granted = max(0, min(lease.messages, share - (counted - lease.messages)))
        if counted >= share:
            self._open = [shard for shard in self._open if shard.id != lease.shard.id]
        self._left += granted
        return granted

    def _begin(self, now: datetime) -> None:
        self._open = [window for name, limit in self._limits.items() for window in windows(name, (limit,), now)]
        self._ends_at = self._open[0].ends_at
        self._left = self._waiting = self._leasing = 0
