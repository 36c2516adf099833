"""What flows need from the world.

A flow sees the world only through these; ``shared.adapters`` and the tests' fakes implement them and pass the same
contract tests. What they raise is in ``shared.errors``.
"""

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
from shared.ports.housekeeping import Housekeeping, JobSlots, Slot
from shared.ports.model import LanguageModel, Refused, Suggested
from shared.ports.world import Chance, Clock, Events, Version

__all__ = [
    "Admitted",
    "AlertStore",
    "Chance",
    "Channel",
    "ChatStore",
    "Claim",
    "ClaimHeld",
    "Clock",
    "Continuation",
    "Events",
    "Housekeeping",
    "JobSlots",
    "LanguageModel",
    "Message",
    "Opened",
    "Page",
    "RateWindows",
    "Refused",
    "Reread",
    "Slot",
    "Step",
    "StoredAlert",
    "StoredDestination",
    "Suggested",
    "TaskQueue",
    "TurnCommit",
    "Version",
]
