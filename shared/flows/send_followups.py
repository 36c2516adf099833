"""Make the follow-up e-mails that are due: each number once a conversation, whoever runs this, and however often.

The document that says that a number was made is created in the commit that writes its alert, with the version of the
conversation that it was decided from; of several runs at once one succeeds. What is due and absent is found by every
run, however late. Sending is the outbox's part, as for every alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain import followups
from shared.domain.alert import Alert
from shared.errors import Conflict, QueueError, StorageError, Unavailable
from shared.ports import Chance, Clock, Continuation, Events, TaskQueue
from shared.ports.rights import DueConversation, FollowupStore


@dataclass(frozen=True)
class FollowedUp:
    """What one run did: e-mails made, conversations looked at, and whether there is more."""

    made: int
    looked_at: int
    more: bool


@dataclass(frozen=True)
class SendFollowups:
    """The flow with what it needs.

    Attributes:
        store: conversations and follow-ups.
        queue: where the alerts' tasks go.
        again: asked for another run where there is more.
        delays: how long after the last message each of them is due.
        business: in whose name.
        grace: how late a task may be before it counts as lost.
        page: how many conversations are read at a time.
        run_seconds: after this long nothing more is begun.
        clock: for that.
        chance: for nonces.
        events: where to report.
    """

    store: FollowupStore
    queue: TaskQueue
    again: Continuation
    delays: Sequence[timedelta]
    business: str
    grace: timedelta
    page: int
    run_seconds: float
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self) -> FollowedUp:
        """Make what is due.

        Raises:
            Unavailable: storage did not answer; what was made stands, the next run goes on.
        """
        ends = self.clock.monotonic() + self.run_seconds
        made = looked_at = 0
        more = True
        try:
            while more and self.clock.monotonic() <= ends:
                done = self._page()
                made, looked_at, more = made + done.made, looked_at + done.looked_at, done.more
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        if more:
            self._continue()
        self.events("followups_finished", count=made)
        return FollowedUp(made, looked_at, more)

    def _page(self) -> FollowedUp:
        """The conversations whose time came first; there is more where all of a full page moved on."""
        found, now = self.store.due(self.page, len(self.delays))
        made = moved = 0
        for due in found:
            alerts = self._alerts(due, now)
            next_at = followups.next_at(due.quiet, self.delays, now, alerts)
            try:
                self.store.make(due, alerts, next_at)
            except Conflict:
                continue  # the visitor wrote, or another run was faster
            moved += 1
            made += len(alerts)
            for alert in alerts.values():
                self._hurry(alert)
        return FollowedUp(made, len(found), len(found) == self.page and moved > 0)

    def _alerts(self, due: DueConversation, now: datetime) -> dict[int, Alert]:
        nonce = self.chance.token()
        return {
            number: followups.followup(due.quiet, number, self.business, now=now, nonce=nonce, grace=self.grace)
            for number in followups.due(due.quiet, self.delays, now)
        }

    def _hurry(self, alert: Alert) -> None:
        self.events("alert_made", alert_id=alert.id, channel=alert.channel, kind=alert.kind)
        try:
            self.queue.enqueue(alert)
        except QueueError as error:
            self.events("enqueue_failed", alert_id=alert.id, channel=alert.channel, error=str(error))

    def _continue(self) -> None:
        try:
            self.again.ask(f"followups {self.chance.token()}")
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
