"""Telling a person: what escalations and notices say, where they go, and that they never end untold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import ids
from shared.domain.alert import ESCALATION, LEAD, NOTICE, OVERDUE, Alert, Attempt, State, create
from shared.domain.claims import Claimed, Moved
from shared.domain.delivery import claim, expire, requeue, settle
from shared.domain.destination import Destination
from shared.domain.escalation import (
    FIXES,
    calls_for,
    escalation,
    gave_up_a_round,
    notice,
    overdue,
    route,
    tells_of,
    without,
)
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

CHANNELS = ("email", "slack", "webhook")
LATER = NOW + seconds(7)
ANA = {"name": "Ana Ruiz", "email": "ana@example.com", "phone": "+34 600 000 000", "score": 85, "message": "Call me"}
TRIED = (Attempt(NOW, "retry", "http_500"), Attempt(NOW + seconds(2), "unknown", "timeout"))
BLOCKED = Destination("monday", cause="unauthorized", since=NOW, blocks=2, notices=1)


def lead(channel: str = "slack") -> Alert:
    """A lead's alert."""
    return create(
        "a" * 32,
        conversation_id="c" * 32,
        channel=channel,
        kind=LEAD,
        payload={**ANA, "conversation_id": "c" * 32},
        now=NOW,
        nonce="n",
        grace=POLICY.grace,
    )


def failed(channel: str = "slack") -> Alert:
    """One that nobody was told of."""
    given = {"attempts": 8, "cause": "http_500", "history": TRIED, "wake_at": None, "ended_at": LATER}
    return replace(lead(channel), state=State.FAILED, **given)


def escalated(alert: Alert | None = None, channels: tuple[str, ...] = CHANNELS) -> Alert:
    """The alert that tells of one that failed."""
    return escalation(alert or failed(), channels, now=LATER, nonce="made", policy=POLICY)


def noticed(destination: Destination = BLOCKED, channels: tuple[str, ...] = CHANNELS) -> Alert:
    """The alert that tells of a block."""
    return notice(destination, channels, now=LATER, nonce="made", policy=POLICY)


RELAYED = [escalated(channels=("email", "webhook")), noticed(channels=("email", "webhook"))]


def claimed(alert: Alert) -> Alert:
    """An alert under its lease."""
    decision = asked(alert)
    assert isinstance(decision, Claimed)
    return decision.alert


def asked(alert: Alert, destination: Destination | None = None) -> object:
    """What its task may do."""
    return claim(
        alert,
        alert.generation,
        now=LATER,
        lease_age=timedelta(0),
        delivered_before=False,
        nonce="claim",
        jitter=0.5,
        policy=POLICY,
        destination=destination,
    )


def attempted(alert: Alert, outcome: Outcome) -> Alert:
    """A queued or parked alert after one more attempt."""
    if alert.state is State.PARKED:
        alert = requeue(alert, now=LATER, nonce="due", policy=POLICY)
    return settle(claimed(alert), outcome, now=LATER, nonce="settled", jitter=0.5, policy=POLICY)


def moves(alert: Alert, outcome: Outcome, number: int) -> list[tuple[str, State]]:
    """Where a relayed alert is after each of some attempts that come to the same."""
    seen = []
    for _ in range(number):
        alert = attempted(alert, outcome)
        seen.append((alert.channel, alert.state))
    return seen


def test_f17_a_failure_is_told_and_nothing_else_is() -> None:
    """Once, at the step in which it fails; of what tells a person no person is told."""
    assert calls_for(lead(), failed())
    assert not calls_for(failed(), failed())
    assert not calls_for(lead(), replace(failed(), state=State.PARKED))
    for kind in (ESCALATION, NOTICE):
        assert not calls_for(replace(lead(), kind=kind), replace(failed(), kind=kind))


@pytest.mark.parametrize(
    ("channels", "without", "wanted"),
    [
        (CHANNELS, "email", ("slack", "webhook")),
        (CHANNELS, "slack", ("email", "webhook")),
        (CHANNELS, "monday", CHANNELS),
        (("slack",), "slack", ("slack",)),
    ],
)
def test_a_person_is_told_through_another_channel(
    channels: tuple[str, ...], without: str, wanted: tuple[str, ...]
) -> None:
    """In the order of the settings; through the same one only where there is no other."""
    assert route(channels, without) == wanted


