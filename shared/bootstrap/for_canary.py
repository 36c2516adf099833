"""What the function ``canary`` needs, the sweep's part in missing one, and what the console shows of it."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import events
from shared.bootstrap.parts import guard, once_per_slot, settings_for, tasks_queue

if TYPE_CHECKING:
    from shared.adapters.firestore import Database
    from shared.config import Settings
    from shared.edge.oidc import OidcGuard
    from shared.flows.canary import MissCanary, SendCanary
    from shared.flows.canary_view import LookAtCanary
    from shared.flows.job_slot import OncePerSlot
    from shared.ports.rights import RemoteEraser


@dataclass(frozen=True)
class Canary:
    """What the function ``canary`` needs."""

    guard: OidcGuard
    once: OncePerSlot
    flow: SendCanary


def canary(environ: Mapping[str, str] | None = None) -> Canary:
    """Build what ``canary`` needs; raises ConfigError."""
    from shared.adapters.canary_orders import SignedOrders
    from shared.adapters.canary_visitor import ChatVisitor
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_canary import FirestoreCanaryRemains, FirestoreCanaryRuns
    from shared.adapters.system import SystemChance, SystemClock
    from shared.domain.canary import ORDER_LIFE
    from shared.flows.admit_message import CLAIM_LIFE
    from shared.flows.canary import SendCanary

    needed = ("OIDC_AUDIENCE", "SCHEDULER_INVOKER_EMAIL", "CHAT_URL", "LEAD_CHANNELS")
    settings = settings_for("canary", *needed, environ=environ)
    database = Database(settings.project)
    channels = settings.canary_channels
    flow = SendCanary(
        runs=FirestoreCanaryRuns(database),
        remains=FirestoreCanaryRemains(database),
        visitor=ChatVisitor(settings.chat_url or ""),
        orders=SignedOrders(settings.canary_keys) if settings.canary_keys else None,
        queue=tasks_queue(settings),
        remote=_items(settings),
        channels=channels,
        without=tuple(name for name in settings.lead_channels if name not in channels),
        deadline=settings.canary_deadline,
        doubt=ORDER_LIFE + CLAIM_LIFE,
        erase_seconds=settings.destination_deadline_seconds,
        pause=time.sleep,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return Canary(guard(settings, settings.scheduler_invoker_email), once_per_slot(database), flow)


def missing_canary(settings: Settings, database: Database) -> MissCanary:
    """What tells that no canary was sent for too long."""
    from shared.adapters.firestore_canary import FirestoreCanaryRuns
    from shared.flows.canary import MissCanary

    return MissCanary(FirestoreCanaryRuns(database), settings.canary_missing_after, events.log)


def look_at_canary(settings: Settings, database: Database) -> LookAtCanary:
    """What the console shows of canaries."""
    from shared.adapters.firestore_canary import FirestoreCanaryRuns
    from shared.flows.canary_view import LookAtCanary

    return LookAtCanary(FirestoreCanaryRuns(database), settings.canary_missing_after, events.log)


def _items(settings: Settings) -> RemoteEraser | None:
    """What deletes the items of canaries at Monday.com; None where none are made."""
    if "monday" not in settings.channels:
        return None
    from shared.adapters.http import CANARY_AGENT
    from shared.adapters.monday_erasing import MondayErasing

    return MondayErasing(
        api_key=settings.monday_api_key or "",
        board_id=settings.canary_monday_board_id or settings.monday_board_id or "",
        api_url=settings.monday_api_url,
        columns=settings.monday_columns or {},
        agent=CANARY_AGENT,
    )
