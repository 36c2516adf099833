"""Storms: many leads in one message, at the destination's pace, and nobody held up by one that is bad for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from shared.domain.alert import DIGEST, LEAD, Alert, State
from shared.domain.breaker import BREAKER_OPEN, OPEN, Breaker
from shared.domain.destination import Destination
from shared.domain.digest import MEMBERS_MOST, Digest, divided, is_member
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import Conflict, LeaseLive, OutcomeUnknown, StorageUnavailable, Unavailable
from shared.flows.backlog import AT_ONCE, SHARE
from shared.flows.deliver_digest import DeliverDigest
from shared.ports import Message
from tests.support.delivery_flow import Delivery, parked, queued
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeDigestQueue,
    InterruptedChannel,
    RefusingContinuation,
    ScriptedChannel,
    seconds,
)

MANY = 100


def waiting(number: int, **changes: Any) -> Alert:
    """One of many that an outage has parked, and whose time has come."""
    made = NOW - seconds(10_000 - number)
    rest: dict[str, Any] = {"created_at": made, "wake_at": made, "attempts": 3}
    return parked(f"visitor-{number}", **rest | changes)


def storm(*outcomes: Outcome, alerts: int = MANY, threshold: int = 10, **changes: Any) -> Delivery:
    """Many wait for a Slack that is well again."""
    many = [waiting(number, **changes) for number in range(alerts)]
    return Delivery(
        *many,
        channel=ScriptedChannel(*(outcomes or (Delivered(),))),
        email=DeliveringChannel(),
        paces={"slack": 1.0},
        digest_threshold=threshold,
    )


def made(system: Delivery) -> list[Digest]:
    """The digests whose tasks were made."""
    assert isinstance(system.queue, FakeDigestQueue)
    return system.queue.digests


def task(system: Delivery, digest: Digest) -> str:
    """A digest's task comes."""
    return system.deliver_digest(DeliverDigest(digest.id))


def states(system: Delivery) -> dict[State, int]:
    """How many leads are in each state."""
    alerts = [stored.value for stored in system.store.documents.under("alerts").values() if stored.value.kind == LEAD]
    return {state: sum(alert.state is state for alert in alerts) for state in {alert.state for alert in alerts}}


def shown(message: Message) -> list[str]:
    """The ids that a message lists."""
    return [lead["alert_id"] for lead in message.payload["leads"]]


def test_f21_more_than_the_threshold_go_out_in_digests() -> None:
    """Oldest first, forty a message, every one once; nothing is left."""
    system = storm()
    assert system.sweep().requeued == MANY
    assert [len(digest.members) for digest in made(system)] == [40, 40, 20]
    assert system.events.of("digest_made") == [
        {"digest_id": digest.id, "channel": "slack", "count": len(digest.members)} for digest in made(system)
    ]
    assert [task(system, digest) for digest in made(system)] == ["delivered"] * 3
    assert isinstance(system.channel, ScriptedChannel)
    messages = system.channel.sent
    assert [message.kind for message in messages] == [DIGEST] * 3
    assert [alert_id for message in messages for alert_id in shown(message)] == [waiting(n).id for n in range(MANY)]
    assert states(system) == {State.DELIVERED: MANY}
    assert system.dead_letters() == {}


@pytest.mark.parametrize(("alerts", "digests"), [(10, 0), (11, 1)])
def test_up_to_the_threshold_each_goes_out_by_itself(alerts: int, digests: int) -> None:
    """A message of its own is easier to act on."""
    system = storm(alerts=alerts)
    system.sweep()
    assert len(made(system)) == digests
    assert len(system.queue.asked) == (0 if digests else alerts)


def test_f21_the_messages_of_a_backlog_are_spaced_and_leave_room_for_new_alerts() -> None:
    """A new alert's task is due at once; the backlog's come one after the other."""
    system = storm(alerts=10)
    system.sweep()
    times = [task.at for task in system.queue.asked if task.at is not None]
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert waits == pytest.approx([0.0] * (AT_ONCE - 1) + [1 / SHARE] * (10 - AT_ONCE), abs=1e-5)


