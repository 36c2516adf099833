"""The erasure of all that is kept of an address: what its ledger says, and the certificate it ends with.

The tombstone comes first, then what hangs on it, then the destinations; a destination that shows items is looked at
again later, as an attempt that was under way may still make one (guarantee 26).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.alert import OVERDUE, Alert, State
from shared.domain.delivery import ended
from shared.domain.escalation import without

RUNNING, DONE = "running", "done"

WHY_NOT: Mapping[str, str] = {
    "slack": "an incoming webhook cannot delete a message; delete it in the channel by the alert's id",
    "email": "an e-mail that was delivered cannot be called back; delete it in the team's mailbox",
    "webhook": "the receiver of the webhook keeps what it was sent; erase it there by the alert's id",
    "apprise": "a notification that was sent cannot be called back",
    "monday": "Monday.com is not configured any more; delete the item on the board by the alert's id",
}
KEPT = (
    {"where": "suppressions", "what": "the address's keyed hash", "why": "so that no marketing e-mail is sent to it"},
    {"where": "consent_audit", "what": "the address's keyed hash", "why": "as proof of what was agreed to and asked"},
)
ITEMS_AT = "monday"
"""The destination whose items can be deleted."""


@dataclass(frozen=True)
class Erasure:
    """One erasure as its ledger has it.

    Attributes:
        id: the address's keyed hash.
        state: ``running`` or ``done``.
        conversation_id: the one whose link asked for it.
        requested_at: when.
        wake_at: when there is something to do again.
        conversations: those that were found so far.
        erased: how many documents or items, by where they were.
        sent: alerts that a destination has or may have, by channel: ids, at most ``SENT_MOST`` a channel.
        tries: how often the destination of items was asked.
        problem: what it last said; None where all is well.
        problems: everything it said that was in the way, each once.
        looked_again: it was asked once more after the wait.
        relook_at: when it is; None where nothing was sent there or it was not asked yet.
        finished_at: when it was certified.
        version: for conditional writes.
    """

    id: str
    state: str
    conversation_id: str
    requested_at: datetime
    wake_at: datetime
    conversations: tuple[str, ...] = ()
    erased: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tries: int = 0
    problem: str | None = None
    problems: tuple[str, ...] = ()
    looked_again: bool = False
    relook_at: datetime | None = None
    finished_at: datetime | None = None
    version: datetime | None = None

    def found(self, conversations: Iterable[str]) -> Erasure:
        """With conversations that were found."""
        return replace(self, conversations=tuple(dict.fromkeys((*self.conversations, *conversations))))

    def counted(self, removed: Mapping[str, int]) -> Erasure:
        """With what was removed."""
        erased = dict(self.erased)
        for where, number in removed.items():
            if number:
                erased[where] = erased.get(where, 0) + number
        return replace(self, erased=erased)

    def noted(self, alert: Alert) -> Erasure:
        """With an alert that some destination may show; of one that went from channel to channel, each of them."""
        sent = dict(self.sent)
        for channel in dict.fromkeys((alert.channel, *alert.route)):
            if alert.id not in sent.get(channel, ()):
                sent[channel] = (*sent.get(channel, ()), alert.id)
        return replace(self, sent=sent)

    @property
    def items(self) -> tuple[str, ...]:
        """The alerts whose items are to be deleted."""
        return self.sent.get(ITEMS_AT, ())


def perhaps_shown(alert: Alert) -> bool:
    """Whether a destination has it, or may have."""
    return alert.was_held or alert.maybe_shown or alert.state is State.DELIVERED


def erased(alert: Alert, *, now: datetime, nonce: str, conversation_id: str = "") -> Alert:
    """An alert that says nothing of a visitor any more; one that tells of several goes on to tell of the others.

    Raises:
        ValueError: it is being sent; its outcome comes first.
    """
    if alert.state is State.SENDING:
        raise ValueError("an alert that is being sent is not erased before its outcome")
    if alert.kind == OVERDUE:
        return replace(without(alert, conversation_id), nonce=nonce)
    return replace(ended(alert, State.ERASED, now), payload={}, shown_at="", nonce=nonce)


def later(erasure: Erasure, at: datetime, problem: str | None = None) -> Erasure:
    """Nothing more can be done before then."""
    problems = tuple(dict.fromkeys((*erasure.problems, problem))) if problem is not None else erasure.problems
    return replace(erasure, wake_at=at, problem=problem, problems=problems)


def asked(
    erasure: Erasure, deleted: int, problem: str | None, *, now: datetime, again: timedelta, wait: timedelta
) -> Erasure:
    """What the answer of the destination of items makes of it.

    Args:
        erasure: as it stands.
        deleted: items that are gone.
        problem: why it is not over; None where it is.
        now: the time.
        again: how long after the first complete pass it is looked there again.
        wait: before it is asked again where there was a problem.
    """
    tried = replace(erasure.counted({ITEMS_AT: deleted}), tries=erasure.tries + 1)
    if problem is not None:
        return later(tried, now + wait, problem)
    if erasure.relook_at is None:
        return replace(later(tried, now + again), relook_at=now + again)
    return replace(tried, problem=None, looked_again=now >= erasure.relook_at)


def certificate(erasure: Erasure) -> dict[str, Any]:
    """What was erased where, what could not be and why, and what is kept; for the admin."""
    erased = {"conversations": len(erasure.conversations), **erasure.erased}
    not_erased = [
        {
            "where": channel,
            "count": len(alerts),
            "why": WHY_NOT.get(channel, "it cannot be deleted there"),
            "alerts": list(alerts),
        }
        for channel, alerts in sorted(erasure.sent.items())
        if channel != ITEMS_AT or erasure.problem is not None
    ]
    return {
        "id": erasure.id,
        "state": erasure.state,
        "requested_at": erasure.requested_at.isoformat(),
        "finished_at": erasure.finished_at.isoformat() if erasure.finished_at else None,
        "erased": [{"where": where, "count": number} for where, number in erased.items()],
        "not_erased": not_erased,
        "kept": [dict(each) for each in KEPT],
        "monday": {
            "items_of": len(erasure.items),
            "deleted": erasure.erased.get(ITEMS_AT, 0),
            "tries": erasure.tries,
            "looked_again": erasure.looked_again,
            "problems": list(erasure.problems),
        },
    }
