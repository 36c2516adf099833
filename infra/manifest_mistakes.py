"""What is wrong with a manifest, told to the person who wrote it: the place, what it was, what it takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails

from infra.manifest_fields import near
from infra.strict_yaml import Document, Place

_TAKES = {
    "dict_type": "takes a mapping, name: value",
    "model_type": "takes a mapping, name: value",
    "model_attributes_type": "takes a mapping, name: value",
    "tuple_type": "takes a list",
    "int_type": "takes a whole number",
    "string_type": "takes text",
}


def tell(errors: Iterable[ErrorDetails], document: Document, keys: dict[Place, list[str]]) -> str:
    """One line for each mistake, in the order of the text.

    Args:
        errors: what pydantic found in the manifest once its defaults were filled in.
        document: the manifest as it was written. A mistake that a function took from ``defaults`` is told there, once.
        keys: what each kind of mapping may hold, by the place of its section.
    """
    mistakes: dict[str, int] = {}
    for place, first, again in document.repeated:
        mistakes[f"{_dotted(place)}: is said twice, on lines {first} and {again}"] = again
    for error in errors:
        place = _written(tuple(error["loc"]), document.lines)
        line = _line(place, document.lines)
        where = f" (line {line})" if line else ""
        mistakes.setdefault(f"{_complaint(error, place, keys)}{where}", line)
    return "\n".join(sorted(mistakes, key=lambda text: mistakes[text]))


def _complaint(error: ErrorDetails, place: Place, keys: dict[Place, list[str]]) -> str:
    kind = error["type"]
    if kind == "missing":
        return f"{_dotted(place)}: is missing"
    if kind == "extra_forbidden":
        section = place[:1] if len(place) > 1 else ()
        known = next((keys[path] for path in (place[:-1], (*section, "*", *place[2:-1]), section) if path in keys), [])
        return f"{_dotted(place)}: is not a key here{near(place[-1], known)}"
    takes = str(error["ctx"]["error"]) if kind == "value_error" else _TAKES.get(kind, error["msg"])
    if place[-1:] == ("[key]",):
        return f"{_dotted(place[:-1])}: {takes}"
    return f"{_dotted(place)}: was {_shown(error['input'])}; {takes}"


def _shown(value: Any) -> str:
    return "empty" if value is None else repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:77]}..."  # noqa: PLR2004


def _written(place: Place, lines: dict[Place, int]) -> Place:
    """Where the value at ``place`` stands in the text: in the entry itself, or in ``defaults``."""
    bare = place[:-1] if place[-1:] == ("[key]",) else place
    inherited: Place = ("defaults", *place[2:])
    if place[:1] == ("functions",) and bare not in lines and ("defaults", *bare[2:]) in lines:
        return inherited
    return place


def _line(place: Place, lines: dict[Place, int]) -> int:
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return 0


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)
