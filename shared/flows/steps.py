"""One step of an alert: written with all that follows from it, then reported, then hurried along.

What follows: the escalation of an alert that failed, the notice of a destination that was found blocked. They are in
the step's own commit, so that there is no moment in which an alert has failed and nobody will be told (guarantees 9 to
11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain import escalation
from shared.domain.alert import CANARY, Alert, Policy, State
from shared.domain.digest import Digest
from shared.errors import QueueError
from shared.ports import (
    AlertStore,
    Chance,
    DigestQueue,
    Events,
    Step,
    StoredBreaker,
    StoredDestination,
    TaskQueue,
    Version,
)

EVENT_OF_STATE = {
    State.DELIVERED: "alert_delivered",
    State.PARKED: "alert_parked",
    State.FAILED: "alert_failed",
    State.QUEUED: "alert_repeated",
    State.SUPPRESSED: "alert_suppressed",
}


@dataclass(frozen=True)
class Steps:
    """What every flow that moves alerts shares.

    Attributes:
        store: where alerts are.
        queue: where their tasks go.
        policy: budgets and waits.
        escalation_channels: where escalations and notices go, in order.
        chance: for nonces and jitter.
        events: where to report.
    """

    store: AlertStore
    queue: TaskQueue
    policy: Policy
    escalation_channels: tuple[str, ...]
    chance: Chance
    events: Events

    def plan(
        self,
        before: Alert,
        after: Alert,
        version: Version,
        *,
        now: datetime,
        destination: StoredDestination | None = None,
        tell_of_block: bool = False,
        breaker: StoredBreaker | None = None,
    ) -> Step:
        """A step with what follows from it.

        Args:
            before: the alert as it was read.
            after: what it becomes.
            version: of the one that was read.
            now: Firestore's time.
            destination: what its destination becomes, and the version that was made from.
            tell_of_block: a person is to be told that this destination is blocked.
            breaker: with its probe's lease, and the version that was made from.
        """
        made: tuple[Alert, ...] = ()
        if escalation.calls_for(before, after) and self.escalation_channels:
            told = {"now": now, "nonce": after.nonce, "policy": self.policy}
            made += (escalation.escalation(after, self.escalation_channels, **told),)  # type: ignore[arg-type]
        if destination is not None and tell_of_block:
            made += self.notices(destination, now=now)
        told_of = escalation.tells_of(after) if after.state is State.DELIVERED else ()
        return Step(before, after, version, made, destination, told_of, breaker)

    def notices(self, destination: StoredDestination, *, now: datetime) -> tuple[Alert, ...]:
        """The notice of a blocked destination, if there is anywhere to send it."""
        if not self.escalation_channels:
            return ()
        place = destination.destination
        return (escalation.notice(place, self.escalation_channels, now=now, nonce=place.nonce, policy=self.policy),)

    def write(self, step: Step, *, event: str | None = None) -> Version:
        """Commit a step, report it, and create the tasks of what it queued; raises what ``AlertStore.write`` does."""
        version = self.store.write(step)
        self.follow(step, event=event)
        return version

    def follow(self, step: Step, *, event: str | None = None) -> None:
        """Report a step that is written, and create the tasks of what it queued."""
        self._report(step, event)
        if step.after.state is State.QUEUED and step.after.generation != step.before.generation:
            self.hurry(step.after)
        for made in step.made:
            self.events("alert_made", alert_id=made.id, channel=made.channel, kind=made.kind, cause=step.after.cause)
            self.hurry(made)

    def hurry(self, alert: Alert) -> None:
        """Create the task of a queued alert; the sweep finds it if that cannot be done."""
        if alert.wake_at is None:
            return
        try:
            self.queue.enqueue(alert, alert.wake_at - self.policy.grace)
        except QueueError as error:
            self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))

    def hurry_digest(self, queue: DigestQueue, digest: Digest) -> None:
        """Create the task of a digest; the sweep finds its members if that cannot be done."""
        try:
            queue.enqueue_digest(digest)
        except QueueError as error:
            self.events("enqueue_failed", digest_id=digest.id, channel=digest.channel, error=str(error))

    def _report(self, step: Step, event: str | None) -> None:
        after = step.after
        known = {"alert_id": after.id, "channel": step.before.channel, "kind": after.kind, "cause": after.cause}
        if after.kind == CANARY:  # what is counted and alarmed is of leads; the canary's run says how it fared
            self.events("canary_moved", state=after.state.value, attempts=after.attempts, **known)
            return
        if step.before.state is State.SENDING and after.cause == "lease_expired":
            self.events("alert_expired", **known)
        self.events(event or EVENT_OF_STATE[after.state], attempts=after.attempts, **known)
        if escalation.gave_up_a_round(step.before, after):
            self.events("escalation_undelivered", count=after.hop // len(after.route), **known)
        if step.destination is not None:
            self._report_destination(step)

    def _report_destination(self, step: Step) -> None:
        place = step.destination.destination if step.destination is not None else None
        if place is None:
            return
        if place.draining:
            repaired = step.after.state is State.DELIVERED
            self.events("destination_repaired" if repaired else "destination_resumed", channel=place.name)
        elif any(made.kind == "notice" for made in step.made):
            self.events("destination_blocked", channel=place.name, cause=place.cause)
