"""An alert that failed is told to a person, by another channel, once, for as long as it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain import ids
from shared.domain.alert import ESCALATION, Alert, State
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.delivery_flow import Delivery, queued, sending
from tests.support.fakes import DeliveringChannel, FakeAlertStore, FaultyAlertStore, ScriptedChannel

ALERT = queued(payload={"name": "Ana", "email": "ana@example.com", "message": "Hi, call me"})
TOLD = ids.escalation_id(ALERT.id, 1)


def failed(email: ScriptedChannel, *slack: Outcome) -> Delivery:
    """A system in which Slack refused the lead."""
    channel = ScriptedChannel(Rejected("invalid_payload"), *slack)
    system = Delivery(ALERT, channel=channel, email=email, paces={"slack": 100.0, "email": 100.0})
    assert system.task(ALERT) == "failed"
    return system


def told(system: Delivery) -> Alert:
    """The escalation."""
    return system.store.alert(TOLD)


def test_a_failed_alert_is_escalated_in_the_same_commit() -> None:
    """Through the first channel that is not the one that failed; its task is created after."""
    system = failed(DeliveringChannel())
    assert system.store.calls == ["read", "write", "write"]
    assert (told(system).kind, told(system).channel, told(system).state) == (ESCALATION, "email", State.QUEUED)
    assert [task.alert_id for task in system.queue.asked] == [TOLD]
    assert system.events.names == ["alert_failed", "alert_made"]
    about = {"alert_id": TOLD, "channel": "email", "kind": ESCALATION, "cause": system.store.alert(ALERT.id).cause}
    assert system.events.of("alert_made") == [about]
    assert about["cause"]


def test_an_escalation_says_what_a_person_needs() -> None:
    """Which lead, what was tried, the last error, the runbook, and how to send it again."""
    email = DeliveringChannel()
    system = failed(email)
    assert system.task(told(system)) == "delivered"
    [message] = email.sent
    text = message.payload["text"]
    for needed in ("Ana", "ana@example.com", "Hi, call me", "invalid_payload", "rejected", "runbooks/alert-failed.md"):
        assert needed in text
    assert f"python -m infra.ops redrive {ALERT.id}" in text
    assert (message.payload["alert_id"], message.payload["channel"]) == (ALERT.id, "slack")


def test_the_dead_letter_says_when_it_was_escalated_only_once_that_was_delivered() -> None:
    """Not when the escalation was made."""
    system = failed(DeliveringChannel())
    assert system.store.documents.get(f"escalated/{ALERT.id}") is None
    system.task(told(system))
    assert system.store.documents.get(f"escalated/{ALERT.id}") is not None


def test_f05_a_lost_answer_of_the_failing_commit_escalates_once() -> None:
    """It took effect: the escalation is there, and the task that comes back finds a final alert."""
    store = FaultyAlertStore(unanswered=frozenset({2}))
    system = Delivery(ALERT, store=store, channel=ScriptedChannel(Rejected("no_text")), email=DeliveringChannel())
    with pytest.raises(Exception, match="could not be stored"):
        system.task(ALERT)
    assert system.task(ALERT) == "ignored"
    assert told(system).state is State.QUEUED
    system.after(11)
    assert system.sweep().requeued == 0  # of Slack's; the escalation is e-mail's


def test_f19_two_sweeps_that_expire_the_same_alert_escalate_once() -> None:
    """The second one's commit is refused as a whole."""
    poisoned = sending(attempts=3, unknowns=2)
    rivals: list[Delivery] = []
    store = FaultyAlertStore(before={1: lambda: rivals[0].sweep()})  # noqa: PLW0108 - it is made below
    system = Delivery(poisoned, store=store)
    rivals.append(Delivery(store=FakeAlertStore(store.documents), queue=system.queue))
    system.after(31)
    system.sweep()
    assert system.store.alert(poisoned.id).state is State.FAILED
    assert [task.alert_id for task in system.queue.asked] == [ids.escalation_id(poisoned.id, 1)]
    assert system.store.tally("email", ESCALATION) == 1


def test_f24_with_every_channel_down_an_escalation_goes_on_and_the_alarm_is_logged() -> None:
    """E-mail is down, Slack is the one that failed: round after round, with growing waits, never given up."""
    system = failed(ScriptedChannel(Retry("connection_failed")))
    waits = []
    for _ in range(4):
        for _ in range(3):
            system.task(told(system))
        escalation = told(system)
        assert escalation.state is State.PARKED
        assert escalation.wake_at is not None
        waits.append((escalation.wake_at - system.store.documents.now).total_seconds())
        system.after(waits[-1] + 1)
        system.sweep()
    assert [round(wait) for wait in waits] == [300, 600, 1200, 2400]
    assert system.events.names.count("escalation_undelivered") == 4
    assert list(system.store.documents.under("alerts")) == [ALERT.id, TOLD]  # it made no other


def test_an_escalation_that_a_channel_does_not_take_goes_to_the_next() -> None:
    """Of a lead that failed at Monday.com: e-mail is blocked, Slack takes it."""
    lead = queued(channel="monday")
    email = ScriptedChannel(Blocked("smtp_535"))
    monday = ScriptedChannel(Rejected("ColumnValueException"))
    system = Delivery(lead, email=email, monday=monday)
    assert system.task(lead) == "failed"
    escalation = system.store.alert(ids.escalation_id(lead.id, 1))
    assert (escalation.channel, escalation.route) == ("email", ("email", "slack"))
    assert system.task(escalation) == "queued"
    moved = system.store.alert(escalation.id)
    assert (moved.channel, moved.attempts, moved.generation) == ("slack", 0, 2)
    assert system.task(escalation) == "delivered"
    assert (system.store.tally("email", ESCALATION), system.store.tally("slack", ESCALATION)) == (0, 1)
    assert system.store.destination("email").blocked
    assert [message.kind for message in system.channel.sent] == [ESCALATION]


def test_an_escalation_refused_as_too_rich_is_sent_as_plain_text() -> None:
    """At the same channel first."""
    email = ScriptedChannel(Rejected("smtp_552"), Delivered())
    system = failed(email)
    assert [system.task(told(system)), system.task(told(system))] == ["queued", "delivered"]
    assert [message.plain for message in email.sent] == [False, True]


def test_slacks_third_unknown_in_a_row_is_unconfirmed_and_told_so() -> None:
    """At most two repeats, each marked; then a person is told that it may have arrived."""
    email = DeliveringChannel()
    system = Delivery(ALERT, channel=ScriptedChannel(Unknown("timeout")), email=email)
    assert [system.task(ALERT), system.task(ALERT)] == ["queued", "parked"]
    system.after(300)
    system.sweep()
    assert system.task(ALERT) == "failed"
    assert [message.maybe_shown for message in system.channel.sent] == [False, True, True]
    assert system.store.alert(ALERT.id).cause == "unconfirmed"
    system.task(told(system))
    assert "may have arrived" in email.sent[0].payload["text"]


def test_without_an_escalation_channel_the_alert_still_fails_loudly() -> None:
    """Start-up refuses such settings; an alert of older ones is not stuck."""
    system = Delivery(ALERT, channel=ScriptedChannel(Rejected("no_text")))
    system.deliver = replace(system.deliver, escalation_channels=())
    assert system.task(ALERT) == "failed"
    assert system.events.names == ["alert_failed"]
