"""The sweep: everything whose time has come is found, once, whatever was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain import ids
from shared.domain.alert import Alert, State
from shared.domain.outcome import Delivered, Retry
from shared.errors import Contention, StorageError, StorageUnavailable, Unavailable
from shared.flows.retry_dead_letters import Swept
from tests.support.delivery_flow import PAGE, Delivery, parked, queued, sending
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeAlertStore,
    FakeClock,
    FaultyAlertStore,
    RefusingQueue,
    ScriptedChannel,
    seconds,
)

ALERT = queued()


def many(make: Callable[..., Alert], number: int) -> list[Alert]:
    """So many alerts, woken one second after the other."""
    return [make(f"visitor-{index}", wake_at=NOW + seconds(index)) for index in range(number)]


def test_with_nothing_due_a_pass_does_nothing() -> None:
    """It reads the time and what is due, no more."""
    system = Delivery(ALERT, sending("b"), parked("c"), queued("d", state=State.DELIVERED, wake_at=None))
    assert system.sweep() == Swept(0, 0)
    assert system.store.calls == ["destinations", "due", "due"]
    assert system.events.of("sweep_finished") == [{"count": 0, "postponed": 0}]


def test_f02_an_alert_whose_task_was_never_created_is_queued() -> None:
    """Killed after the commit: a new generation goes out once the grace has passed, and is delivered once."""
    system = Delivery(ALERT)
    system.after(10)
    assert system.sweep() == Swept(1, 0)
    [task] = system.queue.asked
    assert (task.alert_id, task.generation) == (ALERT.id, 2)
    assert system.task(ALERT) == "delivered"
    assert (system.task(ALERT, 1), len(system.sent)) == ("ignored", 1)


def test_f23_a_purged_queue_is_rebuilt() -> None:
    """The purged names stay taken: the new tasks have new ones."""
    alerts = many(queued, 7)
    system = Delivery(*alerts)
    for alert in alerts:
        system.queue.enqueue(alert)
    system.queue.purge()
    system.after(20)
    assert system.sweep() == Swept(7, 0)
    assert {name for name, _ in system.queue.waiting} == {alert.id for alert in alerts}
    assert [system.task(alert) for alert in alerts] == ["delivered"] * 7


def test_an_alert_whose_task_still_waits_is_left_to_it() -> None:
    """Its queue is slow: nothing is sent twice, no generation is spent, it is looked at again later."""
    system = Delivery(ALERT)
    system.queue.enqueue(ALERT)
    system.after(10)
    assert system.sweep() == Swept(0, 1)
    alert = system.store.alert(ALERT.id)
    assert alert.generation == 1
    assert alert.wake_at is not None
    assert alert.wake_at > system.store.documents.now
    assert system.sweep() == Swept(0, 0)
    assert system.task(ALERT, 1) == "delivered"


def test_a_queue_that_does_not_tell_is_not_waited_for() -> None:
    """The alert is queued anew; that its task cannot be created is reported, and the next pass finds it again."""
    system = Delivery(ALERT, queue=RefusingQueue())
    system.after(10)
    assert system.sweep() == Swept(1, 0)
    assert system.events.names == ["alert_requeued", "enqueue_failed", "sweep_finished"]
    system.after(10)
    assert system.sweep() == Swept(1, 0)
    assert system.store.alert(ALERT.id).generation == 3


def test_a_parked_alert_goes_out_when_it_is_due() -> None:
    """With its dead letter gone in the same commit, and not a second sooner."""
    system = Delivery(queued(attempts=2), channel=ScriptedChannel(Retry("http_500"), Delivered()))
    assert system.task(ALERT) == "parked"
    assert list(system.dead_letters()) == [ALERT.id]
    system.after(269)
    assert system.sweep() == Swept(0, 0)
    system.after(2)
    assert system.sweep() == Swept(1, 0)
    assert system.dead_letters() == {}
    [task] = system.queue.asked
    assert task.at is not None
    assert seconds(300) <= task.at - NOW < seconds(301)
    assert system.task(ALERT) == "delivered"


def test_a_long_outage_is_tried_once_each_wait_and_then_told_to_a_person() -> None:
    """After the quick attempts one a pass; after five of them the alert has failed, and an escalation goes out."""
    system = Delivery(ALERT, channel=ScriptedChannel(*[Retry("http_500")] * 12, Delivered()), email=DeliveringChannel())
    assert [system.task(ALERT) for _ in range(3)] == ["queued", "queued", "parked"]
    states = []
    for _ in range(5):
        system.after(300)
        system.sweep()
        states.append(system.task(ALERT))
    assert states == ["parked"] * 4 + ["failed"]
    assert (system.store.alert(ALERT.id).attempts, len(system.sent)) == (8, 8)
    told = system.store.alert(ids.escalation_id(ALERT.id, 1))
    assert (told.channel, told.kind, told.state) == ("email", "escalation", State.QUEUED)
    assert system.task(told) == "delivered"
    system.after(300)
    assert system.sweep() == Swept(0, 0)
    assert (system.store.tally("slack", "lead"), system.store.tally("email", "escalation")) == (0, 1)


def test_a_live_lease_is_left_alone_and_an_expired_one_is_settled() -> None:
    """By Firestore's time since the claim, whatever the wake-up time says."""
    system = Delivery(sending(wake_at=NOW))
    system.after(29)
    assert system.sweep() == Swept(0, 0)
    system.after(1)
    assert system.sweep() == Swept(1, 0)
    alert = system.store.alert(ALERT.id)
    assert (alert.state, alert.cause, alert.maybe_shown) == (State.QUEUED, "lease_expired", True)
    assert system.events.names[-2:] == ["alert_repeated", "sweep_finished"]
    assert [(task.generation, task.at) for task in system.queue.asked] == [(2, alert.wake_at - POLICY.grace)]  # type: ignore[operator]


