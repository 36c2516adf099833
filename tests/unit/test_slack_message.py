"""What an alert looks like in Slack: literal, inside the limits, with its id."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.standins.slack_message import error_of
from shared.adapters.slack_message import cut, escape, slack_message
from shared.ports import Message

ID = "0123456789abcdef0123456789abcdef"
REFUSED = [chr(code) for code in range(32) if chr(code) not in "\t\n\r"]  # by shared.edge.fields
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=REFUSED), min_size=1, max_size=2000)


def message(*, maybe_shown: bool = False, **payload: object) -> Message:
    """A lead's message."""
    return Message(ID, "lead", payload, maybe_shown, datetime(2026, 1, 5, 9, 0, tzinfo=UTC))


def lead(**changes: object) -> dict[str, Any]:
    """What is posted for a lead, some of it changed."""
    known: dict[str, object] = {
        "name": "Ana Nowak",
        "email": "ana@example.com",
        "phone": "+48123456789",
        "message": "Hi, call me",
        "score": 85,
        "language": "en",
    }
    return slack_message(message(**known | changes))


def texts(value: object) -> list[str]:
    """Every text in a message, wherever it stands."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


def units(text: str) -> int:
    """The length as Slack counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def test_a_lead_shows_all_that_is_known_and_its_id() -> None:
    """Who, how to reach them, what they said, how warm, and the alert's id for looking it up."""
    posted = lead()
    shown = "\n".join(texts(posted["blocks"]))
    for part in ("Ana Nowak", "ana@example.com", "+48123456789", "Hi, call me", "85", "2026-01-05 09:00 UTC", ID):
        assert part in shown
    assert posted["text"] == f"New lead: Ana Nowak · ana@example.com · +48123456789 · alert {ID}"
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)
    assert error_of(posted) is None


def test_what_is_not_known_is_not_shown() -> None:
    """No empty fields, no None."""
    posted = slack_message(message(name=None, email=None, phone="+48123456789"))
    assert "None" not in json.dumps(posted)
    assert "Name" not in json.dumps(posted)
    assert error_of(posted) is None


def test_a_possible_duplicate_says_so_first() -> None:
    """In the notification and in the channel; a first attempt says nothing of it."""
    repeated = slack_message(message(maybe_shown=True, email="ana@example.com", message="Hi"))
    assert repeated["text"].startswith("Possible duplicate: ")
    assert "Possible duplicate: this alert may have been shown before." in repeated["blocks"][1]["text"]["text"]
    assert ID in repeated["text"]
    assert "duplicate" not in json.dumps(lead()).lower()


@pytest.mark.parametrize("hostile", ["<!channel>", "<!here>", "<@U012AB3CD>", "<https://evil|ok>", "&lt;!channel&gt;"])
@pytest.mark.parametrize("field", ["name", "email", "phone", "message"])
def test_f38_what_a_visitor_wrote_is_shown_literally(field: str, hostile: str) -> None:
    """No mention, no link in disguise: & < > are escaped, in the notification too."""
    posted = lead(**{field: f"a {hostile} b"})
    for text in texts(posted):
        assert "<" not in text
        assert ">" not in text
    assert any(f"a {hostile} b" in html.unescape(text) for text in texts(posted["blocks"]))


def test_escaping_is_slacks_three_characters_and_nothing_else() -> None:
    """Quotes and entities of HTML stay as they are."""
    assert escape("&<>\"'`*_~&amp;") == "&amp;&lt;&gt;\"'`*_~&amp;amp;"


def test_text_of_visitors_is_never_turned_into_links_or_emoji() -> None:
    """Plain text where it can be, mrkdwn only verbatim."""
    for block in lead()["blocks"]:
        for part in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if part is not None:
                assert part["verbatim"] if part["type"] == "mrkdwn" else part["emoji"] is False


@pytest.mark.parametrize(
    "character",
    ["&", "<", "x", "\U0001f600", "\u05d0", "\u202e", "\n", "\u0301", '"', "\\", "\t", "\U0001f468\u200d"],
    ids=["ampersand", "bracket", "x", "emoji", "hebrew", "rtl", "newline", "accent", "quote", "slash", "tab", "zwj"],
)
def test_the_longest_message_of_anything_fits(character: str) -> None:
    """2,000 code points of whatever is longest once escaped, in every field; Slack's stand-in takes it."""
    long = character * (2000 // len(character))
    posted = lead(message=long, name=long, email=long, phone=long)
    assert error_of(posted) is None
    assert len(json.dumps(posted["blocks"], ensure_ascii=False)) < 12_000
    assert all(units(text) <= 3000 for text in texts(posted))
    assert units(posted["blocks"][0]["text"]["text"]) <= 150
    assert ID in posted["text"]


def test_a_message_of_emoji_and_right_to_left_text_arrives_whole() -> None:
    """What fits is not touched."""
    said = "שלום \U0001f469\u200d\U0001f4bb ありがとう" * 20
    assert said in texts(lead(message=said)["blocks"])


@given(TEXT, TEXT)
def test_whatever_a_visitor_wrote_slack_takes_it(name: str, said: str) -> None:
    """Never Rejected for what is in it: that would lose the lead."""
    posted = slack_message(message(name=name, email="ana@example.com", message=said, score=1, maybe_shown=True))
    assert error_of(json.loads(json.dumps(posted))) is None
    assert all("<" not in text and ">" not in text for text in texts(posted))


@given(TEXT, st.integers(1, 3000))
def test_a_cut_text_is_a_beginning_of_the_escaped_one(text: str, most: int) -> None:
    """Never longer than asked, never in the middle of an entity, marked where it was cut."""
    shown = cut(text, most)
    assert units(shown) <= most
    if shown != escape(text):
        assert shown.endswith("…")
        assert escape(text[: _length(shown[:-1])]) == shown[:-1]


def _length(escaped: str) -> int:
    """How many characters an escaped text was made of."""
    return len(escaped.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
