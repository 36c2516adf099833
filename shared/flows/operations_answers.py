"""What an operator is told, as JSON: times in ISO 8601, nothing of what a visitor wrote."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.domain.alert import Attempt
from shared.domain.conservation import STATES, Census
from shared.domain.runbooks import runbook_for
from shared.errors import RequestError
from shared.ports.operations import DeadLetter, Marked, Redrive


def alert_view(marked: Marked) -> dict[str, Any]:
    """An alert, with what its dead letter says of it."""
    alert, dead_letter = marked.alert, marked.dead_letter
    return {
        "id": alert.id,
        "channel": alert.channel,
        "kind": alert.kind,
        "state": alert.state.value,
        "epoch": alert.epoch,
        "attempts": _attempts(alert.history),
        "attempts_used": alert.attempts,
        "cause": alert.cause,
        "wake_at": time_view(alert.wake_at),
        "created_at": time_view(alert.created_at),
        "ended_at": time_view(alert.ended_at),
        "conversation_id": alert.conversation_id,
        "escalated_at": time_view(dead_letter.escalated_at) if dead_letter is not None else None,
        "dead_letter": dead_letter.status if dead_letter is not None else None,
    }


def dead_letter_view(dead_letter: DeadLetter) -> dict[str, Any]:
    """A dead letter."""
    return {
        "id": dead_letter.id,
        "status": dead_letter.status,
        "channel": dead_letter.channel,
        "kind": dead_letter.kind,
        "cause": dead_letter.cause,
        "epoch": dead_letter.epoch,
        "attempts": _attempts(dead_letter.history),
        "attempts_used": dead_letter.attempts,
        "next_attempt_at": time_view(dead_letter.next_attempt_at),
        "created_at": time_view(dead_letter.created_at),
        "entered_at": time_view(dead_letter.entered_at),
        "conversation_id": dead_letter.conversation_id,
        "escalated_at": time_view(dead_letter.escalated_at),
        "runbook": runbook_for(dead_letter.cause, _outcome_of(dead_letter)),
    }


def _outcome_of(dead_letter: DeadLetter) -> str | None:
    """What the attempt came to that its cause is of; None where the cause is not an attempt's."""
    last = dead_letter.history[-1] if dead_letter.history else None
    return last.outcome if last is not None and last.cause == dead_letter.cause else None


def redrive_view(redrive: Redrive) -> dict[str, Any]:
    """How far a redrive has come."""
    return {
        "id": redrive.id,
        "state": "done" if redrive.done else "running",
        "total": redrive.total,
        "selected": redrive.selected,
        "queued": redrive.queued,
        "skipped": redrive.skipped,
        "requested_at": time_view(redrive.requested_at),
        "finished_at": time_view(redrive.finished_at),
        "by": redrive.by,
        "reason": redrive.reason,
    }


def census_view(census: Census) -> dict[str, Any]:
    """Every channel's counts, in the order of guarantee 1."""
    return {
        "channels": {
            name: {
                "accepted": counts.accepted,
                **{state: counts.states.get(state, 0) for state in STATES},
                "archived": counts.archived,
            }
            for name, counts in census.channels.items()
        },
        "balanced": census.balanced,
        "alerts": [{"id": alert.id, "problem": alert.problem} for alert in census.wrong],
        "complete": census.complete,
    }


def missing(what: str) -> RequestError:
    """404; ``what`` begins the sentence."""
    return RequestError(404, f"{what} does not exist.", slug="not-found", title="Not found")


def not_so(detail: str) -> RequestError:
    """409: what was asked for does not fit how things stand (RFC 9110, 15.5.10)."""
    return RequestError(409, detail, slug="wrong-state", title="The alert is in another state")


def _attempts(history: Iterable[Attempt]) -> list[dict[str, Any]]:
    return [{"at": time_view(item.at), "outcome": item.outcome, "cause": item.cause} for item in history]


def time_view(at: datetime | None) -> str | None:
    """A time in ISO 8601, None where there is none."""
    return at.isoformat() if at is not None else None
