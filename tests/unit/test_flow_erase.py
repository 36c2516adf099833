"""An erasure, pass by pass: what goes first, what it waits for, and that nothing is certified that is not gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.alert import Alert, State, create
from shared.domain.erasure import DONE, RUNNING, Erasure
from shared.domain.escalation import overdue, without
from shared.domain.rights import Recorded
from shared.errors import Conflict, Contention, QueueError, StorageUnavailable
from shared.flows.erase import AT_ONCE, Erasing
from shared.ports import Step, StoredAlert, Version
from shared.ports.rights import Removal
from tests.support.erasure_stores import FakeErasures, FakeRemote
from tests.support.fakes import (
    NOW,
    POLICY,
    FakeAlertStore,
    FakeChance,
    FakeClock,
    FakeContinuation,
    FakeQueue,
    RecordedEvents,
    RefusingContinuation,
)

BEGUN = Erasure("hash", RUNNING, "c1", NOW - timedelta(minutes=1), NOW)
WAIT, RELOOK = timedelta(minutes=5), timedelta(hours=1)


class ForgetfulQueue(FakeQueue):
    """A queue that deletes nothing."""

    def forget(self, alert: Alert) -> None:
        """Refuse."""
        raise QueueError("ServiceUnavailable")


class BusyAlerts(FakeAlertStore):
    """Alerts that somebody else is always faster at."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, step: Step) -> Version:
        """Fail."""
        raise self.error


class Run:
    """The flow over fakes, and what came of it."""

    def __init__(
        self,
        *erasures: Erasure,
        alerts: FakeAlertStore | None = None,
        conversations: tuple[str, ...] = ("c1",),
        **parts: Any,
    ) -> None:
        self.alerts = alerts or FakeAlertStore()
        self.store = FakeErasures(self.alerts, *(erasures or (BEGUN,)), conversations=conversations)
        self.queue, self.sweep = parts.pop("queue", FakeQueue()), parts.pop("sweep", FakeContinuation())
        self.clock, self.events = FakeClock(), RecordedEvents()
        self.flow = Erasing(
            store=self.store,
            alerts=self.alerts,
            queue=self.queue,
            remotes=parts.pop("remotes", {}),
            sweep=self.sweep,
            lease=POLICY.lease,
            wait=WAIT,
            relook=RELOOK,
            overdue=parts.pop("overdue", timedelta(days=1)),
            ask_seconds=10,
            run_seconds=30,
            clock=self.clock,
            chance=FakeChance(),
            events=self.events,
        )

    def alert(self, alert_id: str = "a1", channel: str = "slack", **changes: Any) -> Alert:
        """An alert of the first conversation that waits for its task."""
        made = create(
            alert_id,
            conversation_id="c1",
            channel=channel,
            kind="lead",
            payload={"email": "ana@example.com"},
            now=NOW,
            nonce="first",
            grace=POLICY.grace,
        )
        stands = replace(made, **changes)
        self.alerts.put(stands)
        self.queue.enqueue(stands)
        return stands

    @property
    def erasure(self) -> Erasure:
        """As it stands."""
        return self.store.erasures["hash"]

    def waits(self, cause: str, after: timedelta) -> bool:
        """Whether it goes on after a while, which the sweep was asked for, and says why."""
        at = NOW + after
        return (
            self.erasure.state == RUNNING
            and self.erasure.wake_at == at
            and self.sweep.asked == {f"erasure hash {at.isoformat()}": at}
            and self.events.lines[-1] == ("erasure_waits", {"conversation_id": "c1", "cause": cause})
        )


