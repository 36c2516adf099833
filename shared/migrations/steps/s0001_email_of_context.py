"""0001: the e-mail inside the JSON text of a conversation's old ``context_data`` becomes its indexed ``email``."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

from shared.domain.contact import valid_email
from shared.migrations.step import CannotTransform, Change, Document, Selection

_NAMES = frozenset({"email", "mail", "emailaddress", "useremail", "contactemail", "clientemail", "customeremail"})
_MOST_VALUES = 10_000


def describe() -> str:
    """For the operator."""
    return (
        "Copies the e-mail address that stands in the JSON text of a conversation's context_data to the lower-cased, "
        "indexed field email. An address that is there already stays, in lower case; context_data stays as it is."
    )


def select() -> Selection:
    """Every conversation, and of it what is looked at."""
    return Selection("conversations", ("context_data", "email"))


def transform(document: Document) -> Change | None:
    """The address, where there is one and ``email`` does not have it yet.

    Raises:
        CannotTransform: ``context_data`` is no JSON object, or what it calls an e-mail is none.
    """
    stands = document.fields.get("email")
    if stands not in (None, ""):
        return _lowered(stands)
    context = document.fields.get("context_data")
    if context is None or (isinstance(context, str) and not context.strip()):
        return None
    named = [value for value in _named_emails(_parsed(context)) if value not in (None, "")]
    if not named:
        return None
    for value in named:
        address = valid_email(value) if isinstance(value, str) else None
        if address is not None:
            return Change({"email": address})
    raise CannotTransform("the e-mail in context_data is not a valid address")


def _lowered(stands: Any) -> Change | None:
    if not isinstance(stands, str):
        raise CannotTransform("email is no text")
    return Change({"email": stands.lower()}) if stands != stands.lower() else None


def _parsed(context: Any) -> Any:
    """What the text says; the first versions kept a map instead of a text."""
    if isinstance(context, dict):
        return context
    if not isinstance(context, str):
        raise CannotTransform("context_data is neither a text nor a map")
    try:
        parsed = json.loads(context)
    except (ValueError, RecursionError):
        raise CannotTransform("context_data is not JSON") from None
    if isinstance(parsed, str):  # encoded twice
        try:
            parsed = json.loads(parsed)
        except (ValueError, RecursionError):
            raise CannotTransform("context_data is not JSON") from None
    if parsed is not None and not isinstance(parsed, dict):
        raise CannotTransform("context_data is not a JSON object")
    return parsed


def _named_emails(context: Any) -> Iterator[Any]:
    """The values under names of e-mails, the outermost first."""
    waiting, seen = deque([context]), 0
    while waiting and seen < _MOST_VALUES:
        value = waiting.popleft()
        seen += 1
        if isinstance(value, dict):
            for name, inner in value.items():
                if "".join(filter(str.isalpha, str(name).lower())) in _NAMES and not isinstance(inner, dict | list):
                    yield inner
            waiting.extend(inner for inner in value.values() if isinstance(inner, dict | list))
        elif isinstance(value, list):
            waiting.extend(inner for inner in value if isinstance(inner, dict | list))
