"""What escalations and notices look like in Slack, and every kind as minimal plain text."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.standins.http_standin import strict_json
from infra.local.standins.slack_message import error_of
from shared.adapters.slack_message import slack_message
from shared.ports import Message

ID = "0123456789abcdef0123456789abcdef"
KINDS = ["lead", "escalation", "notice"]
TOLD = ["escalation", "notice"]
TEXT = (
    "An alert of the kind 'lead' could not be delivered to Slack.\n\nName: Ana Nowak\nE-mail: ana@example.com\n\n"
    "Last error: http_500\nRunbook: runbooks/alert-failed.md\nSend it again: python -m infra.ops redrive abc"
)
FULL = {
    "title": "Not delivered to Slack: Ana Nowak",
    "text": TEXT,
    "alert_id": "abc",
    "channel": "slack",
    "cause": "http_500",
    "lead": {"name": "Ana Nowak", "email": "ana@example.com", "phone": None, "message": "Hi"},
}
ANY = st.characters(exclude_categories=())  # halves of surrogate pairs too
ANYTHING = st.text(ANY, max_size=400)
LONG = st.builds(str.__mul__, st.text(ANY, min_size=1, max_size=3), st.integers(1, 30_000))
VALUES = st.none() | st.integers() | st.booleans() | st.floats() | ANYTHING | LONG
PAYLOADS = st.dictionaries(
    st.sampled_from(["title", "text", "alert_id", "channel", "cause", "fix", "name", "email", "phone", "message"]),
    VALUES | st.dictionaries(st.sampled_from(["name", "email", "phone", "message"]), VALUES),
)


def told(kind: str = "escalation", *, plain: bool = False, maybe_shown: bool = False, **payload: object) -> Any:
    """What is posted, as Slack reads it."""
    made = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    posted = slack_message(Message(ID, kind, FULL | payload, maybe_shown, made, plain=plain))
    return strict_json(json.dumps(posted))


def texts(value: object) -> list[str]:
    """Every text in a message, wherever it stands."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


def units(text: str) -> int:
    """The length as Slack counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def sections(posted: dict[str, Any]) -> list[str]:
    """The texts of its sections."""
    return [block["text"]["text"] for block in posted["blocks"] if block["type"] == "section"]


@pytest.mark.parametrize("kind", TOLD)
def test_title_text_and_the_alert_s_own_id_are_shown(kind: str) -> None:
    """The title as header, the text as plain text, the id in the footer and in the notification."""
    posted = told(kind)
    assert [block["type"] for block in posted["blocks"]] == ["header", "section", "context"]
    assert posted["blocks"][0]["text"] == {"type": "plain_text", "text": FULL["title"], "emoji": False}
    assert posted["blocks"][1]["text"] == {"type": "plain_text", "text": TEXT, "emoji": False}
    assert posted["blocks"][2]["elements"][0]["text"] == f"2026-01-05 09:00 UTC · alert `{ID}`"
    assert posted["text"] == f"{FULL['title']} · alert {ID}"
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)
    assert error_of(posted) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plain", [False, True])
def test_f13_a_repeat_says_so_first(kind: str, *, plain: bool) -> None:
    """For every kind, in the notification and in the channel; a first attempt says nothing of it."""
    posted = told(kind, plain=plain, maybe_shown=True)
    assert posted["text"].startswith("Possible duplicate: this alert may have been shown before. ")
    assert plain or sections(posted)[0].endswith("Possible duplicate: this alert may have been shown before.")
    assert "duplicate" not in json.dumps(told(kind, plain=plain)).lower()


@pytest.mark.parametrize("payload", [{"title": None, "text": None}, {"title": " ", "text": "\r\n"}, {"text": ""}])
def test_what_is_not_known_makes_no_empty_block(payload: dict[str, object]) -> None:
    """Slack refuses those."""
    posted = told("notice", **payload)
    assert [block["type"] for block in posted["blocks"]] == ["header", "context"]
    assert posted["blocks"][0]["text"]["text"].strip()
    assert error_of(posted) is None


@pytest.mark.parametrize("hostile", ["<!channel>", "<!here>", "<@U012AB3CD>", "<https://evil|ok>", "&lt;!channel&gt;"])
@pytest.mark.parametrize("field", ["title", "text"])
@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("plain", [False, True])
def test_f38_what_a_visitor_wrote_is_shown_literally(kind: str, field: str, hostile: str, *, plain: bool) -> None:
    """Also where Bellhop quotes it: & < > are escaped wherever it stands."""
    posted = told(kind, plain=plain, **{field: f"a {hostile} b"})
    assert not any({"<", ">"} & {*text} for text in texts(posted))
    assert any(f"a {hostile} b" in html.unescape(text) for text in texts(posted))


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("plain", [False, True])
def test_f40_line_ends_controls_and_overrides_do_nothing(kind: str, *, plain: bool) -> None:
    """The title stays one line; what reorders a line is gone; no character is left that is no text."""
    evil = "x\r\ny\u202ez\x00\x1b[31m\x85w\ud800"
    posted = told(kind, plain=plain, title=evil, text=evil)
    assert posted["text"].startswith("x yz [31m w? · alert ")
    assert "x\nyz  [31m\nw?" in "\n".join(texts(posted))


@pytest.mark.parametrize("kind", TOLD)
def test_a_long_text_is_divided_between_lines_and_arrives_whole(kind: str) -> None:
    """No line is broken while they fit."""
    lines = [f"{number}: {'x' * 90}" for number in range(80)]
    parts = sections(told(kind, text="\n".join(lines)))
    assert len(parts) == 3
    assert "\n".join(parts).split("\n") == lines


@pytest.mark.parametrize(
    "character",
    ["&", "<", "x", "\U0001f600", "\u05d0", "\n", "x\n", "x\n\n", "\u0301", '"', "\\", "\t", "\U0001f468\u200d", "\0"],
    ids=str.__repr__,
)
@pytest.mark.parametrize("field", ["title", "text"])
def test_a_text_that_is_too_long_is_cut_and_marked(character: str, field: str) -> None:
    """Whatever it is made of, the message stays far below Slack's limits."""
    posted = told(**{field: "begin " + character * 20_000})
    assert error_of(posted) is None
    assert len(json.dumps(posted["blocks"], ensure_ascii=False)) < 11_000
    assert all(units(text) <= 3000 for text in texts(posted))
    assert units(posted["blocks"][0]["text"]["text"]) <= 150
    shown = sections(posted)[-1] if field == "text" else posted["blocks"][0]["text"]["text"]
    assert shown.endswith("…") == bool(character.strip("\0\n\t"))
    assert ID in posted["text"]


