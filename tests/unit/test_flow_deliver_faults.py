"""Delivering while answers get lost and others act: nothing is lost, and duplicates have two causes only."""

from __future__ import annotations

import pytest

from shared.domain.alert import State
from shared.domain.outcome import Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import Contention, LeaseLive, OutcomeUnknown, StorageError, StorageUnavailable, Unavailable
from tests.support.delivery_flow import Delivery, queued
from tests.support.fakes import FakeAlertStore, FaultyAlertStore, InterruptedChannel, ScriptedChannel

ALERT = queued()
CLAIM, OUTCOME = 1, 2


def stalled(outcome: Outcome, *, store: FakeAlertStore | None = None) -> Delivery:
    """A delivery whose holder is stopped past its lease, while another task settles that, and then goes on."""

    def stop() -> None:
        system.after(31)
        assert Delivery(store=system.store).task(ALERT) == "queued"

    system = Delivery(ALERT, store=store, channel=InterruptedChannel(stop, outcome))
    return system


@pytest.mark.parametrize("error", [Contention("Aborted"), StorageUnavailable("x"), OutcomeUnknown("x")])
def test_f22_an_alert_that_cannot_be_claimed_is_not_sent(error: StorageError) -> None:
    """The task comes back; the alert stands as it was."""
    system = Delivery(ALERT, store=FaultyAlertStore(raises={CLAIM: error}))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert (system.sent, system.store.alert(ALERT.id)) == ([], ALERT)


def test_a_claim_whose_answer_is_lost_is_not_sent_and_heals_by_its_lease() -> None:
    """The claim took effect: the task comes back until the lease is over, then the alert goes on."""
    system = Delivery(ALERT, store=FaultyAlertStore(unanswered=frozenset({CLAIM})))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert (system.sent, system.store.alert(ALERT.id).state) == ([], State.SENDING)
    with pytest.raises(LeaseLive):
        system.task(ALERT)
    system.after(31)
    assert [system.task(ALERT), system.task(ALERT)] == ["queued", "delivered"]
    assert len(system.sent) == 1


def test_f07_a_claim_that_another_won_is_left_to_it() -> None:
    """Sweep and task race: one lease holder, the other finds that there is nothing left to do."""
    store = FaultyAlertStore(before={CLAIM: lambda: Delivery(store=rival).task(ALERT)})
    rival = FakeAlertStore(store.documents)
    system = Delivery(ALERT, store=store)
    assert system.task(ALERT) == "ignored"
    assert (system.sent, system.store.alert(ALERT.id).state) == ([], State.DELIVERED)


def test_f07_an_expiry_that_another_settled_is_left_to_it() -> None:
    """The same holds where the task only settles a dead holder's lease."""
    store = FaultyAlertStore()
    system = Delivery(ALERT, store=store, channel=InterruptedChannel(lambda: system.after(31), Unknown("timeout")))
    store._before[OUTCOME] = lambda: Delivery(store=FakeAlertStore(store.documents)).task(ALERT)
    assert system.task(ALERT) == "lost"
    assert system.store.alert(ALERT.id).generation == 2


def test_f08_a_stale_holder_that_delivered_leaves_a_receipt() -> None:
    """Its late write is refused; the next owner reads the receipt and does not send again."""
    system = stalled(Delivered())
    assert system.task(ALERT) == "lost"
    assert system.store.documents.get(f"receipts/{ALERT.id}") is not None
    assert system.store.alert(ALERT.id).state is State.QUEUED
    assert system.events.names == ["alert_outcome_lost"]
    assert Delivery(store=system.store).task(ALERT) == "delivered"
    assert len(system.sent) == 1


@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout"), Rejected("no_text")])
def test_f08_a_stale_holder_that_did_not_deliver_writes_nothing(outcome: Outcome) -> None:
    """No receipt: the alert is the next owner's."""
    system = stalled(outcome)
    assert system.task(ALERT) == "lost"
    assert system.store.documents.get(f"receipts/{ALERT.id}") is None
    assert system.queue.asked == []


def test_f08_a_stale_holders_receipt_that_cannot_be_left_is_tried_again_by_nobody() -> None:
    """Storage does not answer: the task says so; the alert goes out again, the window of guarantee 5."""
    system = stalled(Delivered(), store=FaultyAlertStore(without=("leave_receipt",)))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert system.store.alert(ALERT.id).state is State.QUEUED


@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout"), Rejected("no_text")])
def test_f17_an_outcome_that_cannot_be_saved_leaves_the_alert_in_the_outbox(outcome: Outcome) -> None:
    """5xx; the lease runs out, which counts, and the alert goes on."""
    store = FaultyAlertStore(raises={OUTCOME: StorageUnavailable("ServiceUnavailable")})
    system = Delivery(ALERT, store=store, channel=ScriptedChannel(outcome))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert system.store.alert(ALERT.id).state is State.SENDING
    assert (system.dead_letters(), system.queue.asked) == ({}, [])
    system.after(31)
    assert system.task(ALERT) == "queued"
    assert system.store.alert(ALERT.id).maybe_shown


def test_f05_killed_after_the_destination_took_it_the_repeat_says_so() -> None:
    """The process ends before the outcome is saved: at most one duplicate, with the same id and a mark."""
    system = Delivery(ALERT, channel=ScriptedChannel(Delivered()))
    system.store.write = _killed_at(OUTCOME, system.store)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        system.task(ALERT)
    system.after(31)
    healed = Delivery(store=FakeAlertStore(system.store.documents))
    assert [healed.task(ALERT), healed.task(ALERT)] == ["queued", "delivered"]
    assert [message.maybe_shown for message in [*system.channel.sent, *healed.channel.sent]] == [False, True]
    assert {*system.sent, *healed.sent} == {ALERT.id}


def test_f03_an_outcome_whose_answer_is_lost_is_not_sent_again() -> None:
    """It took effect; the task that comes back finds a final alert."""
    system = Delivery(ALERT, store=FaultyAlertStore(unanswered=frozenset({OUTCOME})))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert system.task(ALERT) == "ignored"
    assert len(system.sent) == 1


def test_a_delivery_whose_outcome_may_be_lost_leaves_a_receipt() -> None:
    """No answer, and it did not take effect: the task that comes back finds the receipt."""
    system = Delivery(ALERT, store=FaultyAlertStore(raises={OUTCOME: OutcomeUnknown("DeadlineExceeded")}))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    assert system.task(ALERT) == "delivered"
    assert (len(system.sent), system.store.alert(ALERT.id).state) == (1, State.DELIVERED)


@pytest.mark.parametrize("error", [Contention("Aborted"), StorageUnavailable("x"), StorageError("InvalidArgument")])
def test_a_delivery_whose_outcome_is_not_saved_leaves_a_receipt(error: StorageError) -> None:
    """Whatever storage said: what was delivered is not to be sent again (guarantee 5)."""
    system = Delivery(ALERT, store=FaultyAlertStore(raises={OUTCOME: error}))
    with pytest.raises(Unavailable):
        system.task(ALERT)
    system.after(31)
    assert system.task(ALERT) == "delivered"
    assert len(system.sent) == 1


def _killed_at(number: int, store: FakeAlertStore) -> object:
    """A write that ends its process the n-th time."""
    writes = iter(range(1, 100))
    whole = store.write

    def write(*args: object) -> object:
        if next(writes) == number:
            raise KeyboardInterrupt
        return whole(*args)  # type: ignore[arg-type]

    return write
