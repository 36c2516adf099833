"""What each function cannot do without: a function that lacks one of these does not start."""

from __future__ import annotations

from collections.abc import Mapping

NEEDS: Mapping[str, tuple[str, ...]] = {
    "chat": ("LEAD_CHANNELS", "DELIVER_ALERT_URL", "TASKS_INVOKER_EMAIL", "ADDRESS_HASH_KEY"),
    "deliver_alert": (
        "OIDC_AUDIENCE",
        "DELIVER_ALERT_URL",
        "TASKS_INVOKER_EMAIL",
        "SWEEP_URL",
        "SCHEDULER_INVOKER_EMAIL",
        "LEAD_CHANNELS",
        "ESCALATION_CHANNELS",
    ),
    "retry_dead_letters": (
        "OIDC_AUDIENCE",
        "SCHEDULER_INVOKER_EMAIL",
        "DELIVER_ALERT_URL",
        "TASKS_INVOKER_EMAIL",
        "SWEEP_URL",
        "DRAIN_PACES",
        "ESCALATION_CHANNELS",
    ),
    "cleanup": ("OIDC_AUDIENCE", "SCHEDULER_INVOKER_EMAIL", "CLEANUP_URL"),
    "unsubscribe": (
        "TOKEN_SIGNING_KEYS",
        "ADDRESS_HASH_KEY",
        "PUBLIC_BASE_URL",
        "MAIL_FROM",
        "SWEEP_URL",
        "SCHEDULER_INVOKER_EMAIL",
    ),
    "send_followups": (
        "OIDC_AUDIENCE",
        "SCHEDULER_INVOKER_EMAIL",
        "FOLLOWUPS_URL",
        "DELIVER_ALERT_URL",
        "TASKS_INVOKER_EMAIL",
        "ADDRESS_HASH_KEY",
    ),
    "admin_console": (
        "ADMIN_API_KEYS",
        "DELIVER_ALERT_URL",
        "TASKS_INVOKER_EMAIL",
        "ESCALATION_CHANNELS",
        "DRAIN_PACES",
        "SWEEP_URL",
        "SCHEDULER_INVOKER_EMAIL",
        "ADDRESS_HASH_KEY",
    ),
    "canary": ("OIDC_AUDIENCE", "SCHEDULER_INVOKER_EMAIL", "CHAT_URL", "LEAD_CHANNELS"),
    "admin_migration": ("ADMIN_API_KEYS", "MIGRATION_URL", "TASKS_INVOKER_EMAIL", "OIDC_AUDIENCE"),
}
"""A function → environment variables, beside ``GOOGLE_CLOUD_PROJECT``, which all need."""
