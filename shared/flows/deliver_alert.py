"""Deliver one alert: claim it, send it once, save what came of it.

Three round trips: one read, the claim's commit, the outcome's commit. A task is answered with success once the
outcome is saved, whatever it was; it is answered with an error only when storage did not answer or another holder's
lease is live, so that the queue's own retries stay for crashes (guarantees 4 to 6, 10 and 11). An update of a lead
takes two round trips more, before and after its claim (guarantee 27, ``updates``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.domain import destination as places
from shared.domain import followups, updates
from shared.domain.alert import FOLLOWUP, Alert, Policy
from shared.domain.delivery import Busy, Claimed, Ignored, claim, settle
from shared.domain.outcome import Blocked, Delivered, Outcome, Retry
from shared.errors import Conflict, LeaseLive, QueueError, StorageError, Unavailable, Unreadable
from shared.flows.delivery_attempt import DeliveryAttempt
from shared.flows.steps import Steps
from shared.flows.visitor_mail import Leaving, VisitorMailRules
from shared.ports import (
    AlertStore,
    Chance,
    Channel,
    Clock,
    Continuation,
    Events,
    Message,
    StoredAlert,
    StoredDestination,
    TaskQueue,
)

LEAST_SECONDS_TO_SEND = 0.5
"""With less time than this left in the lease, an attempt is not begun."""

SAVE_TRIES = 3


@dataclass(frozen=True)
class DeliverAlert:
    """The command: which alert, for which generation the task was made, and the channel it probably has."""

    alert_id: str
    generation: int
    channel: str | None = None


@dataclass(frozen=True)
class AlertDelivery:
    """The flow with what it needs.

    Attributes:
        store: where alerts are.
        queue: where the task of a repeat goes.
        sweep: asked to run when a destination was repaired.
        channels: the destinations by name.
        fingerprints: of their settings, by name.
        escalation_channels: where escalations and notices go, in order.
        policy: budgets and waits.
        send_seconds: how long one attempt may take in all.
        margin_seconds: what must be left of the lease after it, for the outcome's commit.
        clock: for the deadline.
        chance: for nonces and jitter.
        events: where to report.
        visitor_mail: what keeps e-mails to visitors from being sent; without it none is.
    """

    store: AlertStore
    queue: TaskQueue
    sweep: Continuation
    channels: Mapping[str, Channel]
    fingerprints: Mapping[str, str]
    escalation_channels: tuple[str, ...]
    policy: Policy
    send_seconds: float
    margin_seconds: float
    clock: Clock
    chance: Chance
    events: Events
    visitor_mail: VisitorMailRules | None = None

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
        except Unreadable:
            self.events("alert_unreadable", alert_id=command.alert_id)
            return self._ignored(command, "alert is unreadable")
        except StorageError as error:
            self.events("storage_failed", alert_id=command.alert_id, error=type(error).__name__)
            raise Unavailable from error

    @property
    def _steps(self) -> Steps:
        return Steps(self.store, self.queue, self.policy, self.escalation_channels, self.chance, self.events)

    def _deliver(self, command: DeliverAlert) -> str:
        began = self.clock.monotonic()
        stored = self.store.read(command.alert_id, command.channel)
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
            destination=stored.destination.destination if stored.destination is not None else None,
            fingerprint=self.fingerprints.get(stored.alert.channel, ""),
        )
        match decision:
            case Ignored(reason=reason):
                return self._ignored(command, reason)
            case Busy():
                raise self._busy(stored.alert)
            case Claimed():
                if self._has_rival(stored):
                    raise self._busy(stored.alert)
                return self._send(stored, self._claim(stored, decision, began))
            case _:
                try:
                    step = self._steps.plan(stored.alert, decision.alert, stored.version, now=stored.read_at)
                    self._steps.write(step)
                except Conflict:
                    raise self._busy(stored.alert) from None
                return decision.alert.state.value

    def _claim(self, stored: StoredAlert, decision: Claimed, began: float) -> DeliveryAttempt:
        """Take the lease, and the probe's with it where the destination is blocked; somebody else may be first."""
        probe = None
        if decision.probe is not None and stored.destination is not None:
            probe = StoredDestination(decision.probe, stored.destination.version)
        step = self._steps.plan(stored.alert, decision.alert, stored.version, now=stored.read_at, destination=probe)
        try:
            version = self.store.write(step)
        except Conflict:
            raise self._busy(stored.alert) from None
        return DeliveryAttempt(decision.alert, version, probe is not None, began, stored.read_at)

    def _has_rival(self, stored: StoredAlert) -> bool:
        """Whether an alert of the same lead is being sent, where they go one at a time."""
        if not updates.versioned(stored.alert):
            return False
        return any(rival.age < self.policy.lease for rival in self.store.rivals(stored.alert))

    def _end(self, attempt: DeliveryAttempt, unsent: Callable[..., Alert], event: str) -> str:
        """End an alert without sending it: an update of an older version, an e-mail the visitor must not get."""
        now = attempt.read_at + timedelta(seconds=self.clock.monotonic() - attempt.began)
        after = unsent(attempt.held, now=now, nonce=self.chance.token())
        try:
            self._steps.write(self._steps.plan(attempt.held, after, attempt.version, now=now), event=event)
        except Conflict:
            return self._lost(attempt.held)
        return after.state.value

    def _send(self, stored: StoredAlert, attempt: DeliveryAttempt) -> str:
        standing = self.store.standing(attempt.held) if updates.versioned(attempt.held) else None
        if standing is not None and updates.outdated(attempt.held, standing):
            return self._end(attempt, updates.superseded, "alert_superseded")
        if attempt.held.kind == FOLLOWUP:
            why_not = self.visitor_mail.forbid(attempt.held) if self.visitor_mail is not None else "not_configured"
            if why_not is not None:
                return self._end(attempt, partial(followups.suppressed, cause=why_not), "alert_suppressed")
            attempt = replace(attempt, leaving=Leaving(self._steps, attempt.held, attempt.version, attempt.read_at))
        lease_ends = attempt.began + self.policy.lease.total_seconds() - self.margin_seconds
        deadline = min(self.clock.monotonic() + self.send_seconds, lease_ends)
        if deadline - self.clock.monotonic() < min(LEAST_SECONDS_TO_SEND, self.send_seconds):
            outcome: Outcome = Retry("no_time_left_in_lease", maybe_shown=attempt.held.maybe_shown)
        else:
            ended_at = standing.lead_ended_at if standing is not None else None
            outcome = self._attempt(stored, attempt, deadline, ended_at)
        if attempt.leaving is not None:
            attempt = replace(attempt, held=attempt.leaving.held, version=attempt.leaving.version)
        try:
            if self.visitor_mail is not None:
                self.visitor_mail.learn(attempt.held, outcome)
            return self._save(attempt, outcome)
        except StorageError as error:
            if isinstance(outcome, Delivered):
                self.store.leave_receipt(attempt.held)
            if not isinstance(error, Conflict):
                raise
            return self._lost(attempt.held)

    def _lost(self, held: Alert) -> str:
        self.events("alert_outcome_lost", alert_id=held.id, channel=held.channel)
        return "lost"

    def _attempt(
        self, stored: StoredAlert, attempt: DeliveryAttempt, deadline: float, lead_ended_at: datetime | None
    ) -> Outcome:
        held = attempt.held
        channel = self.channels.get(held.channel)
        if channel is None:
            return Blocked("channel_not_configured")
        message = Message(
            alert_id=held.id,
            kind=held.kind,
            payload=held.payload,
            maybe_shown=held.maybe_shown,
            created_at=held.created_at,
            epoch=held.epoch,
            key=held.key,
            first_sent_at=stored.alert.first_sent_at,
            now=stored.read_at,
            plain=held.plain,
            lead_ended_at=lead_ended_at,
            before_data=attempt.leaving,
        )
        try:
            return channel.send(message, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - a poison alert spends its budget like any other
            self.events("channel_broken", alert_id=held.id, channel=held.channel, error=type(error).__name__)
            return Retry(f"internal_{type(error).__name__}", maybe_shown=True)

    def _save(self, attempt: DeliveryAttempt, outcome: Outcome) -> str:
        """Write the outcome with what it says of the destination; decided anew where that has moved on meanwhile.

        Raises:
            Conflict: the lease was lost.
        """
        held = attempt.held
        for tries_left in reversed(range(SAVE_TRIES)):
            now = attempt.read_at + timedelta(seconds=self.clock.monotonic() - attempt.began)
            nonce, jitter = self.chance.token(), self.chance.fraction()
            after = settle(held, outcome, now=now, nonce=nonce, jitter=jitter, policy=self.policy)
            place, tell = self._destination_after(attempt, outcome, now, nonce)
            step = self._steps.plan(held, after, attempt.version, now=now, destination=place, tell_of_block=tell)
            try:
                self._steps.write(step)
            except Conflict:
                stands = self.store.read(held.id, held.channel)
                if place is None or not tries_left or stands is None or stands.version != attempt.version:
                    raise
                continue
            if place is not None and place.destination.draining:
                self._ask_for_drain(place)
            return after.state.value
        raise AssertionError("unreachable: the last try returns or raises")

    def _destination_after(
        self, attempt: DeliveryAttempt, outcome: Outcome, now: datetime, nonce: str
    ) -> tuple[StoredDestination | None, bool]:
        """What the outcome makes of the destination, and whether a person is to be told; one read where it may."""
        if not attempt.probing and not isinstance(outcome, Blocked):
            return None, False
        name = attempt.held.channel
        found, _ = self.store.destinations([name])
        stands = found[name]
        after = places.judge(
            stands.destination,
            outcome,
            probing=attempt.probing,
            now=now,
            fingerprint=self.fingerprints.get(name, ""),
            nonce=nonce,
            policy=self.policy,
        )
        if after is None:
            return None, False
        return StoredDestination(after, stands.version), after.blocks != stands.destination.blocks

    def _ask_for_drain(self, place: StoredDestination) -> None:
        try:
            self.sweep.ask(f"drain {place.destination.name} {place.destination.blocks}")
        except QueueError as error:
            self.events("enqueue_failed", channel=place.destination.name, error=str(error))

    def _ignored(self, command: DeliverAlert, reason: str) -> str:
        self.events("alert_ignored", alert_id=command.alert_id, generation=command.generation, reason=reason)
        return "ignored"

    def _busy(self, alert: Alert) -> LeaseLive:
        self.events("alert_busy", alert_id=alert.id, channel=alert.channel, generation=alert.generation)
        return LeaseLive()
