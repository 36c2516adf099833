"""What an alert looks like in Slack, inside Slack's limits.

Sources: https://docs.slack.dev/messaging/formatting-message-text (escaping: ``&``, ``<`` and ``>`` and nothing else),
https://docs.slack.dev/reference/block-kit/blocks (150 characters a header, 3,000 or ten fields a section, 50 blocks).
Messages above about 13,000 characters of blocks were refused in practice; these stay below 12,000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from shared.adapters.alert_text import QUOTED, REPEATED, details, encodable, headline, one_line, said
from shared.domain.alert import OF_A_LEAD
from shared.ports import Message

HEADER_MOST = 150
FIELD_MOST = 300
FIELDS_MOST = 10
SECTION_MOST = 3000
EARLIER_MOST = 1500
SECTIONS_MOST = 3
PLAIN_MOST = 3000


def escape(text: str) -> str:
    """Visitor text as Slack shows it literally: no mention, link or formatting of channels comes out of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, most: int) -> str:
    """Text of at most so many UTF-16 units after escaping, cut between characters and marked where it was cut."""
    whole = escape(text)
    if len(whole.encode("utf-16-le", "surrogatepass")) // 2 < most:
        return whole
    kept: list[str] = []
    length = 0
    for character in text:
        piece = escape(character)
        length += len(piece.encode("utf-16-le")) // 2
        if length > most - 1:
            return "".join(kept) + "…"
        kept.append(piece)
    return "".join(kept)


def slack_message(message: Message) -> dict[str, Any]:
    """The JSON body for Slack's webhook: ``text`` for notifications and old clients, ``blocks`` for the channel.

    A plain one is a short ``text`` and nothing else.
    """
    if message.plain:
        return {"text": _plain_message(message)}
    title = headline(message)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title, HEADER_MOST)}]
    if message.maybe_shown:
        blocks.append({"type": "section", "text": _plain(f"⚠ {REPEATED}", SECTION_MOST)})
    blocks += _lead(message.payload) if message.kind in OF_A_LEAD else _text("\n".join(said(message)))
    made = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    footer = f"{made} · alert `{escape(one_line(message.alert_id))}`"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": footer, "verbatim": True}]})
    return {
        "text": f"{_repeated(message)}{cut(title, FIELD_MOST)} {_id(message)}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain_message(message: Message) -> str:
    """Title, text and id, in that order, the text cut so that the whole has at most ``PLAIN_MOST`` UTF-16 units."""
    first = f"{_repeated(message)}{cut(headline(message), FIELD_MOST)} {_id(message)}"
    text = cut("\n".join(said(message)), PLAIN_MOST - len(first.encode("utf-16-le")) // 2 - 1)
    return f"{first}\n{text}" if text else first


def _repeated(message: Message) -> str:
    return f"{REPEATED} " if message.maybe_shown else ""


def _id(message: Message) -> str:
    return f"· alert {escape(one_line(message.alert_id))}"


def _lead(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who it is, then what they said."""
    fields = [
        {"type": "mrkdwn", "text": f"*{escape(label)}*\n{cut(encodable(str(value)), FIELD_MOST)}", "verbatim": True}
        for label, value in details(payload)
        if value is not None
    ]
    parts = [fields[place : place + FIELDS_MOST] for place in range(0, len(fields), FIELDS_MOST)]
    blocks: list[dict[str, Any]] = [{"type": "section", "fields": part} for part in parts]
    earlier, asked = (encodable(str(payload.get(key) or "")) for key, _ in QUOTED)
    texts = [_plain(f"{QUOTED[0][1]}: {earlier}", EARLIER_MOST)] if earlier.strip() else []
    texts += [_plain(asked, SECTION_MOST)] if asked.strip() else []  # Slack refuses a section that shows nothing
    return [*blocks, *({"type": "section", "text": text} for text in texts)]


def _text(text: str) -> list[dict[str, Any]]:
    """A text of several lines in at most ``SECTIONS_MOST`` sections, divided between lines, marked where it was cut."""
    rest, parts = re.sub(r"\n{3,}", "\n\n", text).strip(), list[str]()
    while rest and len(parts) < SECTIONS_MOST:
        length = _fitting(rest, SECTION_MOST)
        if length < len(rest):
            length = rest.rfind("\n", length // 2, length) + 1 or length
        parts.append(rest[:length].rstrip())
        rest = rest[length:].strip("\n")
    if rest:
        parts[-1] = parts[-1][: _fitting(parts[-1], SECTION_MOST - 1)] + "…"
    return [
        {"type": "section", "text": {"type": "plain_text", "text": escape(part), "emoji": False}}
        for part in parts
        if part
    ]


def _fitting(text: str, most: int) -> int:
    """How many of its characters take at most so many UTF-16 units, escaped and inside a JSON string."""
    for place, character in enumerate(text):
        most -= len(json.dumps(escape(character), ensure_ascii=False).encode("utf-16-le")) // 2 - 2
        if most < 0:
            return place
    return len(text)


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most), "emoji": False}
