"""0002: rows of the old dead-letter queue become today's dead letters, each with its alert, counted as accepted.

A row has ``event_type``, ``target``, ``payload`` (JSON text), ``error_message``, ``retry_count``, ``created_at``,
``last_retry_at`` and ``status``. ``import-sql`` reads the same rows from the old database and makes of them what this
step makes. The old system "retried" e-mails and SMS by marking them delivered: none of them was ever sent.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.domain import ids
from shared.migrations.step import REMOVED, CannotTransform, Change, Document, NewDocument, Selection, Tally

OLD_FIELDS = (
    "event_type",
    "target",
    "payload",
    "error_message",
    "retry_count",
    "created_at",
    "last_retry_at",
    "status",
)
SLACK, MAILS = "slack_alert", {"email": "e-mail", "sms": "SMS"}
STATUSES = ("pending", "failed", "delivered")
NEVER_SENT = "never_sent_by_old_system"
KIND = "imported"
_SHARDS = 8
_ALERT_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_TEXT_MOST = 20_000
_LINE_MOST = 500
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_CAUSES = (("timed out", "timeout"), ("timeout", "timeout"), ("refused", "connection"), ("connection", "connection"))


def describe() -> str:
    """For the operator."""
    return (
        "Brings dead letters that were copied from the old system's table to today's form, each with its alert. "
        "Pending Slack alerts go on being retried. E-mails and SMS become failed ones: the old system marked them "
        "delivered without sending them. Rows of Slack alerts that were delivered are removed."
    )


def select() -> Selection:
    """Every dead letter, all of it: a row that is removed must be able to come back."""
    return Selection("dead_letters")


def transform(document: Document) -> Change | None:
    """Today's dead letter and its alert; the row's removal where it was delivered.

    Raises:
        CannotTransform: the row says what no old row says.
    """
    if "event_type" not in document.fields:
        return None
    if not _ALERT_ID.fullmatch(document.id):
        raise CannotTransform("its name cannot be an alert's: letters, digits, - and _, at most 128")
    kind, status = of_row(document.fields)
    if kind == SLACK and status == "delivered":
        return Change(removes=True)
    alert, dead_letter = brought(document.id, document.fields)
    gone = {name: REMOVED for name in OLD_FIELDS if name in document.fields and name not in dead_letter}
    return Change(
        {**dead_letter, **gone},
        creates=(NewDocument("alerts", document.id, alert),),
        tallies=(tally(str(alert["channel"]), document.id),),
    )


def of_row(row: Mapping[str, Any]) -> tuple[str, str]:
    """A row's event type and status, in lower case.

    Raises:
        CannotTransform: there is no such event type or status.
    """
    kind, status = (str(row.get(name) or "").strip().lower() for name in ("event_type", "status"))
    if kind != SLACK and kind not in MAILS:
        raise CannotTransform("event_type is none of slack_alert, email and sms")
    if status not in STATUSES:
        raise CannotTransform("status is none of pending, failed and delivered")
    return kind, status


def tally(channel: str, alert_id: str) -> Tally:
    """The counter that counts such an alert as accepted."""
    shard = zlib.crc32(alert_id.encode()) % _SHARDS
    return Tally("tallies", f"{channel}.{KIND}.{shard}", {"channel": channel, "kind": KIND}, "accepted")


def brought(alert_id: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The documents of an alert and of its dead letter, as of what ``row`` says.

    A pending Slack alert is parked and due at once, its attempts not used up; every other one has failed.

    Raises:
        CannotTransform: see ``of_row``.
    """
    kind, status = of_row(row)
    waits = kind == SLACK and status == "pending"
    created = _time(row.get("created_at")) or _time(row.get("last_retry_at")) or _FIRST_DAY
    last = _time(row.get("last_retry_at")) or created
    cause = _cause(row.get("error_message")) if kind == SLACK else NEVER_SENT
    payload, conversation_id = _payload(kind, row)
    shared = {
        "conversation_id": conversation_id,
        "channel": "slack" if kind == SLACK else "email",
        "kind": KIND,
        "cause": cause,
        "attempts": 0,
        "epoch": 1,
        "history": [{"at": last, "outcome": "retry" if waits else "rejected", "cause": cause}],
        "created_at": created,
    }
    alert = shared | {
        "payload": payload,
        "state": "parked" if waits else "failed",
        "wake_at": last if waits else None,
        "generation": 1,
        "maybe_shown": False,
        "nonce": ids.request_hash("old dead letter", alert_id),
        "ended_at": None if waits else last,
    }
    return alert, shared | {
        "status": "pending" if waits else "failed",
        "next_attempt_at": alert["wake_at"],
        "escalation_id": None,
        "entered_at": created,
        "escalated_at": None,
    }


def _payload(kind: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What the alert says, and the conversation it came from, empty where the row does not say."""
    said = _said(row.get("payload"))
    lead = {name: value for name in ("name", "email", "phone", "message") if isinstance(value := said.get(name), str)}
    session = said.get("session_id")
    conversation = ids.conversation_id(session) if isinstance(session, str) and session else ""
    to = f"To: {_line(row.get('target'))}\n" if kind in MAILS and row.get("target") else ""
    title = "Alert of the old system" if kind == SLACK else f"{MAILS[kind]} that the old system never sent"
    return {**lead, "title": title, "text": f"{to}{_text(said)}"[:_TEXT_MOST]}, conversation


def _said(payload: Any) -> dict[str, Any]:
    """A row's payload as a map; what is no JSON object is its text."""
    try:
        parsed = json.loads(payload) if isinstance(payload, str) else payload
    except (ValueError, RecursionError):
        parsed = payload
    if isinstance(parsed, dict):
        return parsed
    return {} if parsed is None else {"text": str(parsed)}


def _text(said: Mapping[str, Any]) -> str:
    for name in ("text", "body"):
        if isinstance(said.get(name), str) and said[name].strip():
            return str(said[name])
    lines = (f"{name}: {_line(value)}" for name, value in said.items() if value not in (None, "", [], {}))
    return "\n".join(lines) or "The old system kept nothing of what it said."


def _line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())[:_LINE_MOST]


def _cause(message: Any) -> str:
    """A machine word: the old error's text may hold the webhook's address, which is a secret."""
    text = str(message or "").lower()
    status = re.search(r"(?<!\d)[45]\d\d(?!\d)", text)
    if status:
        return f"http_{status[0]}"
    return next((cause for part, cause in _CAUSES if part in text), "old_system")


def _time(value: Any) -> datetime | None:
    """A time with its zone; the old system's own were UTC without saying so."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
