"""How a setting is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from shared.settings import kinds


def setting(
    name: str, doc: str, parse: Callable[[str], Any] = kinds.text, default: str | None = None, *, secret: bool = False
) -> Any:
    """A field read from the environment variable ``name``.

    Args:
        name: the variable.
        doc: what it means, one sentence.
        parse: makes the value of the text; raises ValueError with what it takes, never with what it was.
        default: as it would be written in the environment; None: the field is None where nothing is set.
        secret: never shown, in a repr, a message or a log.
    """
    metadata = {"name": name, "doc": doc, "parse": parse, "default": default, "secret": secret}
    return field(default=None, metadata=metadata, repr=not secret)
