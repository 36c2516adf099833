"""What the function ``chat`` needs."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared import events
from shared.bootstrap.parts import settings_for, tasks_queue

if TYPE_CHECKING:
    from shared.config import Settings
    from shared.domain.admission import Limit
    from shared.flows.answer_message import MessageAnswering


@dataclass(frozen=True)
class Chat:
    """What the function ``chat`` needs: its settings, its flow, and the country phone numbers are read in."""

    settings: Settings
    flow: MessageAnswering
    phone_region: str


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
        queue=tasks_queue(settings),
        knowledge=knowledge,
        limits=chat_limits(settings),
        leads=LeadPolicy(settings.lead_channels, timedelta(seconds=settings.sweep_grace_seconds)),
        memory=Memory(),
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
    )
    return Chat(settings, flow, knowledge.phone_region)


def chat_limits(settings: Settings) -> tuple[Limit, ...]:
    """The chat's limits, the first one named ``chat``, further ones after their windows."""
    from shared.domain.admission import Limit

    return tuple(
        Limit("chat" if number == 0 else f"chat-{seconds}", quota, seconds)
        for number, (quota, seconds) in enumerate(settings.chat_rate_limit.pairs)
    )
