"""What the function ``admin_migration`` needs."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared import events
from shared.bootstrap.parts import guard, settings_for, told

if TYPE_CHECKING:
    from shared.edge.admin_key import AdminKeys
    from shared.edge.oidc import OidcGuard
    from shared.flows.migrate import Migrating
    from shared.flows.migration_slice import MigrationSlice

QUEUE = "migrations"
PLAN_SECONDS = 75.0
SLICE_SECONDS = 45.0


@dataclass(frozen=True)
class Migrations:
    """What the function ``admin_migration`` needs: who may ask, and who may bring slices; what each may do.

    Attributes:
        guard: of what operators ask.
        hops: how many proxies before the function append to X-Forwarded-For.
        flow: what operators ask.
        slice_guard: of slices.
        slice: one slice.
    """

    guard: AdminKeys
    hops: int
    flow: Migrating
    slice_guard: OidcGuard
    slice: MigrationSlice


def admin_migration(environ: Mapping[str, str] | None = None) -> Migrations:
    """Build what ``admin_migration`` needs; raises ConfigError."""
    from shared.adapters.cloud_tasks import CloudTasks, MigrationTasks
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_migrations import FirestoreMigrations
    from shared.adapters.system import SystemChance, SystemClock
    from shared.edge.admin_key import AdminKeys
    from shared.flows.migrate import Migrating
    from shared.flows.migration_slice import MigrationSlice
    from shared.migrations.catalog import steps

    settings = settings_for("admin_migration", environ=environ)
    with told("admin_migration"):
        keys = AdminKeys(settings.admin_api_keys)
    store = FirestoreMigrations(Database(settings.project), timedelta(days=settings.before_images_days))
    tasks = CloudTasks(
        project=settings.project,
        region=settings.region,
        target_url=settings.migration_url or "",
        invoker_email=settings.tasks_invoker_email or "",
        emulator_host=settings.cloud_tasks_emulator_host,
    )
    slices, catalog = MigrationTasks(tasks, QUEUE), steps()
    lease, clock = timedelta(seconds=settings.migration_lease_seconds), SystemClock()
    return Migrations(
        keys,
        settings.trusted_proxy_hops,
        Migrating(catalog, store, slices, lease, PLAN_SECONDS, clock, events.log, settings.migration_rate),
        guard(settings, settings.tasks_invoker_email),
        MigrationSlice(
            catalog, store, slices, lease, SLICE_SECONDS, clock, SystemChance(), events.log, settings.migration_rate
        ),
    )
