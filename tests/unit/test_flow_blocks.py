"""A destination that needs a person: one notice, no attempt used, one probe at a time, and a drain after the repair."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain import ids
from shared.domain.alert import CANARY, NOTICE, Alert, State
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import Conflict
from shared.flows.retry_dead_letters import Swept
from tests.support.delivery_flow import Delivery, parked, queued
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeAlertStore,
    FaultyAlertStore,
    InterruptedChannel,
    RefusingContinuation,
    ScriptedChannel,
    seconds,
)

ALERT = queued()
BLOCKED = Destination(
    "slack",
    cause="no_service",
    since=NOW,
    blocks=1,
    notices=1,
    remind_at=NOW + seconds(86_400),
    probe_at=NOW + POLICY.probe_wait,
    fingerprint="settings",
    nonce="block",
)


def blocked(*alerts: Alert, outcomes: tuple[Outcome, ...] = (Delivered(),), **changes: object) -> Delivery:
    """A system whose Slack is known to be blocked."""
    system = Delivery(*alerts, channel=ScriptedChannel(*outcomes), email=DeliveringChannel())
    system.store.documents.put("destinations/slack", replace(BLOCKED, **changes))
    return system


def waiting(name: str, age: float = 0) -> Alert:
    """An alert that a block parked; older by so many seconds."""
    return parked(name, attempts=0, blocked=True, created_at=NOW - seconds(age), wake_at=NOW + POLICY.long_wait)


def notices(system: Delivery) -> list[Alert]:
    """Every notice there is."""
    found = [stored.value for stored in system.store.documents.under("alerts").values()]
    return [alert for alert in found if alert.kind == NOTICE]


def test_f10_fifty_alerts_that_meet_a_block_are_parked_with_one_notice() -> None:
    """No attempt is used, one request is made, and one notice goes through another channel."""
    alerts = [queued(f"visitor-{number}") for number in range(50)]
    system = Delivery(*alerts, channel=ScriptedChannel(Blocked("no_active_hooks")), email=DeliveringChannel())
    assert {system.task(alert) for alert in alerts} == {"parked"}
    assert len(system.sent) == 1
    assert {system.store.alert(alert.id).attempts for alert in alerts} == {0}
    [notice] = notices(system)
    assert (notice.channel, notice.route, notice.payload["cause"]) == ("email", ("email",), "no_active_hooks")
    assert len(system.dead_letters()) == 50
    assert system.events.of("destination_blocked") == [{"channel": "slack", "cause": "no_active_hooks"}]


def test_f10_workers_that_find_a_block_at_the_same_time_make_one_notice() -> None:
    """The second one's commit meets the first one's block; its alert is parked all the same."""
    rival: list[Delivery] = []
    store = FaultyAlertStore(before={2: lambda: rival[0].task(queued("b"))})
    system = Delivery(ALERT, queued("b"), store=store, channel=ScriptedChannel(Blocked("no_team")))
    rival.append(Delivery(store=FakeAlertStore(store.documents), channel=ScriptedChannel(Blocked("no_team"))))
    assert system.task(ALERT) == "parked"
    assert len(notices(system)) == 1
    assert [system.store.alert(alert.id).state for alert in (ALERT, queued("b"))] == [State.PARKED] * 2


def test_a_blocked_destination_is_not_asked_again_before_its_probe() -> None:
    """A new alert is parked without a request."""
    system = blocked(ALERT)
    assert system.task(ALERT) == "parked"
    alert = system.store.alert(ALERT.id)
    assert (system.sent, alert.blocked, alert.attempts, alert.cause) == ([], True, 0, "no_service")
    assert system.store.calls == ["read", "write"]


def test_other_settings_may_try_at_once() -> None:
    """A changed secret is a repair until shown otherwise."""
    system = blocked(ALERT, fingerprint="older settings")
    assert system.task(ALERT) == "delivered"
    assert system.store.destination("slack").cause is None


def test_the_sweep_lets_the_oldest_find_out_and_only_that_one() -> None:
    """One probe a pass; the others stay where they are."""
    alerts = [waiting("young", 1), waiting("old", 100), waiting("middle", 50)]
    system = blocked(*alerts, outcomes=(Blocked("no_service"),))
    assert system.sweep() == Swept(0, 0)
    system.after(150)
    assert system.sweep() == Swept(1, 0)
    [task] = system.queue.asked
    assert task.alert_id == alerts[1].id
    assert system.task(alerts[1]) == "parked"
    place = system.store.destination("slack")
    assert place.blocked
    assert place.probe_at is not None
    assert place.probe_at - system.clock.at >= POLICY.probe_wait
    assert (len(system.sent), len(notices(system))) == (1, 0)


def test_while_one_probes_nobody_else_does() -> None:
    """The probe's lease is in the claim's commit."""
    system = blocked(ALERT, queued("b"))
    system.after(150)
    other: list[str] = []
    system.use(InterruptedChannel(lambda: other.append(system.task(queued("b"))), Delivered()))
    assert system.task(ALERT) == "delivered"
    assert (other, len(system.sent)) == (["parked"], 1)


def test_a_repair_starts_the_drain_and_everything_goes_out_oldest_first() -> None:
    """In batches no larger than a minute's worth, and over when nothing is left."""
    alerts = [waiting(f"visitor-{number}", 100 - number) for number in range(12)]
    system = blocked(ALERT, *alerts)
    system.at_pace(0.1)
    system.after(150)
    assert system.task(ALERT) == "delivered"
    assert system.store.destination("slack").draining
    assert list(system.again.asked) == ["drain slack 1"]
    assert system.events.of("destination_repaired") == [{"channel": "slack"}]
    assert system.sweep() == Swept(5, 0)
    assert len(system.again.asked) == 2
    assert system.sweep() == Swept(0, 0)
    for _ in range(3):
        for task in [task for task in system.queue.asked if task.alert_id != ALERT.id]:
            system.task(system.store.alert(task.alert_id))
        system.sweep()
    assert system.sent == [ALERT.id, *(alert.id for alert in alerts)]
    assert system.store.destination("slack").draining, "who had not heard of the repair may still park an alert"
    system.after(16)
    system.sweep()
    assert not system.store.destination("slack").draining
    assert system.events.of("destination_drained") == [{"channel": "slack"}]


