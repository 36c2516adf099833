"""0003: a conversation without a ``schema_version`` gets the first one."""

from __future__ import annotations

from shared.migrations.step import REMOVED, CannotTransform, Change, Document, Selection

FIRST = 1


def describe() -> str:
    """For the operator."""
    return "Writes schema_version 1 into every conversation that has none, so that later steps can tell forms apart."


def select() -> Selection:
    """Every conversation."""
    return Selection("conversations", ("schema_version",))


def transform(document: Document) -> Change | None:
    """The version, where there is none.

    Raises:
        CannotTransform: what stands there is no version.
    """
    stands = document.fields.get("schema_version")
    if stands is None:
        return Change({"schema_version": FIRST})
    if isinstance(stands, bool) or not isinstance(stands, int) or stands < FIRST:
        raise CannotTransform("schema_version is not a whole number from 1")
    return None


def reverse(document: Document) -> Change | None:
    """Without the version again, where it is still the first."""
    return Change({"schema_version": REMOVED}) if document.fields.get("schema_version") == FIRST else None
