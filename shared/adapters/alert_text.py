"""What every channel says of an alert: one line that names it, and its text in lines.

A visitor's text stands in both, and in an escalation or a notice it stands among Bellhop's own words. So what could
make it pass for them is taken out: control characters, line ends of unusual kinds, and the controls that reorder what
is shown (UAX 9; https://trojansource.codes). Right-to-left letters stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.domain.alert import CANARY, HANDOFF, HOT, LEAD, OF_A_LEAD, UPDATE
from shared.ports import Message

VALUE_MOST = 500
TEXT_MOST = 100_000
LABELS = (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"), ("score", "Score"))
QUOTED = (("question", "Asked before"), ("message", "Message"))
REPEATED = "Possible duplicate: this alert may have been shown before."
TITLES = {
    LEAD: "New lead",
    HOT: "Hot lead",
    HANDOFF: "Asks for a person",
    UPDATE: "Lead updated",
    CANARY: "Canary, not a lead",
    "escalation": "An alert could not be delivered",
    "notice": "A destination needs repair",
    "overdue": "Alerts have been waiting for very long",
    "digest": "Leads that waited",
}

_NOT_ONE_LINE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_REORDERS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def headline(message: Message) -> str:
    """One line that says what it is about; never empty."""
    title = title_of(message)
    if message.kind not in OF_A_LEAD:
        return one_line(message.payload.get("title")) or title
    who = " · ".join(filter(None, (one_line(message.payload.get(key)) for key in ("name", "email", "phone"))))
    return f"{title}: {who}" if who else title


def title_of(message: Message) -> str:
    """What an alert tells, without whom it is about; of a lead all that is true of it at once."""
    hot = message.kind in OF_A_LEAD and bool(message.payload.get(HOT))
    title = TITLES[HOT] if hot else TITLES.get(message.kind, "Alert")
    if message.kind in OF_A_LEAD and message.payload.get(HANDOFF) and title != TITLES[HANDOFF]:
        return f"{title}, asks for a person"
    return title


def details(payload: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is known of a lead, each with its label: contact details, score, and the knowledge file's fields."""
    known = [(label, payload.get(key)) for key, label in LABELS]
    return known + [(each["label"], each["value"]) for each in payload.get("fields") or ()]


def said(message: Message) -> list[str]:
    """The text in lines without its title; a lead's message is quoted, so that none of it passes for ours."""
    if message.kind in OF_A_LEAD:
        return _lead(message.payload)
    return several_lines(message.payload.get("text")).split("\n") if message.payload.get("text") else []


def one_line(value: Any) -> str:
    """A value as text without a control character or a line's end of any kind, cut; empty for None."""
    text = "" if value is None else encodable(str(value))
    return shortened(_NOT_ONE_LINE.sub(" ", _REORDERS.sub("", text)).strip(), VALUE_MOST)


def several_lines(value: Any) -> str:
    """A value as text whose lines end with LF only, without other control characters but tabs; empty for None."""
    return _REORDERS.sub("", _readable(value))


def encodable(text: str) -> str:
    """Text without halves of surrogate pairs, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters, marked where it was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _lead(payload: Mapping[str, Any]) -> list[str]:
    lines = [f"{one_line(label)}: {text}" for label, value in details(payload) if (text := one_line(value))]
    for key, label in QUOTED:
        asked = _readable(payload.get(key)).removesuffix("\n")
        lines += ["", f"{label}:", *(f"> {line}" for line in asked.split("\n"))] if asked else []
    return lines


def _readable(value: Any) -> str:
    text = "" if value is None else shortened(encodable(str(value)), TEXT_MOST)
    return _NOT_TEXT.sub(" ", _LINE_END.sub("\n", text))