def test_a_drain_that_was_cut_off_goes_on_with_the_next_pass() -> None:
    """What is drained is decided by what stands in Firestore alone."""
    system = blocked(*[waiting(f"visitor-{number}") for number in range(3)], cause=None, draining=True)
    assert system.sweep() == Swept(3, 0)
    assert len(system.queue.asked) == 3
    assert not system.store.destination("slack").draining


def test_a_block_that_comes_back_during_its_drain_stops_it() -> None:
    """A second block has notices of its own."""
    system = blocked(ALERT, cause=None, draining=True, outcomes=(Blocked("no_service"),))
    assert system.task(ALERT) == "parked"
    place = system.store.destination("slack")
    assert (place.blocked, place.draining, place.blocks) == (True, False, 2)
    [notice] = notices(system)
    assert notice.id == ids.notice_id("slack", 2, 1)


@pytest.mark.parametrize("outcome", [Retry("http_500"), Unknown("timeout")])
def test_a_probe_that_fails_in_another_way_gives_the_alerts_their_budgets_back(outcome: Outcome) -> None:
    """An outage that follows a block must end in an escalation too, not in waiting for a success."""
    system = blocked(ALERT, waiting("b"), outcomes=(outcome,))
    system.after(150)
    system.task(ALERT)
    place = system.store.destination("slack")
    assert (place.blocked, place.draining, system.store.alert(ALERT.id).attempts) == (False, True, 1)
    assert system.events.lines[-1] == ("destination_resumed", {"channel": "slack"})
    assert system.sweep() == Swept(1, 0)


def test_a_block_that_had_only_been_resumed_is_told_once() -> None:
    """An outage in the middle of a block makes no second notice of the same day."""
    system = blocked(ALERT, queued("b"), told="no_service", outcomes=(Retry("http_500"), Blocked("no_service")))
    system.after(150)
    system.task(ALERT)
    assert system.task(queued("b")) == "parked"
    place = system.store.destination("slack")
    assert (place.blocked, place.blocks, place.draining, notices(system)) == (True, 1, False, [])


def test_another_cause_after_a_resumption_is_told() -> None:
    """It needs another repair."""
    system = blocked(ALERT, queued("b"), told="no_service", outcomes=(Retry("http_500"), Blocked("no_team")))
    system.after(150)
    system.task(ALERT)
    system.task(queued("b"))
    assert [notice.payload["cause"] for notice in notices(system)] == ["no_team"]


def test_a_probe_that_is_refused_lets_the_next_one_try_at_once() -> None:
    """It was the alert's own fault."""
    system = blocked(ALERT, queued("b"), outcomes=(Rejected("no_text"), Delivered()))
    system.after(150)
    assert [system.task(ALERT), system.task(queued("b"))] == ["failed", "delivered"]
    assert system.store.destination("slack").draining


def test_an_attempt_begun_before_the_block_ends_nothing() -> None:
    """Its success is older than what is known since."""
    system = Delivery(ALERT, email=DeliveringChannel())
    system.use(InterruptedChannel(lambda: system.store.documents.put("destinations/slack", BLOCKED), Delivered()))
    assert system.task(ALERT) == "delivered"
    assert system.store.destination("slack").blocked


