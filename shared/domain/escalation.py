"""Telling a person of what goes wrong.

Of an alert that failed (an escalation), of a destination that is blocked (a notice), of alerts that have been waiting
for very long (overdue). All are alerts themselves, with the same guarantee, of kinds that go from channel to channel
until one takes them, and that never make another one. Their ids are hashes of what they tell of, so that it is told
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.domain import ids
from shared.domain.alert import CANARY, ESCALATION, NOTICE, OVERDUE, RELAYED, Alert, Policy, State, create
from shared.domain.delivery import UNCONFIRMED
from shared.domain.destination import Destination

FAILED_RUNBOOK = "runbooks/alert-failed.md"
BLOCKED_RUNBOOK = "runbooks/destination-blocked.md"
OVERDUE_RUNBOOK = "runbooks/alerts-overdue.md"
SHOWN_MOST = 80
OVERDUE_MOST = 30
"""How many alerts one message of those that wait for very long tells of: what Slack shows of a text holds them all."""

NAMES = {"slack": "Slack", "monday": "Monday.com", "email": "e-mail", "webhook": "the webhook", "apprise": "Apprise"}

FIXES = {
    "slack": "Put a working incoming webhook into SLACK_WEBHOOK_URL and deploy deliver_alert again.",
    "monday": "Look at MONDAY_API_KEY, MONDAY_BOARD_ID and the board's limits, then deploy deliver_alert again.",
    "email": "Look at SMTP_URL, MAIL_FROM and the mail server's certificate, then deploy deliver_alert again.",
    "webhook": "Look at the receiver, WEBHOOK_URL and WEBHOOK_SECRET, then deploy deliver_alert again.",
    "apprise": "Look at APPRISE_URLS, then deploy deliver_alert again.",
}
CONTACT = (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"), ("score", "Score"))


def calls_for(before: Alert, after: Alert) -> bool:
    """Whether this step of an alert has to be told to a person; a canary has an alarm of its own."""
    return after.state is State.FAILED and before.state is not State.FAILED and after.kind not in RELAYED | {CANARY}


def route(channels: tuple[str, ...], failed: str) -> tuple[str, ...]:
    """The channels to go to, in order, without the one that failed; all of them where there is no other."""
    return tuple(name for name in channels if name != failed) or channels


def escalation(alert: Alert, channels: tuple[str, ...], *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """The alert that tells of one that failed.

    Args:
        alert: the one that failed.
        channels: where escalations may go, in order; not empty.
        now: Firestore's time.
        nonce: of the commit that writes both.
        policy: for the grace.
    """
    goes_to = route(channels, alert.channel)
    return create(
        ids.escalation_id(alert.id, alert.epoch),
        conversation_id=alert.conversation_id,
        channel=goes_to[0],
        kind=ESCALATION,
        payload=_told_of(alert),
        now=now,
        nonce=nonce,
        grace=policy.grace,
        route=goes_to,
    )


def notice(destination: Destination, channels: tuple[str, ...], *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """The alert that tells of a blocked destination, for the first time or again.

    Args:
        destination: blocked, with its notices counted, this one among them.
        channels: where escalations may go, in order; not empty.
        now: Firestore's time.
        nonce: of the commit that writes both.
        policy: for the grace.
    """
    goes_to = route(channels, destination.name)
    return create(
        ids.notice_id(destination.name, destination.blocks, destination.notices),
        conversation_id="",
        channel=goes_to[0],
        kind=NOTICE,
        payload=_told_of_block(destination),
        now=now,
        nonce=nonce,
        grace=policy.grace,
        route=goes_to,
    )


def overdue(alerts: Sequence[Alert], channels: tuple[str, ...], *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """The alert that tells of some that have been waiting for very long, and still wait.

    Args:
        alerts: of one channel, oldest first; not empty.
        channels: where escalations may go, in order; not empty.
        now: Firestore's time.
        nonce: of the commit that marks them as told of.
        policy: for the grace.
    """
    goes_to = route(channels, alerts[0].channel)
    told = create(
        ids.overdue_id(*(f"{alert.id} {alert.epoch}" for alert in alerts)),
        conversation_id="",
        channel=goes_to[0],
        kind=OVERDUE,
        payload=_told_of_waiting(alerts, now),
        now=now,
        nonce=nonce,
        grace=policy.grace,
        route=goes_to,
    )
    return replace(told, conversation_ids=tuple(sorted({each.conversation_id for each in alerts} - {""})))


def without(alert: Alert, conversation_id: str) -> Alert:
    """One of overdue alerts that no longer says anything of a conversation; the others are still told of."""
    entries = [dict(each) for each in alert.payload["entries"]]
    text = str(alert.payload["text"])
    for gone in (each for each in entries if each["conversation_id"] == conversation_id):
        text = text.replace(f"{gone['line']}\n", "")
    payload = dict(alert.payload) | {
        "text": text,
        "entries": [each for each in entries if each["conversation_id"] != conversation_id],
    }
    left = tuple(each for each in alert.conversation_ids if each != conversation_id)
    return replace(alert, payload=payload, conversation_ids=left)


def tells_of(alert: Alert) -> tuple[str, ...]:
    """The ids of the alerts that an escalation tells of; empty for other kinds."""
    if alert.kind == OVERDUE:
        return tuple(alert.payload["alert_ids"])
    return (str(alert.payload["alert_id"]),) if alert.kind == ESCALATION else ()


def gave_up_a_round(before: Alert, after: Alert) -> bool:
    """Whether this step ended a round in which none of a relayed alert's channels took it."""
    return after.relayed and after.hop > before.hop and after.hop % len(after.route) == 0