def test_f26_everything_here_is_gone_and_then_certified() -> None:
    """Every conversation and alert, their tasks and dead letters; what was removed is counted and audited."""
    run = Run(conversations=("c1", "c2"))
    run.alert("a1")
    failed = {"state": State.FAILED, "wake_at": None, "ended_at": NOW, "attempts": 8}
    run.alert("a2", conversation_id="c2", **failed)
    run.store.there = {"c1": {"messages": 3}, "c2": {"messages": 1, "leads": 1}}
    assert run.flow.continue_erasures() is False
    erased = {"alerts": 2, "dead_letters": 1, "messages": 4, "leads": 1}
    sent = {"slack": ("a2",)}
    done = replace(BEGUN, state=DONE, conversations=("c1", "c2"), erased=erased, sent=sent)
    assert replace(run.erasure, version=None) == done
    assert run.store.entombed == [("c1", "hash"), ("c2", "hash")]
    for name in ("a1", "a2"):
        assert (run.alerts.alert(name).state, run.alerts.alert(name).payload) == (State.ERASED, {})
    assert ("a1", 1) not in run.queue.waiting
    assert ("a2", 1) in run.queue.waiting  # an alert that had ended has no task to look for
    assert (run.alerts.alert("a1").ended_at, run.alerts.alert("a1").nonce) != (None, "first")
    [record] = run.store.records
    assert record == Recorded(record.id, "system", "erased", "sweep", "hash", "c1")
    assert run.events.lines == [("erasure_finished", {"conversation_id": "c1"})]


def test_a_conversation_is_written_down_before_its_tombstone() -> None:
    """A tombstone tells nothing of whose it was: after a crash between the two nobody would find it."""
    run = Run(conversations=("c1", "c2"))
    run.flow.continue_erasures()
    assert run.store.calls[:4] == ["save", "entomb c1", "save", "entomb c2"]
    assert [each.conversations for each in run.store.saved[:2]] == [("c1",), ("c1", "c2")]


def test_an_alert_is_written_down_before_it_says_nothing() -> None:
    """Or nobody would know any more what to delete at its destination."""
    run = Run(alerts=BusyAlerts(Conflict("a1")))
    run.alert("a1", attempts=1)
    run.flow.continue_erasures()
    assert run.erasure.sent == {"slack": ("a1",)}


@pytest.mark.parametrize("error", [Conflict("a1"), Contention()])
def test_an_alert_that_others_are_faster_at_is_looked_at_again(error: Exception) -> None:
    """It may be being sent by now; it is counted once it is erased."""
    run = Run(alerts=BusyAlerts(error))
    run.alert()
    run.flow.continue_erasures()
    assert run.waits("being_sent", POLICY.lease)
    assert run.erasure.erased == {}


def test_f26_an_alert_that_is_being_sent_comes_to_its_outcome_first() -> None:
    """For as long as a lease can last; all else goes meanwhile, and no destination is asked yet."""
    remote = FakeRemote()
    run = Run(remotes={"monday": remote})
    run.alert("a1", state=State.SENDING, attempts=1)
    run.alert("a2", "monday", state=State.DELIVERED, wake_at=None, ended_at=NOW, attempts=1)
    run.flow.continue_erasures()
    assert run.waits("being_sent", POLICY.lease)
    assert (run.alerts.alert("a1").state, run.alerts.alert("a2").state) == (State.SENDING, State.ERASED)
    assert (run.erasure.erased, remote.asked) == ({"alerts": 1}, [])


def test_an_alert_that_is_erased_already_is_left() -> None:
    """A pass begins at the beginning, and counts nothing twice."""
    run = Run()
    run.alert(state=State.ERASED, wake_at=None, ended_at=NOW, payload={})
    run.flow.continue_erasures()
    assert (run.erasure.state, run.erasure.erased) == (DONE, {})


class Racing(FakeAlertStore):
    """Alerts that somebody else writes, or cleans up, after they were found and read."""

    def __init__(self, *, gone: bool = False) -> None:
        super().__init__()
        self.gone = gone

    def read(self, alert_id: str, channel: str | None = None) -> StoredAlert | None:
        """See ``AlertStore``."""
        assert channel == "slack"  # its destination is read in the same round trip
        stored = super().read(alert_id, channel)
        assert stored is not None
        self.put(replace(stored.alert, nonce="theirs"))
        return None if self.gone else stored


def test_what_was_written_meanwhile_is_not_overwritten() -> None:
    """The alert may be being sent by now; the next pass reads it anew."""
    run = Run(alerts=Racing())
    run.alert()
    run.flow.continue_erasures()
    assert run.waits("being_sent", POLICY.lease)
    assert (run.alerts.alert("a1").state, run.alerts.alert("a1").nonce) == (State.QUEUED, "theirs")


