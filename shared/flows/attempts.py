"""One attempt at a destination: in the time that the lease leaves, through its breaker, whatever its code does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.alert import CANARY
from shared.domain.breaker import Breaker
from shared.domain.outcome import Blocked, Outcome, Rejected, Retry
from shared.errors import QueueError
from shared.ports import Breakers, Channel, Clock, Continuation, Events, Message, StoredBreaker

LEAST_SECONDS_TO_SEND = 0.5
"""With less time than this left in the lease, an attempt is not begun."""


@dataclass(frozen=True)
class Attempts:
    """What sends.

    Attributes:
        channels: the destinations by name.
        breakers: theirs.
        sweep: asked to run when a breaker lets an attempt find out, and when it has closed.
        send_seconds: how long one attempt may take in all.
        margin_seconds: what must be left of the lease after it, for the outcome's commit.
        lease: how long one attempt holds what it sends.
        clock: for the deadline.
        events: where to report.
        canaries: where canaries go, by channel.
    """

    channels: Mapping[str, Channel]
    breakers: Breakers
    sweep: Continuation
    send_seconds: float
    margin_seconds: float
    lease: timedelta
    clock: Clock
    events: Events
    canaries: Mapping[str, Channel] = field(default_factory=dict)

    def __call__(self, channel: str, message: Message, seen: StoredBreaker, *, began: float) -> Outcome:
        """Try once.

        Args:
            channel: the destination's name.
            message: what to send.
            seen: its breaker, as the attempt was claimed under it.
            began: monotonic seconds, before the lease began.

        Raises:
            BreakerOpen: it was not tried.
        """
        lease_ends = began + self.lease.total_seconds() - self.margin_seconds
        if message.kind == CANARY and seen.breaker.shut:  # its target's health is its own: nothing is counted
            return self._in_time(channel, message, lease_ends)
        passed = self.breakers.through(seen, lambda: self._in_time(channel, message, lease_ends))
        if passed.moved is not None:
            self._ask_for_sweep(passed.moved)
        return passed.outcome

    def _in_time(self, channel: str, message: Message, lease_ends: float) -> Outcome:
        deadline = min(self.clock.monotonic() + self.send_seconds, lease_ends)
        if deadline - self.clock.monotonic() < min(LEAST_SECONDS_TO_SEND, self.send_seconds):
            return Retry("no_time_left_in_lease", maybe_shown=message.maybe_shown)
        return self._send(channel, message, deadline)

    def _send(self, channel: str, message: Message, deadline: float) -> Outcome:
        canary = message.kind == CANARY
        sender = (self.canaries if canary else self.channels).get(channel)
        if sender is None and canary:
            return Rejected("no_canary_target")
        if sender is None:
            return Blocked("channel_not_configured")
        try:
            return sender.send(message, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a poison alert spends its budget like any other
            self.events("channel_broken", alert_id=message.alert_id, channel=channel, error=type(error).__name__)
            return Retry(f"internal_{type(error).__name__}", maybe_shown=True)

    def _ask_for_sweep(self, moved: Breaker) -> None:
        """When its attempt may find out, or at once where what it held up may go."""
        try:
            self.sweep.ask(f"breaker {moved.name} {moved.epoch}", None if moved.draining else moved.probe_at)
        except QueueError as error:
            self.events("enqueue_failed", channel=moved.name, error=str(error))
