"""A dead letter as a bundle that replays on a laptop, without anything that a visitor wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.alert import Alert
from shared.domain.redaction import redacted
from shared.domain.runbooks import runbook_for
from shared.errors import Unreadable
from shared.flows.operations import answered
from shared.flows.operations_answers import missing, not_so, time_view
from shared.flows.operations_audit import OperatingAudit
from shared.ports import Clock, Events
from shared.ports.operations import DeadLetter, Marked, OperatorStore

FORMAT = "bellhop-replay-1"


@dataclass(frozen=True)
class TakeBundle:
    """The command: of which dead letter, why, and who says so."""

    alert_id: str
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Bundling:
    """The flow with what it needs.

    Attributes:
        store: where dead letters are.
        audit: where it is written down that somebody took one.
        settings: those that decide how an alert is tried, by their names; no secret among them.
        versions: what runs here.
        clock: says when.
        events: where to report.
    """

    store: OperatorStore
    audit: OperatingAudit
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    clock: Clock
    events: Events

    def __call__(self, command: TakeBundle) -> dict[str, Any]:
        """The bundle of a dead letter; that it was taken is on record before it is.

        Raises:
            RequestError: 404, there is no such dead letter; 409, this version of the code cannot read it.
            Unavailable: storage did not answer, or it could not be written down.
        """
        with answered(self.events):
            try:
                found = self.store.alert(command.alert_id)
            except Unreadable:
                raise not_so("The alert's document cannot be read by this version; look at it in Firestore.") from None
        if found is None or found.dead_letter is None:
            raise missing("A dead letter of this id")
        self.audit.note("bundle", {"ids": [command.alert_id]}, command.reason, command.by)
        return self._bundle(found, found.dead_letter)

    def _bundle(self, found: Marked, dead_letter: DeadLetter) -> dict[str, Any]:
        alert = found.alert
        return {
            "format": FORMAT,
            "made_at": time_view(self.clock.now()),
            "versions": dict(self.versions),
            "settings": dict(self.settings),
            "alert": {
                "channel": alert.channel,
                "kind": alert.kind,
                "state": alert.state.value,
                "cause": alert.cause,
                "attempts_used": alert.attempts,
                "epoch": alert.epoch,
                "plain": alert.plain,
                "maybe_shown": alert.maybe_shown,
                "blocked": alert.blocked,
                "payload": redacted(alert.payload),
            },
            "attempts": [_attempt(alert, item.at, item.outcome, item.cause) for item in alert.history],
            "dead_letter": {"status": dead_letter.status, "cause": dead_letter.cause},
            "runbook": runbook_for(dead_letter.cause),
        }


def _attempt(alert: Alert, at: datetime, outcome: str, cause: str | None) -> dict[str, Any]:
    """An attempt, timed from the alert's making."""
    after = round((at - alert.created_at).total_seconds(), 3)
    return {"after_seconds": after, "outcome": outcome, "cause": cause}