def test_f21_a_pass_queues_no_more_than_about_a_minutes_worth() -> None:
    """The rest waits in Firestore, and the next pass takes what has gone out into account."""
    system = storm(alerts=200, threshold=1000)
    system.sweep()
    assert len(system.queue.asked) == int(60 * SHARE)
    assert list(system.again.asked) != []
    system.sweep()
    assert len(system.queue.asked) == int(60 * SHARE), "all of them still wait in the queue"


def test_outstanding_digests_take_room_too() -> None:
    """Five messages ahead at the least; more only when those have been sent."""
    system = storm(alerts=400)
    system.at_pace(0.05)
    system.sweep()
    assert len(made(system)) == AT_ONCE
    system.sweep()
    assert len(made(system)) == AT_ONCE
    for digest in list(made(system)):
        task(system, digest)
    system.sweep()
    assert len(made(system)) == 2 * AT_ONCE


def test_a_digest_is_one_attempt_of_every_member() -> None:
    """All are under one lease while it is sent, and none is a dead letter."""
    seen: list[Alert] = []
    system = storm(alerts=12)
    system.sweep()
    system.use(InterruptedChannel(lambda: seen.extend(map(system.store.alert, made(system)[0].members)), Delivered()))
    task(system, made(system)[0])
    assert {(alert.state, alert.attempts) for alert in seen} == {(State.SENDING, 4)}


@pytest.mark.parametrize(
    ("outcome", "maybe_shown"), [(Retry("http_500", maybe_shown=True), True), (Unknown("timeout"), True)]
)
def test_a_digest_that_failed_leaves_its_members_to_the_next_one(outcome: Outcome, *, maybe_shown: bool) -> None:
    """The attempt counts; they are not repeated within seconds, and a repeat says that it may be one."""
    system = storm(outcome, alerts=12)
    system.sweep()
    assert task(system, made(system)[0]) == "parked"
    members = [system.store.alert(alert_id) for alert_id in made(system)[0].members]
    assert {(alert.state, alert.attempts, alert.digest) for alert in members} == {(State.PARKED, 4, "")}
    assert {alert.maybe_shown for alert in members} == {maybe_shown}
    assert all(alert.wake_at and alert.wake_at >= NOW + POLICY.scheduled_wait for alert in members)
    assert len(system.dead_letters()) == 12
    assert task(system, made(system)[0]) == "ignored"
    system.after(400)
    system.use(DeliveringChannel())
    system.sweep()
    assert task(system, made(system)[1]) == "delivered"
    assert isinstance(system.channel, ScriptedChannel)
    assert {lead["maybe_shown"] for lead in system.channel.sent[0].payload["leads"]} == {maybe_shown}


def test_members_whose_attempts_are_spent_fail_and_are_escalated() -> None:
    """Also out of a digest: in the same commit, each by itself."""
    system = storm(Retry("http_500"), alerts=12, attempts=POLICY.attempts - 1)
    system.sweep()
    task(system, made(system)[0])
    assert states(system) == {State.FAILED: 12}
    alerts = [stored.value for stored in system.store.documents.under("alerts").values()]
    assert sum(alert.kind == "escalation" for alert in alerts) == 12


