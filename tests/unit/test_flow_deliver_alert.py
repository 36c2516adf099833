"""Delivering one alert: claimed, sent, and its outcome saved, whatever it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.alert import State
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import LeaseLive, RequestError, Unavailable
from shared.flows.deliver_alert import DeliverAlert
from tests.support.delivery_flow import Delivery, parked, queued, sending
from tests.support.fakes import (
    NOW,
    POLICY,
    BrokenChannel,
    FakeClock,
    FaultyAlertStore,
    InterruptedChannel,
    RefusingQueue,
    ScriptedChannel,
    Task,
    seconds,
)

ALERT = queued()


def test_an_alert_is_claimed_sent_and_saved_in_three_round_trips() -> None:
    """One read, the claim's commit, the outcome's commit; the channel sees the id and a deadline in the lease."""
    system = Delivery(ALERT)
    assert system.task(ALERT) == "delivered"
    assert system.store.calls == ["read", "write", "write"]
    alert = system.store.alert(ALERT.id)
    assert (alert.state, alert.attempts, alert.wake_at) == (State.DELIVERED, 1, None)
    [message] = system.channel.sent
    assert (message.alert_id, message.kind, message.payload) == (ALERT.id, "lead", ALERT.payload)
    assert (message.maybe_shown, message.created_at) == (False, NOW)
    assert system.channel.deadlines == [system.clock.seconds + 10]
    assert system.queue.asked == []
    assert system.events.names == ["alert_delivered"]


def test_while_it_is_sent_an_alert_is_sending_under_a_lease() -> None:
    """The attempt counts before the destination is called."""
    seen = []
    system = Delivery(ALERT)
    system.use(InterruptedChannel(lambda: seen.append(system.store.alert(ALERT.id)), Delivered()))
    system.deliver(DeliverAlert(ALERT.id, 1))
    assert [(alert.state, alert.attempts, alert.wake_at) for alert in seen] == [
        (State.SENDING, 1, system.store.documents.now - seconds(0.000002) + POLICY.lease)
    ]


@pytest.mark.parametrize(
    ("outcome", "state", "attempts", "event"),
    [
        (Retry("http_500", maybe_shown=True), "queued", 1, "alert_repeated"),
        (Unknown("timeout"), "queued", 1, "alert_repeated"),
        (Rejected("invalid_payload"), "failed", 1, "alert_failed"),
        (Blocked("no_active_hooks"), "parked", 0, "alert_parked"),
    ],
)
def test_every_outcome_is_saved_and_the_task_is_done(outcome: Outcome, state: str, attempts: int, event: str) -> None:
    """The task is answered with success whatever it was; the alert's record decides what follows."""
    system = Delivery(ALERT, channel=ScriptedChannel(outcome))
    assert system.task(ALERT) == state
    alert = system.store.alert(ALERT.id)
    assert (alert.state.value, alert.attempts, alert.cause) == (state, attempts, outcome.cause)  # type: ignore[union-attr]
    assert (list(system.dead_letters()) == [ALERT.id]) == (state in ("parked", "failed"))
    assert system.events.names[0] == event
    asked = [task.alert_id for task in system.queue.asked]
    assert (ALERT.id in asked) == (state == "queued")


def test_f09_a_repeat_is_queued_as_a_new_generation_no_sooner_than_asked() -> None:
    """Guarantee 6: the old task is done, the new one has the time from which it may be tried."""
    system = Delivery(ALERT, channel=ScriptedChannel(Retry("rate_limited", seconds(40))))
    assert system.task(ALERT) == "queued"
    [task] = system.queue.asked
    assert (task.alert_id, task.generation) == (ALERT.id, 2)
    assert task.at is not None
    assert seconds(40) <= task.at - NOW < seconds(40.001)
    assert system.store.alert(ALERT.id).wake_at == task.at + POLICY.grace


def test_a_repeat_whose_task_cannot_be_created_is_left_to_the_sweep() -> None:
    """The outcome is saved all the same."""
    system = Delivery(ALERT, channel=ScriptedChannel(Retry("http_500")), queue=RefusingQueue())
    assert system.task(ALERT) == "queued"
    assert system.store.alert(ALERT.id).generation == 2
    assert system.events.names == ["alert_repeated", "enqueue_failed"]


def test_a_repeat_after_a_doubtful_attempt_says_so() -> None:
    """It may have been shown: the message is told."""
    system = Delivery(ALERT, channel=ScriptedChannel(Unknown("timeout"), Delivered()))
    system.task(ALERT)
    assert system.task(ALERT) == "delivered"
    assert [message.maybe_shown for message in system.channel.sent] == [False, True]


@pytest.mark.parametrize("alert", [replace(parked(), generation=2), queued(generation=2), sending(generation=2)])
@pytest.mark.parametrize("generation", [1, 3])
def test_a_task_of_another_generation_does_nothing(alert: object, generation: int) -> None:
    """It is answered with success and nothing is sent or written."""
    system = Delivery(alert)  # type: ignore[arg-type]
    assert system.task(ALERT, generation) == "ignored"
    assert (system.sent, system.store.calls) == ([], ["read"])
    assert system.events.names == ["alert_ignored"]


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.PARKED])
def test_a_late_task_of_an_alert_that_rests_does_nothing(state: State) -> None:
    """Tasks are delivered at least once."""
    system = Delivery(queued(state=state, wake_at=None))
    assert system.task(ALERT) == "ignored"
    assert (system.sent, system.store.calls) == ([], ["read"])


def test_a_task_of_a_missing_alert_does_nothing() -> None:
    """It was erased or cleaned up."""
    system = Delivery()
    assert system.deliver(DeliverAlert(ALERT.id, 1)) == "ignored"
    assert system.events.of("alert_ignored")[0]["reason"] == "alert is missing"


