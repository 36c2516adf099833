"""Redrive: each alert once, whatever crashes, whoever goes on, and no faster than the destination takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.alert import Alert, State
from shared.domain.decisions import redrive as anew
from shared.errors import Conflict, RequestError, StorageError, StorageUnavailable, Unavailable, Unreadable
from shared.flows import operations_redrive
from shared.flows.operations_redrive import ABANDONED, Redriving, RequestRedrive
from shared.ports import StoredAlert
from shared.ports.operations import Action, Member, Place, Redrive, RedriveStore, Selection, Wanted
from tests.support.delivery_flow import parked, queued
from tests.support.fakes import (
    NOW,
    POLICY,
    FakeAlertStore,
    FakeChance,
    FakeClock,
    FakeQueue,
    FaultyAlertStore,
    RecordedEvents,
    seconds,
)

BY_CAUSE = RequestRedrive(None, Wanted(cause="http_500"), "mended", "ana")


class FakeRedriveStore(RedriveStore):
    """Redrives in memory, over the dead letters of an alerts' store.

    Args:
        alerts: whose dead letters.
        fails: the numbers of saves (from 1) that end with this error, without taking effect.
        error: that error.
    """

    def __init__(self, alerts: FakeAlertStore, *fails: int, error: Exception | None = None) -> None:
        self.alerts, self._fails, self._error = alerts, fails, error
        self.kept: dict[str, Redrive] = {}
        self.actions: list[Action] = []
        self.saves = 0

    def begin(self, redrive_id: str, selection: Selection, action: Action) -> Redrive:
        """See ``shared.ports.operations.RedriveStore``."""
        now = self.alerts.documents.now
        self.actions.append(action)
        begun = Redrive(redrive_id, selection, now, action.reason, action.by, now, timedelta(0))
        self.kept[redrive_id] = begun
        return begun

    def find(self, redrive_id: str) -> Redrive | None:
        """See ``shared.ports.operations.RedriveStore``."""
        found = self.kept.get(redrive_id)
        now = self.alerts.documents.now
        return replace(found, idle=now - found.version) if found is not None else None

    def running(self, limit: int) -> list[Redrive]:
        """See ``shared.ports.operations.RedriveStore``."""
        found = [self.find(each.id) for each in self.kept.values() if not each.done]
        return [each for each in found if each is not None][:limit]

    def take(self, redrive: Redrive, limit: int) -> Redrive:
        """See ``shared.ports.operations.RedriveStore``: in the order of ids, all of one time."""
        letters = self.alerts.documents.under("dead_letters")
        names = sorted(name for name in letters if redrive.reached is None or name > redrive.reached.id)[:limit]
        if not names:
            return replace(redrive, done=True)
        members = tuple(Member(name, letters[name].value.channel, letters[name].value.epoch) for name in names)
        return replace(redrive, members=members, reached=Place(NOW, names[-1]))

    def save(self, redrive: Redrive) -> Redrive:
        """See ``shared.ports.operations.RedriveStore``."""
        self.saves += 1
        if self.saves in self._fails and self._error is not None:
            raise self._error
        if self.kept[redrive.id].version != redrive.version:
            raise Conflict(redrive.id)
        self.alerts.documents.now += seconds(0.001)
        now = self.alerts.documents.now
        self.kept[redrive.id] = replace(redrive, version=now, finished_at=now if redrive.done else None)
        return self.kept[redrive.id]


class UnreachableRedriveStore(FakeRedriveStore):
    """Nothing can be written or read."""

    def begin(self, redrive_id: str, selection: Selection, action: Action) -> Redrive:
        """Refuse."""
        raise StorageUnavailable

    def find(self, redrive_id: str) -> Redrive | None:
        """Refuse."""
        raise StorageUnavailable

    def running(self, limit: int) -> list[Redrive]:
        """Refuse."""
        raise StorageUnavailable


class System:
    """The flow over fakes, with so many failed alerts that have dead letters."""

    def __init__(
        self,
        number: int = 0,
        *,
        alerts: FakeAlertStore | None = None,
        redrives: Callable[[FakeAlertStore], FakeRedriveStore] = FakeRedriveStore,
        pace: float = 1000.0,
        make: Callable[[str], Alert] | None = None,
    ) -> None:
        self.alerts = alerts or FakeAlertStore()
        self.redrives, self.queue = redrives(self.alerts), FakeQueue()
        self.clock, self.events, chance = FakeClock(), RecordedEvents(), FakeChance()
        self.flow = Redriving(
            redrives=self.redrives,
            store=self.alerts,
            queue=self.queue,
            paces={"slack": pace},
            escalation_channels=("email",),
            policy=POLICY,
            run_seconds=10.0,
            clock=self.clock,
            chance=chance,
            events=self.events,
        )
        for index in range(number):
            self.put((make or failed)(f"a{index:03}"))

    def put(self, alert: Alert) -> None:
        """Arrange an alert with its dead letter."""
        self.alerts.put(alert)
        self.alerts.documents.put(f"dead_letters/{alert.id}", alert)

    def stands(self, redrive_id: str) -> tuple[Any, ...]:
        """How far a redrive has come."""
        view = self.flow.find(redrive_id)
        return tuple(view[name] for name in ("state", "selected", "queued", "skipped"))

    def epochs(self) -> set[int]:
        """The epochs of all alerts."""
        return {stored.value.epoch for stored in self.alerts.documents.under("alerts").values()}


def failed(name: str = "a", **changes: Any) -> Alert:
    """An alert that failed."""
    ended: dict[str, Any] = {"id": name, "state": State.FAILED, "wake_at": None, "ended_at": NOW, "attempts": 8}
    return queued(name, **ended | changes)


def test_a_redrive_queues_every_dead_letter_anew() -> None:
    """In a new epoch with its whole budget; its task is created; who and why are recorded."""
    system = System(60)
    redrive_id = system.flow(BY_CAUSE)["redrive"]
    assert system.stands(redrive_id) == ("done", 60, 60, 0)
    stored = system.alerts.alert("a000")
    assert (stored.state, stored.epoch, stored.attempts, stored.ended_at) == (State.QUEUED, 2, 0, None)
    assert system.alerts.documents.under("dead_letters") == {}
    assert len(system.queue.waiting) == 60
    [action] = system.redrives.actions
    assert (action.name, action.subject["cause"], action.reason, action.by) == ("redrive", "http_500", "mended", "ana")
    assert system.events.of("redrive_finished") == [{"redrive_id": redrive_id, "count": 60}]


def test_a_parked_and_a_waived_alert_are_redriven_too() -> None:
    """Whatever was selected."""
    system = System()
    system.put(parked("p", id="p"))
    system.put(failed("w", state=State.WAIVED))
    assert system.stands(system.flow(BY_CAUSE)["redrive"]) == ("done", 2, 2, 0)


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.DELIVERED, State.ERASED])
def test_an_alert_that_moved_on_by_itself_is_skipped(state: State) -> None:
    """Its scheduled attempt came first."""
    system = System(2)
    system.alerts.put(failed("a000", state=state))
    assert system.stands(system.flow(BY_CAUSE)["redrive"]) == ("done", 2, 1, 1)
    assert system.alerts.alert("a000").state is state


@pytest.mark.parametrize(("rivals", "wanted"), [(1, (1, 0)), (2, (0, 1))])
def test_f07_a_rival_who_writes_first_is_met_once_with_another_look(rivals: int, wanted: tuple[int, int]) -> None:
    """Two conflicts: it is left to the other one."""
    alerts = FaultyAlertStore(raises={number: Conflict("a000") for number in range(1, rivals + 1)})
    system = System(1, alerts=alerts)
    assert system.stands(system.flow(BY_CAUSE)["redrive"])[2:] == wanted


def test_f02_a_redrive_cut_off_by_its_time_is_continued_and_sends_nothing_twice() -> None:
    """The request's time is up in the middle of a slice; the sweep goes on once nobody works on it."""
    system = System(80)
    asked = system.alerts.read

    def slow(alert_id: str, channel: str | None = None) -> Any:
        system.clock.advance(0.3)
        return asked(alert_id, channel)

    system.alerts.read = slow  # type: ignore[method-assign]
    redrive_id = system.flow(BY_CAUSE)["redrive"]
    assert system.stands(redrive_id)[0] == "running"
    assert not system.flow.continue_redrives()
    assert system.stands(redrive_id)[0] == "running"
    system.alerts.documents.now += ABANDONED
    assert system.flow.continue_redrives()
    system.alerts.documents.now += ABANDONED
    assert not system.flow.continue_redrives()
    assert system.stands(redrive_id) == ("done", 80, 80, 0)
    assert system.epochs() == {2}
    assert len(system.queue.asked) == 80


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("error", [StorageUnavailable(), StorageError("refused")])
def test_f22_a_redrive_whose_progress_is_not_saved_is_continued_with_the_right_counts(
    number: int, error: StorageError
) -> None:
    """Whichever save fails: what was queued is known by its epoch."""
    system = System(60, redrives=lambda alerts: FakeRedriveStore(alerts, number, error=error))
    redrive_id = system.flow(BY_CAUSE)["redrive"]
    assert system.stands(redrive_id)[0] == "running"
    assert system.events.names[-1] == "storage_failed"
    system.alerts.documents.now += ABANDONED
    system.flow.continue_redrives()
    assert system.stands(redrive_id) == ("done", 60, 60, 0)
    assert system.epochs() == {2}


