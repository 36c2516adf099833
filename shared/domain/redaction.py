"""What a visitor wrote, replaced by what has its shape and says nothing: for a bundle that leaves the house.

A letter becomes a letter and a digit a 0, so that what is too long, of too many lines or in another script stays so.
An address stays an address. Everything else stays, as numbers, marks and line ends are what a destination chokes on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

KEPT = frozenset(
    {
        "attempts",
        "cause",
        "channel",
        "epoch",
        "handoff",
        "hot",
        "kind",
        "language",
        "number",
        "runbook",
        "score",
        "state",
    }
)
"""Fields whose words are ours: they say nothing of a visitor, and decide how a message is made."""

FREE = "fields"
"""Where a visitor's words stand under names that are not ours."""


def redacted(value: Any, field: str = "") -> Any:
    """A value of a payload without anything that a visitor wrote.

    Args:
        value: as JSON or Firestore has it.
        field: the name it stands under; those of ``KEPT`` keep theirs.
    """
    if isinstance(value, Mapping):
        known = field != FREE
        return {str(name): redacted(each, str(name) if known else "") for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(each, field) for each in value]
    if isinstance(value, str) and field not in KEPT:
        return "".join(map(_alike, value))
    if value is None or isinstance(value, (str, bool, datetime)) or field in KEPT:
        return value.isoformat() if isinstance(value, datetime) else value
    return 0


def _alike(character: str) -> str:
    """A character of the same kind, of about as many bytes."""
    if character.isascii():
        if character.isdigit():
            return "0"
        return ("X" if character.isupper() else "x") if character.isalpha() else character
    category = unicodedata.category(character)
    if category == "Lu":
        return "\u00c9"
    if category == "Ll":
        return "\u00e9"
    if category.startswith("L"):
        return "\u5b57"
    return "0" if category.startswith("N") else character
