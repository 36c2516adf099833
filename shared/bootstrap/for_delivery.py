"""What the functions need that deliver alerts, sweep and clean up."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared import config, events
from shared.bootstrap.for_admin import redriving
from shared.bootstrap.for_canary import missing_canary
from shared.bootstrap.for_rights import erasing
from shared.bootstrap.parts import (
    breakers,
    continuation,
    guard,
    once_per_slot,
    policy,
    settings_for,
    tasks_queue,
    told,
)

if TYPE_CHECKING:
    from shared.config import Settings
    from shared.edge.oidc import OidcGuard
    from shared.flows.cleanup import CleanUp
    from shared.flows.deliver_alert import AlertDelivery
    from shared.flows.deliver_digest import DigestDelivery
    from shared.flows.job_slot import OncePerSlot
    from shared.flows.retry_dead_letters import RetryDeadLetters
    from shared.ports import Channel

SWEEP_PAGE = 100
SWEEP_SECONDS = 45.0
CLEANUP_PAGE = 100
CLEANUP_SECONDS = 45.0
SLOWEST_PACE = 0.1
"""Messages a second of a channel whose pace nobody has set."""


@dataclass(frozen=True)
class Delivery:
    """What the function ``deliver_alert`` needs."""

    guard: OidcGuard
    flow: AlertDelivery
    digests: DigestDelivery


@dataclass(frozen=True)
class Sweep:
    """What the function ``retry_dead_letters`` needs."""

    guard: OidcGuard
    once: OncePerSlot
    flow: RetryDeadLetters


@dataclass(frozen=True)
class Cleaning:
    """What the function ``cleanup`` needs: the flow of every ten minutes, and the one of every day."""

    guard: OidcGuard
    once: OncePerSlot
    flow: CleanUp
    daily: CleanUp


def deliver_alert(environ: Mapping[str, str] | None = None) -> Delivery:
    """Build what ``deliver_alert`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_digests import FirestoreDigests
    from shared.adapters.firestore_followups import FirestoreOptOuts
    from shared.adapters.system import SystemChance, SystemClock
    from shared.channels import fingerprints
    from shared.flows.attempts import Attempts
    from shared.flows.deliver_alert import AlertDelivery
    from shared.flows.deliver_digest import DigestDelivery
    from shared.flows.judging import Judging
    from shared.flows.steps import Steps
    from shared.flows.visitor_mail import VisitorMailRules

    settings = settings_for("deliver_alert", environ=environ)
    database = Database(settings.project)
    shared = breakers(settings, database)
    store = FirestoreAlerts(database, shared.cache)
    queue, clock, chance, log = tasks_queue(settings), SystemClock(), SystemChance(), events.log
    channels, canaries = _channels("deliver_alert", settings)
    attempts = Attempts(
        channels=channels,
        canaries=canaries,
        breakers=shared,
        sweep=continuation(settings, "sweeps", settings.sweep_url),
        send_seconds=settings.destination_deadline_seconds,
        margin_seconds=config.LEASE_MARGIN_SECONDS,
        lease=timedelta(seconds=settings.lease_seconds),
        clock=clock,
        events=log,
    )
    rules, escalation = policy(settings), settings.escalation_channels
    flow = AlertDelivery(
        store=store,
        queue=queue,
        attempts=attempts,
        fingerprints=fingerprints(settings),
        escalation_channels=escalation,
        policy=rules,
        clock=clock,
        chance=chance,
        events=log,
        visitor_mail=VisitorMailRules(FirestoreOptOuts(database), chance),
    )
    digests = DigestDelivery(
        digests=FirestoreDigests(database, store),
        queue=queue,
        attempts=attempts,
        steps=Steps(store, queue, rules, escalation, chance, log),
        judging=Judging(store, fingerprints(settings), rules),
        policy=rules,
        clock=clock,
        chance=chance,
        events=log,
    )
    return Delivery(guard(settings, settings.tasks_invoker_email), flow, digests)


def retry_dead_letters(environ: Mapping[str, str] | None = None) -> Sweep:
    """Build what ``retry_dead_letters`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_digests import FirestoreDigests
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.backlog import Backlog
    from shared.flows.overdue import TellOverdue
    from shared.flows.retry_dead_letters import RetryDeadLetters
    from shared.flows.steps import Steps
    from shared.flows.sweep_pass import Moves

    settings = settings_for("retry_dead_letters", environ=environ)
    database = Database(settings.project)
    store, shared, queue = FirestoreAlerts(database), breakers(settings, database), tasks_queue(settings)
    clock, chance, log, rules = SystemClock(), SystemChance(), events.log, policy(settings)
    digests = FirestoreDigests(database, store)
    steps = Steps(store, queue, rules, settings.escalation_channels, chance, log)
    moves = Moves(steps, clock, log)
    # Every channel there is, also one that was taken out of use: its last alerts must be found all the same.
    paces = dict.fromkeys(config.CHANNELS, SLOWEST_PACE) | dict(settings.drain_paces or {})
    redrives, erasures = redriving(settings, database), erasing(settings, database)

    misses = missing_canary(settings, database)

    def goes_on() -> bool:
        more = redrives.continue_redrives()
        more = erasures.continue_erasures() or more
        misses()
        return more

    backlog = Backlog(
        store=store,
        digests=digests,
        breakers=shared,
        queue=queue,
        moves=moves,
        paces=paces,
        digest_threshold=settings.digest_threshold,
        policy=rules,
        page=SWEEP_PAGE,
        chance=chance,
        events=log,
    )
    flow = RetryDeadLetters(
        store=store,
        queue=queue,
        moves=moves,
        breakers=shared,
        backlog=backlog,
        overdue=TellOverdue(digests, steps, settings.escalation_channels, rules, chance, log),
        redrives=goes_on,
        again=continuation(settings, "sweeps", settings.sweep_url),
        channels=tuple(paces),
        policy=rules,
        page=SWEEP_PAGE,
        run_seconds=SWEEP_SECONDS,
        clock=clock,
        chance=chance,
        events=log,
    )
    return Sweep(guard(settings, settings.scheduler_invoker_email), once_per_slot(database), flow)


