"""What an attempt's outcome makes of its destination, which stands in a document that all instances share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain import destination as places
from shared.domain.alert import Policy
from shared.domain.outcome import Blocked, Outcome
from shared.ports import AlertStore, StoredDestination


@dataclass(frozen=True)
class Judging:
    """What is needed for that.

    Attributes:
        store: where destinations are.
        fingerprints: of the destinations' settings, by name.
        policy: for the waits.
    """

    store: AlertStore
    fingerprints: Mapping[str, str]
    policy: Policy

    def __call__(
        self, name: str, outcome: Outcome, *, probing: bool, now: datetime, nonce: str
    ) -> tuple[StoredDestination | None, bool]:
        """The destination as it becomes, and whether a person is to be told; one read where it may become anything.

        Args:
            name: the destination's.
            outcome: what the attempt came to.
            probing: it was made to see whether a block is over.
            now: Firestore's time.
            nonce: of the commit that follows.
        """
        if not probing and not isinstance(outcome, Blocked):
            return None, False
        stands = self.store.destinations([name])[0][name]
        after = places.judge(
            stands.destination,
            outcome,
            probing=probing,
            now=now,
            fingerprint=self.fingerprints.get(name, ""),
            nonce=nonce,
            policy=self.policy,
        )
        if after is None:
            return None, False
        return StoredDestination(after, stands.version), after.blocks != stands.destination.blocks
