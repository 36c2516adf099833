"""The delivery flow over a store and channels of a test, nothing else of it mattering."""

from __future__ import annotations

from collections.abc import Mapping

from shared.flows.attempts import Attempts
from shared.flows.deliver_alert import AlertDelivery
from shared.ports import AlertStore, BreakerDocuments, Channel
from tests.support.breakers import shared_breakers
from tests.support.fakes import POLICY, FakeChance, FakeClock, FakeContinuation, FakeQueue, RecordedEvents


def alert_delivery(store: AlertStore, breakers: BreakerDocuments, channels: Mapping[str, Channel]) -> AlertDelivery:
    """The flow, its escalations by e-mail, then by Slack."""
    clock, chance, events = FakeClock(), FakeChance(), RecordedEvents()
    attempts = Attempts(
        channels=channels,
        breakers=shared_breakers(breakers, clock=clock, chance=chance, events=events),
        sweep=FakeContinuation(),
        send_seconds=10.0,
        margin_seconds=1.0,
        lease=POLICY.lease,
        clock=clock,
        events=events,
    )
    return AlertDelivery(
        store=store,
        queue=FakeQueue(),
        attempts=attempts,
        fingerprints={},
        escalation_channels=("email", "slack"),
        policy=POLICY,
        clock=clock,
        chance=chance,
        events=events,
    )