def test_a_block_is_told_again_every_day_until_its_repair() -> None:
    """Each day's notice is an alert of its own."""
    system = blocked(waiting("a"), probe_at=NOW + seconds(10**6))
    system.after(86_399)
    system.sweep()
    assert notices(system) == []
    system.after(1)
    system.sweep()
    system.sweep()
    [notice] = notices(system)
    assert (notice.id, notice.payload["title"]) == (ids.notice_id("slack", 1, 2), "Slack is blocked: no_service")
    assert [task.alert_id for task in system.queue.asked if task.alert_id == notice.id] == [notice.id]
    assert system.events.of("destination_blocked") == [{"channel": "slack", "cause": "no_service", "count": 2}]


def test_f19_two_passes_at_once_remind_once() -> None:
    """The second one's write of the destination is refused."""
    system = blocked(probe_at=NOW + seconds(10**6), remind_at=NOW)
    rival = Delivery(store=FakeAlertStore(system.store.documents))
    whole = system.store.write_destination

    def after_the_rival(*args: object) -> None:
        rival.sweep()
        whole(*args)  # type: ignore[arg-type]

    system.store.write_destination = after_the_rival  # type: ignore[method-assign]
    system.sweep()
    assert len(notices(system)) == 1


def test_due_alerts_of_a_blocked_destination_are_left_to_its_repair() -> None:
    """Not queued, not read again at the next pass."""
    system = blocked(parked(wake_at=NOW), probe_at=NOW + seconds(10**6))
    assert system.sweep() == Swept(0, 1)
    alert = system.store.alert(ALERT.id)
    assert (alert.blocked, alert.cause, alert.state) == (True, "no_service", State.PARKED)
    assert alert.wake_at is not None
    assert alert.wake_at > NOW + POLICY.scheduled_wait
    assert system.sweep() == Swept(0, 0)


def test_a_drain_that_cannot_be_asked_for_waits_for_the_next_pass() -> None:
    """The repair is saved all the same."""
    system = blocked(ALERT)
    system.deliver = replace(system.deliver, attempts=replace(system.deliver.attempts, sweep=RefusingContinuation()))
    system.after(150)
    assert system.task(ALERT) == "delivered"
    assert system.events.names[-1] == "enqueue_failed"


def test_f08_a_probe_whose_lease_was_lost_repairs_nothing() -> None:
    """Its late outcome is refused as a whole."""
    system = blocked(ALERT)

    def stop() -> None:
        system.after(31)
        assert Delivery(store=FakeAlertStore(system.store.documents)).task(ALERT) == "queued"

    system.after(150)
    system.use(InterruptedChannel(stop, Delivered()))
    assert system.task(ALERT) == "lost"
    assert system.store.destination("slack").blocked


def test_an_alert_whose_probe_another_took_first_waits_with_the_others() -> None:
    """The claim's commit holds the probe's lease: one of two workers gets it, the other one decides anew."""
    leased = replace(BLOCKED, probe_at=NOW, leased_until=NOW + seconds(40), nonce="theirs")
    store = FaultyAlertStore(before={1: lambda: store.documents.put("destinations/slack", leased)})
    system = Delivery(ALERT, store=store)
    store.documents.put("destinations/slack", replace(BLOCKED, probe_at=NOW))
    assert system.task(ALERT) == "parked"
    assert (system.sent, system.store.alert(ALERT.id).attempts) == ([], 0)


def test_a_probe_that_others_are_always_faster_at_comes_back() -> None:
    """The task is not lost; nothing was sent."""
    store = FaultyAlertStore(raises=dict.fromkeys((1, 2), Conflict("destinations/slack")))
    system = Delivery(ALERT, store=store)
    store.documents.put("destinations/slack", replace(BLOCKED, probe_at=NOW))
    with pytest.raises(Exception, match="another holder"):
        system.task(ALERT)
    assert system.sent == []


def test_a_canary_is_never_the_one_that_finds_out() -> None:
    """Its target is its own: the lead that is due after it is let out, and it waits on."""
    lead = parked("lead", wake_at=NOW)
    canary = parked("canary", kind=CANARY, wake_at=NOW - seconds(60), created_at=NOW - seconds(600))
    system = blocked(lead, canary, outcomes=(Delivered(),), probe_at=NOW)
    system.sweep()
    assert system.store.alert(lead.id).state is State.QUEUED
    stands = system.store.alert(canary.id)
    assert (stands.state, stands.blocked) == (State.PARKED, False)
    assert stands.wake_at is not None
    assert POLICY.scheduled_wait <= stands.wake_at - NOW < POLICY.long_wait
    assert system.task(lead) == "delivered"
    assert not system.store.destination("slack").blocked


def test_a_canarys_task_leaves_a_block_alone() -> None:
    """Also when it is time to find out, and with other settings: nothing is asked, nothing is leased."""
    canary = queued("canary", kind=CANARY)
    system = blocked(canary, probe_at=NOW, fingerprint="others")
    before = system.store.destination("slack")
    assert system.task(canary) == "parked"
    assert (system.sent, system.store.destination("slack"), system.dead_letters()) == ([], before, {})
    assert system.store.alert(canary.id).cause == "no_service"
