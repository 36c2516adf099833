"""Past the day's budget: what a contact form would say, a lead is still a lead, and nothing is composed."""

from __future__ import annotations

import pytest

from shared.domain.budget import Budget
from shared.domain.contact import ContactDetails
from shared.domain.contact_form import contact_form
from shared.domain.conversation import Conversation
from shared.domain.reply import Reply
from shared.errors import RateLimited, Unavailable
from tests.support.chat_flow import KEY, KNOWLEDGE, LEAD_MESSAGE, Chat, ask
from tests.support.fakes import NOW, FakeChance, FakeChatStore, UnreachableChatStore

PRICE = "How much is it?"
EN, PL = KNOWLEDGE.phrases["en"], KNOWLEDGE.phrases["pl"]


class SilentKnowledge:
    """Knowledge from which nothing may be composed."""

    def __getattr__(self, name: str) -> object:
        assert name not in ("best_match", "ranked")
        return getattr(KNOWLEDGE, name)


def spent(messages: int = 1, **parts: object) -> Chat:
    """A chat whose budget of the day is used up by other visitors."""
    chat = Chat(budget=Budget(messages), **parts)  # type: ignore[arg-type]
    for number in range(messages):
        chat.answer(ask("Hello!", client=f"other {number}"))
    chat.store.calls.clear()
    chat.events.lines.clear()
    return chat


def test_past_the_budget_a_visitor_is_asked_for_contact_details() -> None:
    """A true sentence and a whole turn, not an error."""
    chat = spent()
    body = chat.answer(ask(PRICE)).body
    assert (body["response"], body["handoff"]) == (EN.ask_contact, False)
    assert chat.store.calls == ["open_turn", "commit_turn"]
    assert chat.events.names == ["budget_spent", "turn_answered"]


def test_past_the_budget_nothing_is_composed() -> None:
    """Neither the knowledge nor a model is asked, which is what costs."""
    chat = Chat(budget=Budget(1), knowledge=SilentKnowledge())
    with pytest.raises(AssertionError):
        chat.answer(ask(PRICE, client="other"))
    for message in (PRICE, LEAD_MESSAGE, "I want to talk to a person"):
        chat.answer(ask(message))


def test_past_the_budget_a_lead_is_captured_with_its_alert() -> None:
    """Whoever leaves an address is thanked, and the team is told."""
    chat = spent()
    body = chat.answer(ask(LEAD_MESSAGE)).body
    assert body["response"] == EN.thanks_lead
    [alert] = chat.stored("alerts").values()
    assert (alert.payload["email"], [task.alert_id for task in chat.queue.asked]) == ("ana@example.com", [alert.id])


def test_past_the_budget_a_visitor_who_can_be_reached_is_told_so() -> None:
    """They are not asked for what they gave; the open question makes it a handoff."""
    chat = spent()
    first = chat.answer(ask(LEAD_MESSAGE)).body
    second = chat.answer(ask(PRICE, session=first["session_id"])).body
    assert (second["response"], second["handoff"]) == (EN.noted, True)


def test_past_the_budget_a_visitor_is_told_in_their_language() -> None:
    """The conversation's, else the message's, else the knowledge's first."""
    polish = Conversation.begun("c", "pl", NOW)
    unknown = Conversation.begun("c", "fr", NOW)
    for stands, message, said in (
        (None, "Ile to kosztuje? Dzień dobry", PL),
        (polish, "OK", PL),
        (unknown, "OK", EN),
    ):
        language = "pl" if said is PL else "en"
        reply = contact_form(KNOWLEDGE, stands, message, ContactDetails())
        assert reply == Reply(said.ask_contact, language, "unknown", answered=False)


def test_details_beside_the_message_count_as_left() -> None:
    """As in any other turn; a question that came with them stays open."""
    given = ContactDetails(phone="+48123456789")
    reply = contact_form(KNOWLEDGE, None, PRICE, given)
    assert reply == Reply(EN.thanks_lead, "en", "lead", answered=False)
    assert contact_form(KNOWLEDGE, None, "Call me", given).answered
    within = contact_form(KNOWLEDGE, None, "Call me: 12 345 67 89", ContactDetails())
    assert within == Reply(EN.thanks_lead, "en", "lead", answered=True)


def test_exactly_the_budget_is_answered_in_full() -> None:
    """Replays, refused clients and failures use nothing of it."""
    chat = Chat(budget=Budget(4))
    chat.answer(ask(PRICE, key=KEY))
    for _ in range(3):
        assert chat.answer(ask(PRICE, key=KEY)).replayed
    for _ in range(2):
        chat.answer(ask(PRICE))
    with pytest.raises(RateLimited):
        chat.answer(ask(PRICE))
    assert "budget_spent" not in chat.events.names
    chat.answer(ask(PRICE, client="b"))
    chat.answer(ask(PRICE, client="c"))
    assert chat.events.names.count("budget_spent") == 1


def test_a_failure_uses_nothing_of_the_budget() -> None:
    """Storage cannot be reached: the next message still has its lease."""
    budget = Budget(1)
    with pytest.raises(Unavailable):
        Chat(UnreachableChatStore("open_turn"), budget=budget).answer(ask(PRICE))
    chat = Chat(budget=budget)
    chat.answer(ask(PRICE))
    assert "budget_spent" not in chat.events.names


def test_two_instances_share_one_budget() -> None:
    """Each with leases of its own, from the same counter."""
    store = FakeChatStore()
    chats = [Chat(store, budget=Budget(200), chance=FakeChance(start=number * 10_000 + 1)) for number in range(2)]
    for number in range(230):
        for chat in chats:
            chat.answer(ask(client=f"{number}"))
    full = sum(460 // 2 - chat.events.names.count("budget_spent") for chat in chats)
    assert full == 200


def test_a_new_day_is_answered_in_full_again() -> None:
    """At midnight of UTC."""
    chat = spent()
    chat.answer(ask(PRICE))
    chat.clock.advance(24 * 60 * 60)
    chat.events.lines.clear()
    chat.answer(ask(PRICE))
    assert chat.events.names == ["turn_answered"]
