"""What Monday.com checks in a column's value, and how it shows there.

Sources: developer.monday.com, "Column types reference" and the page of each type. A value that its column cannot hold
refuses the whole item. Where the documentation leaves a length's unit open, the strictest reading is taken: UTF-16
units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

import phonenumbers

MAX_LONG_TEXT = 2_000
NAME_COLUMN = "name"

_SHOWN = {"email": "email", "phone": "phone", "long_text": "text", "status": "label"}
_EMAIL = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


class BadValue(ValueError):  # noqa: N818 - it reads as what it is
    """A column refuses a value; the message says why, ``error`` is Monday.com's name for it."""

    def __init__(self, why: str, error: str = "ColumnValueException") -> None:
        super().__init__(why)
        self.error = error


def checked(column: str, kind: str, value: object, labels: set[str], *, new_labels: bool) -> Any:
    """A column's value as it is kept; None for one that clears the column (null, an empty string or object).

    Args:
        column: its id, for the message.
        kind: its type.
        value: what was sent.
        labels: the labels the column has; new ones are added if they may be.
        new_labels: whether a label that is not there yet is made.

    Raises:
        BadValue: the column cannot hold it.
    """
    if value is None or value in ("", {}):
        return None
    kept = _CHECKS[kind](value)
    if kept is None:
        raise BadValue(f"{column} is a {kind} column and does not take this value")
    if kind in ("status", "dropdown"):
        wanted = {kept["label"]} if kind == "status" else set(kept["labels"])
        if not new_labels and not wanted <= labels:
            raise BadValue(f"{column}: the label does not exist")
        labels |= wanted
    return kept


def shown(kind: str, value: Any) -> str:
    """A kept value as text."""
    if value is None:
        return ""
    if kind == "date":
        return " ".join(part for part in (value["date"], value.get("time", "")[:5]) if part)
    if kind == "dropdown":
        return ", ".join(value["labels"])
    return str(value[_SHOWN[kind]] if kind in _SHOWN else value)


def units(text: str) -> int:
    """How long a text is to Monday.com."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _long_text(value: object) -> dict[str, str] | None:
    text = value if isinstance(value, str) else _member(value, "text")
    return {"text": text} if text is not None and units(text) <= MAX_LONG_TEXT else None


def _email(value: object) -> dict[str, str] | None:
    address, label = _member(value, "email"), _member(value, "text")
    if address is None or label is None or not _EMAIL.fullmatch(address):
        return None
    return {"email": address, "text": label}


def _phone(value: object) -> dict[str, str] | None:
    number, country = _member(value, "phone"), _member(value, "countryShortName")
    if number is None or country is None:
        return None
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number_for_region(parsed, country)
    return {"phone": number, "countryShortName": country} if valid else None


def _numbers(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) if _NUMBER.fullmatch(str(value)) else None


def _date(value: object) -> dict[str, str] | None:
    day, hour = _member(value, "date"), _member(value, "time")
    if day is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or not re.fullmatch(r"(\d\d:\d\d:\d\d)?", hour or ""):
        return None
    try:
        date.fromisoformat(day)
        time.fromisoformat(hour or "00:00:00")
    except ValueError:
        return None
    return {"date": day, "time": hour} if hour else {"date": day}


def _status(value: object) -> dict[str, str] | None:
    label = _member(value, "label")
    return {"label": label} if label else None


def _dropdown(value: object) -> dict[str, list[str]] | None:
    labels = value.get("labels") if isinstance(value, Mapping) else None
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
        return None
    return {"labels": labels}


def _member(value: object, name: str) -> str | None:
    """A member of an object if it is a string."""
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, str) else None


_CHECKS: dict[str, Callable[[object], Any]] = {
    "text": _text,
    "long_text": _long_text,
    "email": _email,
    "phone": _phone,
    "numbers": _numbers,
    "date": _date,
    "status": _status,
    "dropdown": _dropdown,
}
"""A type's check: the value as it is kept, None where the column refuses it."""