def test_f08_the_sweep_reads_a_receipt_before_it_gives_an_alert_up() -> None:
    """Delivered by a holder whose outcome could not be saved: not failed, not escalated."""
    system = Delivery(sending(attempts=8))
    system.store.leave_receipt(sending())
    system.after(31)
    assert system.sweep() == Swept(1, 0)
    assert (system.store.alert(ALERT.id).state, system.queue.asked) == (State.DELIVERED, [])


def test_f16_an_expired_lease_that_was_the_last_quick_attempt_parks() -> None:
    """A poison alert that kills its process stops being hurried."""
    system = Delivery(sending(attempts=3))
    system.after(31)
    assert system.sweep() == Swept(1, 0)
    assert (list(system.dead_letters()), system.queue.asked) == ([ALERT.id], [])


def test_f19_two_passes_at_once_queue_an_alert_once() -> None:
    """The second pass runs whole in the middle of the first: one of them wins, for each alert."""
    alerts = many(parked, 3)
    rivals: list[Delivery] = []
    store = FaultyAlertStore(before={2: lambda: [rival.sweep() for rival in rivals]})
    system = Delivery(*alerts, store=store)
    rivals.append(Delivery(store=FakeAlertStore(store.documents), queue=system.queue))
    system.after(300)
    assert system.sweep() == Swept(1, 0)
    assert sorted(task.alert_id for task in system.queue.asked) == sorted(alert.id for alert in alerts)
    assert {task.generation for task in system.queue.asked} == {2}


def test_f07_an_alert_that_its_task_claimed_first_is_left_to_it() -> None:
    """Sweep and task race: the sweep's write is refused."""
    store = FaultyAlertStore(before={1: lambda: Delivery(store=FakeAlertStore(store.documents)).task(ALERT)})
    system = Delivery(ALERT, store=store)
    system.after(10)
    assert system.sweep() == Swept(0, 0)
    assert system.store.alert(ALERT.id).state is State.DELIVERED
    assert system.queue.asked == []


def test_a_pass_reads_page_after_page_oldest_first() -> None:
    """Until nothing is due; what was moved is not read again."""
    alerts = many(parked, 2 * PAGE + 3)
    system = Delivery(*reversed(alerts))
    system.after(300)
    assert system.sweep() == Swept(2 * PAGE + 3, 0)
    assert [task.alert_id for task in system.queue.asked] == [alert.id for alert in alerts]
    assert system.store.calls.count("due") == 1 + 3


