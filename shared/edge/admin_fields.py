"""Readers of what an operator sends: like ``shared.edge.fields``, for names, times and lists, in a body or a query.

Other fields than those that are known are refused: a mistyped filter must not mean everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import flask

from shared.edge.fields import ID, optional_line, required_text
from shared.edge.json_text import json_type
from shared.edge.refusals import invalid_field

IDS_MOST = 500
LIMIT, LIMIT_MOST = 50, 200
REASON_MOST = 500
BY_MOST = 200
EMAIL_MOST = 320
CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
PLACE = re.compile(rf"[0-9]{{1,17}}-{ID.pattern}")
_EMAIL = re.compile(rf"[^\x00-\x20\x7f]{{3,{EMAIL_MOST}}}")
_YEARS = range(1971, 9999)


def read_query(request: flask.Request, names: tuple[str, ...]) -> dict[str, Any]:
    """The parameters of a URL's query, each at most once.

    Raises:
        RequestError: 400, one that is not among ``names``, or there twice.
    """
    known_only(dict(request.args), names)
    for name in names:
        if len(request.args.getlist(name)) > 1:
            raise invalid_field(name, "given once")
    return dict(request.args)


def known_only(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Refuse (400) anything that is not among ``names``; what it was called is not repeated in full."""
    for name in given:
        if name not in names:
            shown = re.sub(r"[^0-9A-Za-z_.-]", "?", name)[:40] or "?"
            raise invalid_field(shown, f"left out; there are {', '.join(names) or 'no fields here'}")


def optional_matching(given: Mapping[str, Any], field: str, pattern: re.Pattern[str], must: str) -> str | None:
    """A string that a pattern matches as a whole, None where it is left out or null; raises RequestError (400)."""
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise invalid_field(field, must, None if isinstance(value, str) else json_type(value))
    return value


def optional_of(given: Mapping[str, Any], field: str, values: tuple[str, ...]) -> str | None:
    """One of some words, None where it is left out or null; raises RequestError (400)."""
    value = given.get(field)
    if value is not None and value not in values:
        raise invalid_field(field, f"one of {', '.join(values)}", None if isinstance(value, str) else json_type(value))
    return value


def optional_text(given: Mapping[str, Any], field: str, *, max_length: int) -> str | None:
    """A text that is not only spaces, None where it is left out or null; raises RequestError (400)."""
    return None if given.get(field) is None else required_text(given, field, max_length=max_length)


def optional_time(given: Mapping[str, Any], field: str) -> datetime | None:
    """A time with its zone (RFC 3339), in UTC, None where it is left out or null; raises RequestError (400)."""
    value = given.get(field)
    if value is None:
        return None
    must = "a time with its zone, for example 2026-01-05T09:00:00Z"
    if not isinstance(value, str):
        raise invalid_field(field, must, json_type(value))
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise invalid_field(field, must) from error
    if time.tzinfo is None or time.year not in _YEARS:
        raise invalid_field(field, must)
    return time.astimezone(UTC)


def optional_ids(given: Mapping[str, Any], field: str) -> tuple[str, ...] | None:
    """A list of alerts' ids, each once in the answer, None where it is left out or null; raises RequestError (400)."""
    value = given.get(field)
    if value is None:
        return None
    must = f"a list of 1 to {IDS_MOST} ids of alerts"
    if not isinstance(value, list):
        raise invalid_field(field, must, json_type(value))
    if not 1 <= len(value) <= IDS_MOST:
        raise invalid_field(field, must, f"{len(value)}")
    for number, each in enumerate(value):
        if not isinstance(each, str) or not ID.fullmatch(each):
            raise invalid_field(f"{field}.{number}", "an alert's id", json_type(each))
    return tuple(dict.fromkeys(value))


def optional_number(given: Mapping[str, Any], field: str, low: int, high: int) -> int | None:
    """A whole number in a query, None where it is left out; raises RequestError (400)."""
    value = optional_matching(given, field, re.compile(r"[0-9]{1,9}"), f"a whole number from {low} to {high}")
    if value is not None and not low <= int(value) <= high:
        raise invalid_field(field, f"a whole number from {low} to {high}")
    return int(value) if value is not None else None


def optional_email(given: Mapping[str, Any]) -> str | None:
    """What may be an e-mail address, None where it is left out; raises RequestError (400)."""
    return optional_matching(given, "email", _EMAIL, f"an e-mail address of at most {EMAIL_MOST} characters")


def optional_channel(given: Mapping[str, Any]) -> str | None:
    """What may be a channel's name, None where it is left out; raises RequestError (400)."""
    return optional_matching(given, "channel", CHANNEL, "a channel's name")


def page_size(given: Mapping[str, Any]) -> int:
    """How many of something at most; raises RequestError (400)."""
    return optional_number(given, "limit", 1, LIMIT_MOST) or LIMIT


def optional_place(given: Mapping[str, Any]) -> str | None:
    """Where a page begins, None for the first one; raises RequestError (400)."""
    return optional_matching(given, "after", PLACE, "what an answer gave as next")


def why_and_who(given: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """``reason`` and ``by`` of what an operator does, each None where nothing was said; raises RequestError (400)."""
    return optional_text(given, "reason", max_length=REASON_MOST), optional_line(given, "by", max_length=BY_MOST)
