"""What a migration's step is made of: which documents it looks at, and what it makes of one.

A step is a module of four functions, of which the last may be missing::

    describe()            one or two sentences for the operator
    select()              which documents it reads
    transform(document)   the change that brings a document to the new form, None where it needs none
    reverse(document)     the change that takes it back, where a before-image cannot: the document has changed since

``transform`` is pure, and gives None for what it has brought to the new form itself: a step can be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class Gone(Enum):
    """What stands in a change in the place of a value: the field is removed."""

    FIELD = "removed"


REMOVED: Final = Gone.FIELD


class CannotTransform(Exception):  # noqa: N818 - it says what it is
    """A document that no machine can bring to the new form; it is left as it is, listed, and stops nothing.

    Attributes:
        reason: why, for a person; never holds what the document holds.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Selection:
    """All documents of a collection.

    Attributes:
        collection: its name.
        fields: those that are read; empty for all of them.
    """

    collection: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """A document as it was read: its name in its collection, and its fields."""

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class NewDocument:
    """A document that a change brings with it and that must not exist yet."""

    collection: str
    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Tally:
    """One more to be counted with a change: a counter's document, what says what it counts, and its field."""

    collection: str
    id: str
    labels: Mapping[str, Any]
    field: str


@dataclass(frozen=True)
class Change:
    """What becomes of one document; all of it or nothing.

    Attributes:
        fields: top-level fields with their new values, ``REMOVED`` for those that go; the others are not touched.
        removes: the document itself goes; ``fields`` is empty then.
        creates: documents that come with it.
        tallies: counters that count it.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    removes: bool = False
    creates: tuple[NewDocument, ...] = ()
    tallies: tuple[Tally, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether it touches its own document only, and that stays."""
        return not (self.removes or self.creates or self.tallies)

    @property
    def writes(self) -> int:
        """How many writes Firestore bills for it."""
        return 1 + len(self.creates) + len(self.tallies)


Transform = Callable[[Document], Change | None]


@dataclass(frozen=True)
class Step:
    """A step that can be run.

    Attributes:
        id: four digits; steps run in this order.
        title: a few words.
        description: for the operator.
        checksum: of its code; a step that was run and has another one now is refused.
        requires: the steps that must be done before it.
        selection: which documents it looks at.
        transform: see the module.
        reverse: likewise; None where there is none.
    """

    id: str
    title: str
    description: str
    checksum: str
    requires: tuple[str, ...]
    selection: Selection
    transform: Transform
    reverse: Transform | None = None