def test_f21_one_member_that_is_bad_for_slack_does_not_hold_up_the_others() -> None:
    """A refused digest is divided until the bad one is alone; no attempt of the others is used."""
    system = storm(alerts=12)
    bad = waiting(7).id

    class Picky(ScriptedChannel):
        def send(self, message: Message, *, deadline: float) -> Outcome:
            super().send(message, deadline=deadline)
            ids = shown(message) if message.kind == DIGEST else [message.alert_id]
            return Rejected("invalid_payload") if bad in ids else Delivered()

    system.use(Picky(Delivered()))
    system.sweep()
    done: set[str] = set()
    while left := [digest for digest in made(system) if digest.id not in done]:
        for digest in left:
            done.add(digest.id)
            task(system, digest)
    assert system.task(system.store.alert(bad)) == "failed"
    for number in range(12):
        if system.store.alert(waiting(number).id).state is State.QUEUED:
            assert system.task(waiting(number)) == "delivered"
    assert states(system) == {State.FAILED: 1, State.DELIVERED: 11}
    assert {system.store.alert(waiting(number).id).attempts for number in range(12)} == {4}
    assert system.events.names.count("digest_divided") >= 3


def test_a_block_found_by_a_digest_parks_its_members_and_tells_once() -> None:
    """As by one alert: no attempt is used, and one notice says how to repair it."""
    system = storm(Blocked("no_service"), alerts=12)
    system.sweep()
    assert task(system, made(system)[0]) == "parked"
    assert system.store.destination("slack").blocked
    members = [system.store.alert(alert_id) for alert_id in made(system)[0].members]
    assert {(alert.blocked, alert.attempts) for alert in members} == {(True, 3)}
    alerts = [stored.value for stored in system.store.documents.under("alerts").values()]
    assert sum(alert.kind == "notice" for alert in alerts) == 1


@pytest.mark.parametrize("held_up", ["block", "breaker"])
def test_a_digest_finds_nothing_out(held_up: str) -> None:
    """While its destination is blocked or its breaker is not closed its members wait, also when it is time to try."""
    system = storm(alerts=12)
    system.sweep()
    if held_up == "block":
        system.store.documents.put("destinations/slack", Destination("slack", cause="no_team", probe_at=NOW))
    else:
        system.store.documents.put("breakers/slack", Breaker("slack", state=OPEN, probe_at=NOW))
    system.after(3)
    assert task(system, made(system)[0]) == "parked"
    assert system.sent == []
    members = [system.store.alert(alert_id) for alert_id in made(system)[0].members]
    cause = "no_team" if held_up == "block" else BREAKER_OPEN
    assert {(alert.blocked, alert.attempts, alert.cause, alert.digest) for alert in members} == {(True, 3, cause, "")}


def test_a_breaker_that_opens_after_the_claim_uses_no_attempt() -> None:
    """The digest is not sent, and its members wait for the breaker."""
    system = storm(alerts=12)
    system.sweep()
    write = system.digests.write

    def opening(*args: Any, **more: Any) -> Any:
        system.store.documents.put("breakers/slack", Breaker("slack", state=OPEN, probe_at=NOW + seconds(60)))
        system.clock.advance(2)
        return write(*args, **more)

    system.digests.write = opening  # type: ignore[method-assign]
    assert task(system, made(system)[0]) == "parked"
    assert system.sent == []
    members = [system.store.alert(alert_id) for alert_id in made(system)[0].members]
    assert {(alert.blocked, alert.attempts) for alert in members} == {(True, 3)}


def test_f06_a_digests_task_that_comes_twice_sends_once() -> None:
    """While it is sent the second one comes back; afterwards it does nothing."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)
    met: list[str] = []

    def again() -> None:
        with pytest.raises(LeaseLive):
            task(system, digest)
        met.append("busy")

    system.use(InterruptedChannel(again, Delivered()))
    assert task(system, digest) == "delivered"
    assert task(system, digest) == "ignored"
    assert (met, len(system.sent)) == (["busy"], 1)


def test_a_member_that_has_moved_on_is_left_out() -> None:
    """A person has sent it again meanwhile, or it was erased."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)
    redriven = replace(system.store.alert(digest.members[3]), state=State.QUEUED, digest="", generation=9)
    system.store.put(redriven)
    assert task(system, digest) == "delivered"
    assert isinstance(system.channel, ScriptedChannel)
    assert len(shown(system.channel.sent[0])) == 11
    assert system.store.alert(redriven.id) == redriven


