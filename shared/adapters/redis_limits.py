"""Rate windows in Redis (Memorystore), through the library ``limits``; Firestore's windows while Redis is away.

The same windows, aligned to the epoch, under the same names, so the same requests are admitted. What was counted in one
store is not known in the other: while Redis goes away or comes back, a window admits at most its quota from each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain.admission import Window
from shared.domain.budget import Lease
from shared.errors import StorageError
from shared.ports import ChatStore, Claim, ClaimHeld, Events, Opened, RateWindows, Reread, TurnCommit, Version

if TYPE_CHECKING:
    from limits.storage import RedisStorage

ANSWER_SECONDS = 0.25
"""How long Redis may take to connect, and to answer: it is in the same network."""

AWAY_SECONDS = 5.0
"""How long Redis is left alone after it did not answer; then one request tries it."""

LINGER_SECONDS = 60
"""How much longer than its window a counter is kept: requests that began in it may count late."""


class LimitsInRedis:
    """``shared.ports.RateWindows`` on Redis, with another store that takes over."""

    def __init__(
        self,
        uri: str,
        otherwise: RateWindows,
        monotonic: Callable[[], float],
        events: Events,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._redis, self._otherwise, self._events = _storage(uri, answer_seconds), otherwise, events
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._away_until: float | None = None

    def usable(self) -> bool:
        """Whether Redis is to be asked: it answered last, or it is this request's turn to try."""
        with self._lock:
            if self._away_until is None:
                return True
            now = self._monotonic()
            if now < self._away_until:
                return False
            self._away_until = now + AWAY_SECONDS
            return True

    def count(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """Cost: one round trip to Redis a window; what the other store costs while Redis is away.

        The first requests that Redis does not answer wait ``ANSWER_SECONDS`` at most, then one every ``AWAY_SECONDS``.
        """
        return self.count_here(windows) if self.usable() else self._otherwise.count(windows)

    def count_here(self, windows: Sequence[Window]) -> tuple[tuple[Window, int], ...]:
        """Ask Redis whether it is thought usable or not; the other store if it does not answer."""
        try:
            counted = tuple(
                (window, self._redis.incr(window.id, window.limit.seconds + LINGER_SECONDS)) for window in windows
            )
        except self._redis.base_exceptions as error:
            self._went(type(error).__name__)
            return self._otherwise.count(windows)
        self._came()
        return counted

    def _went(self, error: str) -> None:
        with self._lock:
            first, self._away_until = self._away_until is None, self._monotonic() + AWAY_SECONDS
        if first:
            self._events("limiter_fallback", error=error)

    def _came(self) -> None:
        with self._lock:
            back, self._away_until = self._away_until is not None, None
        if back:
            self._events("limiter_recovered")


class ChatWithLimitsInRedis:
    """``shared.ports.ChatStore`` whose windows are in Redis; everything else is in the store it is made with."""

    def __init__(self, store: ChatStore, limits: LimitsInRedis) -> None:
        self._store, self._limits = store, limits

    def open_turn(
        self, claim: Claim | None, windows: Sequence[Window], conversation_id: str | None, lease: Lease | None = None
    ) -> Opened:
        """Cost: the store's without windows, then one round trip to Redis a window.

        The claim is taken first, so that a repeat is not counted. While Redis is away, the store's with windows.
        """
        if not self._limits.usable():
            return self._store.open_turn(claim, windows, conversation_id, lease)
        opened = self._store.open_turn(claim, (), conversation_id, lease)
        if isinstance(opened.admission, ClaimHeld):
            return opened
        try:
            counted = self._limits.count_here(windows)
        except StorageError:
            if claim is not None and opened.admission.claim_version is not None:
                self.release(claim, opened.admission.claim_version)
            raise
        return replace(opened, admission=replace(opened.admission, counts=counted))

    def release(self, claim: Claim, version: Version) -> None:
        """Cost: the store's."""
        self._store.release(claim, version)

    def commit_turn(self, commit: TurnCommit) -> None:
        """Cost: the store's."""
        self._store.commit_turn(commit)

    def reread(self, commit: TurnCommit) -> Reread:
        """Cost: the store's."""
        return self._store.reread(commit)


def _storage(uri: str, answer_seconds: float) -> RedisStorage:
    """The library's storage; connects at first use, and asks once: a retry would count twice."""
    from limits.storage import RedisStorage  # noqa: PLC0415 - 40 ms, only where Redis is configured
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return RedisStorage(
        uri,
        key_prefix="bellhop",
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
