"""The real transition functions, asked for small worlds; each question is asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared.domain import decisions, delivery
from shared.domain import destination as places
from shared.domain.alert import LEAD, Alert, create
from shared.domain.claims import Busy, Claimed, Ignored
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.flows.steps import Steps
from shared.ports import StoredDestination
from tests.support.documents import NOW
from tests.support.exploration_rules import faults_of_step
from tests.support.exploration_world import GENERATION, LEAD_ID, NONCE_GIVEN, Catalogue, Change, Scenario

PRINT = "settings"
JITTER = 0.5


class Effect(NamedTuple):
    """What may come of an attempt: whether the destination took it, and the outcome that is seen."""

    accepted: bool
    outcome: Outcome


EFFECTS = {
    "delivered": Effect(accepted=True, outcome=Delivered()),
    "lost": Effect(accepted=True, outcome=Unknown("timeout")),
    "unknown": Effect(accepted=False, outcome=Unknown("timeout")),
    "retry": Effect(accepted=False, outcome=Retry("connection_failed")),
    "long": Effect(accepted=False, outcome=Retry("rate_limited", timedelta(hours=1))),
    "broken": Effect(accepted=False, outcome=Retry("http_500", maybe_shown=True)),
    "rejected": Effect(accepted=False, outcome=Rejected("no_text")),
    "blocked": Effect(accepted=False, outcome=Blocked("no_service")),
}


class Decisions:
    """What the domain decides in a scenario, with what follows from it as the flows plan it.

    Args:
        scenario: the small world.
        catalogue: numbers for what comes of it.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue) -> None:
        self._scenario, self._policy, self._catalogue = scenario, scenario.policy, catalogue
        none = None  # planning needs no store, no queue, no chance and no events
        channels = scenario.escalation_channels
        self._steps = Steps(none, none, self._policy, channels, none, none)  # type: ignore[arg-type]
        self._known: dict[tuple[object, ...], object] = {}

    def born(self) -> int:
        """The lead's alert as a turn makes it."""
        made = create(
            LEAD_ID,
            conversation_id="c",
            channel=self._scenario.channel,
            kind=LEAD,
            payload={"email": "ana@example.com"},
            now=NOW,
            nonce=NONCE_GIVEN,
            grace=self._policy.grace,
        )
        return self._catalogue.alert(made)

    def asked(self, alert: int, place: int, *, stale: bool, lease_over: bool, receipt: bool) -> int | str:
        """What a task may do: a change, ``ignored`` or ``busy``."""
        return self._once(self._asked, alert, place, stale, lease_over, receipt)

    def settled(self, held: int, outcome: str, place: int, *, probing: bool, sent_before: bool) -> int:
        """What an attempt's end changes."""
        return self._once(self._settled, held, outcome, place, probing, sent_before)

    def swept(self, alert: int, how: str) -> int:
        """What the sweep changes: ``expire``, ``requeue``, ``postpone`` or ``withhold``."""
        return self._once(self._swept, alert, how)

    def decided(self, alert: int, how: str) -> int:
        """What a person changes: ``redrive`` or ``waive``."""
        return self._once(self._decided, alert, how)

    def reminded(self, place: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """A destination that a person is told of again, and the notices."""
        return self._once(self._reminded, place)

    def drained(self, place: int) -> int:
        """A destination of whose block nothing is left."""
        return self._catalogue.place(places.drained(self._catalogue.places[place], nonce=NONCE_GIVEN))

    def woken(self, alert: int, when: datetime) -> int:
        """An alert whose time has come, or has been set back."""
        return self._once(self._woken, alert, when)

    def due(self, place: int, field: str, when: object) -> int:
        """A destination for which a time has come, or has been set back."""
        return self._catalogue.place(replace(self._catalogue.places[place], **{field: when}))

    def _once(self, question: Callable[..., Any], *about: object) -> Any:
        key = (question.__name__, *about)
        if key not in self._known:
            self._known[key] = question(*about)
        return self._known[key]

    def _woken(self, alert: int, when: datetime) -> int:
        return self._catalogue.alert(replace(self._catalogue.alerts[alert], wake_at=when))

    def _place(self, place: int, channel: str) -> Destination:
        return Destination(channel) if place < 0 else self._catalogue.places[place]

    def _asked(self, number: int, place: int, stale: bool, lease_over: bool, receipt: bool) -> int | str:  # noqa: FBT001
        alert = self._catalogue.alerts[number]
        decision = delivery.claim(
            alert,
            GENERATION - stale,
            now=NOW,
            lease_age=self._policy.lease if lease_over else timedelta(0),
            delivered_before=receipt,
            nonce=NONCE_GIVEN,
            jitter=JITTER,
            policy=self._policy,
            destination=self._place(place, alert.channel),
            fingerprint=PRINT,
        )
        match decision:
            case Ignored():
                return "ignored"
            case Busy():
                return "busy"
            case Claimed():
                return self._change(alert, decision.alert, decision.probe, claims=True)
            case _:
                return self._change(alert, decision.alert, None)

    def _settled(self, number: int, name: str, place: int, probing: bool, sent_before: bool) -> int:  # noqa: FBT001
        held, outcome = self._catalogue.alerts[number], EFFECTS[name].outcome
        if held.channel == "monday" and sent_before and isinstance(outcome, Retry):
            outcome = replace(outcome, maybe_shown=True)  # as its adapter does
        after = delivery.settle(held, outcome, now=NOW, nonce=NONCE_GIVEN, jitter=JITTER, policy=self._policy)
        stands = self._place(place, held.channel)
        given = {"now": NOW, "fingerprint": PRINT, "nonce": NONCE_GIVEN, "policy": self._policy}
        becomes = places.judge(stands, outcome, probing=probing, **given)
        tell = becomes is not None and becomes.blocks != stands.blocks
        return self._change(held, after, becomes, tell=tell)

    def _swept(self, number: int, how: str) -> int:
        alert = self._catalogue.alerts[number]
        given = {"now": NOW, "nonce": NONCE_GIVEN, "policy": self._policy}
        match how:
            case "expire":
                after = delivery.expire(alert, jitter=JITTER, **given)
            case "withhold":
                after = delivery.withhold(alert, "no_service", **given)
            case "postpone":
                after = delivery.postpone(alert, **given)
            case _:
                after = delivery.requeue(alert, **given)
        return self._change(alert, after, None)

    def _decided(self, number: int, how: str) -> int:
        alert = self._catalogue.alerts[number]
        if how == "waive":
            return self._change(alert, decisions.waive(alert, now=NOW, nonce=NONCE_GIVEN), None)
        after = decisions.redrive(alert, now=NOW, nonce=NONCE_GIVEN, policy=self._policy)
        return self._change(alert, after, None)

    def _reminded(self, number: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        after = places.remind(self._catalogue.places[number], now=NOW, nonce=NONCE_GIVEN)
        made = self._steps.notices(StoredDestination(after, NOW), now=NOW)
        return self._catalogue.place(after), self._named(made)

    def _change(
        self, before: Alert, after: Alert, place: Destination | None, *, claims: bool = False, tell: bool = False
    ) -> int:
        becomes = None if place is None else StoredDestination(place, NOW)
        step = self._steps.plan(before, after, NOW, now=NOW, destination=becomes, tell_of_block=tell)
        change = Change(
            self._catalogue.alert(step.after),
            claims,
            step.after.generation != before.generation,
            self._named(step.made),
            -1 if place is None else self._catalogue.place(place),
            tuple(faults_of_step(before, step.after, self._policy)),
        )
        return self._catalogue.change(change)

    def _named(self, made: tuple[Alert, ...]) -> tuple[tuple[int, int], ...]:
        return tuple((self._catalogue.name(alert.id), self._catalogue.alert(alert)) for alert in made)