def test_f23_a_digest_whose_task_was_lost_is_made_anew() -> None:
    """Its members are due again after a while; the old digest does nothing then."""
    system = storm(alerts=12)
    system.sweep()
    [lost] = made(system)
    system.after(120)
    system.sweep()
    [_, digest] = made(system)
    assert set(digest.members) == set(lost.members)
    assert task(system, digest) == "delivered"
    assert task(system, lost) == "ignored"
    assert len(system.sent) == 1


def test_f05_members_of_a_digest_whose_holder_died_go_out_again_as_possible_duplicates() -> None:
    """Nobody knows whether it was sent."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)

    class Dies(ScriptedChannel):
        def send(self, message: Message, *, deadline: float) -> Outcome:
            super().send(message, deadline=deadline)
            raise KeyboardInterrupt

    system.use(Dies(Delivered()))
    with pytest.raises(KeyboardInterrupt):
        task(system, digest)
    system.after(POLICY.lease.total_seconds() + 1)
    system.sweep()
    members = [system.store.alert(alert_id) for alert_id in digest.members]
    assert {(alert.state, alert.maybe_shown, alert.digest) for alert in members} == {(State.PARKED, True, "")}


def test_f08_a_digests_outcome_that_comes_too_late_leaves_receipts() -> None:
    """Whoever has the members next finds that they were delivered."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)

    def stop() -> None:
        system.after(POLICY.lease.total_seconds() + 1)
        system.sweep()

    system.use(InterruptedChannel(stop, Delivered()))
    assert task(system, digest) == "lost"
    assert len(system.store.documents.under("receipts")) == 12


@pytest.mark.parametrize("error", [StorageUnavailable("x"), OutcomeUnknown("x")])
def test_f17_an_outcome_that_cannot_be_saved_comes_back(error: Exception) -> None:
    """The task is answered with an error; the members are found when their lease is over."""
    system = storm(alerts=12)
    system.sweep()
    system.use(InterruptedChannel(lambda: system.digests.fails.append(error), Delivered()))
    with pytest.raises(Unavailable):
        task(system, made(system)[0])
    assert states(system) == {State.SENDING: 12}


def test_a_gathering_that_meets_a_conflict_leaves_all_as_they_were() -> None:
    """Somebody has changed one of them; the next pass gathers anew."""
    system = storm(alerts=12)
    system.digests.fails.append(Conflict("alerts"))
    assert system.sweep().requeued == 0
    assert made(system) == []
    assert system.sweep().requeued == 12


def test_a_claim_that_others_are_always_faster_at_comes_back() -> None:
    """The task is not lost."""
    system = storm(alerts=12)
    system.sweep()
    system.digests.fails += [Conflict("alerts")] * 3
    with pytest.raises(LeaseLive):
        task(system, made(system)[0])
    assert system.sent == []


def test_only_leads_with_attempts_left_are_gathered() -> None:
    """What tells of a failure goes out by itself, and what has spent its attempts fails by itself."""
    relayed = parked("told", kind="escalation", route=("slack", "email"), wake_at=NOW, attempts=0, overdue=True)
    spent = waiting(500, attempts=POLICY.attempts)
    system = storm(alerts=12)
    system.store.put(relayed)
    system.store.put(spent)
    system.sweep()
    assert {alert.id for alert in (relayed, spent)} == {task.alert_id for task in system.queue.asked}


def test_a_drain_gathers_what_was_held_up_hot_leads_first() -> None:
    """A lead that is hot is told of before those that wait longer."""
    system = storm(alerts=90, blocked=True, wake_at=NOW + POLICY.long_wait)
    hot = waiting(999, blocked=True, payload={"email": "hot@example.com", "hot": True})
    system.store.put(hot)
    system.store.documents.put("destinations/slack", Destination("slack", draining=True))
    system.sweep()
    assert [task.alert_id for task in system.queue.asked] == [hot.id]
    assert [len(digest.members) for digest in made(system)] == [40, 40, 10]