def test_an_alert_that_is_gone_needs_no_other_pass_by_itself() -> None:
    """Nothing of it is left; what the fake still finds is looked for once more at the end."""
    run = Run(alerts=Racing(gone=True))
    run.alert()
    run.flow.continue_erasures()
    assert run.waits("something_new", WAIT)


def test_f26_an_alert_that_tells_of_several_tells_on_of_the_others() -> None:
    """Only what is erased is taken out of it, by a commit of its own; its task stays."""
    run = Run(conversations=("c1",))
    alerts = [run.alert("a1", state=State.ERASED, wake_at=None, ended_at=NOW), run.alert("a2", conversation_id="c2")]
    told = overdue(alerts, ("email",), now=NOW, nonce="told", policy=POLICY)
    run.alerts.put(told)
    run.queue.enqueue(told)
    run.flow.continue_erasures()
    stands = run.alerts.alert(told.id)
    assert stands == replace(without(told, "c1"), nonce=f"{1:032x}")
    assert [each["alert_id"] for each in stands.payload["entries"]] == ["a2"]
    assert (told.id, 1) in run.queue.waiting
    assert (run.erasure.state, run.store.records[0].id) == (DONE, f"{2:032x}")


def test_a_task_that_cannot_be_deleted_does_no_harm() -> None:
    """It would do nothing; that it stays is reported."""
    run = Run(queue=ForgetfulQueue())
    run.alert()
    run.flow.continue_erasures()
    assert run.erasure.state == DONE
    values = {"alert_id": "a1", "channel": "slack", "error": "ServiceUnavailable"}
    assert run.events.of("enqueue_failed") == [values]


def shown(run: Run) -> None:
    """An item at Monday.com."""
    run.alert("a1", "monday", state=State.DELIVERED, wake_at=None, ended_at=NOW, attempts=1)


def test_f26_items_are_deleted_and_looked_for_once_more() -> None:
    """The first complete pass does not certify it: an attempt that was under way may still make one."""
    remote = FakeRemote(Removal(1))
    run = Run(remotes={"monday": remote})
    shown(run)
    run.flow.continue_erasures()
    assert run.waits("looks_again", RELOOK)
    assert remote.asked == [(("a1",), 1010.0)]
    assert (run.erasure.tries, run.erasure.relook_at, run.erasure.erased["monday"]) == (1, NOW + RELOOK, 1)
    again = Run(replace(run.erasure, wake_at=NOW, relook_at=NOW), remotes={"monday": FakeRemote(Removal(0))})
    again.flow.continue_erasures()
    assert (again.erasure.state, again.erasure.looked_again, again.erasure.tries) == (DONE, True, 2)


def test_items_that_cannot_be_deleted_now_are_tried_again() -> None:
    """With what is in the way."""
    run = Run(remotes={"monday": FakeRemote(Removal(0, "http_500"))})
    shown(run)
    run.flow.continue_erasures()
    assert run.waits("http_500", WAIT)
    assert run.erasure.problem == "http_500"


def test_items_of_a_destination_that_is_gone_are_certified_as_left() -> None:
    """Nobody waits for a destination that is not configured any more."""
    run = Run()
    shown(run)
    run.flow.continue_erasures()
    assert (run.erasure.state, run.erasure.problem, run.erasure.looked_again) == (DONE, "not_configured", True)


def test_items_that_were_looked_for_twice_are_not_asked_for_again() -> None:
    """What is left then is what came in Firestore."""
    remote = FakeRemote()
    run = Run(replace(BEGUN, sent={"monday": ("a1",)}, looked_again=True), remotes={"monday": remote})
    run.flow.continue_erasures()
    assert (run.erasure.state, remote.asked) == (DONE, [])


