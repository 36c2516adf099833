"""Typed readers on a parsed JSON object: each gives the value or refuses with a sentence that names the field.

Lengths are counted in code points. For optional fields ``null`` is the same as leaving the field out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.edge.json_text import json_type
from shared.edge.refusals import invalid_field

# C0 without tab, line feed and carriage return: nobody types them, terminals and logs obey them.
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# C0, DEL, C1 and the two Unicode line separators: what ends or overwrites a line in a log, a mail header, a cell.
_NOT_IN_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# Firestore keeps names like __this__ for itself and refuses to look them up.
# Source: https://cloud.google.com/firestore/quotas#collections_documents_and_fields
ID = re.compile(r"(?!__[0-9A-Za-z_-]*__(?![0-9A-Za-z_-]))[0-9A-Za-z_-]{1,128}")
"""The id of a document of ours, also inside a longer pattern."""


def required_text(body: Mapping[str, Any], field: str, *, max_length: int = 2000) -> str:
    """A text of several lines, as it was sent.

    Raises:
        RequestError: 400: missing, null, no string, empty, longer than ``max_length``, only white space, or with
            control characters other than tab and line ends.
    """
    must = f"a string of 1 to {max_length} characters that is not only spaces"
    value = body.get(field)
    if not isinstance(value, str):
        raise invalid_field(field, must, json_type(value) if field in body else "nothing")
    _check_length(field, must, value, max_length)
    if not value.strip():
        raise invalid_field(field, must, "only spaces" if value else "an empty string")
    if _NOT_IN_TEXT.search(value):
        raise invalid_field(field, f"{must} and has no control characters but tabs and line ends")
    return value


def optional_line(body: Mapping[str, Any], field: str, *, max_length: int) -> str | None:
    """What a person typed into one line of a form, without the spaces around it; None where nothing was.

    A string of spaces counts as nothing: forms send "" for what was not filled in.

    Raises:
        RequestError: 400: no string, longer than ``max_length`` as sent, or with control characters or line ends.
    """
    value = optional_exact(body, field, max_length=max_length)
    return (value.strip() or None) if value is not None else None


def optional_exact(body: Mapping[str, Any], field: str, *, max_length: int) -> str | None:
    """A string of one line exactly as sent, also when empty; None where it is left out or null.

    Raises:
        RequestError: 400: no string, longer than ``max_length``, or with control characters or line ends.
    """
    must = f"a string of at most {max_length} characters in one line"
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid_field(field, must, json_type(value))
    _check_length(field, must, value, max_length)
    if _NOT_IN_LINE.search(value):
        raise invalid_field(field, f"{must}, without control characters or line ends")
    return value


def optional_flags(body: Mapping[str, Any], field: str, names: tuple[str, ...]) -> dict[str, bool]:
    """Those of ``names`` that the object ``field`` sets, in the order of ``names``; other members are ignored.

    Raises:
        RequestError: 400: no object, or a named member that is neither boolean nor null.
    """
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_field(field, f"an object of booleans ({', '.join(names)})", json_type(value))
    flags: dict[str, bool] = {}
    for name in names:
        flag = value.get(name)
        if isinstance(flag, bool):
            flags[name] = flag
        elif flag is not None:
            raise invalid_field(f"{field}.{name}", "true or false", json_type(flag))
    return flags


def _check_length(field: str, must: str, value: str, max_length: int) -> None:
    """Refuse more than ``max_length`` code points."""
    if len(value) > max_length:
        raise invalid_field(field, must, f"{len(value)} characters")
