"""Alerts as a visitor's lead makes them, in the states that the measurements need."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain import alert as alerts
from shared.domain.alert import Alert, Attempt, State

PAYLOAD = {
    "name": "Ana Example",
    "email": "ana@example.com",
    "phone": "+351 912 345 678",
    "company": "Example Lda",
    "score": 70,
    "message": "Hi, we are twelve people and would like to see a demonstration next week. Call me, ana@example.com",
}
GRACE = timedelta(seconds=60)


def queued(channel: str = "slack") -> Alert:
    """One that was just made."""
    return alerts.create(
        ids(1)[0],
        conversation_id=secrets.token_hex(16),
        channel=channel,
        kind=alerts.LEAD,
        payload=PAYLOAD,
        now=datetime.now(UTC),
        nonce=secrets.token_hex(16),
        grace=GRACE,
    )


def parked(channel: str, wake_at: datetime) -> Alert:
    """One that failed its quick attempts and waits for its time."""
    tried = datetime.now(UTC) - timedelta(minutes=1)
    history = tuple(Attempt(tried + timedelta(seconds=number), "retry", "http_500") for number in range(3))
    return replace(
        queued(channel),
        state=State.PARKED,
        wake_at=wake_at,
        attempts=3,
        cause="http_500",
        history=history,
        generation=3,
    )


def delivered(channel: str, ended_at: datetime) -> Alert:
    """One that arrived at that time."""
    history = (Attempt(ended_at, "delivered", None),)
    ended = {"state": State.DELIVERED, "wake_at": None, "attempts": 1, "history": history, "ended_at": ended_at}
    return replace(queued(channel), created_at=ended_at, **ended)  # type: ignore[arg-type]


def ids(number: int, seed: str = "") -> list[str]:
    """So many names for alerts: fresh ones, or with a seed the same ones every time."""
    if seed:
        return [hashlib.sha256(f"{seed} {each}".encode()).hexdigest()[:32] for each in range(number)]
    return [secrets.token_hex(16) for _ in range(number)]