def test_an_escalation_is_an_alert_of_its_own() -> None:
    """Queued at once in the first of its channels, erased with the conversation, made once for each epoch."""
    made = escalated()
    assert (made.id, made.kind, made.conversation_id) == (ids.escalation_id("a" * 32, 1), ESCALATION, "c" * 32)
    assert (made.channel, made.route, made.hop) == ("email", ("email", "webhook"), 0)
    assert (made.state, made.generation, made.nonce) == (State.QUEUED, 1, "made")
    assert (made.wake_at, made.created_at) == (LATER + POLICY.grace, LATER)
    assert escalated(replace(failed(), epoch=2)).id != made.id
    assert tells_of(made) == ("a" * 32,)
    assert tells_of(noticed()) == tells_of(failed()) == ()


def test_an_escalation_says_all_that_is_needed_to_act() -> None:
    """Which lead and how to reach them, where it did not arrive, what was tried, the last error, and what to do."""
    payload = escalated().payload
    assert payload["title"] == "Not delivered to Slack: Ana Ruiz"
    text = payload["text"]
    for label, value in (("Name", "Ana Ruiz"), ("E-mail", "ana@example.com"), ("Phone", "+34 600 000 000")):
        assert f"{label}: {value}\n" in text
    assert "Score: 85\n" in text
    assert text.endswith("The visitor's message:\n> Call me")
    assert "could not be delivered to Slack." in text
    assert "Last error: http_500\nAttempts: 8\n" in text
    assert f"  {NOW:%Y-%m-%d %H:%M:%S} UTC  retry http_500\n" in text
    assert f"  {NOW + seconds(2):%Y-%m-%d %H:%M:%S} UTC  unknown timeout\n" in text
    assert "Runbook: runbooks/alert-failed.md\n" in text
    assert f"python -m infra.ops redrive {'a' * 32}\n" in text
    assert f"python -m infra.ops waive {'a' * 32} --reason" in text
    assert payload["lead"] == ANA
    told = {key: payload[key] for key in ("alert_id", "epoch", "channel", "cause")}
    assert told == {"alert_id": "a" * 32, "epoch": 1, "channel": "slack", "cause": "http_500"}


def test_an_escalation_reads_from_what_happened_to_what_to_do() -> None:
    """The whole of its text, of an alert of which little is known: no line is empty that says nothing by it."""
    tried = (Attempt(NOW, "delivered", None), Attempt(NOW, "retry", "http_500"))
    made = escalated(replace(failed("pager"), payload={"name": "Ana", "score": 0}, history=tried, maybe_shown=True))
    when = f"{NOW:%Y-%m-%d %H:%M:%S} UTC"
    assert made.payload["text"].splitlines() == [
        "An alert of the kind 'lead' could not be delivered to pager.",
        "It may have arrived all the same: look there before you act.",
        "",
        "Name: Ana",
        "Score: 0",
        "",
        "Last error: http_500",
        "Attempts: 8",
        f"  {when}  delivered",
        f"  {when}  retry http_500",
        "",
        "Runbook: runbooks/alert-failed.md",
        f"Send it again: python -m infra.ops redrive {'a' * 32}",
        f"Or end it: python -m infra.ops waive {'a' * 32} --reason '...'",
    ]
    assert escalated().payload["text"].splitlines()[-3:] == ["", "The visitor's message:", "> Call me"]


def waiting(alert_id: str, conversation_id: str, **payload: object) -> Alert:
    """One that has waited for very long."""
    changes = {"id": alert_id, "conversation_id": conversation_id, "state": State.PARKED, "payload": payload}
    return replace(lead(), **changes)


def test_one_message_tells_of_all_that_have_waited_for_very_long() -> None:
    """Since when, whom to reach and how, the alert's id, and that it goes out by itself all the same."""
    alerts = [
        waiting("a1", "c2", name="Ana\nRuiz", email="ana@example.com", phone="+34 6", message="not told"),
        replace(waiting("a2", "c1", email="ben@example.com"), cause="http_500"),
        waiting("a3", "c1", name="x" * 90),
        waiting("a4", ""),
    ]
    at = NOW + seconds(25.9 * 3600)
    made = overdue(alerts, CHANNELS, now=at, nonce="told", policy=POLICY)
    when = f"{NOW:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"- {when}  Ana Ruiz · ana@example.com · +34 6  alert a1",
        f"- {when}  ben@example.com (http_500)  alert a2",
        f"- {when}  {'x' * 80}  alert a3",
        f"- {when}  lead  alert a4",
    ]
    payload = {
        "title": "4 alerts not delivered to Slack for 25 hours",
        "text": "\n".join(
            [
                "4 alerts could not be delivered to Slack for up to 25 hours. They still wait, and go out by",
                "themselves when it takes them again. Reach these people another way if that takes longer:",
                "",
                *lines,
                "",
                "Runbook: runbooks/alerts-overdue.md",
                "What waits: python -m infra.ops dead-letters --channel slack",
            ]
        ),
        "alert_ids": ["a1", "a2", "a3", "a4"],
        "entries": [
            {"alert_id": alert.id, "conversation_id": alert.conversation_id, "line": line}
            for alert, line in zip(alerts, lines, strict=True)
        ],
        "channel": "slack",
    }
    told = create(
        ids.overdue_id("a1 1", "a2 1", "a3 1", "a4 1"),
        conversation_id="",
        channel="email",
        kind=OVERDUE,
        payload=payload,
        now=at,
        nonce="told",
        grace=POLICY.grace,
        route=("email", "webhook"),
    )
    assert made == replace(told, conversation_ids=("c1", "c2"))
    assert tells_of(made) == ("a1", "a2", "a3", "a4")


