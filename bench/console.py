"""What each of the console's answers reads, over very many alerts and dead letters: bounded, and printed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import alerts
from bench.filling import emulator, fill
from bench.meter import Meter
from bench.report import say, table
from infra.manifest import load
from shared import bootstrap
from shared.adapters.firestore_conversation import conversation_document
from shared.adapters.firestore_documents import alert_document, dead_letter_document
from shared.bootstrap.console_answers import console_answer
from shared.domain.alert import Alert, State
from shared.domain.contact import ContactDetails
from shared.domain.conversation import Conversation
from shared.domain.samples import COUNTED
from shared.edge import admin_asks as asks

NOWHERE = "127.0.0.1:9"
ENVIRON = {
    "ADDRESS_HASH_KEY": "an-address-key-of-the-bench",
    "ADMIN_API_KEYS": "a-key-of-the-bench-0123456789",
    "TASKS_INVOKER_EMAIL": "tasks@example.com",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@example.com",
    "DELIVER_ALERT_URL": "https://deliver.example.com",
    "SWEEP_URL": "https://sweep.example.com",
    "ESCALATION_CHANNELS": "email,slack",
    "CLOUD_TASKS_EMULATOR_HOST": NOWHERE,
    "CLOUD_SCHEDULER_EMULATOR_HOST": NOWHERE,
}
CHANNELS = ("slack", "monday", "email")
EMAIL, PHONE = "ana@example.com", "+48601234567"
PATIENCE_SECONDS = 900.0
"""The emulator looks through all it holds for each of the overview's counts, and sixteen of them come at once."""

CONVERSATIONS = 200
MESSAGES = 500
OF_ONE = 40
"""So many alerts of each channel are of the same conversation; of one lead there are a few, in truth."""

SAMPLED_HOURS = 170


@dataclass(frozen=True)
class Page:
    """One answer of the console.

    Attributes:
        name: its route.
        asked: the request.
        most: the reads that it may cost, however much is stored.
    """

    name: str
    asked: asks.AdminRequest
    most: int


class TooDear(Exception):  # noqa: N818 - what happened
    """An answer costs more than it may."""


def run(stored: int, *, letters: int) -> None:
    """Measure and print.

    Args:
        stored: how many alerts there are, most of them delivered.
        letters: how many of them have a dead letter, half of them failed.

    Raises:
        TooDear: an answer reads more than it may.
    """
    project = f"demo-bench-{secrets.token_hex(4)}"
    with emulator(roomy=True) as firestore:
        say(f"storing {stored:,} alerts, {letters:,} of them with a dead letter")
        known = _filled(firestore.host, project, stored, letters)
        rows = [_measured(project, page) for page in pages(known, stored)]
        firestore.clear(project)
    heads = ["answer", "calls", "round trips", "documents", "reads", "may cost"]
    table(f"The console over {stored:,} alerts and {letters:,} dead letters", heads, rows)
    dear = [row[0] for row in rows if row[4] > row[5]]
    if dear:
        raise TooDear(f"these read more than they may: {', '.join(map(str, dear))}")


