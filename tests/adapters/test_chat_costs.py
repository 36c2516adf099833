"""What a chat costs, counted on the wire to the real Firestore: round trips, calls, documents read and written."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.system import SystemChance
from shared.domain import ids
from shared.domain.admission import Limit
from shared.domain.budget import Budget
from shared.domain.contact import ContactDetails
from shared.domain.turn import LeadPolicy
from shared.errors import KeyInProgress, KeyReused, RateLimited
from shared.flows.admit_message import AnswerMessage
from tests.adapters.conftest import FirestoreWorld
from tests.support.chat_flow import KEY, LEAD_MESSAGE, Chat, ask
from tests.support.fakes import FakeClock, seconds
from tests.support.turns import commit, conversation

SESSION = "5" * 32
FIRST, LATER = ["Commit", "Commit"], ["BatchGetDocuments", "Commit", "Commit"]


class Counted:
    """The flow on Firestore, and what each of its answers costs."""

    def __init__(self, world: FirestoreWorld, **parts: object) -> None:
        self.wire = world.wire
        clock = FakeClock(datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(seconds=1))
        leads = LeadPolicy(("slack", "monday"), seconds(10))
        known = {"clock": clock, "chance": SystemChance(), "leads": leads, "limits": (Limit("chat", 30, 60),)}
        self.chat = Chat(world.chat, **(known | parts))  # type: ignore[arg-type]

    def cost(self, command: AnswerMessage) -> tuple[list[str], dict[str, int]]:
        """The calls in order of their names, and the documents."""
        self.wire.clear()
        self.chat.answer(command)
        return sorted(self.wire.calls), dict(self.wire.billed)


@pytest.mark.parametrize(
    ("message", "key", "session", "calls", "billed"),
    [
        ("Hello!", None, None, FIRST, {"writes": 3}),
        ("Hello!", KEY, None, FIRST, {"writes": 5}),
        ("Hello!", None, SESSION, LATER, {"reads": 1, "writes": 3}),
        ("Hello!", KEY, SESSION, LATER, {"reads": 1, "writes": 5}),
        (LEAD_MESSAGE, KEY, SESSION, LATER, {"reads": 1, "writes": 5 + 2 * 2}),
    ],
)
def test_a_chat_costs_three_calls_at_most(
    firestore_world: FirestoreWorld,
    message: str,
    key: str | None,
    session: str | None,
    calls: list[str],
    billed: dict[str, int],
) -> None:
    """One read where there is a session; five writes with a key, three without, two more for each alert."""
    counted = Counted(firestore_world)
    assert counted.cost(ask(message, key=key, session=session)) == (calls, billed)


def test_each_further_window_costs_one_write(firestore_world: FirestoreWorld) -> None:
    """In the same commit."""
    limits = tuple(Limit(f"chat-{length}", 30, length) for length in (60, 3600, 86400))
    assert Counted(firestore_world, limits=limits).cost(ask(session=SESSION)) == (LATER, {"reads": 1, "writes": 5})


def test_a_chat_is_two_round_trips(firestore_world: FirestoreWorld) -> None:
    """The admission's commit and the read are under way at the same time, the turn's commit follows."""
    counted = Counted(firestore_world)
    both, alone = threading.Barrier(2, timeout=10), []

    def leaves(_name: str) -> None:
        if len(counted.wire.calls) <= 2 and not alone:
            both.wait()
        else:
            alone.append(len(counted.wire.calls))

    counted.wire.before = leaves
    counted.chat.answer(ask(key=KEY, session=SESSION))
    assert alone == [3]


@pytest.mark.parametrize("message", ["Hello!", LEAD_MESSAGE])
def test_a_replay_costs_what_was_asked_and_one_read(firestore_world: FirestoreWorld, message: str) -> None:
    """The refused claim, which writes nothing, and the read of the saved answer; a live or reused key the same."""
    counted = Counted(firestore_world)
    counted.chat.answer(ask(message, key=KEY))
    calls, billed = counted.cost(ask(message, key=KEY))
    assert (calls, billed["reads"]) == (["BatchGetDocuments", "Commit"], 1)
    counted.wire.clear()
    with pytest.raises(KeyReused):
        counted.chat.answer(ask("Goodbye!", key=KEY))
    assert sorted(counted.wire.calls) == ["BatchGetDocuments", "Commit"]


def test_f33_a_refusal_costs_its_count_and_the_next_ones_nothing(firestore_world: FirestoreWorld) -> None:
    """With a key the claim and its deletion too, once."""
    counted = Counted(firestore_world, limits=(Limit("chat", 1, 60),))
    counted.chat.answer(ask())
    counted.wire.clear()
    with pytest.raises(RateLimited):
        counted.chat.answer(ask(key=KEY))
    assert counted.wire.calls == ["Commit", "Commit"]
    assert counted.wire.billed == {"writes": 2, "deletes": 1}
    counted.wire.clear()
    for _ in range(50):
        with pytest.raises(RateLimited):
            counted.chat.answer(ask(key=KEY, session=SESSION))
    assert counted.wire.calls == []


def test_the_three_hundredth_turn_costs_what_the_third_does(firestore_world: FirestoreWorld) -> None:
    """The same calls and documents, and none of them grows: the conversation keeps its last turns only."""
    costs, sizes = [], []
    for turns in (2, 299):
        session = f"{turns:032x}"
        counted = Counted(firestore_world)
        stands = conversation(turns, id=ids.conversation_id(session), details=ContactDetails())
        firestore_world.chat.commit_turn(commit(stands))
        costs.append(counted.cost(ask(session=session, key=KEY)))
        document = firestore_world.document("conversations", stands.id)
        assert document["turn_count"] == turns + 1
        sizes.append(len(document["turns"]))
    assert costs[0] == costs[1] == (LATER, {"reads": 1, "writes": 5})
    assert sizes == [3, 12]


def test_the_budget_costs_one_write_in_a_lease_and_no_call(firestore_world: FirestoreWorld) -> None:
    """Two instances that share a budget of a thousand: ten messages a lease."""
    other = FirestoreWorld(firestore_world.project)
    instances = [Counted(each, budget=Budget(1000)) for each in (firestore_world, other)]
    billed: Counter[str] = Counter()
    for number in range(40):
        calls, documents = instances[number % 2].cost(ask(client=f"{number}"))
        billed.update(documents)
        assert calls == FIRST
    other.close()
    assert billed == {"writes": 40 * 3 + 40 // 10}


def test_two_instances_share_one_budget_on_firestore(firestore_world: FirestoreWorld) -> None:
    """Of forty messages as many as it says are answered in full, the others as a contact form would."""
    other = FirestoreWorld(firestore_world.project)
    instances = [Counted(each, budget=Budget(25)) for each in (firestore_world, other)]
    for number in range(40):
        instances[number % 2].chat.answer(ask(client=f"{number}"))
    other.close()
    spent = [event for each in instances for event in each.chat.events.names if event == "budget_spent"]
    assert len(spent) == 15


def test_f27_f25_a_key_on_firestore_runs_once_and_replays(firestore_world: FirestoreWorld) -> None:
    """Two instances, the same key at once: one answers, the other is asked to wait, and then gets that answer."""
    other = FirestoreWorld(firestore_world.project)
    first, second = Counted(firestore_world), Counted(other)
    said: list[str] = []

    def meanwhile(_name: str) -> None:
        if first.wire.calls == FIRST and not said:
            try:
                second.chat.answer(ask(LEAD_MESSAGE, key=KEY))
            except KeyInProgress as refused:
                said.append(f"come again in {refused.retry_after}")

    firestore_world.wire.before = meanwhile
    body = first.chat.answer(ask(LEAD_MESSAGE, key=KEY)).body
    replay = second.chat.answer(ask(LEAD_MESSAGE, key=KEY))
    other.close()
    assert said == ["come again in 1"]
    assert (replay.replayed, dict(replay.body)) == (True, dict(body))
    assert len(firestore_world.names("messages")) == 1
    assert len(firestore_world.names("alerts")) == 2
