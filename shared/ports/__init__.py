"""What flows need from the world.

A flow sees the world only through these; ``shared.adapters`` and the tests' fakes implement them and pass the same
contract tests. What they raise is in ``shared.errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import loaded_when_asked

if TYPE_CHECKING:
    from shared.ports.breakers import BreakerDocuments, Breakers, Passed, StoredBreaker
    from shared.ports.chat import Admitted, ChatStore, Claim, ClaimHeld, Opened, RateWindows, Reread, TurnCommit
    from shared.ports.delivery import (
        AlertStore,
        Channel,
        Continuation,
        Message,
        Page,
        Step,
        StoredAlert,
        StoredDestination,
        TaskQueue,
    )
    from shared.ports.digests import DigestQueue, DigestStore, StoredDigest
    from shared.ports.housekeeping import Housekeeping, JobSlots, Slot
    from shared.ports.model import LanguageModel, Refused, Suggested
    from shared.ports.world import Chance, Clock, Events, Version

__all__ = [
    "Admitted",
    "AlertStore",
    "BreakerDocuments",
    "Breakers",
    "Chance",
    "Channel",
    "ChatStore",
    "Claim",
    "ClaimHeld",
    "Clock",
    "Continuation",
    "DigestQueue",
    "DigestStore",
    "Events",
    "Housekeeping",
    "JobSlots",
    "LanguageModel",
    "Message",
    "Opened",
    "Page",
    "Passed",
    "RateWindows",
    "Refused",
    "Reread",
    "Slot",
    "Step",
    "StoredAlert",
    "StoredBreaker",
    "StoredDestination",
    "StoredDigest",
    "Suggested",
    "TaskQueue",
    "TurnCommit",
    "Version",
]

__getattr__ = loaded_when_asked(
    __name__,
    {
        "breakers": ("BreakerDocuments", "Breakers", "Passed", "StoredBreaker"),
        "chat": ("Admitted", "ChatStore", "Claim", "ClaimHeld", "Opened", "RateWindows", "Reread", "TurnCommit"),
        "delivery": (
            "AlertStore",
            "Channel",
            "Continuation",
            "Message",
            "Page",
            "Step",
            "StoredAlert",
            "StoredDestination",
            "TaskQueue",
        ),
        "digests": ("DigestQueue", "DigestStore", "StoredDigest"),
        "housekeeping": ("Housekeeping", "JobSlots", "Slot"),
        "model": ("LanguageModel", "Refused", "Suggested"),
        "world": ("Chance", "Clock", "Events", "Version"),
    },
)
