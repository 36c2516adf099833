"""What a digest looks like in Slack: many leads in one message, one line or two each, inside Slack's limits.

Forty leads stay below 12,000 characters (see ``slack_message``): each is cut to what is its share of that, its id and
its contact details never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters.alert_text import encodable, one_line
from shared.adapters.slack_message import cut, escape
from shared.domain.alert import HANDOFF, HOT
from shared.ports import Message

SECTION_LEADS = 8
VALUE_MOST = {"name": 40, "email": 80, "phone": 24}
SAID_MOST = 60
LEAD_MOST = 270
"""UTF-16 units of a lead that still wants its id."""

FLAGS = {HOT: "hot", HANDOFF: "asks for a person"}


def slack_digest(message: Message) -> dict[str, Any]:
    """The JSON body for Slack's webhook."""
    leads: Sequence[Mapping[str, Any]] = message.payload["leads"]
    title = f"{len(leads)} leads that waited"
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}]
    for first in range(0, len(leads), SECTION_LEADS):
        text = "\n".join(_lead(lead) for lead in leads[first : first + SECTION_LEADS])
        blocks.append({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}})
    made = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    footer = f"{made} · digest `{escape(one_line(message.alert_id))}`"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": footer, "verbatim": True}]})
    return {
        "text": f"{title} · digest {escape(one_line(message.alert_id))}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _lead(lead: Mapping[str, Any]) -> str:
    """Who it is and how to reach them, what is true of them, when they wrote, the id, and how they began."""
    who = [_literal(lead[key], most) for key, most in VALUE_MOST.items() if lead.get(key)]
    flags = [said for flag, said in FLAGS.items() if lead.get(flag)]
    flags += ["possible duplicate"] if lead.get("maybe_shown") else []
    score = [f"score {lead['score']}"] if isinstance(lead.get("score"), int) else []
    when = f"{lead['created_at']:%m-%d %H:%M}"
    known = " · ".join([*who, *score, *flags, when])
    line = f"• {known} · alert {escape(one_line(lead['alert_id']))}"
    room = LEAD_MOST - len(line.encode("utf-16-le")) // 2
    said = _literal(lead.get("message") or "", min(SAID_MOST, room)) if room > len(FLAGS) else ""
    return f"{line}\n   {said}" if said else line


def _literal(value: object, most: int) -> str:
    """A visitor's words as Slack shows them literally, on one line."""
    return cut(encodable(one_line(value)), most)
