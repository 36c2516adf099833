"""What keeps an e-mail to a visitor from being sent, and from being sent twice.

The opt-out is read after the claim, so whoever opted out before that read gets nothing (guarantee 25). That the
message begins to leave is written down before its first byte does, so whoever finds the alert after a crash knows
(guarantee 24).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain import followups
from shared.domain.alert import FOLLOWUP, Alert
from shared.domain.delivery import BOUNCED
from shared.domain.outcome import Outcome, Rejected
from shared.domain.rights import Recorded
from shared.flows.steps import Steps
from shared.ports import Chance, Version
from shared.ports.rights import OptOuts


@dataclass(frozen=True)
class VisitorMailRules:
    """The flow with what it needs: where opt-outs are, and chance for the ids of records."""

    opt_outs: OptOuts
    chance: Chance

    def forbid(self, held: Alert) -> str | None:
        """Why it must not be sent, None where it may; one read, under its lease; raises StorageError."""
        standing = self.opt_outs.look(str(held.payload["address"]), held.conversation_id)
        return followups.forbidden(held.payload, standing)

    def learn(self, held: Alert, outcome: Outcome) -> None:
        """An address that takes no mail is opted out, before the outcome is saved; raises StorageError."""
        if held.kind != FOLLOWUP or not isinstance(outcome, Rejected) or not outcome.cause.startswith(BOUNCED):
            return
        address = str(held.payload["address"])
        record = Recorded(self.chance.token(), "system", "bounced", "mail_server", address, held.conversation_id)
        self.opt_outs.suppress(address, "bounced", record)


class Leaving:
    """Writes down, once, that a message begins to leave; the alert and its version move on by that.

    Attributes:
        held: the alert as it stands.
        version: of that.
    """

    def __init__(self, steps: Steps, held: Alert, version: Version, now: datetime) -> None:
        self.held = held
        self.version = version
        self._steps = steps
        self._now = now

    def __call__(self) -> None:
        """Write it down; raises StorageError, and then nothing may leave."""
        begun = replace(self.held, data_started=True, nonce=self._steps.chance.token())
        step = self._steps.plan(self.held, begun, self.version, now=self._now)
        self.version = self._steps.store.write(step)
        self.held = begun
