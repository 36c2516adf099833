"""What one attempt at a destination came to: exactly one of five outcomes.

Source: the vendors' documentation, gathered in the adapters' tables. Causes are short machine words
(``no_active_hooks``, ``http_500``, ``timeout``): they are stored, logged and shown to operators, so they never hold a
visitor's text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Delivered:
    """The destination confirmed it.

    Attributes:
        shown_at: the address where it shows it, for a person with an account there; empty where it told none.
    """

    shown_at: str = field(default="", compare=False)


@dataclass(frozen=True)
class Retry:
    """It certainly did not happen, or repeating is harmless; counts as an attempt.

    Attributes:
        cause: why, a machine word.
        after: the least time to wait before the next attempt.
        maybe_shown: the destination had the whole request before it failed, so a repeat may be a second copy.
    """

    cause: str
    after: timedelta = timedelta(0)
    maybe_shown: bool = False


@dataclass(frozen=True)
class Rejected:
    """This alert can never be accepted as it is."""

    cause: str


@dataclass(frozen=True)
class Blocked:
    """No alert can be accepted until a person repairs the destination; uses no attempt."""

    cause: str


@dataclass(frozen=True)
class Unknown:
    """The request left and no answer came: it may have been delivered."""

    cause: str


Outcome = Delivered | Retry | Rejected | Blocked | Unknown