class Late(FakeErasures):
    """Something comes while what there was is removed."""

    alert: Alert | None = None
    conversation: str = ""

    def remove(self, conversation_id: str) -> dict[str, int]:
        """Remove, and let it come."""
        if self.alert is not None:
            self.alert_store.put(self.alert)
        self.found += [self.conversation] if self.conversation else []
        return super().remove(conversation_id)


@pytest.mark.parametrize("late", [timedelta(0), WAIT, timedelta(days=1)])
@pytest.mark.parametrize("what", ["alert", "conversation"])
def test_f26_what_comes_meanwhile_is_erased_by_another_pass(what: str, late: timedelta) -> None:
    """An escalation, or a turn that was under way: nothing is certified before, however late this pass began."""
    run = Run(replace(BEGUN, wake_at=NOW - late))
    store = Late(run.alerts, *run.store.erasures.values(), conversations=("c1",))
    run.store, run.flow = store, replace(run.flow, store=store)
    if what == "alert":
        store.alert = replace(run.alert("a9"), id="a2")
    else:
        store.conversation = "c2"
    run.flow.continue_erasures()
    assert run.waits("something_new", WAIT)
    assert run.store.records == []


def test_a_sweep_that_cannot_be_asked_for_comes_anyway() -> None:
    """The erasure says when it wants to go on."""
    run = Run(sweep=RefusingContinuation())
    run.alert(state=State.SENDING, attempts=1)
    run.flow.continue_erasures()
    assert run.erasure.wake_at == NOW + POLICY.lease
    assert run.events.lines[-1] == ("enqueue_failed", {"error": "ServiceUnavailable"})


def test_only_what_is_due_is_gone_on_with_the_longest_due_first() -> None:
    """To the moment."""
    moment = timedelta(microseconds=1)
    due, longer = replace(BEGUN, id="due"), replace(BEGUN, id="longer", wake_at=NOW - WAIT)
    run = Run(due, replace(BEGUN, id="not yet", wake_at=NOW + moment), longer, conversations=())
    assert run.flow.continue_erasures() is False
    assert [each.id for each in run.store.saved] == ["longer", "due"]


def test_one_that_another_run_works_on_holds_up_no_other() -> None:
    """It is not even told: nothing failed."""
    run = Run(replace(BEGUN, id="raced"), BEGUN, conversations=())
    run.store.raced = {"raced"}
    run.flow.continue_erasures()
    assert run.erasure.state == DONE
    assert run.events.names == ["erasure_finished"]


def test_storage_that_fails_leaves_it_to_the_next_run() -> None:
    """Before anything, or within one of several."""
    run = Run()
    run.store.fails = StorageUnavailable("down")
    assert run.flow.continue_erasures() is False
    assert run.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]
    within = Run(BEGUN, replace(BEGUN, id="other", wake_at=NOW), alerts=BusyAlerts(StorageUnavailable("down")))
    within.alert()
    within.flow.continue_erasures()
    assert within.events.lines == [
        ("storage_failed", {"error": "StorageUnavailable"}),
        ("erasure_finished", {"conversation_id": "c1"}),
    ]


@pytest.mark.parametrize(("many", "more"), [(AT_ONCE - 1, False), (AT_ONCE, True)])
def test_a_full_run_asks_for_another(many: int, *, more: bool) -> None:
    """There may be more that could be done now; not where some of them have to wait."""
    erasures = [replace(BEGUN, id=f"e{number}") for number in range(many)]
    assert Run(*erasures, conversations=()).flow.continue_erasures() is more
    waits = replace(BEGUN, id="e0", wake_at=NOW + WAIT)
    assert Run(waits, *erasures[1:], conversations=()).flow.continue_erasures() is False


def test_a_run_that_takes_long_begins_nothing_more() -> None:
    """What is left is left to the next one, which is asked for."""
    run = Run(BEGUN, replace(BEGUN, id="other"), conversations=())
    run.flow = replace(run.flow, run_seconds=-1)
    assert run.flow.continue_erasures() is True
    assert run.store.saved == []
    on_time = Run(conversations=())
    on_time.flow = replace(on_time.flow, run_seconds=0)
    assert on_time.flow.continue_erasures() is False
    assert on_time.erasure.state == DONE