def test_f19_two_who_work_on_one_redrive_do_no_harm() -> None:
    """The one whose save is refused stops, and neither sends anything twice."""
    system = System(30)
    begun = system.redrives.begin("r", Selection(None, Wanted()), Action("r", "redrive", {}, None, None))
    mine = system.redrives.save(system.redrives.take(begun, 25))
    theirs = system.flow._slice(mine, ends=system.clock.monotonic() + 10)
    assert theirs is not None
    assert system.flow._work(mine, system.clock.monotonic() + 10)
    with pytest.raises(Conflict):
        system.redrives.save(theirs)
    assert system.stands("r") == ("done", 30, 30, 0)
    assert system.epochs() == {2}


def test_an_alert_redriven_by_somebody_else_meanwhile_is_not_redriven_again() -> None:
    """It failed again in the new epoch: that is another matter."""
    system = System(1)
    begun = system.redrives.begin("r", Selection(None, Wanted()), Action("r", "redrive", {}, None, None))
    taken = system.redrives.save(system.redrives.take(begun, 25))
    again = anew(system.alerts.alert("a000"), now=NOW, nonce="other", policy=POLICY)
    system.put(replace(again, state=State.FAILED, wake_at=None))
    system.flow._work(taken, system.clock.monotonic() + 10)
    assert system.alerts.alert("a000").epoch == 2


