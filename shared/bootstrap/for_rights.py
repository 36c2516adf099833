"""What the functions ``unsubscribe`` and ``send_followups`` need, and the sweep's part in erasures."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared import events
from shared.bootstrap.limits import rate_guard
from shared.bootstrap.parts import continuation, guard, once_per_slot, policy, settings_for, tasks_queue

if TYPE_CHECKING:
    from shared.adapters.firestore import Database
    from shared.config import Settings
    from shared.edge.oidc import OidcGuard
    from shared.edge.unsubscribe_answers import Answers
    from shared.flows.erase import Erasing
    from shared.flows.job_slot import OncePerSlot
    from shared.flows.opt_out import OptingOut
    from shared.flows.send_followups import SendFollowups
    from shared.ports.rights import RemoteEraser

PATH = "/unsubscribe"
FOLLOWUPS_PAGE = 50
FOLLOWUPS_SECONDS = 45.0
ERASURE_SECONDS = 20.0


@dataclass(frozen=True)
class Unsubscribing:
    """What the function ``unsubscribe`` needs."""

    settings: Settings
    flow: OptingOut
    answers: Answers


def unsubscribe(environ: Mapping[str, str] | None = None) -> Unsubscribing:
    """Build what ``unsubscribe`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_rights import FirestoreRights
    from shared.adapters.system import SystemChance, SystemClock
    from shared.adapters.tokens import SignedTokens
    from shared.edge.pages import Pages
    from shared.edge.unsubscribe_answers import Answers
    from shared.flows.opt_out import OptingOut

    settings = settings_for("unsubscribe", environ=environ)
    database = Database(settings.project)
    flow = OptingOut(
        store=FirestoreRights(database),
        tokens=SignedTokens(settings.token_signing_keys),
        guard=rate_guard(settings, "unsubscribe", database),
        sweep=continuation(settings, "sweeps", settings.sweep_url),
        hash_key=settings.address_hash_key or "",
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    pages = Pages(f"{settings.public_base_url}{PATH}", sender_name(settings))
    policies = tuple((limit.name, limit.quota, limit.seconds) for limit in flow.guard.limits)
    return Unsubscribing(settings, flow, Answers(pages, policies))


@dataclass(frozen=True)
class FollowingUp:
    """What the function ``send_followups`` needs."""

    guard: OidcGuard
    once: OncePerSlot
    flow: SendFollowups


def send_followups(environ: Mapping[str, str] | None = None) -> FollowingUp:
    """Build what ``send_followups`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.firestore_followups import FirestoreFollowups
    from shared.adapters.knowledge_file import load_knowledge
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.send_followups import SendFollowups

    settings = settings_for("send_followups", environ=environ)
    database = Database(settings.project)
    flow = SendFollowups(
        store=FirestoreFollowups(database, settings.address_hash_key or ""),
        queue=tasks_queue(settings),
        again=continuation(settings, "followups", settings.followups_url),
        delays=settings.followup_delays,
        business=load_knowledge(Path(settings.knowledge_path) if settings.knowledge_path else None).business,
        grace=timedelta(seconds=settings.sweep_grace_seconds),
        page=FOLLOWUPS_PAGE,
        run_seconds=FOLLOWUPS_SECONDS,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return FollowingUp(guard(settings, settings.scheduler_invoker_email), once_per_slot(database), flow)


def sender_name(settings: Settings) -> str:
    """Who e-mails come from, for people: the name in ``MAIL_FROM``, or its domain."""
    from shared.mail_settings import sender

    address = sender(settings.mail_from or "")
    return address.display_name or address.domain


def erasing(settings: Settings, database: Database) -> Erasing:
    """The flow that erases, which the sweep goes on with."""
    from shared.adapters.firestore_alerts import FirestoreAlerts
    from shared.adapters.firestore_erasures import FirestoreErasures
    from shared.adapters.system import SystemChance, SystemClock
    from shared.flows.erase import Erasing

    budgets = policy(settings)
    return Erasing(
        store=FirestoreErasures(database, timedelta(days=settings.retention_days)),
        alerts=FirestoreAlerts(database),
        queue=tasks_queue(settings),
        remotes=_remotes(settings),
        sweep=continuation(settings, "sweeps", settings.sweep_url),
        lease=budgets.lease,
        wait=budgets.scheduled_wait,
        relook=timedelta(seconds=settings.erasure_relook_seconds),
        overdue=settings.max_parked_age,
        ask_seconds=settings.destination_deadline_seconds,
        run_seconds=ERASURE_SECONDS,
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )


def _remotes(settings: Settings) -> dict[str, RemoteEraser]:
    """The destinations that can delete what they were sent."""
    if "monday" not in settings.channels:
        return {}
    from shared.adapters.monday_erasing import MondayErasing

    return {
        "monday": MondayErasing(
            api_key=settings.monday_api_key or "",
            board_id=settings.monday_board_id or "",
            api_url=settings.monday_api_url,
            group_id=settings.monday_group_id,
            columns=settings.monday_columns or {},
        )
    }
