"""Updates of a lead in the store: who is being sent, which version stands; and the flow over the real Firestore."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore_conservation import FirestoreConservation
from shared.adapters.firestore_conversation import conversation_changes, conversation_document, conversation_of
from shared.domain.alert import Alert, State
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Turn
from shared.domain.turn import LeadPolicy, Visitor, Written, take_turn
from shared.domain.updates import Standing
from shared.errors import LeaseLive
from shared.flows.deliver_alert import DeliverAlert
from tests.adapters.conftest import FirestoreWorld, World
from tests.support.chat_flow import KNOWLEDGE
from tests.support.fakes import (
    DeliveringChannel,
    seconds,
)
from tests.support.one_delivery import alert_delivery
from tests.support.turns import alert, commit, conversation, now


def test_rivals_are_what_is_being_sent_of_the_same_conversation_and_channel(world: World) -> None:
    """Not the alert itself, nobody else's, and nothing that waits or is over."""
    mine = alert("mine", state=State.SENDING)
    world.put(mine)
    world.put(alert("rival", state=State.SENDING))
    world.put(alert("queued"))
    world.put(alert("over", state=State.DELIVERED))
    world.put(alert("another channel's", state=State.SENDING, channel="monday"))
    world.put(alert("another conversation's", state=State.SENDING, conversation_id="other"))
    [rival] = world.alerts.rivals(mine)
    assert rival.alert.id == "rival"
    assert timedelta(0) <= rival.age < seconds(30)


def test_what_stands_is_the_conversations_version_and_the_leads_alert(world: World) -> None:
    """Each None where it is gone."""
    update = alert("update", kind="update", payload={"lead_id": "lead", "version": 2})
    assert world.alerts.standing(update) == Standing(None, None)
    lead = alert("lead")
    world.chat.commit_turn(commit(conversation(version=3), None, lead))
    assert world.alerts.standing(update) == Standing(3, lead)


def test_a_conversation_of_an_earlier_version_of_the_code_is_read() -> None:
    """It has no fields, no open question, no version, and its consent no wording."""
    document = conversation_document(conversation())
    for name in ("fields", "open_question", "version"):
        del document[name]
    del document["consent"]["wording"]
    read = conversation_of("conversation", document)
    assert (read.fields, read.open_question, read.version, read.consent.wording) == ({}, None, 0, None)


def test_a_turn_writes_what_it_changes_and_what_an_earlier_version_left_out() -> None:
    """Nothing else: to encode a document anew costs more than to write it."""
    document = conversation_document(conversation(score=85))
    del document["open_question"]
    stands = conversation_of("conversation", document)
    turned = replace(stands.with_turn(Turn("again", "yes", now())), language="pl")
    changes = conversation_changes(turned, conversation_document(turned))
    assert set(changes) == {"turns", "turn_count", "updated_at", "language", "open_question"}
    added = changes.pop("turns")
    assert added == firestore.ArrayUnion([{"question": "again", "answer": "yes", "at": turned.updated_at}])
    document["turns"] = [*document["turns"], *added.values]
    assert document | changes == conversation_document(turned)


def test_turns_are_added_until_the_oldest_has_to_go_and_none_is_lost_that_is_like_another(
    firestore_world: FirestoreWorld,
) -> None:
    """What is stored is what the conversation keeps, turn after turn, also where two are the same."""
    chat, at, kept = firestore_world.chat, now(), []
    stands, version = conversation(0, id="talk"), None
    for number in range(15):
        turn = Turn(f"question {max(number, 1)}", "answer", at + timedelta(seconds=max(number, 1)))
        kept = [*kept, turn][-12:]
        chat.commit_turn(replace(commit(stands.with_turn(turn)), conversation_version=version, message_id=f"m{number}"))
        opened = chat.open_turn(None, [], "talk")
        assert opened.conversation is not None
        stands, version = opened.conversation, opened.conversation_version
        assert [*stands.turns] == kept, number


def test_a_later_turn_leaves_the_whole_conversation(firestore_world: FirestoreWorld) -> None:
    """What it did not write is still there, and what it took away is gone."""
    first = conversation(1, id="one", fields={"area": "80"}, open_question="why?")
    firestore_world.chat.commit_turn(commit(first))
    opened = firestore_world.chat.open_turn(None, [], "one")
    assert opened.conversation is not None
    after = replace(opened.conversation.with_turn(Turn("again", "yes", now())), fields={}, open_question=None)
    firestore_world.chat.commit_turn(commit(after, opened.conversation_version))
    assert firestore_world.document("conversations", "one") == conversation_document(after)


class Lived:
    """A visitor's turns and their deliveries, on one Firestore."""

    def __init__(self, world: FirestoreWorld) -> None:
        self.world, self.board = world, DeliveringChannel()
        self.deliver = alert_delivery(world.alerts, world.breakers, {"monday": self.board})
        self._turns = 0

    def says(self, message: str) -> Written:
        """A turn, written with its alerts."""
        self._turns += 1
        opened = self.world.chat.open_turn(None, (), "c")
        written = take_turn(
            opened.conversation,
            Visitor(message, ContactDetails(), None, None),
            conversation_id="c",
            reply=None,
            knowledge=KNOWLEDGE,
            leads=LeadPolicy(("monday",), seconds(10)),
            now=now(),
            nonce=f"nonce {self._turns}",
        )
        made = commit(written.conversation, opened.conversation_version, *written.alerts)
        self.world.chat.commit_turn(made)
        return written

    def task(self, made: Alert) -> str:
        """The alert's task comes."""
        return self.deliver(DeliverAlert(made.id, made.generation, made.channel))


def test_of_three_corrections_only_the_last_is_sent_and_the_books_balance(firestore_world: FirestoreWorld) -> None:
    """Whatever the order of their tasks: the older ones end superseded, and are counted as that."""
    lived = Lived(firestore_world)
    [lead] = lived.says("ana@example.com").alerts
    assert lived.task(lead) == "delivered"
    updates = [lived.says(f"no, {name}@example.com").alerts[0] for name in ("eve", "eva", "anna")]
    assert [made.payload["version"] for made in updates] == [1, 2, 3]
    states = [lived.task(updates[place]) for place in (1, 2, 0)]
    assert states == ["superseded", "delivered", "superseded"]
    assert [message.payload["email"] for message in lived.board.sent] == ["ana@example.com", "anna@example.com"]
    last = lived.board.sent[-1]
    assert last.lead_ended_at is not None
    census = FirestoreConservation(firestore_world.database).census(timedelta(days=30))
    counted: Any = census.channels["monday"]
    assert (census.balanced, counted.accepted, counted.states["superseded"]) == (True, 4, 2)


def test_an_update_does_not_start_while_the_lead_itself_is_sent(firestore_world: FirestoreWorld) -> None:
    """Two attempts at one item at once could end in either order."""
    lived = Lived(firestore_world)
    [lead] = lived.says("ana@example.com").alerts
    held = replace(lead, state=State.SENDING, nonce="holder")
    firestore_world.put(held)
    [update] = lived.says("no, eve@example.com").alerts
    with pytest.raises(LeaseLive):
        lived.task(update)
    assert lived.board.sent == []
