"""The shared circuit breakers of the destinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.breaker import Breaker
from shared.domain.outcome import Outcome
from shared.ports.world import Version


@dataclass(frozen=True)
class StoredBreaker:
    """A breaker as it was read.

    Attributes:
        breaker: the breaker; one nobody has written is closed.
        version: for conditional writes; None where nothing was ever written.
        read_at: Firestore's time of the read.
    """

    breaker: Breaker
    version: Version | None
    read_at: datetime


@dataclass(frozen=True)
class Passed:
    """An attempt that a breaker let through.

    Attributes:
        outcome: what it came to.
        moved: the breaker, where this attempt opened or closed it.
    """

    outcome: Outcome
    moved: Breaker | None = None


class BreakerDocuments(Protocol):
    """Where breakers are kept."""

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """The breakers as they stand.

        Raises:
            StorageUnavailable: they could not be read.
        """

    def write(self, stored: StoredBreaker) -> Version:
        """Write a breaker, if nobody else has since the version given.

        Raises:
            Conflict: somebody else was first; nothing was written.
            StorageError: it may have been written or not.
        """


class Breakers(Protocol):
    """The breakers of all destinations, as every attempt asks them."""

    def look(self, name: str) -> StoredBreaker:
        """A breaker as it stood two seconds ago at most; raises StorageUnavailable."""

    def stand(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """Breakers as they stand now; raises StorageUnavailable."""

    def through(self, seen: StoredBreaker, send: Callable[[], Outcome]) -> Passed:
        """Make an attempt, unless the breaker has opened meanwhile, and tell the breaker what came of it.

        Storage that fails lets the attempt through, and what it came to is not counted.

        Args:
            seen: the breaker that the attempt was claimed under; with the probe's lease, where it is the probe.
            send: makes the attempt; does not raise.

        Raises:
            BreakerOpen: the attempt was not made.
        """

    def drained(self, seen: StoredBreaker) -> bool:
        """Say that nothing is left of what a breaker held up; False where it has moved on."""
