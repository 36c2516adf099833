"""What an alert looks like as a Monday.com item: its name and the values of its columns.

Sources: https://developer.monday.com/api-reference/reference/column-types-reference (each type's JSON),
https://developer.monday.com/api-reference/docs/errors (1 to 255 characters an item name; a value in the wrong form is
refused and takes the whole item with it), https://developer.monday.com/api-reference/docs/long-text (2,000 characters).
Lengths are counted as JavaScript does, in UTF-16 units, and cut between code points.

The same alert gives the same item at every attempt: an idempotency key belongs to one body. So neither the time of the
attempt nor that it is a repeat shows in it.

A lead's text stays as it is; in an escalation or a notice it stands among Bellhop's words and is made safe for that
(``alert_text``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import phonenumbers

from shared.adapters.alert_text import one_line, several_lines
from shared.domain.alert import LEAD, OF_A_LEAD, UPDATE
from shared.monday_columns import Column
from shared.ports import Message

NAME_MOST = 255
LONG_TEXT_MOST = 2000
LABEL_MOST = 30
LAST_OF_ONE_UNIT = 0xFFFF

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_CURRENCY = re.compile(" [A-Z]{3}$")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")
_CONTACT = ("email", "phone")
_PLAIN = ("name", "email", "phone", "score", "language", "conversation_id", "question")


@dataclass(frozen=True)
class Item:
    """An item to be made: its name, and column id → value as Monday.com takes it."""

    name: str
    column_values: dict[str, Any]


def monday_item(message: Message, columns: Mapping[str, Column]) -> Item:
    """The item of an alert; a contact detail that no column can hold shows in the name instead of being lost.

    A plain one has only its name and its id.
    """
    said = _said(message)
    columns = {"alert_id": columns["alert_id"]} if message.plain else columns
    held: dict[str, Any] = {}
    for field, column in columns.items():
        value = None if said.get(field) in (None, "") else _RENDER[column.type](said[field])
        if value is not None:
            held[field] = value
    name = _name(message, said, [field for field in _CONTACT if field not in held])
    return Item(name, {columns[field].id: value for field, value in held.items()})


def changed_values(message: Message, columns: Mapping[str, Column]) -> dict[str, Any]:
    """What an update sets of the lead's item: its name and every column that changes with a lead.

    A contact detail that its column cannot hold is cleared there, as it stands in the name now.
    """
    item = monday_item(message, columns)
    kept = {columns[field].id for field in ("alert_id", "created_at") if field in columns}
    cleared = {columns[field].id: None for field in _CONTACT if field in columns}
    changed = {column: value for column, value in item.column_values.items() if column not in kept}
    return {"name": item.name, **cleared, **changed}


def lead_of(message: Message) -> str:
    """The id of the alert whose item this one is about: an update's is its lead's."""
    return str(message.payload["lead_id"]) if message.kind == UPDATE else message.alert_id


def cut(text: str, most: int) -> str:
    """Text of at most so many UTF-16 units, cut between code points and marked where it was cut."""
    room = most
    for place, character in enumerate(text):
        room -= 2 if ord(character) > LAST_OF_ONE_UNIT else 1
        if room < 0:
            return _fitting(text[:place], most - 1) + "…"
    return text


def _said(message: Message) -> dict[str, Any]:
    payload = message.payload
    own = {f"field_{each['id']}": each["value"] for each in payload.get("fields", ())}
    return {
        **{field: payload.get(field) for field in _PLAIN},
        **own,
        **{flag: "yes" if payload.get(flag) else None for flag in ("hot", "handoff")},
        "message": _message(message),
        "created_at": message.created_at,
        "kind": LEAD if message.kind == UPDATE else message.kind,
        "alert_id": lead_of(message),
    }


def _message(message: Message) -> object:
    first, second = (message.payload.get(key) for key in ("message", "text"))
    return (first or second) if message.kind in OF_A_LEAD else several_lines(second or first)


def _name(message: Message, said: Mapping[str, Any], homeless: list[str]) -> str:
    """Who or what it is about, then the contact details that have no column."""
    line = _line if message.kind in OF_A_LEAD else one_line
    title = line(message.payload.get("title")) or line(said["name"])
    details = [line(said[field]) for field in homeless]
    parts = [part for part in (title, *details) if part]
    if not parts:
        rest = (line(said[field]) for field in (*_CONTACT, "message"))
        parts = [next((part for part in rest if part), f"{message.kind} {message.alert_id}".strip() or "alert")]
    return cut(" · ".join(parts), NAME_MOST)


def _line(value: object) -> str:
    return "" if value is None else str(value).strip()


def _fitting(text: str, most: int) -> str:
    """Text that is too long by a few units, without its last characters."""
    while len(text.encode("utf-16-le", "surrogatepass")) > 2 * most:
        text = text[:-1]
    return text


def _text(value: object) -> str | None:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _long_text(value: object) -> dict[str, str]:
    return {"text": cut(str(value), LONG_TEXT_MOST)}


def _email(value: object) -> dict[str, str] | None:
    text = str(value)
    return {"email": text, "text": text} if _EMAIL.fullmatch(text) else None


def _phone(value: object) -> dict[str, str] | None:
    """A number with its country: Monday.com checks it against Google's library and refuses the item otherwise."""
    try:
        number = phonenumbers.parse(str(value), None)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    if region is None or not re.fullmatch("[A-Z]{2}", region) or not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return {"phone": e164, "countryShortName": region}


def _numbers(value: object) -> str | None:
    """A number; of an amount of money ("20000 EUR") what it is without its currency."""
    text = _CURRENCY.sub("", str(value))
    return text if not isinstance(value, bool) and _NUMBER.fullmatch(text) else None


def _date(value: object) -> dict[str, str] | None:
    if not isinstance(value, datetime):
        return None
    utc = value.astimezone(UTC)
    return {"date": utc.date().isoformat(), "time": utc.strftime("%H:%M:%S")}


def _status(value: object) -> dict[str, str] | None:
    label = cut(str(value).strip(), LABEL_MOST)
    return {"label": label} if label else None


def _dropdown(value: object) -> dict[str, list[str]] | None:
    label = cut(str(value).strip(), LABEL_MOST)
    return {"labels": [label]} if label else None


_RENDER: dict[str, Callable[[object], Any]] = {
    "text": _text,
    "long_text": _long_text,
    "email": _email,
    "phone": _phone,
    "numbers": _numbers,
    "date": _date,
    "status": _status,
    "dropdown": _dropdown,
}
"""A column type's value; None where that type cannot hold it."""
