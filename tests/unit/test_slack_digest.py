"""A digest in Slack: every lead with its id and contact details, inside Slack's limits, nothing a visitor can abuse."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.http import HttpAnswer
from shared.adapters.slack import Slack
from shared.adapters.slack_digest import slack_digest
from shared.domain.alert import DIGEST
from shared.domain.digest import MEMBERS_MOST
from shared.ports import Message
from tests.support.fakes import NOW

BLOCKS_MOST = 50
SECTION_MOST = 3000
WHOLE_MOST = 12_000


def digest(*leads: dict[str, Any]) -> dict[str, Any]:
    """A digest of these leads, as Slack gets it."""
    known = [
        {"alert_id": f"{number:032x}", "kind": "lead", "created_at": NOW + timedelta(minutes=number), **lead}
        for number, lead in enumerate(leads)
    ]
    return slack_digest(Message("d" * 32, DIGEST, {"leads": known}, maybe_shown=False, created_at=NOW))


def text(body: dict[str, Any]) -> str:
    """Everything the sections say."""
    return "\n".join(block["text"]["text"] for block in body["blocks"] if block["type"] == "section")


def test_each_lead_has_its_id_and_its_contact_details() -> None:
    """With what is true of it and how it began."""
    ann = {"name": "Ann", "email": "ann@example.com", "phone": "+48600100200", "score": 85, "message": "Hello there"}
    body = digest(ann | {"hot": True, "handoff": True, "maybe_shown": True}, {"email": "bob@example.com"})
    assert body["blocks"][0]["text"]["text"] == "2 leads that waited"
    assert text(body) == (
        "• Ann · ann@example.com · +48600100200 · score 85 · hot · asks for a person · possible duplicate"
        f" · 01-05 09:00 · alert {0:032x}\n   Hello there\n• bob@example.com · 01-05 09:01 · alert {1:032x}"
    )
    assert "d" * 32 in body["text"]
    assert "d" * 32 in json.dumps(body["blocks"][-1])


@pytest.mark.parametrize("character", ["x", "&", "<", "😀", "*", "\u202e", "\n", "ż"])
def test_the_largest_digest_is_inside_slacks_limits(character: str) -> None:
    """Whatever is in it: blocks, sections and the whole."""
    lead = dict.fromkeys(("name", "email", "phone", "message"), character * 3000)
    body = digest(*[lead | {"score": 100, "hot": True, "handoff": True, "maybe_shown": True}] * MEMBERS_MOST["slack"])
    assert len(body["blocks"]) <= BLOCKS_MOST
    sections = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    assert max(len(section.encode("utf-16-le")) // 2 for section in sections) <= SECTION_MOST
    assert len(json.dumps(body["blocks"], ensure_ascii=False).encode("utf-16-le")) // 2 <= WHOLE_MOST + 3000
    assert sum(len(section.encode("utf-16-le")) // 2 for section in sections) <= WHOLE_MOST
    assert all(f"{number:032x}" in text(body) for number in range(MEMBERS_MOST["slack"]))


def test_f38_mentions_and_links_in_a_digest_stay_text() -> None:
    """So do Slack's own marks, which an e-mail address may hold."""
    body = digest({"name": "<!channel> *bold* _it_", "email": "a@b.cc", "message": "<https://evil|ok> `code` ~x~"})
    said = text(body)
    assert "<!channel>" not in said
    assert "&lt;!channel&gt;" in said
    assert "&lt;https://evil|ok&gt;" in said
    assert {block["text"]["type"] for block in body["blocks"] if block["type"] == "section"} == {"plain_text"}


def test_f40_a_lead_is_on_lines_of_its_own() -> None:
    """A line's end in a name begins no other lead."""
    body = digest({"name": "Ann\n• Bob · bob@example.com", "email": "ann@example.com"})
    assert len(text(body).splitlines()) == 1


def test_the_channel_renders_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kind of its message."""
    bodies: list[bytes] = []
    monkeypatch.setattr("shared.adapters.slack.post", lambda url, *, body, **_: bodies.append(body) or _answer())
    leads = [{"alert_id": "a" * 32, "kind": "lead", "created_at": NOW, "email": "ann@example.com"}]
    message = Message("d" * 32, DIGEST, {"leads": leads}, maybe_shown=False, created_at=NOW)
    Slack("https://hooks.example/x").send(message, deadline=10.0**12)
    assert b"leads that waited" in bodies[0]


def _answer() -> Any:
    return HttpAnswer(200, {}, "ok")
