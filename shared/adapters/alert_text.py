"""What every channel says of an alert: one line that names it, and its text in lines.

A visitor's text stands in both, and in an escalation or a notice it stands among Bellhop's own words. So what could
make it pass for them is taken out: control characters, line ends of unusual kinds, and the controls that reorder what
is shown (UAX 9; https://trojansource.codes). Right-to-left letters stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.ports import Message

VALUE_MOST = 500
TEXT_MOST = 100_000
LABELS = (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"), ("score", "Score"))
REPEATED = "Possible duplicate: this alert may have been shown before."
TITLES = {"lead": "New lead", "escalation": "An alert could not be delivered", "notice": "A destination needs repair"}

_NOT_ONE_LINE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_REORDERS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def headline(message: Message) -> str:
    """One line that says what it is about; never empty."""
    title = TITLES.get(message.kind, "Alert")
    if message.kind != "lead":
        return one_line(message.payload.get("title")) or title
    who = " · ".join(filter(None, (one_line(message.payload.get(key)) for key in ("name", "email", "phone"))))
    return f"{title}: {who}" if who else title


def said(message: Message) -> list[str]:
    """The text in lines without its title; a lead's message is quoted, so that none of it passes for ours."""
    if message.kind == "lead":
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
    lines = [f"{label}: {text}" for key, label in LABELS if (text := one_line(payload.get(key)))]
    asked = _readable(payload.get("message")).removesuffix("\n")
    return [*lines, "", "Message:", *(f"> {line}" for line in asked.split("\n"))] if asked else lines


def _readable(value: Any) -> str:
    text = "" if value is None else shortened(encodable(str(value)), TEXT_MOST)
    return _NOT_TEXT.sub(" ", _LINE_END.sub("\n", text))
