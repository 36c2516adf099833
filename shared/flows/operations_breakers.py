"""What an operator sees and says of breakers: left alone, forced open, forced closed, back to automatic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain import breaker as rules
from shared.domain.breaker import Breaker
from shared.errors import Conflict, Contention, OutcomeUnknown, QueueError
from shared.flows.operations import answered
from shared.flows.operations_answers import missing, time_view
from shared.ports import Chance, Continuation, Events
from shared.ports.breakers import StoredBreaker
from shared.ports.operations import Action
from shared.ports.operations_system import BreakerControl

MOVE_TRIES = 5


@dataclass(frozen=True)
class MoveBreaker:
    """The command: which channel's, to which mode, why, and who says so."""

    channel: str
    mode: str
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class OperatingBreakers:
    """The flows with what they need.

    Attributes:
        control: where breakers are.
        channels: that have one.
        sweep: asked to let out what was held up.
        chance: for nonces.
        events: where to report.
    """

    control: BreakerControl
    channels: tuple[str, ...]
    sweep: Continuation
    chance: Chance
    events: Events

    def listed(self) -> dict[str, Any]:
        """Every channel's breaker; raises Unavailable."""
        with answered(self.events):
            found = self.control.read(self.channels)
        return {"breakers": [breaker_view(each.breaker, each.read_at) for each in found.values()]}

    def move(self, command: MoveBreaker) -> dict[str, Any]:
        """Move a channel's breaker as a person says; what it held up goes out once it is closed.

        Returns:
            The breaker as it stands then.

        Raises:
            RequestError: 404, there is no such channel.
            ValueError: there is no such mode.
            Unavailable: storage did not answer; how the breaker stands can be looked up.
        """
        if command.channel not in self.channels:
            raise missing("A breaker of this channel")
        with answered(self.events):
            moved = self._moved(command)
        self.events("breaker_forced", channel=command.channel, state=command.mode)
        if moved.breaker.draining:
            self._hurry(moved.breaker)
        return breaker_view(moved.breaker, moved.read_at)

    def _moved(self, command: MoveBreaker) -> StoredBreaker:
        """Write it; decided anew over what stands where somebody else was faster, or nobody knows.

        A commit of ours that comes late after all fails on its precondition.
        """
        for tries_left in reversed(range(MOVE_TRIES)):
            stands = self.control.read([command.channel])[command.channel]
            nonce = self.chance.token()
            after = rules.set_mode(stands.breaker, command.mode, now=stands.read_at, nonce=nonce)
            moved = replace(stands, breaker=after)
            subject = {"channel": command.channel, "mode": command.mode, "from": stands.breaker.mode}
            try:
                self.control.move(moved, Action(nonce, "breaker", subject, command.reason, command.by))
            except (Conflict, Contention, OutcomeUnknown):
                if not tries_left:
                    raise
            else:
                return moved
        raise AssertionError("unreachable: the last try returns or raises")

    def _hurry(self, breaker: Breaker) -> None:
        """Have the sweep drain it now; its next run does in any case."""
        try:
            self.sweep.ask(f"breaker {breaker.name} {breaker.nonce}")
        except QueueError as error:
            self.events("enqueue_failed", channel=breaker.name, error=str(error))


def breaker_view(breaker: Breaker, now: datetime) -> dict[str, Any]:
    """A breaker as an operator is told of it."""
    return {
        "channel": breaker.name,
        "state": breaker.standing,
        "mode": breaker.mode,
        "failures": len(rules.lately(breaker, now)),
        "cause": breaker.cause,
        "opened_at": time_view(breaker.opened_at),
        "probe_at": time_view(breaker.probe_at) if breaker.mode == rules.AUTO else None,
        "draining": breaker.draining,
        "closed_at": time_view(breaker.closed_at),
    }