def test_f06_while_a_lease_is_live_the_task_comes_back() -> None:
    """500: an answer about one alert is never 429 or 503, which would slow its whole queue."""
    system = Delivery(sending())
    system.after(29)
    with pytest.raises(LeaseLive) as refused:
        system.task(ALERT)
    assert refused.value.status == 500
    assert system.sent == []


def test_f06_one_task_delivered_ten_times_sends_once() -> None:
    """Nine come while the first is sending: each comes back."""
    refused = []

    def nine_more() -> None:
        for _ in range(9):
            with pytest.raises(RequestError) as error:
                Delivery(store=system.store).task(ALERT)
            refused.append(error.value.status)

    system = Delivery(ALERT, channel=InterruptedChannel(nine_more, Delivered()))
    assert system.task(ALERT) == "delivered"
    assert (len(system.sent), refused) == (1, [500] * 9)
    assert system.task(ALERT) == "ignored"


def test_an_expired_lease_counts_as_an_unknown_attempt() -> None:
    """Its holder died: the next task settles that, and a new generation goes out after the backoff."""
    system = Delivery(sending())
    system.after(31)
    assert system.task(ALERT) == "queued"
    alert = system.store.alert(ALERT.id)
    assert (alert.generation, alert.attempts, alert.maybe_shown, alert.cause) == (2, 1, True, "lease_expired")
    assert (system.sent, [task.generation for task in system.queue.asked]) == ([], [2])


def test_f20_a_lease_is_measured_by_firestores_time() -> None:
    """An instance's clock may be an hour off either way."""
    for off in (-3600, 3600):
        system = Delivery(sending(), clock=FakeClock(NOW + seconds(off)))
        with pytest.raises(LeaseLive):
            system.task(ALERT)
        system.store.documents.now += seconds(31)
        assert system.task(ALERT) == "queued"


def test_a_receipt_is_read_before_anything_is_sent() -> None:
    """A holder that had lost its lease delivered it: delivered, without sending."""
    system = Delivery(ALERT)
    system.store.leave_receipt(ALERT)
    assert system.task(ALERT) == "delivered"
    assert (system.sent, system.store.alert(ALERT.id).attempts) == ([], 0)


def test_a_receipt_of_an_earlier_epoch_does_not_count() -> None:
    """After a redrive the alert is to be sent again."""
    system = Delivery(queued(epoch=2))
    system.store.leave_receipt(ALERT)
    assert system.task(ALERT) == "delivered"
    assert system.sent == [ALERT.id]


def test_a_channel_that_is_not_configured_parks_its_alerts() -> None:
    """A person has to repair that; no attempt is used."""
    system = Delivery(queued(channel="monday"))
    assert system.task(ALERT) == "parked"
    alert = system.store.alert(ALERT.id)
    assert (alert.cause, alert.attempts) == ("channel_not_configured", 0)


def test_f16_a_poison_alert_is_parked_after_its_quick_attempts_and_others_go_out() -> None:
    """Our own bug is an attempt like any other; its text is not logged."""
    system = Delivery(ALERT, queued("b"), channel=BrokenChannel(ALERT.id))
    states = [system.task(ALERT) for _ in range(POLICY.quick_attempts)]
    assert states == ["queued", "queued", "parked"]
    assert system.task(queued("b")) == "delivered"
    broken = {"alert_id": ALERT.id, "channel": "slack", "error": "ZeroDivisionError"}
    assert system.events.of("channel_broken") == [broken] * 3
    letter = system.dead_letters()[ALERT.id]
    assert (letter.attempts, letter.cause, letter.maybe_shown) == (3, "internal_ZeroDivisionError", True)


@pytest.mark.parametrize(("spent", "deadline"), [(0, 10), (18, 10), (20, 9), (28.4, 0.6)])
def test_an_attempt_ends_well_within_its_lease(spent: float, deadline: float) -> None:
    """What the claim took is not there for sending; a second is kept for the outcome's commit."""
    clock = FakeClock()
    store = FaultyAlertStore(before={1: lambda: clock.advance(spent)})
    system = Delivery(ALERT, store=store, clock=clock)
    assert system.task(ALERT) == "delivered"
    [until] = system.channel.deadlines
    assert until - clock.seconds == pytest.approx(deadline)


@pytest.mark.parametrize("spent", [28.6, 29, 1000])
def test_with_no_time_left_in_its_lease_an_alert_is_not_sent(spent: float) -> None:
    """Another may hold it by then: the attempt is given up before it begins."""
    clock = FakeClock()
    store = FaultyAlertStore(before={1: lambda: clock.advance(spent)})
    system = Delivery(ALERT, store=store, clock=clock)
    assert system.task(ALERT) == "queued"
    assert (system.sent, system.store.alert(ALERT.id).cause) == ([], "no_time_left_in_lease")


def test_f22_without_storage_the_task_comes_back() -> None:
    """Nothing is sent for an alert that cannot be read or claimed."""
    system = Delivery(ALERT, store=FaultyAlertStore(without=("read",)))
    with pytest.raises(Unavailable) as refused:
        system.deliver(DeliverAlert(ALERT.id, 1))
    assert (refused.value.status, system.sent, system.events.names) == (503, [], ["storage_failed"])


def test_the_task_of_a_repeat_is_named_by_alert_and_generation() -> None:
    """So that a repeat asked for twice is one task."""
    system = Delivery(ALERT, channel=ScriptedChannel(Retry("http_500")))
    system.task(ALERT)
    [task] = system.queue.waiting.values()
    assert task == Task(ALERT.id, 2, task.at)
    assert system.queue.holds(system.store.alert(ALERT.id))
