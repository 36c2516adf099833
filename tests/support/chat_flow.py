"""The flow that answers messages, over fakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.adapters.knowledge_file import load_knowledge
from shared.domain import ids
from shared.domain.admission import Limit, Memory
from shared.domain.contact import ContactDetails
from shared.domain.turn import LeadPolicy, Visitor
from shared.flows.answer_message import AnswerMessage, MessageAnswering
from tests.support.fakes import FakeChance, FakeChatStore, FakeClock, FakeQueue, RecordedEvents, seconds

KNOWLEDGE = load_knowledge(Path(__file__).parents[2] / "shared/knowledge/sample.yaml")
LIMIT = Limit("chat", 3, 60)
LEAD_MESSAGE = "Hi, call me, ana@example.com"
KEY = "key-1"


class Chat:
    """The flow over fakes."""

    def __init__(self, store: FakeChatStore | None = None, queue: FakeQueue | None = None, **parts: Any) -> None:
        self.store = store or FakeChatStore()
        self.queue = queue or FakeQueue()
        self.clock, self.events = FakeClock(), RecordedEvents()
        known: dict[str, Any] = {
            "store": self.store,
            "queue": self.queue,
            "knowledge": KNOWLEDGE,
            "limits": (LIMIT,),
            "leads": LeadPolicy(("slack",), seconds(10)),
            "memory": Memory(),
            "clock": self.clock,
            "chance": FakeChance(),
            "events": self.events,
        }
        self.answer = MessageAnswering(**known | parts)

    def stored(self, collection: str) -> dict[str, Any]:
        """What a collection holds."""
        return {name: stored.value for name, stored in self.store.documents.under(collection).items()}


def ask(
    message: str = "Hello!", *, key: str | None = None, session: str | None = None, client: str = "a"
) -> AnswerMessage:
    """A message as the edge gives it."""
    visitor = Visitor(message, ContactDetails(), None, None)
    return AnswerMessage(visitor, session, key, client, ids.request_hash(message))