def test_tasks_are_spaced_as_the_destination_takes_them() -> None:
    """The first few at once, the rest no faster than a share of its pace: new alerts are not held up."""
    system = System(13, pace=1.25)
    system.flow(BY_CAUSE)
    waits = [round(((task.at or NOW) - NOW).total_seconds(), 1) for task in system.queue.asked]
    assert waits[:6] == [0.0] * 6
    assert waits[6:] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    wakes = [system.alerts.alert(f"a{index:03}").wake_at for index in range(13)]
    assert wakes == [(task.at or NOW) + POLICY.grace for task in system.queue.asked]


def test_an_alert_that_cannot_be_written_does_not_hold_the_others_up() -> None:
    """Storage refuses this one for good: it is skipped and reported."""
    system = System(3, alerts=FaultyAlertStore(raises={2: StorageError("InvalidArgument")}))
    assert system.stands(system.flow(BY_CAUSE)["redrive"]) == ("done", 3, 2, 1)
    assert system.events.of("alert_unwritable") == [{"alert_id": "a001", "channel": "slack", "error": "StorageError"}]


def test_f22_a_redrive_that_cannot_be_written_down_is_refused() -> None:
    """503, and nothing is sent again."""
    system = System(1, redrives=UnreachableRedriveStore)
    with pytest.raises(Unavailable):
        system.flow(BY_CAUSE)
    with pytest.raises(Unavailable):
        system.flow.find("r")
    assert not system.flow.continue_redrives()
    assert system.alerts.alert("a000").epoch == 1


def test_a_redrive_that_is_not_there_is_404() -> None:
    """Removed a month after its end, or mistyped."""
    with pytest.raises(RequestError) as caught:
        System().flow.find("nobody")
    assert caught.value.status == 404


def test_one_redrive_that_makes_no_progress_does_not_starve_the_others() -> None:
    """Each is tried in a run."""
    system = System(1, redrives=lambda alerts: FakeRedriveStore(alerts, 1, error=StorageUnavailable()))
    for name in ("first", "second"):
        system.redrives.begin(name, Selection(None, Wanted()), Action(name, "redrive", {}, None, None))
        system.alerts.documents.now += seconds(1)
    system.alerts.documents.now += ABANDONED
    assert system.flow.continue_redrives()
    assert (system.stands("first")[0], system.stands("second")[0]) == ("running", "done")


def test_a_slice_is_worked_through_in_seconds() -> None:
    """So that nobody takes a redrive for abandoned while it is worked on."""
    assert ABANDONED.total_seconds() > operations_redrive.SLICE * 0.5


def test_what_was_asked_for_is_on_record() -> None:
    """The whole selection, or the ids; who, and why. Nothing of an alert's content."""
    system = System(2)
    since, before = NOW - timedelta(days=2), NOW - timedelta(days=1)
    wanted = Wanted(statuses=("failed",), cause="http_500", channel="slack", since=since, before=before)
    system.flow(RequestRedrive(None, wanted, "mended", "ana"))
    system.flow(RequestRedrive(("a000", "a001"), Wanted(), None, None))
    nothing = {"ids": None, "statuses": None, "cause": None, "channel": None, "from": None, "to": None}
    selected = {"statuses": ["failed"], "cause": "http_500", "channel": "slack", "from": since, "to": before}
    assert [(each.name, dict(each.subject), each.reason, each.by) for each in system.redrives.actions] == [
        ("redrive", nothing | selected, "mended", "ana"),
        ("redrive", nothing | {"ids": ["a000", "a001"]}, None, None),
    ]
    assert [each.id for each in system.redrives.actions] == list(system.redrives.kept)
    assert [told["redrive_id"] for told in system.events.of("redrive_requested")] == list(system.redrives.kept)


def test_an_alert_that_cannot_be_read_does_not_hold_the_others_up() -> None:
    """It is skipped, and told of by its id."""

    class Garbled(FakeAlertStore):
        def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
            if alert_id == "a001":
                raise Unreadable(alert_id)
            return super().read(alert_id, channel)

    system = System(3, alerts=Garbled())
    assert system.stands(system.flow(BY_CAUSE)["redrive"]) == ("done", 3, 2, 1)
    assert system.events.of("alert_unreadable") == [{"alert_id": "a001", "channel": "slack"}]