def cleanup(environ: Mapping[str, str] | None = None) -> Cleaning:
    """Build what ``cleanup`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_conservation import FirestoreConservation
    from shared.adapters.firestore_housekeeping import FirestoreHousekeeping
    from shared.adapters.firestore_overview import FirestoreOverview
    from shared.adapters.firestore_samples import FirestoreSamples
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.cleanup import CleanUp
    from shared.flows.take_sample import TakeSample

    settings = settings_for("cleanup", environ=environ)
    database = Database(settings.project)
    sample = TakeSample(
        overseeing=FirestoreOverview(database, config.CHANNELS),
        counting=FirestoreConservation(database),
        samples=FirestoreSamples(database),
        kept=timedelta(days=settings.delivered_days),
        clock=SystemClock(),
        events=events.log,
    )

    def flow(path: str, *, daily: bool) -> CleanUp:
        return CleanUp(
            store=FirestoreHousekeeping(database),
            again=continuation(settings, "cleanups", settings.cleanup_url, path=path),
            kept=timedelta(days=settings.delivered_days),
            retention=timedelta(days=settings.retention_days),
            daily=daily,
            page=CLEANUP_PAGE,
            run_seconds=CLEANUP_SECONDS,
            clock=SystemClock(),
            chance=SystemChance(),
            events=events.log,
            sample=None if daily else sample,
        )

    checked, once = guard(settings, settings.scheduler_invoker_email), once_per_slot(database)
    return Cleaning(checked, once, flow("", daily=False), flow("/daily", daily=True))


def _channels(function: str, settings: Settings) -> tuple[dict[str, Channel], dict[str, Channel]]:
    """What can send, once it is sure that whatever one of them cannot deliver reaches a person through another.

    And what sends canaries.
    """
    from shared.channels import canary_targets, configured

    with told(function):
        settings.require_channels()
        return configured(settings), canary_targets(settings)
