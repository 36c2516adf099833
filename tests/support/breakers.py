"""The breakers' documents in memory, and the real breakers over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.adapters.breaker_cache import BreakerCache
from shared.adapters.breakers import SharedBreakers
from shared.domain.breaker import Breaker, BreakerPolicy
from shared.errors import StorageUnavailable
from shared.ports import BreakerDocuments, Chance, Clock, Events, StoredBreaker, Version
from tests.support.documents import Documents, Write

BREAKING = BreakerPolicy(fail_max=5, reset=timedelta(seconds=60))
"""The defaults of ``shared.config``."""


class FakeBreakerDocuments(BreakerDocuments):
    """Breakers in memory.

    Attributes:
        written: how many writes there were, those in vain too.
        reads: how many reads there were.
        broken: storage does not answer.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.written, self.reads, self.broken = 0, 0, False

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """See ``shared.ports.BreakerDocuments``."""
        self.reads += 1
        if self.broken:
            raise StorageUnavailable("ServiceUnavailable")
        found = {name: self._documents.get(f"breakers/{name}") for name in names}
        return {
            name: StoredBreaker(
                stored.value if stored else Breaker(name), stored.version if stored else None, self._documents.now
            )
            for name, stored in found.items()
        }

    def write(self, stored: StoredBreaker) -> Version:
        """See ``shared.ports.BreakerDocuments``."""
        self.written += 1
        if self.broken:
            raise StorageUnavailable("ServiceUnavailable")
        return self._documents.commit([breaker_write(stored)])[0]


def breaker_write(stored: StoredBreaker) -> Write:
    """One write of a breaker, under its precondition."""
    path, missing = f"breakers/{stored.breaker.name}", stored.version is None
    return Write(path, stored.breaker, missing=missing, version=stored.version)


def shared_breakers(
    documents: BreakerDocuments, *, clock: Clock, chance: Chance, events: Events, policy: BreakerPolicy = BREAKING
) -> SharedBreakers:
    """One instance's breakers."""
    cache = BreakerCache(clock)
    return SharedBreakers(documents, policy, cache=cache, clock=clock, chance=chance, events=events)