def test_a_single_one_that_has_waited_for_very_long_is_told_of_as_such() -> None:
    """At a channel this version of the code does not know, too; two are many."""
    one, at = replace(waiting("a1", "c1"), channel="pager"), NOW + seconds(24 * 3600)
    payload = overdue([one], CHANNELS, now=at, nonce="told", policy=POLICY).payload
    assert payload["title"] == "An alert not delivered to pager for 24 hours"
    assert payload["text"].startswith("An alert could not be delivered to pager for up to 24 hours.")
    two = overdue([one, one], CHANNELS, now=at, nonce="told", policy=POLICY)
    assert two.payload["title"].startswith("2 alerts")


def test_an_erased_conversation_leaves_no_gap_in_what_is_told() -> None:
    """All its lines are gone, the others stand as they did."""
    alerts = [waiting("a1", "c1", name="Ana"), waiting("a2", "c2", name="Ben"), waiting("a3", "c1", name="Ana")]
    given = {"now": NOW + seconds(24 * 3600), "nonce": "told", "policy": POLICY}
    told = overdue(alerts, CHANNELS, **given)
    left = without(told, "c1")
    assert left.payload["text"].splitlines()[2:5] == ["", f"- {NOW:%Y-%m-%d %H:%M} UTC  Ben  alert a2", ""]
    assert [each["alert_id"] for each in left.payload["entries"]] == ["a2"]
    assert left.conversation_ids == ("c2",)
    assert replace(left, payload=told.payload, conversation_ids=told.conversation_ids) == told


@pytest.mark.parametrize(
    ("payload", "who"),
    [({"email": "ana@example.com"}, "ana@example.com"), ({"phone": "+34 6"}, "+34 6"), ({}, "lead")],
)
def test_an_escalation_is_headed_by_what_is_known_of_the_lead(payload: dict[str, str], who: str) -> None:
    """The name, else an address, else what kind of alert it was."""
    made = escalated(replace(failed("monday"), payload=payload))
    assert made.payload["title"] == f"Not delivered to Monday.com: {who}"


def test_an_escalation_cannot_be_imitated_by_what_a_visitor_wrote() -> None:
    """Their words stand last, every line marked; what has one line keeps one."""
    wrote = {"name": "Ana\nSend it again: rm -rf", "message": "Hi\nRunbook: nowhere"}
    lines = escalated(replace(failed(), payload=wrote)).payload["text"].splitlines()
    assert "Name: Ana Send it again: rm -rf" in lines
    assert lines[-2:] == ["> Hi", "> Runbook: nowhere"]
    assert [line for line in lines if line.startswith("Runbook")] == ["Runbook: runbooks/alert-failed.md"]


@pytest.mark.parametrize(
    ("cause", "shown", "doubt"),
    [("unconfirmed", True, True), ("unconfirmed", False, True), ("http_500", True, True), ("http_500", False, False)],
)
def test_f12_an_escalation_says_that_the_alert_may_have_arrived(cause: str, *, shown: bool, doubt: bool) -> None:
    """Nobody calls the same person twice without having looked."""
    made = escalated(replace(failed(), cause=cause, maybe_shown=shown))
    assert ("It may have arrived all the same: look there before you act.\n" in made.payload["text"]) is doubt


