"""What the builders of all functions share: settings, queues, guards, and how a failure is logged."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared import config, events
from shared.errors import BellhopError, ConfigError, RequestError
from shared.settings.needs import NEEDS

if TYPE_CHECKING:
    from shared.adapters.breakers import SharedBreakers
    from shared.adapters.cloud_tasks import CloudTasks, TaskContinuation
    from shared.adapters.firestore import Database
    from shared.config import Settings
    from shared.domain.alert import Policy
    from shared.domain.breaker import BreakerPolicy
    from shared.edge.oidc import OidcGuard
    from shared.flows.job_slot import OncePerSlot


SLOT_LEASE = timedelta(minutes=3)
"""Longer than the functions' timeout: a holder whose lease is over has been ended by the platform."""


def settings_for(function: str, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings, with what this function cannot do without.

    Args:
        function: its name, by which `shared.settings.needs` knows what it needs, and for the log.
        environ: instead of the process's environment.

    Raises:
        ConfigError: a setting is missing or wrong; it is also logged as ``config_invalid``.
    """
    with told(function):
        settings = config.from_environment(os.environ if environ is None else environ)
        settings.require("GOOGLE_CLOUD_PROJECT", *NEEDS[function])
    return settings


@contextmanager
def told(function: str) -> Iterator[None]:
    """Log a ConfigError as ``config_invalid`` on its way out."""
    try:
        yield
    except ConfigError as error:
        events.log("config_invalid", function=function, error=str(error))
        raise


def policy(settings: Settings) -> Policy:
    """The budgets and waits of delivery."""
    from shared.domain.alert import Policy

    return Policy(
        lease=timedelta(seconds=settings.lease_seconds),
        grace=timedelta(seconds=settings.sweep_grace_seconds),
        quick_attempts=settings.quick_attempts,
        scheduled_wait=timedelta(minutes=settings.dead_letter_retry_minutes),
        backoff_max=timedelta(seconds=settings.backoff_max_seconds),
        scheduled_attempts=settings.dead_letter_max_attempts,
        parked_most=settings.max_parked_age,
    )


def breaker_policy(settings: Settings) -> BreakerPolicy:
    """When breakers open, and for how long."""
    from shared.domain.breaker import ILL_AFTER, BreakerPolicy

    return BreakerPolicy(
        fail_max=settings.breaker_fail_max,
        reset=timedelta(seconds=settings.breaker_reset_seconds),
        ill_after=min(ILL_AFTER, timedelta(seconds=0.8 * settings.destination_deadline_seconds)),
    )


def breakers(settings: Settings, database: Database) -> SharedBreakers:
    """The destinations' breakers, which all instances share."""
    from shared.adapters.breaker_cache import BreakerCache
    from shared.adapters.breakers import SharedBreakers
    from shared.adapters.firestore_breakers import FirestoreBreakers
    from shared.adapters.system import SystemChance, SystemClock

    clock = SystemClock()
    return SharedBreakers(
        FirestoreBreakers(database),
        breaker_policy(settings),
        cache=BreakerCache(clock),
        clock=clock,
        chance=SystemChance(),
        events=events.log,
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


def tasks_queue(settings: Settings) -> CloudTasks:
    """The queues of the alerts."""
    from shared.adapters.cloud_tasks import CloudTasks

    return CloudTasks(
        project=settings.project,
        region=settings.region,
        target_url=settings.deliver_alert_url or "",
        invoker_email=settings.tasks_invoker_email or "",
        emulator_host=settings.cloud_tasks_emulator_host,
    )


def continuation(settings: Settings, queue: str, url: str | None, *, path: str = "") -> TaskContinuation:
    """The queue whose tasks call a scheduled function once more, with the scheduler's account."""
    from shared.adapters.cloud_tasks import CloudTasks, TaskContinuation

    tasks = CloudTasks(
        project=settings.project,
        region=settings.region,
        target_url=url or "",
        invoker_email=settings.scheduler_invoker_email or "",
        emulator_host=settings.cloud_tasks_emulator_host,
    )
    return TaskContinuation(tasks, queue, path=path)


def guard(settings: Settings, email: str | None) -> OidcGuard:
    """Lets through whoever calls with this account's token for this function."""
    from shared.edge.oidc import OidcGuard

    return OidcGuard(settings.oidc_audience or "", email or "", settings.oidc_certs_url)


def once_per_slot(database: Database) -> OncePerSlot:
    """One run a slot of every scheduled job."""
    from shared.adapters.firestore_housekeeping import FirestoreJobSlots
    from shared.adapters.system import SystemChance
    from shared.flows.job_slot import OncePerSlot

    return OncePerSlot(FirestoreJobSlots(database), SLOT_LEASE, SystemChance(), events.log)
