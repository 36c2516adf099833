"""What the function ``chat`` needs."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import events
from shared.bootstrap.limits import chat_limits, chat_store
from shared.bootstrap.parts import settings_for, tasks_queue

if TYPE_CHECKING:
    from shared.config import Settings
    from shared.domain.canary import Order
    from shared.flows.answer_message import MessageAnswering
    from shared.flows.reply_to_message import ModelHelp


@dataclass(frozen=True, repr=False, eq=False)
class Chat:
    """What the function ``chat`` needs: its settings, its flow, and the country phone numbers are read in."""

    settings: Settings
    flow: MessageAnswering
    phone_region: str

    def words(self) -> Mapping[str, Any]:
        """What the chat window needs to know of the business, as JSON.

        ``business`` and its usual ``language``; ``consent``: what visitors agree to, by language; ``asks``: the
        sentences with which an answer asks for contact details.
        """
        knowledge = self.flow.knowledge
        phrases = knowledge.phrases.values()
        return {
            "business": knowledge.business,
            "language": knowledge.default_language,
            "consent": dict(knowledge.consent_wording),
            "asks": [sentence for each in phrases for sentence in (each.ask_contact, each.handoff_ask)],
        }


def chat(environ: Mapping[str, str] | None = None) -> Chat:
    """Build what ``chat`` needs; raises ConfigError."""
    from shared.adapters.firestore import Database
    from shared.adapters.knowledge_file import load_knowledge
    from shared.adapters.system import SystemChance, SystemClock
    from shared.domain.admission import Memory
    from shared.domain.budget import Budget
    from shared.domain.turn import LeadPolicy
    from shared.flows.answer_message import MessageAnswering

    settings = settings_for("chat", environ=environ)
    knowledge = load_knowledge(Path(settings.knowledge_path) if settings.knowledge_path else None)
    flow = MessageAnswering(
        store=chat_store(settings, Database(settings.project)),
        queue=tasks_queue(settings),
        knowledge=knowledge,
        limits=chat_limits(settings),
        leads=LeadPolicy(
            settings.lead_channels,
            timedelta(seconds=settings.sweep_grace_seconds),
            settings.hot_lead_score,
            settings.followup_delays[0],
        ),
        memory=Memory(),
        clock=SystemClock(),
        chance=SystemChance(),
        events=events.log,
        budget=Budget(settings.chat_daily_budget) if settings.chat_daily_budget is not None else None,
        help=model_help(settings),
        hash_key=settings.address_hash_key,
        canaries=_canaries(settings.canary_keys) if settings.canary_keys else None,
    )
    return Chat(settings, flow, knowledge.phone_region)


def _canaries(keys: tuple[str, ...]) -> Callable[[str, datetime], Order]:
    """Reads what canaries show; nothing of that is imported before the first one comes."""

    def read(token: str, now: datetime) -> Order:
        from shared.adapters.canary_orders import SignedOrders

        return SignedOrders(keys).read(token, now)

    return read


def model_help(settings: Settings) -> ModelHelp | None:
    """The language model, None where none is configured: then nothing of it is imported."""
    if settings.llm_base_url is None or settings.llm_model is None:
        return None
    from shared.adapters.language_model import OpenAiModel
    from shared.flows.reply_to_message import ModelHelp

    model = OpenAiModel(settings.llm_base_url, settings.llm_model, settings.llm_api_key, events.log)
    return ModelHelp(model, settings.llm_deadline_seconds)
