"""This machine's clock and random numbers."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """``shared.ports.Clock``."""

    def now(self) -> datetime:
        """The time of this machine."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()


class SystemChance:
    """``shared.ports.Chance``, fit for secrets."""

    def token(self) -> str:
        """128 random bits, 32 lower-case hexadecimal digits."""
        return secrets.token_hex(16)

    def fraction(self) -> float:
        """A number from 0 to 1, 1 excluded."""
        return secrets.randbelow(2**30) / 2**30
