"""Dead letters in Firestore as they are looked for: by status, cause, channel and time, in the order they came."""

from __future__ import annotations

from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.alert import Attempt
from shared.errors import Unreadable
from shared.ports.operations import DeadLetter, Place, Wanted


def dead_letter_of(alert_id: str, data: dict[str, Any]) -> DeadLetter:
    """The dead letter that a document holds.

    Raises:
        Unreadable: it holds none.
    """
    try:
        return DeadLetter(
            id=alert_id,
            status=data["status"],
            conversation_id=data["conversation_id"],
            channel=data["channel"],
            kind=data["kind"],
            cause=data["cause"],
            attempts=data["attempts"],
            epoch=data["epoch"],
            history=tuple(Attempt(item["at"], item["outcome"], item["cause"]) for item in data["history"]),
            next_attempt_at=data["next_attempt_at"],
            created_at=data["created_at"],
            entered_at=data["entered_at"],
            escalated_at=data.get("escalated_at"),
        )
    except (KeyError, TypeError) as error:
        raise Unreadable(alert_id) from error


def readable(snapshots: list[Any]) -> list[DeadLetter]:
    """The dead letters that some documents hold, without those that hold none."""
    found = []
    for snapshot in snapshots:
        try:
            found.append(dead_letter_of(snapshot.id, snapshot.to_dict() or {}))
        except Unreadable:
            continue
    return found


def meets(dead_letter: DeadLetter, wanted: Wanted) -> bool:
    """Whether this is one of those that are wanted."""
    entered = dead_letter.entered_at
    return (
        (wanted.statuses is None or dead_letter.status in wanted.statuses)
        and (wanted.cause is None or dead_letter.cause == wanted.cause)
        and (wanted.channel is None or dead_letter.channel == wanted.channel)
        and (wanted.since is None or entered >= wanted.since)
        and (wanted.before is None or entered < wanted.before)
        and (wanted.until is None or entered <= wanted.until)
    )


def query(client: firestore.Client, wanted: Wanted, after: Place | None, *, newest_first: bool) -> Any:
    """The query for the dead letters that are wanted, from after a place on.

    Index: ``entered_at`` in both directions, alone and after each of ``status``, ``cause`` and ``channel``; Firestore
    joins these for several of them (https://firebase.google.com/docs/firestore/query-data/index-overview).
    """
    collection = client.collection("dead_letters")
    found: Any = collection
    if wanted.statuses is not None:
        found = found.where(filter=FieldFilter("status", "in", list(wanted.statuses)))
    for field, operator, value in (
        ("cause", "==", wanted.cause),
        ("channel", "==", wanted.channel),
        ("entered_at", ">=", wanted.since),
        ("entered_at", "<", wanted.before),
        ("entered_at", "<=", wanted.until),
    ):
        if value is not None:
            found = found.where(filter=FieldFilter(field, operator, value))
    direction = firestore.Query.DESCENDING if newest_first else firestore.Query.ASCENDING
    found = found.order_by("entered_at", direction=direction).order_by("__name__", direction=direction)
    if after is None:
        return found
    return found.start_after({"entered_at": after.entered_at, "__name__": collection.document(after.id)})
