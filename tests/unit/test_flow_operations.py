"""What an operator asks for: answers that are JSON, refusals that say why, and nothing written twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.alert import Alert, State
from shared.domain.conservation import Census, ChannelCounts, WrongAlert
from shared.errors import Conflict, RequestError, StorageError, StorageUnavailable, Unavailable, Unreadable
from shared.flows.operations import ListDeadLetters, Operating, WaiveAlert
from shared.ports import Version
from shared.ports.operations import Action, Counting, DeadLetter, Marked, OperatorStore, Place, Wanted
from tests.support.delivery_flow import parked, queued
from tests.support.fakes import NOW, FakeAlertStore, FakeChance, RecordedEvents, seconds

LETTER = DeadLetter("a", "failed", "c", "slack", "lead", "x", 8, 1, (), None, NOW, NOW, None)
COUNTS = ChannelCounts(accepted=3, archived=1, states={"queued": 1, "delivered": 1}, alerts=2)


class FakeOperatorStore(OperatorStore):
    """What an operator sees, in memory.

    Args:
        alerts: where alerts are.
        before: called just before each waive.
    """

    def __init__(self, alerts: FakeAlertStore, *before: Callable[[], object]) -> None:
        self.alerts, self._before = alerts, list(before)
        self.letters: list[DeadLetter] = []
        self.asked: list[str] = []
        self.wanted: list[tuple[Wanted, int]] = []
        self.broken: StorageError | None = None
        self.actions: list[Action] = []

    def alert(self, alert_id: str) -> Marked | None:
        """See ``shared.ports.operations.OperatorStore``."""
        self._break()
        stored = self.alerts.documents.get(f"alerts/{alert_id}")
        return Marked(stored.value, None) if stored is not None else None

    def alerts_of(self, email: str, limit: int) -> list[Marked]:
        """See ``shared.ports.operations.OperatorStore``."""
        self._break()
        self.asked.append(email)
        return [Marked(stored.value, LETTER) for stored in self.alerts.documents.under("alerts").values()][:limit]

    def dead_letters(self, wanted: Wanted, limit: int, after: Place | None = None) -> list[DeadLetter]:
        """See ``shared.ports.operations.OperatorStore``."""
        self._break()
        self.wanted.append((wanted, limit))
        return [each for each in self.letters if after is None or each.entered_at < after.entered_at][:limit]

    def waive(self, waived: Alert, version: Version, action: Action) -> None:
        """See ``shared.ports.operations.OperatorStore``."""
        self._break()
        if self._before:
            self._before.pop(0)()
        stored = self.alerts.documents.get(f"alerts/{waived.id}")
        if stored is None or stored.version != version:
            raise Conflict(waived.id)
        self.alerts.put(waived)
        self.actions.append(action)

    def _break(self) -> None:
        if self.broken is not None:
            raise self.broken


class FakeCounting(Counting):
    """Counts as they are given."""

    def __init__(self, *wrong: WrongAlert, **channels: ChannelCounts) -> None:
        self._census = Census(channels, wrong)
        self.kept: list[timedelta] = []

    def census(self, kept: timedelta) -> Census:
        """See ``shared.ports.operations.Counting``."""
        self.kept.append(kept)
        return self._census


class UnreachableCounting(Counting):
    """Nothing can be counted."""

    def census(self, kept: timedelta) -> Census:
        """Refuse."""
        raise StorageUnavailable


class System:
    """The flow over fakes."""

    def __init__(self, *alerts: Alert, before: tuple[Callable[[], object], ...] = (), **how: Any) -> None:
        self.alerts = FakeAlertStore()
        self.store, self.events = FakeOperatorStore(self.alerts, *before), RecordedEvents()
        counting = how.get("counting", FakeCounting())
        self.flow = Operating(self.store, counting, self.alerts, timedelta(days=30), FakeChance(), self.events)
        for alert in alerts:
            self.alerts.put(alert)

    def refused(self, alert_id: str = "a") -> RequestError:
        """How waiving is refused."""
        with pytest.raises(RequestError) as caught:
            self.flow.waive(WaiveAlert(alert_id, "called"))
        return caught.value


def failed(**changes: Any) -> Alert:
    """An alert that failed."""
    return queued(**{"id": "a", "state": State.FAILED, "wake_at": None, "ended_at": NOW} | changes)


UNREADABLE = "The alert's document cannot be read by this version; look at it in Firestore."


def test_an_alert_is_looked_up_by_its_id() -> None:
    """That one; an empty list where there is none."""
    system = System(failed(), failed(id="b"))
    assert [each["id"] for each in system.flow.alert("b")["alerts"]] == ["b"]
    assert system.flow.alert("c") == {"alerts": []}


def test_what_this_version_cannot_read_is_said_to_be_so() -> None:
    """To whoever looks, and to whoever would waive it; the first is reported, as nothing else would."""
    system = System(failed())
    system.store.broken = Unreadable("alerts/a")
    with pytest.raises(RequestError) as caught:
        system.flow.alert("a")
    assert (caught.value.status, str(caught.value)) == (409, UNREADABLE)
    assert system.events.lines == [("alert_unreadable", {"alert_id": "a"})]
    system.alerts.read = system.store.alert  # type: ignore[method-assign,assignment]
    refused = system.refused()
    assert (refused.status, str(refused)) == (409, UNREADABLE)


@pytest.mark.parametrize(
    "asked",
    [
        lambda flow: flow.alert("a"),
        lambda flow: flow.alerts_of("ana@example.com"),
        lambda flow: flow.dead_letters(ListDeadLetters(Wanted(), 2)),
        lambda flow: flow.waive(WaiveAlert("a", "called")),
    ],
)
def test_f22_whatever_is_asked_storage_that_does_not_answer_is_a_503(asked: Callable[[Operating], object]) -> None:
    """And is reported by what it raised."""
    system = System(failed())
    system.store.broken = StorageUnavailable("DeadlineExceeded")
    with pytest.raises(Unavailable):
        asked(system.flow)
    assert system.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]


def test_an_address_is_looked_up_in_the_form_conversations_hold() -> None:
    """Whatever its case; what is no address has no alerts, and nobody is asked."""
    system = System(failed())
    [found] = system.flow.alerts_of(" Ana@Example.COM")["alerts"]
    assert (found["id"], found["state"], found["dead_letter"]) == ("a", "failed", "failed")
    assert system.flow.alerts_of("nobody") == {"alerts": []}
    assert system.store.asked == ["ana@example.com"]


def test_an_answer_is_json_and_holds_nothing_a_visitor_wrote() -> None:
    """No payload, no message."""
    system = System(failed(payload={"email": "ana@example.com", "message": "secret"}))
    assert "secret" not in json.dumps(system.flow.alert("a"))
    assert "ana@" not in json.dumps(system.flow.alert("a"))


def test_a_page_says_where_the_next_one_begins() -> None:
    """None where there is no more, also where the last page is full."""
    system = System()
    system.store.letters = [replace(LETTER, id=f"d{number}", entered_at=NOW - seconds(number)) for number in range(6)]
    wanted = Wanted(channel="slack")
    first = system.flow.dead_letters(ListDeadLetters(wanted, 3))
    assert [item["id"] for item in first["dead_letters"]] == ["d0", "d1", "d2"]
    assert first["next"] == Place(NOW - seconds(2), "d2").text
    second = system.flow.dead_letters(ListDeadLetters(wanted, 3, first["next"]))
    assert [item["id"] for item in second["dead_letters"]] == ["d3", "d4", "d5"]
    assert second["next"] is None
    assert system.store.wanted == [(wanted, 4)] * 2  # one more than is shown says that there is more


def test_many_alerts_of_one_address_are_shown_up_to_a_hundred() -> None:
    """The newest; whoever wrote so often is looked at one by one."""
    system = System(*[failed(id=f"a{number}") for number in range(103)])
    assert len(system.flow.alerts_of("ana@example.com")["alerts"]) == 100


def test_a_place_comes_back_as_it_was_given() -> None:
    """To the microsecond, with an id that has a hyphen."""
    place = Place(NOW + timedelta(microseconds=1), "a-b_c")
    assert Place.of(place.text) == place


def test_a_waived_alert_is_recorded() -> None:
    """Its state, who, why; reported without the reason, which is a person's text."""
    system = System(failed(cause="no_text", ended_at=NOW - seconds(60)))
    assert system.flow.waive(WaiveAlert("a", "called the lead", "ana")) == {"state": "waived"}
    [action] = system.store.actions
    assert (action.name, action.subject, action.reason, action.by) == (
        "waive",
        {"ids": ["a"]},
        "called the lead",
        "ana",
    )
    waived = system.alerts.alert("a")
    assert (waived.state, waived.ended_at) == (State.WAIVED, NOW + timedelta(microseconds=1))  # as it was read
    assert waived.nonce == action.id == FakeChance().token()
    [event] = system.events.of("alert_waived")
    assert event == {"alert_id": "a", "channel": "slack", "kind": "lead", "cause": "no_text"}


