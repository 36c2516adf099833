"""What the function ``admin_console`` needs, and the sweep's part in redrives."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared import events
from shared.bootstrap.parts import policy, settings_for, tasks_queue, told

if TYPE_CHECKING:
    from shared.adapters.firestore import Database
    from shared.config import Settings
    from shared.edge.admin_key import AdminKeys
    from shared.flows.operations import Operating
    from shared.flows.operations_redrive import Redriving
    from shared.flows.operations_rights import OperatingRights

REDRIVE_SECONDS = 10.0


@dataclass(frozen=True)
class Console:
    """What the function ``admin_console`` needs."""

    guard: AdminKeys
    flow: Operating
    redrive: Redriving
    rights: OperatingRights


def admin_console(environ: Mapping[str, str] | None = None) -> Console:
    """Build what ``admin_console`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_conservation import FirestoreConservation
    from shared.adapters.firestore_erasures import FirestoreErasures
    from shared.adapters.firestore_operations import FirestoreOperations
    from shared.adapters.firestore_rights import FirestoreRights
    from shared.adapters.system import SystemChance
    from shared.edge.admin_key import AdminKeys
    from shared.flows.operations import Operating
    from shared.flows.operations_rights import OperatingRights

    settings = settings_for("admin_console", environ=environ)
    with told("admin_console"):
        guard = AdminKeys(settings.admin_api_keys)
    database = Database(settings.project)
    flow = Operating(
        store=FirestoreOperations(database),
        counting=FirestoreConservation(database),
        alerts=FirestoreAlerts(database),
        kept=timedelta(days=settings.delivered_days),
        chance=SystemChance(),
        events=events.log,
    )
    rights = OperatingRights(
        store=FirestoreRights(database),
        erasing=FirestoreErasures(database, timedelta(days=settings.retention_days)),
        hash_key=settings.address_hash_key or "",
        events=events.log,
    )
    return Console(guard, flow, redriving(settings, database), rights)


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
