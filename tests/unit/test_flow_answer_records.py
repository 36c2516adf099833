"""What a turn leaves of a visitor beside the conversation: hashed under the team's key, and on record once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import ids
from shared.domain.turn import Visitor
from shared.errors import CanaryRefused
from shared.flows.answer_message import AnswerMessage
from shared.ports import TurnCommit
from tests.support.chat_flow import KNOWLEDGE, LEAD_MESSAGE, Chat, ask
from tests.support.chat_stores import FakeChatStore

HASH_KEY = "k" * 32
ANA = "ana@example.com"


class Committed(FakeChatStore):
    """Remembers what each turn was to write."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[TurnCommit] = []

    def commit_turn(self, commit: TurnCommit) -> None:
        """See ``shared.ports.ChatStore``."""
        self.commits.append(commit)
        super().commit_turn(commit)


def agreeing(message: str, *, session: str | None = None, **agreed: bool | None) -> AnswerMessage:
    """A message beside which its visitor says what they agree to."""
    asked = ask(message, session=session)
    said: dict[str, bool | None] = {"processing": None, "marketing": None, **agreed}
    return replace(asked, visitor=Visitor(message, asked.visitor.details, said["processing"], said["marketing"]))


def chat(**parts: Any) -> tuple[Chat, Committed]:
    """The flow with the team's key, and its store."""
    store = Committed()
    return Chat(store, **{"hash_key": HASH_KEY, **parts}), store


def test_an_address_is_found_by_its_keyed_hash() -> None:
    """An erasure looks for it; without an address, or without a key, there is none."""
    flow, store = chat()
    session = flow.answer(ask("Hello!")).body["session_id"]
    flow.answer(ask(LEAD_MESSAGE, session=session))
    flow.answer(ask("Thanks", session=session))
    assert [commit.address for commit in store.commits] == [None, *[ids.address_hash(ANA, HASH_KEY)] * 2]
    flow, store = chat(hash_key=None)
    flow.answer(agreeing(LEAD_MESSAGE, processing=True))
    assert [(commit.address, commit.record) for commit in store.commits] == [(None, None)]


def test_what_a_visitor_agrees_to_is_on_record_once() -> None:
    """To which words, from which client, for which address, under the message's own id; again when it changes."""
    flow, store = chat(limits=())
    session = flow.answer(agreeing("Hello!", processing=True)).body["session_id"]
    flow.answer(ask("And the price?", session=session))
    flow.answer(ask(LEAD_MESSAGE, session=session))
    flow.answer(agreeing("Yes", session=session, marketing=True))
    records = [commit.record for commit in store.commits]
    assert records[1] is None
    first, named, last = (record for record in records if record is not None)
    told = {name: getattr(first, name) for name in ("id", "actor", "action", "source", "address", "client", "wording")}
    assert told == {
        "id": store.commits[0].message_id,
        "actor": "visitor",
        "action": "consent",
        "source": "chat",
        "address": None,
        "client": ids.client_hash("a", HASH_KEY),
        "wording": KNOWLEDGE.consent_wording["en"],
    }
    assert (first.consent, named.address) == ({"processing": True, "marketing": None}, ids.address_hash(ANA, HASH_KEY))
    assert (last.consent, last.address) == ({"processing": True, "marketing": True}, ids.address_hash(ANA, HASH_KEY))


def test_a_turn_is_logged_by_its_conversation_and_what_answered_it() -> None:
    """With nothing of what was said."""
    flow, _ = chat()
    body = flow.answer(ask("Hello!")).body
    [told] = flow.events.of("turn_answered")
    assert told["conversation_id"] == body["conversation_id"]
    assert set(told) == {"conversation_id", "source"}
    assert told["source"]


def test_who_says_they_are_a_canary_where_there_are_none_is_refused() -> None:
    """Before anything is read or written."""
    flow, store = chat()
    with pytest.raises(CanaryRefused):
        flow.answer(replace(ask("Hello!"), canary="a token"))
    assert store.calls == []
