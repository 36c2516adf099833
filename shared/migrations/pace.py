"""How fast a run may write, and what it costs.

Firestore asks for a ramp-up: begin with 500 operations a second and raise them by half every five minutes
(https://firebase.google.com/docs/firestore/best-practices#ramping_up_traffic).
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_RATE = 500.0
RAISE = 1.5
RAISE_EVERY = 300.0
READS_A_SECOND = 2_000.0
"""What one reader takes; measured lower than this only where documents are large."""

DOLLARS_PER_READ = 0.06 / 100_000
DOLLARS_PER_WRITE = 0.18 / 100_000
DOLLARS_PER_DELETE = 0.02 / 100_000
"""List prices of the multi-regions, the highest there are (https://cloud.google.com/firestore/pricing)."""


def rate_after(seconds: float, first: float = FIRST_RATE) -> float:
    """Operations a second that are allowed once a run has been going for so many seconds."""
    return first * RAISE ** min(int(max(seconds, 0.0) // RAISE_EVERY), 12)


def seconds_for(writes: int, first: float = FIRST_RATE) -> float:
    """How long so many writes take under the ramp-up."""
    left, seconds = float(writes), 0.0
    while left > 0:
        rate = rate_after(seconds, first)
        step = min(RAISE_EVERY, left / rate)
        left -= step * rate
        seconds += step
    return seconds


@dataclass(frozen=True)
class Cost:
    """What a run is billed: document operations, and dollars at list price."""

    reads: int
    writes: int
    deletes: int

    @property
    def dollars(self) -> float:
        """At the highest list price; what the free quota covers is not taken off."""
        return self.reads * DOLLARS_PER_READ + self.writes * DOLLARS_PER_WRITE + self.deletes * DOLLARS_PER_DELETE


def cost_of(read: int, writes: int, *, page: int) -> Cost:
    """What a run costs that reads so many documents and has so many writes to make.

    Each document is read once more by the pass that sees that no old form is left, where anything was written. Beside
    the writes there are, a page, one of the ledger and one of before-images, which are deleted later.
    """
    passes = 2 if writes else 1
    pages = min(-(-read // page), writes)
    return Cost(reads=read * passes + passes, writes=writes + 2 * pages + 3, deletes=pages)
