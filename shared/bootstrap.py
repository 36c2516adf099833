"""Where the parts meet: settings in, a ready flow out, one builder a function.

The only module that sees flows and adapters together. Imports stand inside the builders, so that a function loads
only what it uses; connections are made at first use, in the process that serves.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared import config, events
from shared.errors import BellhopError, ConfigError, RequestError

if TYPE_CHECKING:
    from shared.adapters.cloud_tasks import CloudTasks
    from shared.config import Settings
    from shared.domain.admission import Limit
    from shared.domain.alert import Policy
    from shared.edge.oidc import OidcGuard
    from shared.flows.answer_message import MessageAnswering
    from shared.flows.deliver_alert import AlertDelivery
    from shared.flows.retry_dead_letters import RetryDeadLetters

SWEEP_PAGE = 100
SWEEP_SECONDS = 45.0


@dataclass(frozen=True)
class Chat:
    """What the function ``chat`` needs: its settings, its flow, and the country phone numbers are read in."""

    settings: Settings
    flow: MessageAnswering
    phone_region: str


@dataclass(frozen=True)
class Delivery:
    """What the function ``deliver_alert`` needs."""

    guard: OidcGuard
    flow: AlertDelivery


@dataclass(frozen=True)
class Sweep:
    """What the function ``retry_dead_letters`` needs."""

    guard: OidcGuard
    flow: RetryDeadLetters


def settings_for(function: str, *needed: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings, with what this function cannot do without.

    Args:
        function: its name, for the log.
        needed: environment variables that must be set.
        environ: instead of the process's environment.

    Raises:
        ConfigError: a setting is missing or wrong; it is also logged as ``config_invalid``.
    """
    try:
        settings = config.from_environment(os.environ if environ is None else environ)
        settings.require("GOOGLE_CLOUD_PROJECT", *needed)
    except ConfigError as error:
        events.log("config_invalid", function=function, error=str(error))
        raise
    return settings


def chat(environ: Mapping[str, str] | None = None) -> Chat:
    """Build what ``chat`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_chat import FirestoreChat
    from shared.adapters.knowledge_file import load_knowledge
    from shared.adapters.system import SystemChance, SystemClock
    from shared.domain.admission import Memory
    from shared.domain.turn import LeadPolicy
    from shared.flows.answer_message import MessageAnswering

    needed = ("LEAD_CHANNELS", "DELIVER_ALERT_URL", "TASKS_INVOKER_EMAIL")
    settings = settings_for("chat", *needed, environ=environ)
    knowledge = load_knowledge(Path(settings.knowledge_path) if settings.knowledge_path else None)
    flow = MessageAnswering(
        store=FirestoreChat(Database(settings.project)),
        queue=_queue(settings),
        knowledge=knowledge,
        limits=chat_limits(settings),
        leads=LeadPolicy(settings.lead_channels, timedelta(seconds=settings.sweep_grace_seconds)),
        memory=Memory(),
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return Chat(settings, flow, knowledge.phone_region)


def deliver_alert(environ: Mapping[str, str] | None = None) -> Delivery:
    """Build what ``deliver_alert`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.slack import Slack
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.deliver_alert import AlertDelivery

    needed = ("SLACK_WEBHOOK_URL", "OIDC_AUDIENCE", "DELIVER_ALERT_URL", "TASKS_INVOKER_EMAIL")
    settings = settings_for("deliver_alert", *needed, environ=environ)
    flow = AlertDelivery(
        store=FirestoreAlerts(Database(settings.project)),
        queue=_queue(settings),
        channels={"slack": Slack(settings.slack_webhook_url or "")},
        policy=policy(settings),
        send_seconds=settings.destination_deadline_seconds,
        margin_seconds=config.LEASE_MARGIN_SECONDS,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return Delivery(_guard(settings, settings.tasks_invoker_email), flow)


def retry_dead_letters(environ: Mapping[str, str] | None = None) -> Sweep:
    """Build what ``retry_dead_letters`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.retry_dead_letters import RetryDeadLetters

    needed = ("OIDC_AUDIENCE", "SCHEDULER_INVOKER_EMAIL", "DELIVER_ALERT_URL", "TASKS_INVOKER_EMAIL")
    settings = settings_for("retry_dead_letters", *needed, environ=environ)
    flow = RetryDeadLetters(
        store=FirestoreAlerts(Database(settings.project)),
        queue=_queue(settings),
        policy=policy(settings),
        page=SWEEP_PAGE,
        run_seconds=SWEEP_SECONDS,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return Sweep(_guard(settings, settings.scheduler_invoker_email), flow)


def chat_limits(settings: Settings) -> tuple[Limit, ...]:
    """The chat's limits, the first one named ``chat``, further ones after their windows."""
    from shared.domain.admission import Limit

    return tuple(
        Limit("chat" if number == 0 else f"chat-{seconds}", quota, seconds)
        for number, (quota, seconds) in enumerate(settings.chat_rate_limit.pairs)
    )


def policy(settings: Settings) -> Policy:
    """The budgets and waits of delivery."""
    from shared.domain.alert import Policy

    return Policy(
        lease=timedelta(seconds=settings.lease_seconds),
        grace=timedelta(seconds=settings.sweep_grace_seconds),
        quick_attempts=settings.quick_attempts,
        scheduled_wait=timedelta(minutes=settings.dead_letter_retry_minutes),
        backoff_max=timedelta(seconds=settings.backoff_max_seconds),
    )


def report(error: Exception) -> None:
    """Log why a request is answered with 5xx: the error's kind, never its text, which may hold what a visitor sent."""
    if isinstance(error, RequestError):
        return
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame is not None else None
    kind = "ours" if isinstance(error, BellhopError) else "unexpected"
    events.log("request_failed", error=type(error).__name__, source=where, reason=kind)


def _queue(settings: Settings) -> CloudTasks:
    from shared.adapters.cloud_tasks import CloudTasks

    return CloudTasks(
        project=settings.project,
        region=settings.region,
        target_url=settings.deliver_alert_url or "",
        invoker_email=settings.tasks_invoker_email or "",
        emulator_host=settings.cloud_tasks_emulator_host,
    )


def _guard(settings: Settings, email: str | None) -> OidcGuard:
    from shared.edge.oidc import OidcGuard

    return OidcGuard(settings.oidc_audience or "", email or "", settings.oidc_certs_url)
