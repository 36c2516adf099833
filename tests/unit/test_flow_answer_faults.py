"""Answering a message while others write, answers get lost, and time runs out: once, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.turn import LEAD
from shared.errors import KeyInProgress, Outlived, Unavailable
from shared.ports import TurnCommit
from tests.support.chat_flow import KEY, KNOWLEDGE, LEAD_MESSAGE, Chat, ask
from tests.support.fakes import (
    ContendedChatStore,
    Documents,
    FakeChance,
    FakeChatStore,
    RacedChatStore,
    UnansweredChatStore,
    UnreachableChatStore,
    seconds,
)

SESSION = "5" * 32


class CountingKnowledge:
    """Knowledge that counts how often an answer is composed from it."""

    def __init__(self) -> None:
        self.composed = 0

    def __getattr__(self, name: str) -> Any:
        self.composed += name == "best_match"
        return getattr(KNOWLEDGE, name)


def another_turn(documents: Documents, message: str) -> Any:
    """The same visitor's other message, which is written just before ours."""

    def write(_commit: TurnCommit) -> None:
        chance = FakeChance(start=int.from_bytes(message.encode()))
        Chat(FakeChatStore(documents), chance=chance).answer(ask(message, session=SESSION, client="other tab"))

    return write


def raced(*messages: str, **parts: Any) -> Chat:
    """A chat with other turns written just before each of its first commits."""
    documents = Documents()
    return Chat(RacedChatStore(documents, *(another_turn(documents, message) for message in messages)), **parts)


def test_a_conflict_with_another_turn_applies_ours_to_what_stands() -> None:
    """Both turns are kept, in the order of their commits."""
    chat = raced("Hello from the other tab")
    chat.answer(ask("Hello!", session=SESSION, key=KEY))
    [conversation] = chat.stored("conversations").values()
    assert [turn.question for turn in conversation.turns] == ["Hello from the other tab", "Hello!"]
    assert len(chat.stored("messages")) == 2


def test_two_turns_at_once_with_an_address_make_one_lead() -> None:
    """The second finds the first's alert and makes none; the visitor is answered twice."""
    chat = raced(LEAD_MESSAGE)
    chat.answer(ask(LEAD_MESSAGE, session=SESSION))
    assert len(chat.stored("alerts")) == 1
    assert list(chat.stored("tallies").values()) == [1]
    assert chat.queue.asked == []
    assert LEAD in next(iter(chat.stored("conversations").values())).alerted


def test_a_turn_applied_again_is_not_composed_again() -> None:
    """The model is not asked twice; the visitor gets what was composed first."""
    alone, knowledge = CountingKnowledge(), CountingKnowledge()
    Chat(knowledge=alone).answer(ask("Hello!", session=SESSION))
    chat = raced("ana@example.com", "Hi", knowledge=knowledge)
    body = chat.answer(ask("Hello!", session=SESSION)).body
    assert knowledge.composed == alone.composed
    assert [c for c in chat.store.calls if c == "commit_turn"] == ["commit_turn"] * 3
    last = next(iter(chat.stored("conversations").values())).turns[-1]
    assert (last.question, last.answer) == ("Hello!", body["response"])


def test_a_turn_gives_up_after_three_conflicts() -> None:
    """503, our turn is not written, and the key can be used again at once."""
    chat = raced("one", "two", "three")
    with pytest.raises(Unavailable):
        chat.answer(ask(session=SESSION, key=KEY))
    assert len(chat.stored("messages")) == 3
    assert chat.stored("admissions") == {}
    assert not chat.answer(ask(session=SESSION, key=KEY)).replayed


@pytest.mark.parametrize("times", [1, 2])
def test_f22_contention_at_the_commit_is_tried_again(times: int) -> None:
    """Nothing was written: the same commit may pass."""
    chat = Chat(ContendedChatStore("commit_turn", times))
    chat.answer(ask(LEAD_MESSAGE, key=KEY))
    assert len(chat.stored("messages")) == len(chat.stored("alerts")) == 1


