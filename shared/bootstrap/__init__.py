"""Where the parts meet: settings in, a ready flow out, one builder a function.

The only package that sees flows and adapters together. Imports stand inside the builders, so that a function loads
only what it uses; connections are made at first use, in the process that serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import loaded_when_asked

if TYPE_CHECKING:
    from shared.bootstrap.for_admin import Console, admin_console
    from shared.bootstrap.for_canary import Canary, canary
    from shared.bootstrap.for_chat import Chat, chat
    from shared.bootstrap.for_delivery import Cleaning, Delivery, Sweep, cleanup, deliver_alert, retry_dead_letters
    from shared.bootstrap.for_migration import Migrations, admin_migration
    from shared.bootstrap.for_rights import FollowingUp, Unsubscribing, send_followups, unsubscribe
    from shared.bootstrap.limits import chat_limits, rate_guard
    from shared.bootstrap.parts import policy, report, settings_for

__all__ = [
    "Canary",
    "Chat",
    "Cleaning",
    "Console",
    "Delivery",
    "FollowingUp",
    "Migrations",
    "Sweep",
    "Unsubscribing",
    "admin_console",
    "admin_migration",
    "canary",
    "chat",
    "chat_limits",
    "cleanup",
    "deliver_alert",
    "policy",
    "rate_guard",
    "report",
    "retry_dead_letters",
    "send_followups",
    "settings_for",
    "unsubscribe",
]

__getattr__ = loaded_when_asked(
    __name__,
    {
        "for_admin": ("Console", "admin_console"),
        "for_canary": ("Canary", "canary"),
        "for_chat": ("Chat", "chat"),
        "for_delivery": ("Cleaning", "Delivery", "Sweep", "cleanup", "deliver_alert", "retry_dead_letters"),
        "for_migration": ("Migrations", "admin_migration"),
        "for_rights": ("FollowingUp", "Unsubscribing", "send_followups", "unsubscribe"),
        "limits": ("chat_limits", "rate_guard"),
        "parts": ("policy", "report", "settings_for"),
    },
)
