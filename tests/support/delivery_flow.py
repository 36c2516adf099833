"""The flows that deliver and sweep, over fakes that share one Firestore and one queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.domain import ids
from shared.domain.alert import Alert, State, create
from shared.flows.deliver_alert import AlertDelivery, DeliverAlert
from shared.flows.retry_dead_letters import RetryDeadLetters
from shared.ports import Channel
from tests.support.fakes import (
    NOW,
    POLICY,
    DeliveringChannel,
    FakeAlertStore,
    FakeChance,
    FakeClock,
    FakeContinuation,
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
        **others: Channel,
    ) -> None:
        self.again = FakeContinuation()
        self.store = store or FakeAlertStore()
        self.queue = queue or FakeQueue()
        self.channel = channel or DeliveringChannel()
        self.clock, self.events = clock or FakeClock(), RecordedEvents()
        chance = FakeChance()
        self.deliver = AlertDelivery(
            store=self.store,
            queue=self.queue,
            sweep=self.again,
            channels={"slack": self.channel, **others},
            fingerprints={"slack": "settings"},
            escalation_channels=("email", "slack"),
            policy=POLICY,
            send_seconds=10.0,
            margin_seconds=1.0,
            clock=self.clock,
            chance=chance,
            events=self.events,
        )
        self.sweep = RetryDeadLetters(
            store=self.store,
            queue=self.queue,
            redrives=lambda: False,
            again=self.again,
            paces=paces or {"slack": 100.0},
            escalation_channels=("email", "slack"),
            policy=POLICY,
            page=PAGE,
            run_seconds=run_seconds,
            clock=self.clock,
            chance=chance,
            events=self.events,
        )
        for alert in alerts:
            self.store.put(alert)

    def task(self, alert: Alert, generation: int | None = None) -> str:
        """A task of the alert comes, by default of the generation that stands."""
        return self.deliver(DeliverAlert(alert.id, generation or self.store.alert(alert.id).generation))

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