def test_a_pass_ends_when_its_time_is_over() -> None:
    """The next one goes on where it stopped."""
    clock = FakeClock()
    store = FaultyAlertStore(before={1: lambda: clock.advance(46)})
    system = Delivery(*many(parked, 3 * PAGE), store=store, clock=clock)
    store.documents.now += seconds(300)
    assert system.sweep() == Swept(1, 0)
    [at] = system.again.asked.values()
    assert at is not None
    assert seconds(330) <= at - NOW < seconds(331)
    assert system.sweep() == Swept(3 * PAGE - 1, 0)
    assert len(system.again.asked) == 1


def test_a_pass_ends_when_its_time_is_over_in_the_middle_of_a_page() -> None:
    """With Cloud Tasks not answering, each alert takes seconds: a page of a hundred would outlast the function."""
    clock = FakeClock()
    store = FaultyAlertStore(before={number: lambda: clock.advance(20) for number in range(1, PAGE + 1)})
    system = Delivery(*many(parked, PAGE), store=store, clock=clock)
    store.documents.now += seconds(300)
    assert system.sweep().requeued < PAGE


def test_redrives_that_were_cut_off_go_on_with_the_pass() -> None:
    """And where they are not done by then, another pass is asked for."""
    system = Delivery()
    went_on: list[bool] = []
    sweep = replace(system.sweep, redrives=lambda: went_on.append(True) or len(went_on) < 2)
    assert (sweep(), len(system.again.asked)) == (Swept(0, 0), 1)
    system.again.asked.clear()
    assert (sweep(), len(system.again.asked), len(went_on)) == (Swept(0, 0), 0, 2)


def test_a_page_of_live_leases_does_not_spin() -> None:
    """Each page is read once, to the end."""
    system = Delivery(*many(sending, PAGE))
    system.after(20)
    assert system.sweep() == Swept(0, 0)
    assert system.store.calls.count("due") == 2 + 1


def test_live_leases_do_not_hide_what_is_due_behind_them() -> None:
    """As long as something of a page moves the pass goes on."""
    system = Delivery(*many(sending, PAGE - 1), *[parked(f"p{n}", wake_at=NOW + seconds(10)) for n in range(PAGE)])
    system.after(20)
    assert system.sweep() == Swept(PAGE, 0)


@pytest.mark.parametrize("operation", ["destinations", "due"])
def test_f22_a_pass_without_storage_is_unavailable(operation: str) -> None:
    """The job's own retry and the next pass come."""
    system = Delivery(ALERT, store=FaultyAlertStore(without=(operation,)))
    with pytest.raises(Unavailable):
        system.sweep()
    assert system.events.of("storage_failed") == [{"error": "StorageUnavailable"}]


def test_f22_what_a_pass_did_before_storage_failed_stands() -> None:
    """The next pass does the rest."""
    store = FaultyAlertStore(raises={3: StorageUnavailable("ServiceUnavailable")})
    system = Delivery(*many(parked, 4), store=store)
    system.after(300)
    with pytest.raises(Unavailable):
        system.sweep()
    assert len(system.queue.asked) == 2
    assert system.sweep() == Swept(2, 0)


def test_f22_contention_on_one_alert_does_not_stop_the_pass() -> None:
    """It is left for the next pass."""
    store = FaultyAlertStore(raises={1: Contention("Aborted")})
    system = Delivery(*many(parked, 2), store=store)
    system.after(300)
    assert system.sweep() == Swept(1, 0)
    assert system.sweep() == Swept(1, 0)


def test_f16_an_alert_that_cannot_be_written_does_not_stop_the_others() -> None:
    """The oldest one would stand in the way of everything behind it, pass after pass."""
    store = FaultyAlertStore(raises={1: StorageError("InvalidArgument")})
    system = Delivery(*many(parked, 2), store=store)
    system.after(300)
    assert system.sweep() == Swept(1, 0)


@pytest.mark.parametrize("off", [-3600, 3600])
def test_f20_a_pass_goes_by_firestores_time(off: float) -> None:
    """An instance whose clock is an hour off queues nothing too early or too late."""
    system = Delivery(parked(), clock=FakeClock(NOW + seconds(off)))
    assert system.sweep() == Swept(0, 0)
    system.store.documents.now += seconds(300)
    assert system.sweep() == Swept(1, 0)