def test_f22_contention_without_end_is_unavailable() -> None:
    """503, no partial state, the claim given back."""
    chat = Chat(ContendedChatStore("commit_turn", 5))
    with pytest.raises(Unavailable):
        chat.answer(ask(LEAD_MESSAGE, key=KEY))
    assert chat.stored("messages") == chat.stored("alerts") == chat.stored("admissions") == {}
    assert chat.queue.asked == []


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("takes_effect", [True, False])
@pytest.mark.parametrize("commits", [1, 2])
def test_f03_a_commit_whose_answer_is_lost_happens_once(key: str | None, *, takes_effect: bool, commits: int) -> None:
    """Whether it took effect is found out: one turn, one alert, one task, one answer."""
    chat = Chat(UnansweredChatStore(takes_effect=takes_effect, commits=commits))
    answered = chat.answer(ask(LEAD_MESSAGE, key=key))
    assert not answered.replayed
    [conversation] = chat.stored("conversations").values()
    assert (conversation.turn_count, len(chat.stored("messages"))) == (1, 1)
    assert (len(chat.stored("alerts")), list(chat.stored("tallies").values())) == (1, [1])
    assert len(chat.queue.asked) == 1
    if key:
        assert dict(chat.answer(ask(LEAD_MESSAGE, key=key)).body) == dict(answered.body)


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_lost_answer_that_cannot_be_looked_up_is_unavailable(*, takes_effect: bool) -> None:
    """The retry with the same key finds it: no second alert, and no lead lost."""
    documents = Documents()
    chat = Chat(UnansweredChatStore(documents, takes_effect=takes_effect))
    blind = UnreachableChatStore("reread")
    blind.documents = documents
    chat.store.reread = blind.reread  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        chat.answer(ask(LEAD_MESSAGE, key=KEY))
    again = Chat(FakeChatStore(documents)).answer(ask(LEAD_MESSAGE, key=KEY))
    assert again.replayed is takes_effect
    assert len(chat.stored("alerts")) == len(chat.stored("messages")) == 1


def test_a_handler_that_outlived_its_claim_writes_nothing() -> None:
    """Another may hold the key by now: 409, and that one's claim stays."""
    chat = Chat()

    class Slow(CountingKnowledge):
        """Composing takes a minute."""

        def __getattr__(self, name: str) -> Any:
            if name == "best_match":
                chat.clock.advance(60)
            return super().__getattr__(name)

    slow = replace(chat.answer, knowledge=Slow())
    with pytest.raises(Outlived):
        slow(ask(LEAD_MESSAGE, key=KEY))
    assert chat.stored("conversations") == chat.stored("alerts") == chat.stored("messages") == {}
    assert chat.events.names == ["claim_outlived"]


def test_without_a_key_there_is_no_claim_to_outlive() -> None:
    """A slow answer is an answer."""
    chat = Chat()

    class Slow(CountingKnowledge):
        """Composing takes two minutes."""

        def __getattr__(self, name: str) -> Any:
            if name == "best_match":
                chat.clock.advance(120)
            return super().__getattr__(name)

    replace(chat.answer, knowledge=Slow())(ask(LEAD_MESSAGE))
    assert len(chat.stored("alerts")) == 1


def test_a_claim_taken_over_meanwhile_stops_the_first_handler() -> None:
    """Its instance's clock may say otherwise: the commit's precondition decides, and the new holder's claim stays."""
    documents = Documents()
    second = Chat(FakeChatStore(documents), chance=FakeChance(start=1000))

    def take_over(_commit: TurnCommit) -> None:
        documents.now += seconds(61)
        second.clock.advance(61)
        second.answer(ask(LEAD_MESSAGE, key=KEY, session=SESSION))

    chat = Chat(RacedChatStore(documents, take_over))
    with pytest.raises(Outlived):
        chat.answer(ask(LEAD_MESSAGE, key=KEY, session=SESSION))
    assert len(chat.stored("messages")) == len(chat.stored("alerts")) == len(chat.stored("admissions")) == 1
    assert second.answer(ask(LEAD_MESSAGE, key=KEY, session=SESSION)).replayed


def test_a_release_that_fails_is_reported_and_does_not_hide_the_error() -> None:
    """The claim ends by itself a minute later."""
    chat = Chat(UnreachableChatStore("commit_turn", "release"))
    with pytest.raises(Unavailable):
        chat.answer(ask(key=KEY))
    assert chat.events.names == ["storage_failed", "storage_failed"]
    chat.store = FakeChatStore(chat.store.documents)
    with pytest.raises(KeyInProgress):
        replace(chat.answer, store=chat.store)(ask(key=KEY))


def test_an_unexpected_error_gives_the_claim_back_too() -> None:
    """A bug of ours must not lock the visitor's key."""
    chat = Chat(knowledge=None)
    with pytest.raises(AttributeError):
        chat.answer(ask(key=KEY))
    assert chat.stored("admissions") == {}
    assert chat.store.calls == ["open_turn", "release"]
