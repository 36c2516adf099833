"""Deliver one alert: claim it, send it once, save what came of it.

Three round trips: one read, the claim's commit, the outcome's commit. A task is answered with success once the
outcome is saved, whatever it was; it is answered with an error only when storage did not answer or another holder's
lease is live, so that the queue's own retries stay for crashes (guarantees 4 to 6, 10 and 11). An update of a lead
takes two round trips more, before and after its claim (guarantee 27, ``updates``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain import followups, updates
from shared.domain.alert import CANARY, FOLLOWUP, Alert, Policy
from shared.domain.breaker import BREAKER_OPEN
from shared.domain.claims import Busy, Claimed, Ignored
from shared.domain.delivery import claim, settle, unsent
from shared.domain.outcome import Delivered, Outcome
from shared.errors import BreakerOpen, Conflict, LeaseLive, QueueError, StorageError, Unavailable, Unreadable
from shared.flows.attempts import Attempts
from shared.flows.delivery_attempt import DeliveryAttempt
from shared.flows.judging import Judging
from shared.flows.steps import Steps
from shared.flows.visitor_mail import Leaving, VisitorMailRules
from shared.ports import (
    AlertStore,
    Chance,
    Clock,
    Events,
    Message,
    StoredAlert,
    StoredBreaker,
    StoredDestination,
    TaskQueue,
)

SAVE_TRIES = 3
CLAIM_TRIES = 2
"""Somebody else may take the probe's lease first: decided anew, once."""


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
        attempts: what sends.
        fingerprints: of the destinations' settings, by name.
        escalation_channels: where escalations and notices go, in order.
        policy: budgets and waits.
        clock: for the time of the outcome.
        chance: for nonces and jitter.
        events: where to report.
        visitor_mail: what keeps e-mails to visitors from being sent; without it none is.
    """

    store: AlertStore
    queue: TaskQueue
    attempts: Attempts
    fingerprints: Mapping[str, str]
    escalation_channels: tuple[str, ...]
    policy: Policy
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

    @property
    def _judging(self) -> Judging:
        return Judging(self.store, self.fingerprints, self.policy)

    def _deliver(self, command: DeliverAlert) -> str:
        for tries_left in reversed(range(CLAIM_TRIES)):
            began = self.clock.monotonic()
            stored = self.store.read(command.alert_id, command.channel)
            if stored is None:
                return self._ignored(command, "alert is missing")
            breaker = self.attempts.breakers.look(stored.alert.channel)
            try:
                return self._decide(command, stored, breaker, began)
            except Conflict:
                if not tries_left:
                    raise self._busy(stored.alert) from None
        raise AssertionError("unreachable: the last try returns or raises")

    def _decide(self, command: DeliverAlert, stored: StoredAlert, breaker: StoredBreaker, began: float) -> str:
        """Do what may be done with the alert as it was read; raises Conflict where somebody else was first."""
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
            breaker=breaker.breaker,
        )
        match decision:
            case Ignored(reason=reason):
                return self._ignored(command, reason)
            case Busy():
                raise self._busy(stored.alert)
            case Claimed():
                if self._has_rival(stored):
                    raise self._busy(stored.alert)
                return self._send(stored, self._claim(stored, decision, breaker, began))
            case _:
                step = self._steps.plan(stored.alert, decision.alert, stored.version, now=stored.read_at)
                self._steps.write(step)
                return decision.alert.state.value

    def _claim(self, stored: StoredAlert, decision: Claimed, breaker: StoredBreaker, began: float) -> DeliveryAttempt:
        """Take the lease, and with it the leases of the probes that it is; raises Conflict."""
        probe = None
        if decision.probe is not None and stored.destination is not None:
            probe = StoredDestination(decision.probe, stored.destination.version)
        leased = replace(breaker, breaker=decision.breaker) if decision.breaker is not None else None
        step = self._steps.plan(
            stored.alert, decision.alert, stored.version, now=stored.read_at, destination=probe, breaker=leased
        )
        version = self.store.write(step)
        return DeliveryAttempt(decision.alert, version, probe is not None, leased or breaker, began, stored.read_at)

    def _has_rival(self, stored: StoredAlert) -> bool:
        """Whether an alert of the same lead is being sent, where they go one at a time."""
        if not updates.versioned(stored.alert):
            return False
        return any(rival.age < self.policy.lease for rival in self.store.rivals(stored.alert))

    def _put_back(self, attempt: DeliveryAttempt, after: Alert, event: str | None = None) -> str:
        """Save what becomes of an alert whose attempt was not begun."""
        now = self._now(attempt)
        try:
            self._steps.write(self._steps.plan(attempt.held, after, attempt.version, now=now), event=event)
        except Conflict:
            return self._lost(attempt.held)
        return after.state.value

    def _now(self, attempt: DeliveryAttempt) -> datetime:
        """Firestore's time."""
        return attempt.read_at + timedelta(seconds=self.clock.monotonic() - attempt.began)

    def _send(self, stored: StoredAlert, attempt: DeliveryAttempt) -> str:
        held = attempt.held
        standing = self.store.standing(held) if updates.versioned(held) else None
        if standing is not None and updates.outdated(held, standing):
            after = updates.superseded(held, now=self._now(attempt), nonce=self.chance.token())
            return self._put_back(attempt, after, "alert_superseded")
        if held.kind == FOLLOWUP:
            why_not = self.visitor_mail.forbid(held) if self.visitor_mail is not None else "not_configured"
            if why_not is not None:
                after = followups.suppressed(held, now=self._now(attempt), nonce=self.chance.token(), cause=why_not)
                return self._put_back(attempt, after, "alert_suppressed")
            attempt = replace(attempt, leaving=Leaving(self._steps, held, attempt.version, attempt.read_at))
        message = _message(stored, attempt, standing.lead_ended_at if standing is not None else None)
        try:
            outcome = self.attempts(held.channel, message, attempt.breaker, began=attempt.began)
        except BreakerOpen:
            told = {"now": self._now(attempt), "nonce": self.chance.token(), "policy": self.policy}
            return self._put_back(attempt, unsent(held, BREAKER_OPEN, **told))  # type: ignore[arg-type]
        return self._saved(attempt.after_leaving, outcome)

    def _saved(self, attempt: DeliveryAttempt, outcome: Outcome) -> str:
        """Save the outcome; of a delivery that cannot be saved leave a receipt."""
        held = attempt.held
        try:
            if self.visitor_mail is not None:
                self.visitor_mail.learn(held, outcome)
            return self._save(attempt, outcome)
        except StorageError as error:
            if isinstance(outcome, Delivered):
                self.store.leave_receipt(held)
            if not isinstance(error, Conflict):
                raise
            return self._lost(held)

    def _lost(self, held: Alert) -> str:
        self.events("alert_outcome_lost", alert_id=held.id, channel=held.channel)
        return "lost"

    def _save(self, attempt: DeliveryAttempt, outcome: Outcome) -> str:
        """Write the outcome with what it says of the destination; decided anew where that has moved on meanwhile.

        Raises:
            Conflict: the lease was lost.
        """
        held = attempt.held
        for tries_left in reversed(range(SAVE_TRIES)):
            now = self._now(attempt)
            nonce, jitter = self.chance.token(), self.chance.fraction()
            after = settle(held, outcome, now=now, nonce=nonce, jitter=jitter, policy=self.policy)
            place, tell = None, False
            if held.kind != CANARY:  # of whose target nothing follows for the leads'
                place, tell = self._judging(held.channel, outcome, probing=attempt.probing, now=now, nonce=nonce)
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

    def _ask_for_drain(self, place: StoredDestination) -> None:
        try:
            self.attempts.sweep.ask(f"drain {place.destination.name} {place.destination.blocks}")
        except QueueError as error:
            self.events("enqueue_failed", channel=place.destination.name, error=str(error))

    def _ignored(self, command: DeliverAlert, reason: str) -> str:
        self.events("alert_ignored", alert_id=command.alert_id, generation=command.generation, reason=reason)
        return "ignored"

    def _busy(self, alert: Alert) -> LeaseLive:
        self.events("alert_busy", alert_id=alert.id, channel=alert.channel, generation=alert.generation)
        return LeaseLive()


def _message(stored: StoredAlert, attempt: DeliveryAttempt, lead_ended_at: datetime | None) -> Message:
    held = attempt.held
    return Message(
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
