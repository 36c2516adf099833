"""The transitions of an alert that people decide: sent again, waived, or closed because it must not be sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.alert import CANARY, REDRIVABLE, WAITING, Alert, Policy, State
from shared.domain.delivery import ended, queued_at

CLOSED = frozenset({State.SUPPRESSED, State.SUPERSEDED, State.ERASED})


def can_redrive(alert: Alert) -> bool:
    """Whether a person may have it sent again: not an e-mail to a visitor that may have arrived."""
    return alert.state in REDRIVABLE and not alert.data_started


def redrive(alert: Alert, *, now: datetime, nonce: str, policy: Policy) -> Alert:
    """Queue a parked, failed or waived alert in a new epoch, with its whole budget, because a person said so.

    Raises:
        ValueError: it is none of those, or an e-mail to a visitor that may have arrived.
    """
    if not can_redrive(alert):
        raise ValueError(f"an alert that is {alert.state} is not redriven")
    anew = replace(
        alert,
        epoch=alert.epoch + 1,
        attempts=0,
        unknowns=0,
        key=1,
        blocked=False,
        ended_at=None,
        nonce=nonce,
    )
    return queued_at(anew, now, policy)


def waive(alert: Alert, *, now: datetime, nonce: str) -> Alert:
    """End a failed alert for good because a person said so.

    Raises:
        ValueError: it has not failed, or is a canary, which nobody waits for.
    """
    if alert.state is not State.FAILED or alert.kind == CANARY:
        raise ValueError(f"an alert that is {alert.state} is not waived")
    return replace(ended(alert, State.WAIVED, now), nonce=nonce)


def close(alert: Alert, state: State, *, now: datetime, nonce: str) -> Alert:
    """End an alert that waits because it must not or need not be sent any more.

    Args:
        alert: one that waits and is not being sent.
        state: suppressed, superseded or erased.
        now: Firestore's time.
        nonce: of the commit that follows.

    Raises:
        ValueError: it is final or being sent, or the state is another one.
    """
    if state not in CLOSED or alert.state not in WAITING - {State.SENDING}:
        raise ValueError(f"an alert that is {alert.state} does not become {state}")
    return replace(ended(alert, state, now), nonce=nonce)