def pages(known: Mapping[str, str], stored: int) -> Sequence[Page]:
    """Every look-up there is. ``known`` are the ids of an alert, a dead letter and a conversation.

    The full count alone may cost more where more is stored: a read for a thousand, a few times.
    """
    since = datetime.now(UTC) - timedelta(days=1)
    letter, conversation = known["letter"], known["conversation"]
    return (
        Page("GET /overview", asks.OverviewQuery(), 400),
        Page("GET /history?hours=168", asks.HistoryQuery(168), 170),
        Page("GET /breakers", asks.BreakersQuery(), 5),
        Page("GET /alerts?id=", asks.AlertsQuery(None, known["alert"]), 2),
        Page("GET /alerts?email=", asks.AlertsQuery(EMAIL, None), 230),
        Page("GET /leads?email=", asks.LeadsQuery(EMAIL, None, None), 220),
        Page("GET /leads?phone=", asks.LeadsQuery(None, PHONE, None), 220),
        Page("GET /leads?id=", asks.LeadsQuery(None, None, letter), 204),
        Page("GET /conversations/{id}", asks.ConversationQuery(conversation, 50, None), 253),
        Page("GET /conversations/{id}/export", asks.ExportQuery(conversation, None, "bench"), 1200),
        Page("GET /dead_letters", asks.DeadLettersQuery(None, None, None, 50, None), 51),
        Page("GET /dead_letters?…", asks.DeadLettersQuery("failed", "http_500", "slack", 200, None, since), 201),
        Page("GET /dead_letters/{id}/bundle", asks.BundleQuery(letter, None, "bench"), 2),
        Page("GET /operator_audit", asks.OperatorAuditQuery(50, None), 51),
        Page("GET /consent_audit", asks.AuditQuery(None, 50, None), 51),
        Page("GET /erasures", asks.ErasuresQuery(None), 100),
        Page("GET /conservation (counts all)", asks.ConservationQuery(), 200 + 5 * (stored // 1000 + 1)),
    )


def _measured(project: str, page: Page) -> list[Any]:
    """A console of its own, as a cold function has."""
    console = bootstrap.admin_console(ENVIRON | {"GOOGLE_CLOUD_PROJECT": project, "DRAIN_PACES": load().paces})
    meter, database = Meter(patience=PATIENCE_SECONDS), console.flow.store._database  # type: ignore[attr-defined]  # noqa: SLF001 - the wire
    meter.watch(database)
    console_answer(console, page.asked)
    database.client._firestore_api.transport.close()  # noqa: SLF001 - the library closes it nowhere else
    return [page.name, len(meter.calls), meter.round_trips, meter.returned, meter.reads, page.most]


def _filled(host: str, project: str, stored: int, letters: int) -> dict[str, str]:
    """Everything that the answers are made of; ids of an alert, a dead letter and a conversation."""
    now = datetime.now(UTC)
    conversations = alerts.ids(CONVERSATIONS)
    details = ContactDetails(name="Ana", email=EMAIL, phone=PHONE)
    begun = replace(Conversation.begun(conversations[0], "pl", now), details=details)
    fill(host, project, "conversations", conversations, conversation_document(begun), spread="updated_at")
    message = {"conversation_id": conversations[0], "question": "x" * 80, "answer": "y" * 200, "at": now}
    within = f"conversations/{conversations[0]}/messages"
    fill(host, project, within, alerts.ids(MESSAGES), message, spread="at")
    for position, channel in enumerate(CHANNELS):
        share = range(position, stored - letters, len(CHANNELS))
        ended, ended_ids = alerts.delivered(channel, now - timedelta(days=2)), alerts.ids(len(share))
        fill(host, project, "alerts", ended_ids[OF_ONE:], alert_document(ended), spread="created_at")
        of_one = replace(ended, conversation_id=conversations[0])
        fill(host, project, "alerts", ended_ids[:OF_ONE], alert_document(of_one), spread="created_at")
        resting = [_resting(channel, now, state, conversations[1]) for state in (State.PARKED, State.FAILED)]
        parts = [alerts.ids(len(range(position * 2 + number, letters, 2 * len(CHANNELS)))) for number in range(2)]
        for alert, names in zip(resting, parts, strict=True):
            letter = {**dead_letter_document(alert), "entered_at": now, "escalated_at": now}
            fill(host, project, "alerts", names, alert_document(alert), spread="created_at")
            fill(host, project, "dead_letters", names, letter, spread="entered_at")
        tally = {"channel": channel, "kind": "lead", "accepted": len(share) + sum(map(len, parts))}
        fill(host, project, "tallies", [f"{channel}.lead.0"], tally)
    action = {"at": now, "action": "breaker", "subject": {"channel": "slack"}, "reason": None, "by": "bench"}
    fill(host, project, "operator_audit", alerts.ids(2000), action, spread="at")
    _sampled(host, project, now)
    return {"alert": ended_ids[0], "letter": parts[1][0], "conversation": conversations[0]}


def _resting(channel: str, now: datetime, state: State, conversation: str) -> Alert:
    made = replace(alerts.parked(channel, now + timedelta(hours=1)), conversation_id=conversation)
    if state is State.PARKED:
        return made
    return replace(made, state=state, wake_at=None, ended_at=now)


def _sampled(host: str, project: str, now: datetime) -> None:
    """Six samples an hour, for a week."""
    counted = {channel: dict.fromkeys(COUNTED, 7) for channel in CHANNELS}
    for number in range(SAMPLED_HOURS):
        hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=number)
        points = {
            f"{minute:02}": {"at": hour + timedelta(minutes=minute), "channels": counted, "oldest_seconds": 60}
            for minute in range(0, 60, 10)
        }
        fill(host, project, "samples", [f"{hour:%Y-%m-%dT%H}"], {"points": points, "expires_at": now})
