"""What an alert looks like in Slack, inside Slack's limits.

Sources: https://docs.slack.dev/messaging/formatting-message-text (escaping: ``&``, ``<`` and ``>`` and nothing else),
https://docs.slack.dev/reference/block-kit/blocks (150 characters a header, 3,000 a section, 50 blocks). Messages above
about 13,000 characters of blocks were refused in practice; these stay far below 12,000.
"""

from __future__ import annotations

from typing import Any

from shared.ports import Message

HEADER_MOST = 150
FIELD_MOST = 300
SECTION_MOST = 3000
LABELS = (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"), ("score", "Score"))


def escape(text: str) -> str:
    """Visitor text as Slack shows it literally: no mention, link or formatting of channels comes out of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, most: int) -> str:
    """Text of at most so many UTF-16 units after escaping, cut between characters and marked where it was cut."""
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
    """The JSON body for Slack's webhook: ``text`` for notifications and old clients, ``blocks`` for the channel."""
    who = " · ".join(str(message.payload[key]) for key in ("name", "email", "phone") if message.payload.get(key))
    headline = f"New lead: {who}"
    repeated = "Possible duplicate: this alert may have been shown before." if message.maybe_shown else ""
    fields = [
        {"type": "mrkdwn", "text": f"*{label}*\n{cut(str(value), FIELD_MOST)}", "verbatim": True}
        for key, label in LABELS
        if (value := message.payload.get(key)) is not None
    ]
    made = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    footer = {"type": "mrkdwn", "text": f"{made} · alert `{message.alert_id}`", "verbatim": True}
    said = str(message.payload.get("message") or "")
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(headline, HEADER_MOST)}]
    if repeated:
        blocks.append({"type": "section", "text": _plain(f"⚠ {repeated}", SECTION_MOST)})
    if fields:
        blocks.append({"type": "section", "fields": fields})
    if said:
        blocks.append({"type": "section", "text": _plain(said, SECTION_MOST)})
    blocks.append({"type": "context", "elements": [footer]})
    words = (repeated, cut(headline, FIELD_MOST), f"· alert {message.alert_id}")
    return {
        "text": " ".join(word for word in words if word),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most), "emoji": False}
