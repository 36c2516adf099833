"""Where this runs, and who may call it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import kinds
from shared.settings.declaring import setting

_account = kinds.matching(r"[^@\s]+@[^@\s]+", "a service account's e-mail address")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class IdentitySettings:
    """Where this runs, and who may call it."""

    project: str = setting("GOOGLE_CLOUD_PROJECT", "The Google Cloud project.")
    region: str = setting("REGION", "Where the queues are.", default="europe-west1")
    admin_api_keys: tuple[str, ...] = setting(
        "ADMIN_API_KEYS", "Keys of operators, separated by commas.", kinds.api_keys, secret=True
    )
    deliver_alert_url: str | None = setting("DELIVER_ALERT_URL", "Where tasks go.", kinds.url)
    sweep_url: str | None = setting("SWEEP_URL", "Where tasks that continue the sweep go.", kinds.url)
    cleanup_url: str | None = setting("CLEANUP_URL", "Where tasks that continue the clean-up go.", kinds.url)
    followups_url: str | None = setting("FOLLOWUPS_URL", "Where tasks that continue the follow-ups go.", kinds.url)
    migration_url: str | None = setting("MIGRATION_URL", "Where the slices of migrations go.", kinds.url)
    tasks_invoker_email: str | None = setting("TASKS_INVOKER_EMAIL", "The account tasks call with.", _account)
    scheduler_invoker_email: str | None = setting("SCHEDULER_INVOKER_EMAIL", "The account jobs call with.", _account)
    oidc_audience: str | None = setting("OIDC_AUDIENCE", "The audience tokens for this function have.")
    oidc_certs_url: str = setting(
        "OIDC_CERTS_URL",
        "Where the certificates that sign those tokens are.",
        kinds.url,
        "https://www.googleapis.com/oauth2/v1/certs",
    )
    cloud_tasks_emulator_host: str | None = setting(
        "CLOUD_TASKS_EMULATOR_HOST", "A stand-in for Cloud Tasks, on loopback only.", kinds.loopback_host
    )
    cloud_scheduler_emulator_host: str | None = setting(
        "CLOUD_SCHEDULER_EMULATOR_HOST", "A stand-in for Cloud Scheduler, on loopback only.", kinds.loopback_host
    )
