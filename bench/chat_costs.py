"""What one chat costs at Firestore, counted in this process, in the wire; for each way it can go."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bench.chat_stage import SETTINGS
from bench.hands import CountingQueue
from bench.meter import Meter
from shared import bootstrap
from shared.adapters.firestore_chat import FirestoreChat
from shared.domain import ids
from shared.domain.admission import Limit, Memory
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Conversation, Turn
from shared.domain.turn import Visitor
from shared.errors import RateLimited
from shared.flows.answer_message import AnswerMessage, MessageAnswering
from shared.ports import TurnCommit

DISTANCE_SECONDS = 0.02
"""What every call takes longer here: calls that are under way at the same time are then seen to be."""

QUESTION = "What are your opening hours?"
LEAD = "Hi, call me about my flat, ana@example.com"
ENVIRON = SETTINGS | {
    "LEAD_CHANNELS": "slack, monday",
    "CHAT_RATE_LIMIT": "30 per minute",
    "DELIVER_ALERT_URL": "https://deliver.example.com",
    "TASKS_INVOKER_EMAIL": "tasks@example.com",
}


@dataclass(frozen=True)
class Cost:
    """Of one request.

    Attributes:
        round_trips: calls that had to wait for one another.
        calls: all of them.
        reads: documents billed as read; likewise the next two.
        writes: written.
        deletes: deleted.
        tasks: operations at Cloud Tasks.
    """

    round_trips: int
    calls: int
    reads: int
    writes: int
    deletes: int = 0
    tasks: int = 0


NOTHING = Cost(0, 0, 0, 0)


class World:
    """The flow as it is deployed, counted, but for the tasks, which are counted and not made."""

    def __init__(self) -> None:
        built = bootstrap.chat(ENVIRON | {"GOOGLE_CLOUD_PROJECT": f"demo-bench-{secrets.token_hex(4)}"}).flow
        if not isinstance(built.store, FirestoreChat):
            raise TypeError("the flow's store is not Firestore")
        self.meter, self.queue, self.store = Meter(), CountingQueue(), built.store
        self.meter.watch(built.store._database)  # noqa: SLF001 - the wire that is counted in
        self.flow: MessageAnswering = replace(built, queue=self.queue, events=_silent)
        self.ask()  # the first call connects
        self.meter.distance = DISTANCE_SECONDS

    def ask(
        self, message: str = QUESTION, *, session: str | None = None, key: str | None = None, client: str = ""
    ) -> Cost:
        """One message, refused or not; what it cost."""
        self.meter.reset()
        self.queue.operations = 0
        visitor = Visitor(message, ContactDetails(), None, None)
        with suppress(RateLimited):
            self.flow(AnswerMessage(visitor, session, key, client or secrets.token_hex(8), ids.request_hash(message)))
        meter = self.meter
        counted = (meter.round_trips, len(meter.calls), meter.reads, meter.writes, meter.deletes)
        return Cost(*counted, self.queue.operations)

    def limited(self, *limits: Limit) -> None:
        """Go on with these limits."""
        self.flow = replace(self.flow, limits=limits, memory=Memory())

    def talked(self, turns: int) -> str:
        """The session of a visitor who has written so often; the conversation is stored as the flow stores it."""
        session = secrets.token_hex(16)
        began = datetime.now(UTC) - timedelta(seconds=turns)
        stands = Conversation.begun(ids.conversation_id(session), "en", began)
        for number in range(turns):
            answer = "We are open from Monday to Friday, from 9 am to 5 pm."
            stands = stands.with_turn(Turn(QUESTION, answer, began + timedelta(seconds=number)))
        self.store.commit_turn(
            TurnCommit(
                conversation=stands,
                conversation_version=None,
                message_id=secrets.token_hex(16),
                turn=stands.turns[-1],
                alerts=(),
                claim=None,
                answer={},
                answer_expires_at=began,
            )
        )
        return session


def measure() -> dict[str, Cost]:
    """The cost of each way, on the emulator that the environment names; a fresh world for each."""
    return {name: way(World()) for name, way in WAYS.items()}


def _silent(event: str, /, **values: str | float | None) -> None:
    """Events have no place in a table."""
    del event, values


def _plain(world: World) -> Cost:
    return world.ask()


def _keyed(world: World) -> Cost:
    return world.ask(key="key")


def _turn(number: int, key: str | None = None) -> Callable[[World], Cost]:
    return lambda world: world.ask(session=world.talked(number - 1), key=key)


def _lead(world: World) -> Cost:
    return world.ask(LEAD, session=world.talked(2), key="key")


def _three_windows(world: World) -> Cost:
    world.limited(Limit("chat", 30, 60), Limit("chat-3600", 100, 3600), Limit("chat-86400", 500, 86400))
    return world.ask(session=world.talked(2), key="key")


def _replayed(world: World) -> Cost:
    session = world.talked(2)
    world.ask(session=session, key="key")
    return world.ask(session=session, key="key")


def _denied(times: int) -> Callable[[World], Cost]:
    """By a limit of one an hour, so that no window ends meanwhile but once in a while."""

    def way(world: World) -> Cost:
        world.limited(Limit("chat", 1, 3600))
        costs = [world.ask(key=f"key {number}", client="one") for number in range(times + 1)]
        return costs[-1]

    return way


FIRST, FIRST_KEYED, LATER, LATER_KEYED = "first message", "first, with a key", "turn 3", "turn 3, with a key"
AT_300, AT_300_KEYED = "turn 300", "turn 300, with a key"
WITH_LEAD, WINDOWS = "a lead, two alerts, with a key", "three windows, with a key"
REPLAYED, DENIED, AGAIN = "replayed", "denied, with a key", "denied again"

WAYS: dict[str, Callable[[World], Cost]] = {
    FIRST: _plain,
    FIRST_KEYED: _keyed,
    LATER: _turn(3),
    LATER_KEYED: _turn(3, "key"),
    AT_300: _turn(300),
    AT_300_KEYED: _turn(300, "key"),
    WITH_LEAD: _lead,
    WINDOWS: _three_windows,
    REPLAYED: _replayed,
    DENIED: _denied(1),
    AGAIN: _denied(2),
}

AT_MOST: dict[str, Cost] = {
    FIRST: Cost(2, 2, 0, 3),
    FIRST_KEYED: Cost(2, 2, 0, 5),
    LATER: Cost(2, 3, 1, 3),
    LATER_KEYED: Cost(2, 3, 1, 5),
    AT_300: Cost(2, 3, 1, 3),
    AT_300_KEYED: Cost(2, 3, 1, 5),
    WITH_LEAD: Cost(2, 3, 1, 5 + 2 * 2, tasks=2),
    WINDOWS: Cost(2, 3, 1, 5 + 2),
    REPLAYED: Cost(2, 2 + 1, 1 + 1, 0),
    DENIED: Cost(2, 2, 0, 2, 1),
    AGAIN: NOTHING,
}
"""What issue 4 allows. A replay reads the conversation beside the claim that is refused, and then the saved answer."""
