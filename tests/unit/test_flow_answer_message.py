"""Answering a message: admitted once, written whole, answered after the commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import ids
from shared.domain.admission import Limit, Memory, windows
from shared.domain.turn import LEAD
from shared.errors import KeyInProgress, KeyReused, RateLimited, Unavailable
from tests.support.chat_flow import KEY, LEAD_MESSAGE, LIMIT, Chat, ask
from tests.support.fakes import (
    ContendedChatStore,
    FakeChance,
    RefusingQueue,
    UnreachableChatStore,
    seconds,
)


def test_a_new_visitor_is_answered_and_given_a_session() -> None:
    """One admission, one commit, nothing queued where there is no lead."""
    chat = Chat()
    answered = chat.answer(ask())
    session = answered.body["session_id"]
    assert answered.body["conversation_id"] == ids.conversation_id(session)
    assert (answered.body["response"] != "", answered.replayed, chat.queue.asked) == (True, False, [])
    assert answered.rate is not None
    assert (answered.rate.remaining, answered.rate.limit) == (2, LIMIT)
    assert chat.store.calls == ["open_turn", "commit_turn"]
    assert chat.events.names == ["turn_answered"]


def test_a_lead_is_written_in_the_turns_commit_and_then_queued() -> None:
    """Conversation, message, alert and tally together; the task carries the alert's id and first generation."""
    chat = Chat()
    body = chat.answer(ask(LEAD_MESSAGE)).body
    alert_id = ids.alert_id(body["conversation_id"], LEAD, "slack")
    assert list(chat.stored("alerts")) == [alert_id]
    assert chat.stored("tallies") == {f"slack.lead.{alert_id}": 1}
    [message] = chat.stored("messages").values()
    assert ([alert.id for alert in message.alerts], message.turn.question) == ([alert_id], LEAD_MESSAGE)
    assert [(task.alert_id, task.generation, task.at) for task in chat.queue.asked] == [(alert_id, 1, None)]


def test_a_conversation_goes_on_under_its_session() -> None:
    """The turns add up, the lead is not made again."""
    chat = Chat()
    first = chat.answer(ask(LEAD_MESSAGE)).body
    second = chat.answer(ask("and ana@example.org", session=first["session_id"])).body
    assert second["conversation_id"] == first["conversation_id"]
    [conversation] = chat.stored("conversations").values()
    assert (conversation.turn_count, conversation.details.email) == (2, "ana@example.org")
    assert len(chat.stored("alerts")) == len(chat.queue.asked) == 1


def test_a_well_formed_unknown_session_starts_a_new_conversation() -> None:
    """It keeps the session's name, so that the visitor's next message finds it."""
    body = Chat().answer(ask(session="f" * 32)).body
    assert (body["session_id"], body["conversation_id"]) == ("f" * 32, ids.conversation_id("f" * 32))


def test_f02_a_task_that_cannot_be_created_does_not_stop_the_answer() -> None:
    """The alert is held; the sweep finds it by its wake-up time."""
    chat = Chat(queue=RefusingQueue())
    answered = chat.answer(ask(LEAD_MESSAGE, key=KEY))
    [alert] = chat.stored("alerts").values()
    assert (answered.body["response"] != "", alert.wake_at) == (True, chat.clock.at + seconds(10))
    assert chat.events.of("enqueue_failed") == [
        {"alert_id": alert.id, "channel": "slack", "error": "ServiceUnavailable"}
    ]
    assert chat.answer(ask(LEAD_MESSAGE, key=KEY)).replayed


def test_f25_the_same_key_and_body_replay_the_first_answer() -> None:
    """To the letter, without a second turn, alert, or count."""
    chat = Chat()
    first = chat.answer(ask(LEAD_MESSAGE, key=KEY))
    again = chat.answer(ask(LEAD_MESSAGE, key=KEY))
    assert (dict(again.body), again.replayed, again.rate) == (dict(first.body), True, None)
    assert list(chat.stored("rate_windows").values()) == [1]
    assert len(chat.stored("messages")) == len(chat.queue.asked) == 1


def test_a_saved_answer_is_replayed_for_a_day() -> None:
    """After that the key is free again."""
    chat = Chat()
    chat.answer(ask(key=KEY))
    chat.store.documents.now += timedelta(hours=23, minutes=59)
    assert chat.answer(ask(key=KEY)).replayed
    chat.store.documents.now += timedelta(minutes=2)
    assert not chat.answer(ask(key=KEY)).replayed


def test_f26_the_same_key_with_another_body_is_refused() -> None:
    """A key names one request."""
    chat = Chat()
    chat.answer(ask("Hello!", key=KEY))
    with pytest.raises(KeyReused) as refused:
        chat.answer(ask("Goodbye!", key=KEY))
    assert refused.value.status == 422


