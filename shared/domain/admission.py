"""Who may ask: fixed windows, and what is known in memory of clients that were refused.

Windows are aligned to the epoch, so that every instance means the same window without asking.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.domain.ids import window_id


@dataclass(frozen=True)
class Limit:
    """So many requests in each window of so many seconds.

    Attributes:
        name: the policy's name in the RateLimit headers; limits of different names are counted apart.
        quota: how many requests.
        seconds: how long the window is.
    """

    name: str
    quota: int
    seconds: int


@dataclass(frozen=True)
class Window:
    """One client's window under one limit."""

    id: str
    limit: Limit
    ends_at: datetime


@dataclass(frozen=True)
class Rate:
    """What is left to a client: of which limit, how many requests, and the seconds until it starts anew."""

    limit: Limit
    remaining: int
    reset: int


def named(endpoint: str, pairs: Sequence[tuple[int, int]]) -> tuple[Limit, ...]:
    """The limits of one endpoint, from (quota, seconds) pairs of different lengths.

    The first is named after the endpoint, further ones after their windows too: ``chat``, ``chat-3600``.
    """
    return tuple(
        Limit(f"{endpoint}-{seconds}" if number else endpoint, quota, seconds)
        for number, (quota, seconds) in enumerate(pairs)
    )


def windows(client: str, limits: tuple[Limit, ...], now: datetime) -> tuple[Window, ...]:
    """The windows that a request of this client falls into now, one for each limit."""
    seconds = int(now.timestamp())
    found = []
    for limit in limits:
        start = seconds - seconds % limit.seconds
        ends_at = datetime.fromtimestamp(start + limit.seconds, UTC)
        found.append(Window(window_id(client, f"{limit.name} {limit.quota}/{limit.seconds}", start), limit, ends_at))
    return tuple(found)


def tightest(counted: tuple[tuple[Window, int], ...], now: datetime) -> Rate:
    """The limit that leaves least, from each window and the number of requests counted in it, this one among them."""
    window, count = min(counted, key=lambda pair: pair[0].limit.quota - pair[1])
    return Rate(window.limit, max(0, window.limit.quota - count), seconds_until(window.ends_at, now))


def exceeded(counted: tuple[tuple[Window, int], ...]) -> Window | None:
    """The window that is full, the one that lasts longest where several are; None when the request is admitted."""
    full = [window for window, count in counted if count > window.limit.quota]
    return max(full, key=lambda window: window.ends_at, default=None)


def seconds_until(when: datetime, now: datetime) -> int:
    """Whole seconds from now until then, rounded up, at least 1."""
    return max(1, -int((now - when).total_seconds() // 1))


class Memory:
    """What one instance remembers of clients, bounded: full windows, and requests that the store did not count.

    A refused client's next request in that window needs no storage operation at all. Repeats of a finished or running
    request are counted here only, under the same quota.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._refused: OrderedDict[str, datetime] = OrderedDict()
        self._repeats: OrderedDict[str, int] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def refused(self, found: tuple[Window, ...]) -> Window | None:
        """The window in which this client is known to be over its limit."""
        with self._lock:
            full = [window for window in found if window.id in self._refused]
        return max(full, key=lambda window: window.ends_at, default=None)

    def refuse(self, window: Window) -> None:
        """Remember that this window is full; the oldest memory makes room."""
        with self._lock:
            self._refused[window.id] = window.ends_at
            while len(self._refused) > self._size:
                self._refused.popitem(last=False)

    def repeat(self, found: tuple[Window, ...]) -> tuple[tuple[Window, int], ...]:
        """Count a repeat in each of these windows and return the counts."""
        with self._lock:
            for window in found:
                self._repeats[window.id] = self._repeats.get(window.id, 0) + 1
                self._repeats.move_to_end(window.id)
            counted = tuple((window, self._repeats[window.id]) for window in found)
            while len(self._repeats) > self._size:
                self._repeats.popitem(last=False)
        return counted
