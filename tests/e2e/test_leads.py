"""Leads over several turns, through every part: one message a kind in Slack, one item that changes at Monday.com."""

from __future__ import annotations

import uuid

import pytest

from tests.support.local_system import LocalSystem, eventually


@pytest.fixture
def firestore(system):
    """A client of the system's Firestore."""
    client = system.firestore()
    yield client
    client.close()


class Visitor:
    """Somebody who writes more than once.

    Attributes:
        email: nobody else has it.
        answer: to the last message.
    """

    def __init__(self, system: LocalSystem) -> None:
        self._system, self._client = system, system.client()
        self.email = f"visitor-{uuid.uuid4().hex[:12]}@example.com"
        self.answer = self.says(f"Hello, my e-mail is {self.email}")

    def says(self, message: str) -> dict:
        """One turn; the answer."""
        session = {"session_id": self.answer["session_id"]} if hasattr(self, "answer") else {}
        answered = self._system.write(message, self._client, **session)
        assert answered.status_code == 200, answered.text
        self.answer = answered.json()
        return self.answer

    @property
    def items(self) -> list[dict]:
        """What Monday.com shows of them."""
        return self._system.received(self.email, "monday")

    @property
    def messages(self) -> list[str]:
        """The first lines of what Slack shows of them."""
        return [message["text"].split(":")[0] for message in self._system.received(self.email)]


def phone_of(visitor: Visitor) -> str | None:
    """The phone number in the visitor's item, if there is one."""
    return next((item["column_values"].get("phone_lead", {}).get("phone") for item in visitor.items), None)


def test_a_correction_updates_the_item_instead_of_making_another(system):
    """One item, with the number that was said last; Slack hears of the first number only."""
    visitor = Visitor(system)
    eventually(lambda: visitor.items)
    visitor.says("My number is +48 601 234 567")
    eventually(lambda: phone_of(visitor) == "+48601234567")
    visitor.says("Sorry, it is +48 601 234 568")
    eventually(lambda: phone_of(visitor) == "+48601234568")
    assert len(visitor.items) == 1
    eventually(lambda: len(visitor.messages) == 2)
    assert visitor.messages == ["New lead", "Lead updated"]


def test_corrections_while_monday_is_down_end_in_one_item_with_the_last(system, firestore):
    """Whatever waited: the last version is sent, older ones are superseded or were sent before it."""
    system.broken("500", "monday")
    visitor = Visitor(system)
    for last in ("567", "568", "569"):
        visitor.says(f"My number is +48 601 234 {last}")
    system.healed("monday")
    eventually(lambda: phone_of(visitor) == "+48601234569", seconds=60)
    eventually(lambda: all(each["state"] in ("delivered", "superseded") for each in alerts_of(visitor, firestore)))
    assert (len(visitor.items), phone_of(visitor)) == (1, "+48601234569")


def alerts_of(visitor: Visitor, firestore) -> list[dict]:
    """Their alerts for Monday.com."""
    conversation = visitor.answer["conversation_id"]
    found = [document.to_dict() for document in firestore.collection("alerts").stream()]
    return [each for each in found if (each["conversation_id"], each["channel"]) == (conversation, "monday")]


def test_hot_and_handoff_are_told_once(system):
    """However often the visitor asks and however high the score goes; the item says both."""
    visitor = Visitor(system)
    for _ in range(2):
        assert visitor.says("I want to talk to a human")["handoff"] is True
    for message in (
        "My number is +48 601 234 567",
        "How much does it cost?",
        "I want to book a visit",
        "My name is Ana",
    ):
        visitor.says(message)
    assert visitor.answer["lead_score"] >= 80
    eventually(lambda: len(visitor.messages) >= 4)
    eventually(lambda: any(item["column_values"].get("text_hot") == "yes" for item in visitor.items))
    assert sorted(visitor.messages) == ["Asks for a person", "Hot lead", "Lead updated", "New lead"]
    assert [item["column_values"].get("text_handoff") for item in visitor.items] == ["yes"]
