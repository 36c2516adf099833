"""What an operator asks for: alerts, dead letters, to waive one, and whether every alert is accounted for.

Answers are JSON. Nothing here moves an alert but ``waive``, whose record is in the same commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.domain.contact import valid_email
from shared.domain.decisions import waive
from shared.errors import Conflict, StorageError, Unavailable, Unreadable
from shared.flows.operations_answers import alert_view, census_view, dead_letter_view, missing, not_so
from shared.ports import AlertStore, Chance, Events, StoredAlert
from shared.ports.operations import Action, Counting, OperatorStore, Place, Wanted

ALERTS_MOST = 100


@contextmanager
def answered(events: Events) -> Iterator[None]:
    """Storage that does not do what is asked becomes an answer; raises Unavailable."""
    try:
        yield
    except StorageError as error:
        events("storage_failed", error=type(error).__name__)
        raise Unavailable from error


@dataclass(frozen=True)
class ListDeadLetters:
    """The command: which, how many at most, and from after which place (as it was given)."""

    wanted: Wanted
    limit: int
    after: str | None = None


@dataclass(frozen=True)
class WaiveAlert:
    """The command: which alert, why, and who says so."""

    alert_id: str
    reason: str
    by: str | None = None


@dataclass(frozen=True)
class Operating:
    """The flows with what they need.

    Attributes:
        store: where an operator looks.
        counting: what counts.
        alerts: where alerts are.
        kept: how long an alert is kept after its end.
        chance: for nonces.
        events: where to report.
    """

    store: OperatorStore
    counting: Counting
    alerts: AlertStore
    kept: timedelta
    chance: Chance
    events: Events

    def alert(self, alert_id: str) -> dict[str, Any]:
        """One alert, in a list that is empty where there is none.

        Raises:
            RequestError: 409, this version of the code cannot read it.
            Unavailable: storage did not answer.
        """
        with answered(self.events):
            try:
                found = self.store.alert(alert_id)
            except Unreadable:
                self.events("alert_unreadable", alert_id=alert_id)
                raise not_so("The alert's document cannot be read by this version; look at it in Firestore.") from None
        return {"alerts": [alert_view(found)] if found is not None else []}

    def alerts_of(self, email: str) -> dict[str, Any]:
        """The newest alerts of an address, however it is written; raises Unavailable."""
        address = valid_email(email)
        with answered(self.events):
            found = self.store.alerts_of(address, ALERTS_MOST) if address is not None else []
        return {"alerts": [alert_view(each) for each in found]}

    def dead_letters(self, command: ListDeadLetters) -> dict[str, Any]:
        """A page of dead letters, and where the next one begins.

        Raises:
            ValueError: ``after`` names no place.
            Unavailable: storage did not answer.
        """
        after = Place.of(command.after) if command.after is not None else None
        with answered(self.events):
            found = self.store.dead_letters(command.wanted, command.limit + 1, after)
        page = found[: command.limit]
        more = len(found) > command.limit
        last = Place(page[-1].entered_at, page[-1].id).text if more else None
        return {"dead_letters": [dead_letter_view(each) for each in page], "next": last}

    def waive(self, command: WaiveAlert) -> dict[str, Any]:
        """End a failed alert because a person said so.

        Raises:
            RequestError: 404, there is no such alert; 409, it has not failed.
            Unavailable: storage did not answer; whether it was waived can be looked up.
        """
        with answered(self.events):
            try:
                return self._waive(command)
            except Conflict:  # it has moved on; decided anew, once
                return self._waive(command)

    def _waive(self, command: WaiveAlert) -> dict[str, Any]:
        stored = self._stored(command.alert_id)
        nonce = self.chance.token()
        try:
            waived = waive(stored.alert, now=stored.read_at, nonce=nonce)
        except ValueError:
            raise not_so(f"The alert is {stored.alert.state}; one that is failed can be waived.") from None
        action = Action(nonce, "waive", {"ids": [waived.id]}, command.reason, command.by)
        self.store.waive(waived, stored.version, action)
        self.events("alert_waived", alert_id=waived.id, channel=waived.channel, kind=waived.kind, cause=waived.cause)
        return {"state": waived.state.value}

    def _stored(self, alert_id: str) -> StoredAlert:
        try:
            stored = self.alerts.read(alert_id)
        except Unreadable:
            raise not_so("The alert's document cannot be read by this version; look at it in Firestore.") from None
        if stored is None:
            raise missing("An alert of this id")
        return stored

    def conservation(self) -> dict[str, Any]:
        """Every channel's counts, whether they add up, and the alerts that are wrong; raises Unavailable."""
        with answered(self.events):
            return census_view(self.counting.census(self.kept))
