"""Deliver one alert: claim it, send it, save what became of it.

Three round trips: one read, the claim's commit, the outcome's commit. A task is answered with success once the
outcome is saved, whatever it was; it is answered with an error only when storage did not answer or another holder's
lease is live, so that the queue's own retries stay for crashes (guarantees 4 to 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.alert import Alert, Busy, Claimed, Ignored, Policy, State, claim, settle
from shared.domain.outcome import Blocked, Delivered, Outcome, Retry
from shared.errors import Conflict, LeaseLive, OutcomeUnknown, QueueError, StorageError, Unavailable
from shared.ports import AlertStore, Chance, Channel, Clock, Events, Message, StoredAlert, TaskQueue, Version

EVENT_OF_STATE = {
    State.DELIVERED: "alert_delivered",
    State.PARKED: "alert_parked",
    State.FAILED: "alert_failed",
    State.QUEUED: "alert_repeated",
}

LEAST_SECONDS_TO_SEND = 0.5
"""With less time than this left in the lease, an attempt is not begun."""


@dataclass(frozen=True)
class DeliverAlert:
    """The command: which alert, and for which generation the task was made."""

    alert_id: str
    generation: int


@dataclass(frozen=True)
class AlertDelivery:
    """The flow with what it needs.

    Attributes:
        store: where alerts are.
        queue: where the task of a repeat goes.
        channels: the destinations by name.
        policy: budgets and waits.
        send_seconds: how long one attempt may take in all.
        margin_seconds: what must be left of the lease after it, for the outcome's commit.
        clock: for the deadline.
        chance: for nonces and jitter.
        events: where to report.
    """

    store: AlertStore
    queue: TaskQueue
    channels: Mapping[str, Channel]
    policy: Policy
    send_seconds: float
    margin_seconds: float
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self, command: DeliverAlert) -> str:
        """Do what the task asks for, if it still needs doing.

        Returns:
            The alert's state afterwards, or ``ignored``.

        Raises:
            LeaseLive: another holder is sending it.
            Unavailable: storage did not answer.
        """
        try:
            return self._deliver(command)
        except StorageError as error:
            self.events("storage_failed", alert_id=command.alert_id, error=type(error).__name__)
            raise Unavailable from error

    def _deliver(self, command: DeliverAlert) -> str:
        began = self.clock.monotonic()
        stored = self.store.read(command.alert_id)
        if stored is None:
            return self._ignored(command, "alert is missing")
        decision = claim(
            stored.alert,
            command.generation,
            now=stored.read_at,
            lease_age=stored.age,
            delivered_before=stored.receipt,
            nonce=self.chance.token(),
            jitter=self.chance.fraction(),
            policy=self.policy,
        )
        match decision:
            case Ignored(reason=reason):
                return self._ignored(command, reason)
            case Busy():
                raise self._busy(stored.alert)
            case Claimed(alert=held):
                try:
                    version = self.store.write(stored.alert, held, stored.version)
                except Conflict:
                    raise self._busy(stored.alert) from None
                return self._send(stored, held, version, began)
            case _:
                try:
                    self.store.write(stored.alert, decision.alert, stored.version)
                except Conflict:
                    raise self._busy(stored.alert) from None
                return self._saved(decision.alert)

    def _send(self, stored: StoredAlert, held: Alert, version: Version, began: float) -> str:
        lease_ends = began + self.policy.lease.total_seconds() - self.margin_seconds
        deadline = min(self.clock.monotonic() + self.send_seconds, lease_ends)
        if deadline - self.clock.monotonic() < min(LEAST_SECONDS_TO_SEND, self.send_seconds):
            outcome: Outcome = Retry("no_time_left_in_lease")
        else:
            outcome = self._attempt(held, deadline)
        elapsed = timedelta(seconds=self.clock.monotonic() - began)
        after = settle(
            held,
            outcome,
            now=stored.read_at + elapsed,
            nonce=self.chance.token(),
            jitter=self.chance.fraction(),
            policy=self.policy,
        )
        try:
            self.store.write(held, after, version)
        except (Conflict, OutcomeUnknown) as error:
            if isinstance(outcome, Delivered):
                self.store.leave_receipt(held)
            if isinstance(error, OutcomeUnknown):
                raise
            self.events("alert_outcome_lost", alert_id=held.id, channel=held.channel, cause=after.cause)
            return "lost"
        return self._saved(after)

    def _attempt(self, held: Alert, deadline: float) -> Outcome:
        channel = self.channels.get(held.channel)
        if channel is None:
            return Blocked("channel_not_configured")
        message = Message(held.id, held.kind, held.payload, held.maybe_shown, held.created_at)
        try:
            return channel.send(message, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a poison alert spends its budget like any other
            self.events("channel_broken", alert_id=held.id, channel=held.channel, error=type(error).__name__)
            return Retry(f"internal_{type(error).__name__}", maybe_shown=True)

    def _saved(self, alert: Alert) -> str:
        self.events(
            EVENT_OF_STATE[alert.state],
            alert_id=alert.id,
            channel=alert.channel,
            attempts=alert.attempts,
            cause=alert.cause,
        )
        if alert.state is State.QUEUED and alert.wake_at is not None:
            try:
                self.queue.enqueue(alert, alert.wake_at - self.policy.grace)
            except QueueError as error:
                self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))
        return alert.state.value

    def _ignored(self, command: DeliverAlert, reason: str) -> str:
        self.events("alert_ignored", alert_id=command.alert_id, generation=command.generation, reason=reason)
        return "ignored"

    def _busy(self, alert: Alert) -> LeaseLive:
        self.events("alert_busy", alert_id=alert.id, channel=alert.channel, generation=alert.generation)
        return LeaseLive()