def test_f27_the_same_key_while_the_first_still_runs_is_asked_to_wait() -> None:
    """409 with Retry-After; nothing is written or counted."""
    chat = Chat()
    during: list[int | None] = []

    class Asking(FakeChance):
        """The first request is in the middle of its turn."""

        def token(self) -> str:
            given = super().token()
            if chat.stored("admissions") and not during:
                during.append(None)
                with pytest.raises(KeyInProgress) as refused:
                    chat.answer(ask(key=KEY))
                during[:] = [refused.value.retry_after]
            return given

    slow = replace(chat.answer, chance=Asking())
    assert not slow(ask(key=KEY)).replayed
    assert during == [1]
    assert chat.answer(ask(key=KEY)).replayed
    assert list(chat.stored("rate_windows").values()) == [1]


def test_f28_a_key_whose_handler_died_can_be_used_again() -> None:
    """Once its claim has expired, a minute later, the next request takes it over."""
    chat = Chat()
    died = replace(chat.answer, memory=Memory(), knowledge=None)  # dies in the middle, its release too
    died = replace(died, store=UnreachableChatStore("release"))
    died.store.documents = chat.store.documents  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        died(ask(key=KEY))
    with pytest.raises(KeyInProgress):
        chat.answer(ask(key=KEY))
    chat.store.documents.now += seconds(61)
    assert not chat.answer(ask(key=KEY)).replayed


def test_f29_two_clients_may_use_the_same_key() -> None:
    """A key belongs to the session, or else to the address."""
    chat = Chat()
    chat.answer(ask(key=KEY, client="a"))
    assert not chat.answer(ask(key=KEY, client="b")).replayed
    assert not chat.answer(ask(key=KEY, session="e" * 32)).replayed
    assert chat.answer(ask(key=KEY, session="e" * 32, client="elsewhere")).replayed


def test_exactly_the_quota_is_answered_in_a_window() -> None:
    """The next one is told when to come again; another client is none of it."""
    chat = Chat()
    left = [chat.answer(ask()).rate for _ in range(3)]
    assert [rate.remaining for rate in left if rate] == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        chat.answer(ask())
    assert refused.value.retry_after == 60
    assert chat.events.names[-1] == "turn_refused"
    chat.answer(ask(client="b"))


def test_over_the_limit_the_claim_is_given_back() -> None:
    """The same key passes in the next window."""
    chat = Chat()
    for _ in range(3):
        chat.answer(ask())
    with pytest.raises(RateLimited):
        chat.answer(ask(key=KEY))
    assert chat.stored("admissions") == {}
    chat.clock.advance(60)
    chat.store.documents.now += seconds(60)
    assert not chat.answer(ask(key=KEY)).replayed


def test_f33_a_client_known_to_be_refused_costs_no_operation() -> None:
    """From its first refusal to the end of its window."""
    chat = Chat()
    for _ in range(3):
        chat.answer(ask())
    with pytest.raises(RateLimited):
        chat.answer(ask())
    chat.store.calls.clear()
    for _ in range(50):
        with pytest.raises(RateLimited):
            chat.answer(ask(key=KEY))
    assert chat.store.calls == []
    chat.clock.advance(60)
    chat.answer(ask())


def test_repeats_are_limited_in_memory() -> None:
    """Replays are not counted in Firestore, yet are no way around the limit."""
    chat = Chat()
    chat.answer(ask(key=KEY))
    for _ in range(3):
        assert chat.answer(ask(key=KEY)).replayed
    with pytest.raises(RateLimited):
        chat.answer(ask(key=KEY))
    assert list(chat.stored("rate_windows").values()) == [1]


def test_a_crowded_window_is_a_refusal_not_an_outage() -> None:
    """Contention on a client's window is that client's doing (guarantee 16)."""
    chat = Chat(ContendedChatStore("open_turn", 1))
    with pytest.raises(RateLimited) as refused:
        chat.answer(ask())
    assert refused.value.retry_after == 2


@pytest.mark.parametrize("operation", ["open_turn", "commit_turn"])
def test_f22_without_storage_nothing_is_promised(operation: str) -> None:
    """503, no partial state, and limits do not fail open."""
    chat = Chat(UnreachableChatStore(operation))
    with pytest.raises(Unavailable):
        chat.answer(ask(LEAD_MESSAGE, key=KEY))
    for collection in ("conversations", "messages", "alerts", "tallies", "admissions"):
        assert chat.stored(collection) == {}
    assert chat.queue.asked == []
    assert chat.events.names == ["storage_failed"]


def test_windows_are_counted_for_every_limit() -> None:
    """The one that binds first refuses."""
    limits = (LIMIT, Limit("chat-3600", 2, 3600))
    chat = Chat(limits=limits)
    chat.answer(ask())
    answered = chat.answer(ask())
    assert answered.rate is not None
    assert (answered.rate.limit, answered.rate.remaining) == (limits[1], 0)
    with pytest.raises(RateLimited) as refused:
        chat.answer(ask())
    assert refused.value.retry_after == 3600
    assert set(chat.stored("rate_windows")) == {w.id for w in windows("a", limits, chat.clock.at)}
