"""Bytes from outside → one JSON object, strictly: what two parsers could read differently is refused (RFC 8259, 4)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from shared.edge.refusals import malformed_body

MAX_DEPTH = 32

# Strings are skipped whole, so that brackets inside them do not count; an unended one reaches to the end of the text,
# and the possessive "*+" keeps the scan linear in the text's length.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def json_type(value: Any) -> str:
    """What JSON calls a parsed value, with its article: ``a number``, ``null``."""
    names: dict[type, str] = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return names[type(value)]


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse ``data`` as one JSON object, nested at most 32 deep; every string in it can be encoded as UTF-8.

    Raises:
        RequestError: 400: empty, not UTF-8, not JSON, NaN or infinite (also by overflow, such as 1e999), an integer of
            thousands of digits, a key twice in one object, nested too deep, a lone surrogate, not an object.
    """
    if not data.strip(b" \t\r\n"):
        raise malformed_body("The request body is empty; a JSON object is accepted.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed_body("The request body is not UTF-8.") from error
    _refuse_deep_nesting(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise malformed_body(f"The request body is not JSON: syntax error at {where}.") from error
    _refuse_lone_surrogates(value)
    if not isinstance(value, dict):
        raise malformed_body(f"The request body must be a JSON object; got {json_type(value)}.")
    return value


def _refuse_deep_nesting(text: str) -> None:
    """Count brackets before the parser recurses into them."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        depth += bool(token[1]) - bool(token[2])
        if depth > MAX_DEPTH:
            raise malformed_body(f"The request body is nested too deep: at most {MAX_DEPTH} levels are accepted.")


def _refuse_lone_surrogates(value: Any) -> None:
    r"""An escape such as \ud800 without its other half is no character (RFC 8259, 8.2)."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        sentence = "The request body holds half of a surrogate pair; whole characters are accepted."
        raise malformed_body(sentence) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are unique."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise malformed_body("The request body holds the same key twice in one object; keys must be unique.")
    return members


def _refuse_constant(_: str) -> Any:
    """NaN, Infinity and -Infinity are Python's, not JSON's."""
    raise malformed_body("The request body holds NaN or an infinity, which are not JSON.")


def _float(text: str) -> float:
    """A finite number."""
    number = float(text)
    if not math.isfinite(number):
        raise malformed_body("The request body holds a number that is too large.")
    return number


def _int(text: str) -> int:
    """An integer; Python refuses to convert more than some thousand digits (CVE-2020-10735)."""
    try:
        return int(text)
    except ValueError as error:
        raise malformed_body("The request body holds a number with too many digits.") from error
