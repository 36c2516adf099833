"""The flows that deliver and sweep, over fakes that share one Firestore and one queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.domain import ids
from shared.domain.alert import Alert, State, create
from shared.flows.attempts import Attempts
from shared.flows.backlog import Backlog
from shared.flows.deliver_alert import AlertDelivery, DeliverAlert
from shared.flows.deliver_digest import DigestDelivery
from shared.flows.judging import Judging
from shared.flows.overdue import TellOverdue
from shared.flows.retry_dead_letters import RetryDeadLetters
from shared.flows.steps import Steps
from shared.flows.sweep_pass import Moves
from shared.ports import Channel
from tests.support.breakers import FakeBreakerDocuments, shared_breakers
from tests.support.digest_stores import FakeDigestStore
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeAlertStore,
    FakeChance,
    FakeClock,
    FakeContinuation,
    FakeDigestQueue,
    FakeQueue,
    RecordedEvents,
    ScriptedChannel,
    seconds,
)

PAGE = 5


def queued(name: str = "a", **changes: Any) -> Alert:
    """An alert as a turn makes it, some of it changed."""
    alert = create(
        ids.alert_id(name, "lead", "slack"),
        conversation_id=name,
        channel="slack",
        kind="lead",
        payload={"email": f"{name}@example.com"},
        now=NOW,
        nonce="made",
        grace=POLICY.grace,
    )
    return replace(alert, **changes)


def sending(name: str = "a", **changes: Any) -> Alert:
    """An alert that somebody is sending since just now."""
    held: dict[str, Any] = {"state": State.SENDING, "attempts": 1, "wake_at": NOW + POLICY.lease, "nonce": "holder"}
    return queued(name, **held | changes)


def parked(name: str = "a", **changes: Any) -> Alert:
    """An alert that waits for its next scheduled attempt."""
    rest: dict[str, Any] = {"state": State.PARKED, "attempts": 3, "wake_at": NOW + POLICY.scheduled_wait}
    return queued(name, **rest | changes)


class Delivery:
    """Both flows.

    Args:
        alerts: arranged before.
        others: further channels than Slack, by name.

    Attributes:
        again: what was asked for as another pass.
        deliver: the delivery flow.
        sweep: the sweep flow.
    """

    def __init__(
        self,
        *alerts: Alert,
        store: FakeAlertStore | None = None,
        queue: FakeQueue | None = None,
        channel: Channel | None = None,
        clock: FakeClock | None = None,
        run_seconds: float = 45.0,
        paces: dict[str, float] | None = None,
        digest_threshold: int = 10_000,
        **others: Channel,
    ) -> None:
        self.again = FakeContinuation()
        self.store = store or FakeAlertStore()
        self.queue = queue or FakeDigestQueue()
        self.channel = channel or DeliveringChannel()
        self.clock, self.events = clock or FakeClock(), RecordedEvents()
        chance = FakeChance()
        self.breaker_documents = FakeBreakerDocuments(self.store.documents)
        self.breakers = shared_breakers(self.breaker_documents, clock=self.clock, chance=chance, events=self.events)
        self.digests = FakeDigestStore(self.store)
        told = {"chance": chance, "events": self.events}
        timed = {"clock": self.clock, "policy": POLICY, **told}
        attempts = Attempts(
            channels={"slack": self.channel, **others},
            breakers=self.breakers,
            sweep=self.again,
            send_seconds=10.0,
            margin_seconds=1.0,
            lease=POLICY.lease,
            clock=self.clock,
            events=self.events,
        )
        escalating = ("email", "slack")
        steps = Steps(self.store, self.queue, POLICY, escalating, chance, self.events)
        self.deliver = AlertDelivery(
            store=self.store,
            queue=self.queue,
            attempts=attempts,
            fingerprints={"slack": "settings"},
            escalation_channels=escalating,
            **timed,
        )
        self.deliver_digest = DigestDelivery(
            digests=self.digests,
            queue=self.queue,
            attempts=attempts,
            steps=steps,
            judging=Judging(self.store, {"slack": "settings"}, POLICY),
            **timed,
        )
        moves = Moves(steps, self.clock, self.events)
        paced = paces or {"slack": 100.0}
        backlog = Backlog(
            store=self.store,
            digests=self.digests,
            breakers=self.breakers,
            queue=self.queue,
            moves=moves,
            paces=paced,
            digest_threshold=digest_threshold,
            policy=POLICY,
            page=PAGE,
            **told,
        )
        self.sweep = RetryDeadLetters(
            store=self.store,
            queue=self.queue,
            moves=moves,
            breakers=self.breakers,
            backlog=backlog,
            overdue=TellOverdue(self.digests, steps, escalating, POLICY, chance, self.events),
            redrives=lambda: False,
            again=self.again,
            channels=tuple(paced),
            page=PAGE,
            run_seconds=run_seconds,
            **timed,
        )
        for alert in alerts:
            self.store.put(alert)

    def task(self, alert: Alert, generation: int | None = None) -> str:
        """A task of the alert comes, by default of the generation that stands."""
        return self.deliver(DeliverAlert(alert.id, generation or self.store.alert(alert.id).generation))

    def use(self, channel: Channel) -> None:
        """Send to Slack through another channel from now on."""
        self.channel = channel
        attempts = replace(self.deliver.attempts, channels={**self.deliver.attempts.channels, "slack": channel})
        self.deliver = replace(self.deliver, attempts=attempts)
        self.deliver_digest = replace(self.deliver_digest, attempts=attempts)

    def at_pace(self, pace: float) -> None:
        """Let Slack take so many messages a second."""
        self.sweep = replace(self.sweep, backlog=replace(self.sweep.backlog, paces={"slack": pace}))

    def after(self, number: float) -> None:
        """Let time pass, here and at Firestore's."""
        self.clock.advance(number)
        self.store.documents.now += seconds(number)

    def dead_letters(self) -> dict[str, Alert]:
        """The dead letters by their alerts' ids."""
        return {name: stored.value for name, stored in self.store.documents.under("dead_letters").items()}

    @property
    def sent(self) -> list[str]:
        """The ids of the alerts that the channel was given, in order."""
        assert isinstance(self.channel, ScriptedChannel)
        return [message.alert_id for message in self.channel.sent]
