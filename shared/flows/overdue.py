"""Telling a person of alerts that have been waiting for very long, whatever their attempts (guarantee 7).

They stay what they are and go out when their destination takes them. Several are told of in one message.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.domain import escalation
from shared.domain.alert import Policy
from shared.errors import Conflict, Contention
from shared.flows.steps import Steps
from shared.flows.sweep_pass import Pass
from shared.ports import Chance, DigestStore, Events


@dataclass(frozen=True)
class TellOverdue:
    """The flow with what it needs.

    Attributes:
        digests: where alerts are changed together.
        steps: what follows from it.
        escalation_channels: where it goes, in order.
        policy: from when on a person is told.
        chance: for nonces.
        events: where to report.
    """

    digests: DigestStore
    steps: Steps
    escalation_channels: tuple[str, ...]
    policy: Policy
    chance: Chance
    events: Events

    def __call__(self, run: Pass, channel: str) -> None:
        """Tell of the oldest of a channel that nobody was told of; there is more where there were very many."""
        if not self.escalation_channels:
            return
        most = escalation.OVERDUE_MOST
        page = self.digests.overdue(channel, run.now - self.policy.parked_most, most)
        if not page.alerts:
            return
        nonce = self.chance.token()
        alerts = [stored.alert for stored in page.alerts]
        told = escalation.overdue(alerts, self.escalation_channels, now=run.now, nonce=nonce, policy=self.policy)
        steps = [
            self.steps.plan(
                stored.alert,
                replace(stored.alert, overdue=True, nonce=self.chance.token()),
                stored.version,
                now=run.now,
            )
            for stored in page.alerts
        ]
        steps[0] = replace(steps[0], made=(told,))
        try:
            self.digests.write(steps)
        except (Conflict, Contention):
            return
        for alert in alerts:
            self.events("alert_overdue", alert_id=alert.id, channel=channel, cause=alert.cause)
        self.events("alert_made", alert_id=told.id, channel=told.channel, kind=told.kind)
        self.steps.hurry(told)
        run.more = run.more or len(alerts) == most
