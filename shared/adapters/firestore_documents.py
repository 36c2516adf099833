"""What alerts, dead letters and destinations look like as Firestore documents.

Readers take documents that an earlier version of the code wrote: a field it did not know has its default.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING, Any

from google.cloud import firestore

from shared.domain import ids
from shared.domain.alert import DEAD_LETTER_STATUS, Alert, Attempt, State
from shared.errors import Unreadable

if TYPE_CHECKING:
    from shared.domain.destination import Destination
    from shared.domain.rights import Recorded

TALLY_SHARDS = 8

_QUERIED = frozenset({"overdue"})
"""Fields that are always stored: a query finds no document without the field it asks for."""

_CONVERTED = ("id", "payload", "state", "history", "route", "conversation_ids")
_RARE = {
    item.name: item.default for item in fields(Alert) if item.default is not MISSING and item.name not in _QUERIED
} | {"route": [], "conversation_ids": []}
_PLAIN = tuple(item.name for item in fields(Alert) if item.name not in _CONVERTED)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "datetime": (datetime,),
    "datetime | None": (datetime, NoneType),
    "int": (int,),
    "str": (str,),
    "str | None": (str, NoneType),
}
_TAKES = {item.name: _TYPES[str(item.type)] for item in fields(Alert) if item.name in _PLAIN} | {
    "payload": (dict,),
    "history": (list,),
    "route": (list,),
    "conversation_ids": (list,),
}
"""What each field of a document is; one that somebody changed into something else must not be met in a decision."""


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert as its document in ``alerts`` holds it: what most alerts never need is left out until they do."""
    return {name: value for name, value in _every_field(alert).items() if name not in _RARE or value != _RARE[name]}


def _every_field(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _PLAIN} | {
        "payload": dict(alert.payload),
        "state": alert.state.value,
        "history": _history_document(alert),
        "route": list(alert.route),
        "conversation_ids": list(alert.conversation_ids),
    }


def alert_changes(before: Alert, after: Alert) -> dict[str, Any]:
    """The fields that a step changes: encoding the others again would cost more than the rest of the commit."""
    stands = _every_field(before)
    return {name: value for name, value in _every_field(after).items() if value != stands[name]}


def alert_of(alert_id: str, data: dict[str, Any]) -> Alert:
    """The alert that a document holds.

    Raises:
        Unreadable: it holds none.
    """
    if any(name in data and not isinstance(data[name], taken) for name, taken in _TAKES.items()):
        raise Unreadable(alert_id)
    try:
        return Alert(
            id=alert_id,
            payload=dict(data["payload"]),
            state=State(data["state"]),
            history=tuple(Attempt(item["at"], item["outcome"], item["cause"]) for item in data["history"]),
            route=tuple(data.get("route", ())),
            conversation_ids=tuple(data.get("conversation_ids", ())),
            **{name: data[name] for name in _PLAIN if name in data},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(alert_id) from error


def dead_letter_document(alert: Alert) -> dict[str, Any]:
    """What a step says of a dead letter; what was said at its beginning or of its escalation stays."""
    return {
        "status": DEAD_LETTER_STATUS[alert.state],
        "conversation_id": alert.conversation_id,
        "channel": alert.channel,
        "kind": alert.kind,
        "cause": alert.cause,
        "attempts": alert.attempts,
        "epoch": alert.epoch,
        "history": _history_document(alert),
        "next_attempt_at": alert.wake_at,
        "created_at": alert.created_at,
        "escalation_id": ids.escalation_id(alert.id, alert.epoch)
        if alert.state in (State.FAILED, State.WAIVED)
        else None,
    }


def dead_letter_begun(alert: Alert) -> dict[str, Any]:
    """A dead letter as it begins."""
    return dead_letter_document(alert) | {"entered_at": firestore.SERVER_TIMESTAMP, "escalated_at": None}


def destination_document(destination: Destination) -> dict[str, Any]:
    """A destination as its document in ``destinations`` holds it."""
    return {name: value for name, value in asdict(destination).items() if name != "name"}


def destination_of(name: str, data: dict[str, Any]) -> Destination:
    """The destination that a document holds."""
    from shared.domain.destination import Destination  # noqa: PLC0415 - a chat knows no destinations

    known = {item.name for item in fields(Destination)}
    return Destination(name=name, **{key: value for key, value in data.items() if key in known})


def tally_id(channel: str, kind: str, alert_id: str) -> str:
    """The document that counts this alert: one of several, so that no document runs hot."""
    shard = zlib.crc32(alert_id.encode()) % TALLY_SHARDS
    return f"{channel}.{kind}.{shard}"


def _history_document(alert: Alert) -> list[dict[str, Any]]:
    return [{"at": item.at, "outcome": item.outcome, "cause": item.cause} for item in alert.history]


def record_document(record: Recorded) -> dict[str, Any]:
    """A line of the audit as its document holds it; what it says nothing of is left out."""
    said = {
        "actor": record.actor,
        "action": record.action,
        "source": record.source,
        "address": record.address,
        "conversation_id": record.conversation_id,
        "client": record.client,
        "wording": record.wording,
        "consent": dict(record.consent) if record.consent else None,
    }
    return {name: value for name, value in said.items() if value is not None} | {"at": firestore.SERVER_TIMESTAMP}