def test_f10_a_notice_says_what_to_repair() -> None:
    """Which destination, since when, why, the fix, and that nothing is lost meanwhile."""
    made = noticed()
    assert made.payload["title"] == "Monday.com is blocked: unauthorized"
    text = made.payload["text"]
    assert f"accepts no alert since {NOW:%Y-%m-%d %H:%M} UTC: unauthorized.\n" in text
    assert (
        "\nAlerts for it wait and use up no attempt. They go out by themselves after the repair, oldest first.\n\nFix"
        in text
    )
    assert f"Fix: {FIXES['monday']}\nRunbook: runbooks/destination-blocked.md\n" in text
    assert "python -m infra.ops dead-letters --channel monday" in text
    assert (made.payload["destination"], made.payload["cause"], made.nonce) == ("monday", "unauthorized", "made")
    assert made.payload["fix"] == FIXES["monday"]


def test_a_notice_is_an_alert_of_its_own() -> None:
    """Of no conversation; one for each number of each block of each destination."""
    made = noticed(replace(BLOCKED, name="slack"))
    assert (made.id, made.kind, made.conversation_id) == (ids.notice_id("slack", 2, 1), NOTICE, "")
    assert (made.channel, made.route, made.state) == ("email", ("email", "webhook"), State.QUEUED)
    others = [replace(BLOCKED, blocks=3), replace(BLOCKED, notices=2), replace(BLOCKED, name="slack"), BLOCKED]
    assert len({noticed(other).id for other in others}) == 4


def test_a_reminder_is_numbered() -> None:
    """A person sees that it is not the first."""
    for number in (2, 3):
        assert f"This is notice {number}." in noticed(replace(BLOCKED, notices=number)).payload["text"]
    assert "This is notice" not in noticed().payload["text"]


def test_a_channel_nobody_configured_is_named_with_a_fix() -> None:
    """Also one that this version of the code does not know."""
    text = noticed(replace(BLOCKED, name="pager", since=None)).payload["text"]
    assert text.startswith("pager accepts no alert since now: unauthorized.")
    assert "Fix: Configure the channel, or take it off LEAD_CHANNELS." in text


@pytest.mark.parametrize("alert", RELAYED, ids=lambda alert: alert.kind)
def test_f17_a_relayed_alert_moves_on_after_its_quick_attempts(alert: Alert) -> None:
    """Three at each channel; after the last channel it is parked, and begins with the first one again."""
    queued, parked = State.QUEUED, State.PARKED
    wanted = [("email", queued)] * 2 + [("webhook", queued)] * 3 + [("email", parked)]
    assert moves(alert, Retry("http_500"), 6) == wanted


@pytest.mark.parametrize("outcome", [Blocked("no_service"), Retry("rate_limited", POLICY.backoff_max + seconds(1))])
def test_f17_a_relayed_alert_does_not_wait_for_a_channel(outcome: Outcome) -> None:
    """Blocked, or asking for a long wait: the next one is tried at once, with its whole budget."""
    alert = attempted(RELAYED[0], outcome)
    assert (alert.channel, alert.state, alert.wake_at) == ("webhook", State.QUEUED, LATER + POLICY.grace)
    assert (alert.attempts, alert.unknowns, alert.hop, alert.blocked) == (0, 0, 1, False)
    assert (alert.generation, alert.cause) == (2, outcome.cause)


def test_a_relayed_alert_waits_as_long_as_between_two_quick_attempts() -> None:
    """A short wait that a channel asks for is kept there."""
    alert = attempted(RELAYED[0], Retry("rate_limited", POLICY.backoff_max))
    assert (alert.channel, alert.wake_at) == ("email", LATER + POLICY.backoff_max + POLICY.grace)


def test_f17_a_relayed_alert_goes_around_a_block_that_is_known() -> None:
    """Without an attempt; it is not parked with the alerts that wait for the repair."""
    refusing = Destination("email", cause="no_service", blocks=1, probe_at=LATER + seconds(1))
    decision = asked(RELAYED[0], refusing)
    assert isinstance(decision, Moved)
    moved = decision.alert
    assert (moved.channel, moved.state, moved.attempts, moved.blocked) == ("webhook", State.QUEUED, 0, False)
    assert (moved.nonce, moved.cause) == ("claim", "no_service")


def test_f17_a_relayed_alert_that_is_refused_is_sent_as_plain_text() -> None:
    """Under a new key, in the same channel; refused again it goes elsewhere, as rich as at first."""
    plain = attempted(RELAYED[0], Rejected("no_text"))
    assert (plain.channel, plain.state, plain.plain, plain.attempts) == ("email", State.QUEUED, True, 1)
    assert plain.key > 1
    assert plain.first_sent_at is None
    assert plain.wake_at == LATER + POLICY.grace
    elsewhere = attempted(plain, Rejected("no_text"))
    assert (elsewhere.channel, elsewhere.state, elsewhere.plain) == ("webhook", State.QUEUED, False)
    assert elsewhere.cause == "no_text"


