"""How hard an alert is tried, and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.settings import kinds
from shared.settings.declaring import setting


@dataclass(frozen=True, init=False, repr=False, eq=False)
class DeliverySettings:
    """How hard an alert is tried, and how long it is kept."""

    drain_paces: Mapping[str, float] | None = setting(
        "DRAIN_PACES", "How many messages a second each channel takes.", kinds.paces
    )
    breaker_fail_max: int = setting(
        "BREAKER_FAIL_MAX", "Failures within a minute that open a destination's breaker.", kinds.integer(1, 100), "5"
    )
    breaker_reset_seconds: float = setting(
        "BREAKER_RESET_SECONDS",
        "How long an open breaker waits before one attempt finds out.",
        kinds.number(0.5, 3600),
        "60",
    )
    digest_threshold: int = setting(
        "DIGEST_THRESHOLD",
        "With more alerts waiting for Slack than this, one message tells of many.",
        kinds.integer(2, 10_000),
        "100",
    )
    max_parked_age: timedelta = setting(
        "MAX_PARKED_AGE",
        "How long an alert waits before a person is told, whatever its attempts; and an erasure.",
        kinds.duration(timedelta(minutes=1), timedelta(days=30)),
        "24h",
    )
    quick_attempts: int = setting("QUICK_ATTEMPTS", "Attempts made within seconds.", kinds.integer(1, 10), "3")
    dead_letter_retry_minutes: float = setting(
        "DEAD_LETTER_RETRY_MINUTES", "The wait between the attempts after those.", kinds.number(0.01, 1440), "5"
    )
    dead_letter_max_attempts: int = setting(
        "DEAD_LETTER_MAX_ATTEMPTS", "How many of those attempts, before a person is told.", kinds.integer(0, 100), "5"
    )
    delivered_days: int = setting(
        "DELIVERED_DAYS", "How long an alert is kept after its end.", kinds.integer(1, 3650), "30"
    )
    lease_seconds: float = setting(
        "LEASE_SECONDS", "How long one attempt holds its alert.", kinds.number(2, 1500), "30"
    )
    destination_deadline_seconds: float = setting(
        "DESTINATION_DEADLINE_SECONDS", "How long one attempt waits in all.", kinds.number(1, 600), "10"
    )
    backoff_max_seconds: float = setting(
        "BACKOFF_MAX_SECONDS", "The longest wait between two quick attempts.", kinds.number(0, 600), "30"
    )
    sweep_grace_seconds: float = setting(
        "SWEEP_GRACE_SECONDS", "How late a task may be before it counts as lost.", kinds.number(0, 600), "10"
    )
    migration_rate: float = setting(
        "MIGRATION_RATE",
        "Operations a second with which a migration begins; half as much again every five minutes.",
        kinds.number(1, 100_000),
        "500",
    )
    migration_lease_seconds: float = setting(
        "MIGRATION_LEASE_SECONDS",
        "How long nobody may have written of a migration before it counts as standing still.",
        kinds.number(2, 1500),
        "30",
    )
    before_images_days: int = setting(
        "BEFORE_IMAGES_DAYS", "How long a migration can be taken back to the letter.", kinds.integer(1, 365), "30"
    )