def test_a_gap_as_long_as_a_section_makes_no_empty_one() -> None:
    """Slack refuses those."""
    posted = told(text=f"a{' ' * 7000}b")
    assert [part.strip() for part in sections(posted)] == ["a", "b"]


@pytest.mark.parametrize("nothing", ["", " ", "\r", "\n\t", "\u2003"], ids=str.__repr__)
def test_a_lead_that_said_nothing_that_can_be_seen_has_no_section_for_it(nothing: str) -> None:
    """Slack refuses a text of spaces, and with it the lead."""
    posted = told("lead", name="Ana", message=nothing, question=nothing)
    assert [block["type"] for block in posted["blocks"]] == ["header", "section", "context"]
    assert "fields" in posted["blocks"][1]


def test_half_a_surrogate_pair_keeps_no_lead_back() -> None:
    """JSON can carry it, Slack need not take it."""
    posted = told("lead", name="\ud83d", message="\udc00")
    assert "*Name*\n?" in texts(posted)
    "".join(texts(posted)).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_message_is_a_short_text_and_nothing_else(kind: str) -> None:
    """No blocks to refuse: title, id and text, the lead's details among them."""
    payload = {"name": "Ana Nowak", "email": "ana@example.com", "message": "<Hi>"} if kind == "lead" else {}
    posted = told(kind, plain=True, **payload)
    assert list(posted) == ["text"]
    first, _, rest = posted["text"].partition("\n")
    assert first.endswith(f" · alert {ID}")
    assert "E-mail: ana@example.com" in rest
    assert ("&gt; &lt;Hi&gt;" in rest) == (kind == "lead")
    assert units(told(kind, plain=True, text="é<" * 5000, message="é<" * 5000)["text"]) <= 3000
    assert error_of(posted) is None


@given(payload=PAYLOADS, kind=st.sampled_from([*KINDS, "other"]), plain=st.booleans(), maybe_shown=st.booleans())
def test_whatever_the_payload_slack_takes_the_message(
    *, payload: dict[str, Any], kind: str, plain: bool, maybe_shown: bool
) -> None:
    """Never Rejected for what is in it, never live markup, never near the limit, always with the id."""
    posted = told(kind, plain=plain, maybe_shown=maybe_shown, **payload)
    assert error_of(posted) is None
    assert not any({"<", ">"} & {*text} for text in texts(posted))
    assert all(text.strip() for text in texts(posted))
    assert ID in posted["text"]
    assert len(json.dumps(posted.get("blocks", []), ensure_ascii=False)) < 12_000
    assert kind == "lead" or not {*"".join(texts(posted))} & {*map(chr, (*range(9), *range(11, 32), 127, 0x202E))}
    "".join(texts(posted)).encode()
