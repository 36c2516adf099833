"""What a step makes of the documents of one page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.migrations.step import CannotTransform, Change, Document, Step


@dataclass(frozen=True)
class Problem:
    """A document that is left as it is, and why, for a person."""

    id: str
    reason: str


@dataclass(frozen=True)
class Decided:
    """The changes of a page's documents, by id in their order; what cannot be changed, and how many need not be."""

    changes: dict[str, Change]
    problems: tuple[Problem, ...]
    unchanged: int


def decide(step: Step, documents: Iterable[Document]) -> Decided:
    """Decide document by document; one that cannot be transformed, or breaks the step's own code, stops nothing."""
    changes: dict[str, Change] = {}
    problems: list[Problem] = []
    unchanged = 0
    for document in documents:
        try:
            change = step.transform(document)
        except CannotTransform as error:
            problems.append(Problem(document.id, error.reason))
        except Exception as error:  # noqa: BLE001 - a mistake of the step, met by one document
            problems.append(Problem(document.id, f"the step failed on it ({type(error).__name__})"))
        else:
            if change is None:
                unchanged += 1
            else:
                changes[document.id] = change
    return Decided(changes, tuple(problems), unchanged)
