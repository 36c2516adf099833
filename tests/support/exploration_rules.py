"""What must hold of every step of an alert, and of every world that is reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shared.domain import ids
from shared.domain.alert import Alert, Policy, State
from tests.support.exploration_world import GENERATION, LEAD_ID, NONCE_GIVEN, Catalogue, Doc, Scenario, World

ALIVE = {State.QUEUED, State.SENDING, State.PARKED}
DEAD = {State.PARKED, State.FAILED, State.WAIVED}
REPEATS = 2


def faults_of_step(before: Alert, after: Alert, policy: Policy) -> Iterator[str]:
    """The rules that one step breaks."""
    waived = (before.state, after.state) == (State.FAILED, State.WAIVED)
    redriven = after.state is State.QUEUED and after.epoch == before.epoch + 1
    if before.state not in ALIVE and not waived and not redriven:
        yield f"c: out of {before.state} to {after.state} in epoch {after.epoch}"
    if after.state not in State:
        yield "a: in no state"
    if (after.wake_at is not None) != (after.state in ALIVE) or (after.ended_at is None) != (after.state in ALIVE):
        yield f"b: {after.state} and wake_at {after.wake_at}, ended_at {after.ended_at}"
    if after.nonce != NONCE_GIVEN:
        yield "d: written under another nonce than the one given"
    queued_again = after.state is State.QUEUED and before.state is not State.QUEUED
    if after.generation not in ((GENERATION + 1,) if queued_again else (GENERATION, GENERATION + 1)):
        yield f"d: {after.state} under a generation that is not the next"
    if before.state is State.QUEUED and after.state is State.SENDING and after.attempts != before.attempts + 1:
        yield "e: an attempt that is not counted"
    if before.maybe_shown > after.maybe_shown:
        yield "j: forgot that it may have been shown"
    yield from _faults_of_alert(after, policy)


def _faults_of_alert(alert: Alert, policy: Policy) -> Iterator[str]:
    budget = policy.quick_attempts if alert.relayed else policy.attempts
    if not 0 <= alert.attempts <= budget:
        yield f"e: {alert.attempts} attempts"
    if alert.channel == "slack" and alert.unknowns > REPEATS and alert.state in ALIVE:
        yield "e: Unknown repeated more than twice"
    if alert.relayed and alert.state not in ALIVE | {State.DELIVERED}:
        yield f"h: a relayed alert that is {alert.state}"
    if alert.blocked and alert.state is not State.PARKED:
        yield f"g: waits for a repair and is {alert.state}"
    if (
        alert.first_sent_at is not None
        and not alert.maybe_shown
        and alert.state
        not in {
            State.SENDING,
            State.DELIVERED,
        }
    ):
        yield f"j: {alert.state}, nothing can have been shown, and yet first_sent_at is kept"


def faults_of_world(world: World, catalogue: Catalogue, scenario: Scenario) -> Iterator[str]:
    """The rules that a world breaks."""
    counted: Counter[tuple[str, str]] = Counter()
    told: Counter[str] = Counter()
    names = [doc.name for doc in world.docs]
    if catalogue.name(LEAD_ID) not in names or len(set(names)) != len(names):
        yield "a: an alert vanished, or is there twice"
    for doc in world.docs:
        alert = catalogue.alerts[doc.alert]
        counted[alert.channel, alert.kind] += 1
        told[alert.id] += 1
        if doc.dead != (alert.state in DEAD):
            yield f"g: {alert.state}, dead letter {doc.dead}"
        yield from _faults_of_doc(doc, alert, scenario)
    if dict(world.tallies) != counted:
        yield f"f: tallies {dict(world.tallies)}, states {dict(counted)}"
    yield from _untold(world, catalogue, told)


def _faults_of_doc(doc: Doc, alert: Alert, scenario: Scenario) -> Iterator[str]:
    if not alert.relayed and doc.sends > scenario.policy.attempts:
        yield "e: more sent than the budget allows"
    # Monday.com tells a repeat by its key, unless a holder that was given up sends under an old one.
    needed = 2 if alert.channel == "monday" and not alert.relayed else 1
    if doc.copies > 1 and doc.excuse < needed:
        yield f"j: two copies at {alert.channel}, and nothing explains it"


def _untold(world: World, catalogue: Catalogue, told: Counter[str]) -> Iterator[str]:
    for doc in world.docs:
        alert = catalogue.alerts[doc.alert]
        if alert.state is State.FAILED and told[ids.escalation_id(alert.id, alert.epoch)] != 1:
            yield "h: failed, and nobody is told"
    for _, number in world.places:
        place = catalogue.places[number]
        if place.blocked and told[ids.notice_id(place.name, place.blocks, place.notices)] != 1:
            yield f"h: {place.name} is blocked, and nobody is told"
