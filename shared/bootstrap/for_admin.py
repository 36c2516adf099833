"""What the function ``admin_console`` needs, and the sweep's part in redrives."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared import config, events
from shared.bootstrap.for_canary import look_at_canary
from shared.bootstrap.parts import continuation, policy, settings_for, tasks_queue, told

if TYPE_CHECKING:
    from shared.adapters.firestore import Database
    from shared.config import Settings
    from shared.edge.admin_key import AdminKeys
    from shared.flows.canary_view import LookAtCanary
    from shared.flows.operations import Operating
    from shared.flows.operations_audit import OperatingAudit
    from shared.flows.operations_breakers import OperatingBreakers
    from shared.flows.operations_bundle import Bundling
    from shared.flows.operations_jobs import OperatingJobs
    from shared.flows.operations_leads import OperatingLeads
    from shared.flows.operations_overview import Overviewing
    from shared.flows.operations_redrive import Redriving
    from shared.flows.operations_rights import OperatingRights

REDRIVE_SECONDS = 10.0
TOLD = (
    "BACKOFF_MAX_SECONDS",
    "DEAD_LETTER_MAX_ATTEMPTS",
    "DEAD_LETTER_RETRY_MINUTES",
    "DESTINATION_DEADLINE_SECONDS",
    "LEASE_SECONDS",
    "MAX_PARKED_AGE",
    "QUICK_ATTEMPTS",
)
"""Settings that a bundle holds: they decide how an alert is tried, and none is a secret."""


@dataclass(frozen=True)
class Console:
    """What the function ``admin_console`` needs."""

    guard: AdminKeys
    flow: Operating
    redrive: Redriving
    rights: OperatingRights
    audit: OperatingAudit
    breakers: OperatingBreakers
    overview: Overviewing
    jobs: OperatingJobs
    leads: OperatingLeads
    bundle: Bundling
    canary: LookAtCanary
    hops: int


def admin_console(environ: Mapping[str, str] | None = None) -> Console:
    """Build what ``admin_console`` needs; raises ConfigError."""
    from shared.adapters.cloud_scheduler import CloudScheduler
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_breaker_control import FirestoreBreakerControl
    from shared.adapters.firestore_operator_audit import FirestoreOperatorAudit
    from shared.adapters.firestore_overview import FirestoreOverview
    from shared.adapters.firestore_samples import FirestoreSamples
    from shared.adapters.system import SystemChance, SystemClock
    from shared.edge.admin_key import AdminKeys
    from shared.flows.operations_audit import OperatingAudit
    from shared.flows.operations_breakers import OperatingBreakers
    from shared.flows.operations_jobs import OperatingJobs
    from shared.flows.operations_overview import Overviewing

    settings = settings_for("admin_console", environ=environ)
    with told("admin_console"):
        guard = AdminKeys(settings.admin_api_keys)
    database, clock, chance, log = Database(settings.project), SystemClock(), SystemChance(), events.log
    host = settings.cloud_scheduler_emulator_host
    scheduler = CloudScheduler(project=settings.project, region=settings.region, emulator_host=host)
    audit = OperatingAudit(FirestoreOperatorAudit(database), chance, log)
    sweep = continuation(settings, "sweeps", settings.sweep_url)
    canary = look_at_canary(settings, database)
    return Console(
        guard=guard,
        flow=_operating(settings, database),
        redrive=redriving(settings, database),
        rights=_rights(settings, database),
        audit=audit,
        breakers=OperatingBreakers(FirestoreBreakerControl(database), config.CHANNELS, sweep, chance, log),
        overview=Overviewing(
            overseeing=FirestoreOverview(database, config.CHANNELS),
            samples=FirestoreSamples(database),
            scheduler=scheduler,
            canary=canary,
            parked_most=settings.max_parked_age,
            clock=clock,
            events=log,
        ),
        jobs=OperatingJobs(scheduler, audit, log),
        leads=_leads(settings, database, audit),
        bundle=_bundling(settings, database, audit),
        canary=canary,
        hops=settings.trusted_proxy_hops,
    )


def _operating(settings: Settings, database: Database) -> Operating:
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_conservation import FirestoreConservation
    from shared.adapters.firestore_operations import FirestoreOperations
    from shared.adapters.system import SystemChance
    from shared.flows.operations import Operating

    return Operating(
        store=FirestoreOperations(database),
        counting=FirestoreConservation(database),
        alerts=FirestoreAlerts(database),
        kept=timedelta(days=settings.delivered_days),
        chance=SystemChance(),
        events=events.log,
    )


def _rights(settings: Settings, database: Database) -> OperatingRights:
    from shared.adapters.firestore_erasures import FirestoreErasures
    from shared.adapters.firestore_rights import FirestoreRights
    from shared.flows.operations_rights import OperatingRights

    return OperatingRights(
        store=FirestoreRights(database),
        erasing=FirestoreErasures(database, timedelta(days=settings.retention_days)),
        hash_key=settings.address_hash_key or "",
        events=events.log,
    )


def _leads(settings: Settings, database: Database, audit: OperatingAudit) -> OperatingLeads:
    from shared.adapters.firestore_leads import FirestoreLeads
    from shared.flows.operations_leads import OperatingLeads

    def phone_region() -> str:
        from shared.adapters.knowledge_file import load_knowledge

        return load_knowledge(Path(settings.knowledge_path) if settings.knowledge_path else None).phone_region

    return OperatingLeads(FirestoreLeads(database), audit, cache(phone_region), events.log)


def _bundling(settings: Settings, database: Database, audit: OperatingAudit) -> Bundling:
    from shared.adapters.firestore_operations import FirestoreOperations
    from shared.adapters.system import SystemClock
    from shared.domain.conversation import SCHEMA_VERSION
    from shared.flows.operations_bundle import Bundling

    return Bundling(
        store=FirestoreOperations(database),
        audit=audit,
        settings={name: str(getattr(settings, name.lower())) for name in TOLD},
        versions={
            "python": platform.python_version(),
            "revision": os.environ.get("K_REVISION", "local"),
            "schema": str(SCHEMA_VERSION),
        },
        clock=SystemClock(),
        events=events.log,
    )


def redriving(settings: Settings, database: Database, run_seconds: float = REDRIVE_SECONDS) -> Redriving:
    """The flow that redrives; the sweep continues with it what a request had no time for."""
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_redrives import FirestoreRedrives
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.operations_redrive import Redriving

    return Redriving(
        redrives=FirestoreRedrives(database),
        store=FirestoreAlerts(database),
        queue=tasks_queue(settings),
        paces=settings.drain_paces or {},
        escalation_channels=settings.escalation_channels,
        policy=policy(settings),
        run_seconds=run_seconds,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
