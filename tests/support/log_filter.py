"""Cloud Logging's query language, as far as our metrics and runbooks use it, tried on entries.

Comparisons of fields, by one value or several (``=("a" OR "b")``), texts that stand anywhere, NOT, AND (also where
nothing stands between) and OR, which binds more closely than AND.
Source: https://cloud.google.com/logging/docs/view/logging-query-language
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pyparsing as pp

Entry = Mapping[str, Any]
Test = Callable[[Any], bool]
SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")


def matches(text: str, entry: Entry) -> bool:
    """Whether a filter finds an entry, which is in the API's JSON; raises ValueError for what is no filter."""
    return not text.strip() or parsed(text)(entry)


@cache
def parsed(text: str) -> Test:
    """A filter as a test of entries; raises ValueError for what is none, or not of the part that is known here."""
    try:
        found: Test = _FILTER.parse_string(text, parse_all=True)[0]
    except pp.ParseException as error:
        raise ValueError(f"no filter of Cloud Logging's, or one that is not known here: {error}") from error
    return found


def _all(tests: pp.ParseResults) -> Test:
    return lambda value, parts=list(tests): all(part(value) for part in parts)


def _any(tests: pp.ParseResults) -> Test:
    return lambda value, parts=list(tests): any(part(value) for part in parts)


def _not(tests: pp.ParseResults) -> Test:
    return lambda value, part=tests[0]: not part(value)


def _logic(leaf: pp.ParserElement) -> pp.ParserElement:
    """Expressions of these; NOT before OR before AND."""
    whole = pp.Forward()
    one = leaf | pp.Suppress("(") + whole + pp.Suppress(")")
    negated = (pp.Suppress(pp.Keyword("NOT") | "-") + one).set_parse_action(_not)
    either = pp.DelimitedList(negated | one, delim=pp.Keyword("OR")).set_parse_action(_any)
    whole <<= (either + pp.ZeroOrMore(pp.Suppress(pp.Optional(pp.Keyword("AND"))) + either)).set_parse_action(_all)
    return whole


def _field(entry: Entry, path: list[str]) -> Any:
    """What stands at a path; None where nothing does."""
    value: Any = entry
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _order(value: Any, text: str) -> tuple[Any, Any]:
    """A field and a text so that one is before the other: as severities, as numbers, as times."""
    if str(value) in SEVERITIES and text.upper() in SEVERITIES:
        return SEVERITIES.index(str(value)), SEVERITIES.index(text.upper())
    try:
        return float(value), float(text)
    except ValueError:
        return datetime.fromisoformat(str(value)), datetime.fromisoformat(text)


def _same(value: Any, text: str) -> bool:
    return (str(value).lower() if not isinstance(value, bool) else json.dumps(value)) == text.lower()


def _has(value: Any, text: str) -> bool:
    return value is not None and (text == "*" or text.lower() in json.dumps(value, ensure_ascii=False).lower())


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
}


def _compare(operator: str, value: Any, text: str) -> bool:
    match operator:
        case "=":
            return value is not None and _same(value, text)
        case "!=":
            return value is None or not _same(value, text)
        case ":":
            return _has(value, text)
        case "=~":
            return value is not None and re.search(text, str(value)) is not None
        case "!~":
            return value is None or re.search(text, str(value)) is None
        case _:
            return value is not None and _ORDERS[operator](*_order(value, text))


def _comparison(found: pp.ParseResults) -> Test:
    path, operator, wanted = list(found[0]), str(found[1]), found[2]
    return lambda entry: wanted(lambda text: _compare(operator, _field(entry, path), text))


def _grammar() -> pp.ParserElement:
    keyword = pp.Keyword("AND") | pp.Keyword("OR") | pp.Keyword("NOT")
    quoted = pp.QuotedString('"', esc_char="\\")
    word = ~keyword + pp.Regex(r"[\w*./@-]+")
    # A value is a test of tests: whether the comparison holds for it.
    value = (quoted | word).copy().set_parse_action(lambda found: lambda holds, text=str(found[0]): holds(text))
    name = quoted | ~keyword + pp.Regex(r"[A-Za-z_][\w-]*")
    path = pp.Group(pp.DelimitedList(name, delim="."))
    operator = pp.one_of(["=~", "!~", "!=", ">=", "<=", "=", ">", "<", ":"])
    values = value | pp.Suppress("(") + _logic(value) + pp.Suppress(")")
    comparison = (path + operator + values).set_parse_action(_comparison)
    anywhere = (
        (quoted | word).copy().set_parse_action(lambda found: lambda entry, text=str(found[0]): _has(entry, text))
    )
    return _logic(comparison | anywhere)


_FILTER = _grammar()