def test_new_alerts_do_not_wait_for_a_backlog() -> None:
    """They are queued by the chat, for now; the backlog's messages are for later."""
    system = storm(alerts=3000)
    system.sweep()
    new = queued("new")
    system.store.put(new)
    assert system.task(new) == "delivered"
    last = made(system)[-1].expected_at
    assert last > system.store.documents.now + seconds(40)


def test_a_sweep_that_cannot_be_asked_for_changes_nothing() -> None:
    """The breaker opens all the same; the scheduler's next run does what is left."""
    system = Delivery(queued(), channel=ScriptedChannel(Retry("DAILY", seconds(10**4))))
    system.deliver = replace(system.deliver, attempts=replace(system.deliver.attempts, sweep=RefusingContinuation()))
    assert system.task(queued()) == "parked"
    assert system.events.names.count("enqueue_failed") == 1


def test_the_halves_of_a_digest_are_all_of_it() -> None:
    """Whatever their number."""
    for number in range(1, max(MEMBERS_MOST.values()) + 1):
        halves = divided(list(range(number)))
        assert [each for half in halves for each in half] == list(range(number))
        assert all(len(half) < number for half in halves) or number == 1


def test_membership_ends_with_whatever_happens_to_a_member() -> None:
    """A digest's task finds only those that still wait for it."""
    digest = Digest("d", "slack", (), NOW, NOW)
    assert is_member(parked(digest="d"), digest)
    assert not is_member(parked(digest="e"), digest)
    assert not is_member(replace(parked(digest="d"), state=State.QUEUED), digest)


@pytest.mark.parametrize(
    ("outcome", "event", "cause"),
    [
        (Delivered(), "digest_delivered", None),
        (Retry("http_500"), "digest_failed", "http_500"),
        (Unknown("timeout"), "digest_failed", "timeout"),
        (Blocked("no_service"), "digest_failed", "no_service"),
        (Rejected("invalid_payload"), "digest_divided", "invalid_payload"),
    ],
)
def test_what_became_of_a_digest_is_told(outcome: Outcome, event: str, cause: str | None) -> None:
    """Its channel, why, and of how many leads: an alert policy counts those that fail."""
    system = storm(outcome, alerts=12)
    system.sweep()
    [digest] = made(system)
    task(system, digest)
    told = {"digest_id": digest.id, "channel": "slack", "cause": cause, "count": 12}
    assert [line for line in system.events.lines if line[0].startswith("digest_")][-1] == (event, told)


def test_a_digest_that_is_not_sent_is_told() -> None:
    """Held up, with why and how many wait; nothing waits for it; storage does not answer."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)
    system.digests.fails.append(StorageUnavailable("x"))
    with pytest.raises(Unavailable):
        task(system, digest)
    assert system.events.lines[-1] == ("storage_failed", {"digest_id": digest.id, "error": "StorageUnavailable"})
    system.store.documents.put("destinations/slack", Destination("slack", cause="no_team", probe_at=NOW))
    system.after(3)
    task(system, digest)
    withheld = {"digest_id": digest.id, "channel": "slack", "cause": "no_team", "count": 12}
    assert system.events.of("digest_withheld") == [withheld]
    assert task(system, digest) == "ignored"
    assert system.events.lines[-1] == ("digest_ignored", {"digest_id": digest.id})


def test_a_digest_is_shown_when_it_was_made_and_what_time_it_is() -> None:
    """By Firestore's time: a message says how long its leads have waited."""
    system = storm(alerts=12)
    system.sweep()
    [digest] = made(system)
    system.after(30)
    task(system, digest)
    assert isinstance(system.channel, ScriptedChannel)
    [message] = system.channel.sent
    assert (message.alert_id, message.created_at) == (digest.id, digest.created_at)
    assert message.now - digest.created_at >= seconds(30)