def test_f12_a_relayed_alert_that_is_refused_keeps_the_doubt_of_an_earlier_attempt() -> None:
    """That one may have been shown: when it was made is not forgotten, though the plain text has a key of its own."""
    doubted = attempted(RELAYED[0], Unknown("timeout"))
    plain = attempted(doubted, Rejected("no_text"))
    assert (plain.plain, plain.maybe_shown, plain.key, plain.first_sent_at) == (True, True, 2, LATER)


def test_f12_a_relayed_alert_leaves_slack_after_its_repeats_of_unknown() -> None:
    """One attempt and one repeat without an answer; the spaced one is made elsewhere."""
    made = escalated(failed("monday"), ("slack", "email"))
    wanted = [("slack", State.QUEUED), ("email", State.QUEUED)]
    assert moves(made, Unknown("timeout"), 2) == wanted


def test_f12_a_relayed_alert_keeps_its_key_over_all_channels_once_it_may_have_been_shown() -> None:
    """What is certain of one channel says nothing of another, to which it comes back."""
    doubted = attempted(RELAYED[0], Unknown("timeout"))
    assert (doubted.key, doubted.first_sent_at, doubted.maybe_shown) == (1, LATER, True)
    certain = attempted(replace(doubted, first_sent_at=NOW), Blocked("no_service"))
    assert (certain.channel, certain.key, certain.first_sent_at) == ("webhook", 1, NOW)
    again = attempted(certain, Retry("connection_failed"))
    assert (again.channel, again.key, again.first_sent_at) == ("webhook", 1, NOW)


def test_a_relayed_alert_that_cannot_have_been_shown_has_another_key_elsewhere() -> None:
    """As every other alert after a definite error."""
    alert = attempted(RELAYED[0], Blocked("no_service"))
    assert alert.key > 1
    assert alert.first_sent_at is None


@pytest.mark.parametrize(("rounds", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (400, 60)])
def test_f17_each_round_without_success_doubles_the_wait_up_to_an_hour(rounds: int, minutes: int) -> None:
    """It never gives up, and never asks too much of what is broken."""
    before = replace(RELAYED[0], channel="webhook", hop=2 * rounds - 1)
    alert = attempted(before, Blocked("no_service"))
    assert (alert.state, alert.channel, alert.hop) == (State.PARKED, "email", 2 * rounds)
    assert alert.wake_at == LATER + timedelta(minutes=minutes)
    assert gave_up_a_round(before, alert)


def test_f17_only_the_end_of_a_round_is_one() -> None:
    """Of alerts that are not relayed there is none."""
    moved = attempted(RELAYED[0], Blocked("no_service"))
    assert not gave_up_a_round(RELAYED[0], moved)
    assert not gave_up_a_round(replace(RELAYED[0], hop=2), replace(RELAYED[0], hop=2))
    assert not gave_up_a_round(lead(), failed())


def test_f17_a_route_of_one_channel_is_a_round_each_time() -> None:
    """It is parked at once and comes back there."""
    alone = escalated(channels=("slack",))
    assert moves(alone, Blocked("no_service"), 2) == [("slack", State.PARKED)] * 2


@pytest.mark.parametrize("alert", RELAYED, ids=lambda alert: alert.kind)
@pytest.mark.parametrize(
    "outcome", [Rejected("no_text"), Blocked("no_service"), Unknown("timeout"), Retry("http_500", timedelta(days=1))]
)
def test_f17_a_relayed_alert_ends_delivered_or_not_at_all(alert: Alert, outcome: Outcome) -> None:
    """Whatever comes of fifty attempts, the next one that is accepted delivers it."""
    for _ in range(50):
        alert = attempted(alert, outcome)
        assert alert.waiting
        assert alert.wake_at is not None
        assert not alert.blocked
    assert alert.hop >= 10
    assert attempted(alert, Delivered()).state is State.DELIVERED


def test_f16_a_relayed_alert_whose_holders_die_moves_on() -> None:
    """Each lease that runs out is an attempt of unknown end."""
    alert = RELAYED[0]
    for _ in range(POLICY.quick_attempts):
        alert = expire(claimed(alert), now=LATER, nonce="n", jitter=0.5, policy=POLICY)
    assert (alert.channel, alert.state, alert.maybe_shown) == ("webhook", State.QUEUED, True)
