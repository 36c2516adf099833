"""What ``MONDAY_COLUMNS`` holds: which column of the board takes which field of an alert.

The setting is a JSON object of field → column id. A column's type follows from its field (``TYPE_OF_FIELD``); where the
board has another type, the id says so: ``{"message": "text_mk1:text"}``. A leaf like ``shared.config``: the settings
and the adapter read the same rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

TYPE_OF_FIELD = {
    "alert_id": "text",
    "name": "text",
    "email": "email",
    "phone": "phone",
    "message": "long_text",
    "score": "numbers",
    "language": "text",
    "created_at": "date",
    "conversation_id": "text",
    "kind": "text",
    "hot": "text",
    "handoff": "text",
    "question": "long_text",
}
"""Every field a column can take, and the type its column has unless the setting says otherwise.

So can ``field_`` with the id of one of the knowledge file's fields, in a text column.
"""

TYPES = ("text", "long_text", "email", "phone", "numbers", "date", "status", "dropdown")
"""The column types that can be written (Monday.com's own names)."""

EXAMPLE = '{"alert_id": "text_mk1", "email": "email_mk2", "message": "text_mk3:text"}'

FIELD = re.compile(r"field_[a-z][a-z0-9_]{0,39}")
"""What a field of the knowledge file is called here."""

_COLUMN = re.compile(r"([A-Za-z0-9_-]{1,100})(?::([a-z_]+))?")


@dataclass(frozen=True)
class Column:
    """A column of the board: its id and its type."""

    id: str
    type: str


def parse_columns(text: str) -> dict[str, str]:
    """The setting's text as field → column id, each as it was written (``"id"`` or ``"id:type"``).

    Raises:
        ValueError: it cannot be used; the message says what the setting takes.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _wrong()
    resolve_columns(said)
    return said


def resolve_columns(columns: Mapping[str, object]) -> dict[str, Column]:
    """The columns with their types.

    Raises:
        ValueError: a field or a type is unknown, an id is malformed or used twice, or ``alert_id`` is missing or no
            text column (only those are looked up reliably); the message says what the setting takes.
    """
    resolved = {str(field): _column(str(field), value) for field, value in columns.items()}
    if "alert_id" not in resolved:
        raise _wrong("alert_id is missing")
    if resolved["alert_id"].type != "text":
        raise _wrong("alert_id needs a text column")
    if len({column.id for column in resolved.values()}) < len(resolved):
        raise _wrong("a column is named twice")
    return resolved


def _column(field: str, value: object) -> Column:
    own = FIELD.fullmatch(field)
    if field not in TYPE_OF_FIELD and own is None:
        raise _wrong(f"{field[:40]!r} is no field")
    match = _COLUMN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _wrong(f"{field}: no column id")
    kind = match[2] or ("text" if own else TYPE_OF_FIELD[field])
    if kind not in TYPES:
        raise _wrong(f"{field}: {kind[:40]!r} is no column type")
    return Column(match[1], kind)


def _wrong(why: str = "") -> ValueError:
    takes = (
        f"a JSON object of field to column id, for example {EXAMPLE}; fields: {', '.join(TYPE_OF_FIELD)}, field_... "
        f"(alert_id is required); a type after a colon where it is not the field's own: {', '.join(TYPES)}"
    )
    return ValueError(f"{takes} ({why})" if why else takes)
