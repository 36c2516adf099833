"""Before-and-after samples without personal data: what kind of thing stands where, and how long it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.migrations.step import REMOVED

_EMAIL = re.compile(r"[^\s@\"'<>,;:{}\[\]()]+@[^\s@\"'<>,;:{}\[\]()]+")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
PLAIN = frozenset({"status", "state", "channel", "kind", "cause", "event_type", "outcome", "source"})
"""Fields whose values are machine words; only such a word is shown."""

_DEEPEST, _MOST_ITEMS, _LARGEST = 4, 3, 999_999


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A document's fields, every value masked; what JSON cannot carry becomes text."""
    return {name: _masked(value, name, 0) for name, value in fields.items()}


def _masked(value: Any, name: str, depth: int) -> Any:  # noqa: PLR0911 - one line a type
    if value is REMOVED:
        return "(removed)"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= _LARGEST else f"a number of {len(str(abs(value)))} digits"
    if isinstance(value, str):
        return value if name in PLAIN and _WORD.fullmatch(value) else _text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(key): _masked(inner, str(key), depth + 1) for key, inner in list(value.items())[:20]}
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        shown = [_masked(inner, name, depth + 1) for inner in value[:_MOST_ITEMS]]
        return shown + ([f"and {len(value) - _MOST_ITEMS} more"] if len(value) > _MOST_ITEMS else [])
    return f"({type(value).__name__})"


def _text(text: str) -> str:
    """``a***@e***`` for an address, alone or inside a longer text of which only the length is told."""
    found = _EMAIL.search(text)
    address = "".join((found[0][0], "***@", found[0].partition("@")[2][0], "***")) if found is not None else None
    if found is not None and found[0] == text.strip():
        return str(address)
    inside = f" with {address}" if address is not None else ""
    return f"text of {len(text)} characters{inside}"