def test_only_what_failed_is_waived() -> None:
    """What waits still arrives by itself."""
    nobody = System().refused()
    assert (nobody.status, str(nobody)) == (404, "An alert of this id does not exist.")
    refused = System(parked(id="a")).refused()
    assert (refused.status, str(refused)) == (409, "The alert is parked; one that is failed can be waived.")


def test_an_alert_that_is_redriven_while_it_is_waived_is_not_waived() -> None:
    """Decided anew on what stands."""
    system = System(failed())
    system.store._before.append(lambda: system.alerts.put(failed(state=State.QUEUED, nonce="redriven")))
    assert system.refused().status == 409
    assert system.alerts.alert("a").state is State.QUEUED
    assert (system.store.actions, system.events.of("alert_waived")) == ([], [])


def test_an_alert_that_is_only_touched_while_it_is_waived_is_waived() -> None:
    """The escalation of it was delivered, say."""
    system = System(failed())
    system.store._before.append(lambda: system.alerts.put(failed(nonce="touched")))
    assert system.flow.waive(WaiveAlert("a", "called")) == {"state": "waived"}
    assert len(system.store.actions) == 1


def test_conservation_needs_every_channel_to_balance_and_no_alert_to_be_wrong() -> None:
    """The counts of the guarantee, in its order."""
    counting = FakeCounting(slack=COUNTS)
    good = System(counting=counting).flow.conservation()
    assert good["balanced"]
    assert counting.kept == [timedelta(days=30)]
    assert list(good["channels"]["slack"].values()) == [3, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    lost = replace(COUNTS, accepted=4)
    assert not System(counting=FakeCounting(slack=COUNTS, monday=lost)).flow.conservation()["balanced"]
    unknown = replace(COUNTS, alerts=3)
    assert not System(counting=FakeCounting(slack=unknown)).flow.conservation()["balanced"]
    wrong = System(counting=FakeCounting(WrongAlert("a", "it is lost"), slack=COUNTS)).flow.conservation()
    assert (wrong["balanced"], wrong["alerts"]) == (False, [{"id": "a", "problem": "it is lost"}])


def test_f22_storage_that_does_not_answer_is_a_503() -> None:
    """And is reported."""
    system = System(counting=UnreachableCounting())
    with pytest.raises(Unavailable):
        system.flow.conservation()
    assert system.events.of("storage_failed") == [{"error": "StorageUnavailable"}]
