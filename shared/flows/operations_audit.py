"""Who did what, and why: looked up, and written down for what has no commit of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.flows.operations import answered
from shared.flows.operations_answers import time_view
from shared.ports import Chance, Events
from shared.ports.operations import Action, Place
from shared.ports.operations_system import Done, OperatorAudit


@dataclass(frozen=True)
class OperatingAudit:
    """The flows with what they need."""

    store: OperatorAudit
    chance: Chance
    events: Events

    def listed(self, limit: int, after: str | None) -> dict[str, Any]:
        """A page of what was done, the newest first, and where the next one begins.

        Raises:
            ValueError: ``after`` names no place.
            Unavailable: storage did not answer.
        """
        place = Place.of(after) if after is not None else None
        with answered(self.events):
            found = self.store.listed(limit + 1, place)
        page, more = found[:limit], len(found) > limit
        next_page = Place(page[-1].at, page[-1].action.id).text if more else None
        return {"actions": [_view(done) for done in page], "next": next_page}

    def note(self, name: str, subject: Mapping[str, Any], reason: str | None, by: str | None) -> None:
        """Write down what a person is about to do; without the record it is not done.

        Args:
            name: what, a machine word.
            subject: what it is about: ids, never what a visitor wrote.
            reason: why, in the person's words; None where they gave none.
            by: who, as they say; None where they do not.

        Raises:
            Unavailable: it is not known to be written.
        """
        with answered(self.events):
            self.store.note(Action(self.chance.token(), name, subject, reason, by))


def _view(done: Done) -> dict[str, Any]:
    action = done.action
    shown = {name: time_view(value) if hasattr(value, "isoformat") else value for name, value in action.subject.items()}
    return {
        "id": action.id,
        "at": time_view(done.at),
        "action": action.name,
        "subject": {name: value for name, value in shown.items() if value is not None},
        "reason": action.reason,
        "by": action.by,
    }