def _told_of(alert: Alert) -> dict[str, Any]:
    """What a person needs, the visitor's own words last and marked: they can neither hide nor imitate the rest."""
    lead = {key: alert.payload[key] for key in (*dict(CONTACT), "message") if alert.payload.get(key) is not None}
    who = next((lead[key] for key in ("name", "email", "phone") if lead.get(key)), alert.kind)
    channel = NAMES.get(alert.channel, alert.channel)
    doubtful = alert.cause == UNCONFIRMED or alert.maybe_shown
    lines = [
        f"An alert of the kind '{alert.kind}' could not be delivered to {channel}.",
        *(["It may have arrived all the same: look there before you act."] if doubtful else []),
        "",
        *(f"{label}: {_one_line(lead[key])}" for key, label in CONTACT if key in lead),
        "",
        f"Last error: {alert.cause}",
        f"Attempts: {alert.attempts}",
        *(f"  {line.at:%Y-%m-%d %H:%M:%S} UTC  {line.outcome} {line.cause or ''}".rstrip() for line in alert.history),
        "",
        f"Runbook: {FAILED_RUNBOOK}",
        f"Send it again: python -m infra.ops redrive {alert.id}",
        f"Or end it: python -m infra.ops waive {alert.id} --reason '...'",
        *(["", "The visitor's message:"] if "message" in lead else []),
        *(f"> {line}" for line in str(lead.get("message", "")).splitlines()),
    ]
    return {
        "title": f"Not delivered to {channel}: {_one_line(who)}",
        "text": "\n".join(lines),
        "alert_id": alert.id,
        "epoch": alert.epoch,
        "channel": alert.channel,
        "cause": alert.cause,
        "lead": lead,
    }


def _told_of_waiting(alerts: Sequence[Alert], now: datetime) -> dict[str, Any]:
    """One line an alert; whole days and hours, as nobody acts on less."""
    name = alerts[0].channel
    channel = NAMES.get(name, name)
    hours = int((now - alerts[0].created_at).total_seconds() // 3600)
    many = f"{len(alerts)} alerts" if len(alerts) > 1 else "An alert"
    entries = [
        {"alert_id": alert.id, "conversation_id": alert.conversation_id, "line": _waiting(alert)} for alert in alerts
    ]
    text = [
        f"{many} could not be delivered to {channel} for up to {hours} hours. They still wait, and go out by",
        "themselves when it takes them again. Reach these people another way if that takes longer:",
        "",
        *(each["line"] for each in entries),
        "",
        f"Runbook: {OVERDUE_RUNBOOK}",
        f"What waits: python -m infra.ops dead-letters --channel {name}",
    ]
    return {
        "title": f"{many} not delivered to {channel} for {hours} hours",
        "text": "\n".join(text),
        "alert_ids": [alert.id for alert in alerts],
        "entries": entries,
        "channel": name,
    }


def _waiting(alert: Alert) -> str:
    known = [_one_line(alert.payload[key])[:SHOWN_MOST] for key in ("name", "email", "phone") if alert.payload.get(key)]
    cause = f" ({alert.cause})" if alert.cause else ""
    return f"- {alert.created_at:%Y-%m-%d %H:%M} UTC  {' · '.join(known) or alert.kind}{cause}  alert {alert.id}"


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _told_of_block(destination: Destination) -> dict[str, Any]:
    channel = NAMES.get(destination.name, destination.name)
    fix = FIXES.get(destination.name, "Configure the channel, or take it off LEAD_CHANNELS.")
    again = f" This is notice {destination.notices}." if destination.notices > 1 else ""
    since = f"{destination.since:%Y-%m-%d %H:%M} UTC" if destination.since else "now"
    text = (
        f"{channel} accepts no alert since {since}: {destination.cause}.{again}\n"
        "Alerts for it wait and use up no attempt. They go out by themselves after the repair, oldest first.\n\n"
        f"Fix: {fix}\nRunbook: {BLOCKED_RUNBOOK}\n"
        f"What waits: python -m infra.ops dead-letters --channel {destination.name}"
    )
    return {
        "title": f"{channel} is blocked: {destination.cause}",
        "text": text,
        "destination": destination.name,
        "cause": destination.cause,
        "fix": fix,
    }
