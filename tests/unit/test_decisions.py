"""What people decide of an alert: sent again, waived, closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.alert import ESCALATION, LEAD, Alert, State, create
from shared.domain.decisions import close, redrive, waive
from tests.support.fakes import NOW, POLICY, seconds

LATER = NOW + seconds(3600)
REDRIVABLE = [State.PARKED, State.FAILED, State.WAIVED]
CLOSED = [State.SUPPRESSED, State.SUPERSEDED, State.ERASED]


def stood(state: State, kind: str = LEAD, route: tuple[str, ...] = ()) -> Alert:
    """An alert with some life behind it."""
    made = create(
        "a", conversation_id="c", channel="slack", kind=kind, payload={}, now=NOW, nonce="n", grace=POLICY.grace
    )
    waits = state in {State.QUEUED, State.SENDING, State.PARKED}
    return replace(
        made,
        state=state,
        route=route,
        attempts=3,
        unknowns=2,
        key=4,
        generation=6,
        cause="timeout",
        maybe_shown=True,
        first_sent_at=NOW,
        blocked=state is State.PARKED,
        wake_at=NOW if waits else None,
        ended_at=None if waits else NOW,
    )


@pytest.mark.parametrize("state", REDRIVABLE)
def test_a_redriven_alert_has_its_whole_budget_in_a_new_epoch(state: State) -> None:
    """Queued under a new generation, expected at once, with keys of its own."""
    alert = redrive(stood(state), now=LATER, nonce="redrive", policy=POLICY)
    assert (alert.state, alert.epoch, alert.generation, alert.nonce) == (State.QUEUED, 2, 7, "redrive")
    assert (alert.wake_at, alert.ended_at) == (LATER + POLICY.grace, None)
    assert (alert.attempts, alert.unknowns, alert.key, alert.blocked) == (0, 0, 1, False)


def test_f12_a_redriven_alert_remembers_that_it_may_have_been_shown() -> None:
    """Its repeat says so, and is looked up first where the destination can tell; what it went through is kept."""
    before = stood(State.FAILED)
    alert = redrive(before, now=LATER, nonce="redrive", policy=POLICY)
    assert (alert.maybe_shown, alert.first_sent_at) == (True, NOW)
    assert (alert.cause, alert.history, alert.payload) == (before.cause, before.history, before.payload)


def test_a_relayed_alert_is_redriven_where_it_is() -> None:
    """It need not wait for the end of its round."""
    before = replace(stood(State.PARKED, ESCALATION, ("email", "slack")), hop=5)
    alert = redrive(before, now=LATER, nonce="redrive", policy=POLICY)
    assert (alert.state, alert.channel, alert.hop, alert.route) == (State.QUEUED, "slack", 5, ("email", "slack"))


@pytest.mark.parametrize("state", sorted(set(State) - set(REDRIVABLE)))
def test_nothing_else_is_redriven(state: State) -> None:
    """What is on its way needs none; what was delivered, suppressed or erased must not be sent."""
    with pytest.raises(ValueError, match=f"an alert that is {state} is not redriven"):
        redrive(stood(state), now=LATER, nonce="redrive", policy=POLICY)


def test_a_waived_alert_has_ended_for_good() -> None:
    """Why it failed stays visible."""
    before = stood(State.FAILED)
    wanted = replace(before, state=State.WAIVED, ended_at=LATER, nonce="waive")
    assert waive(before, now=LATER, nonce="waive") == wanted


@pytest.mark.parametrize("state", sorted(set(State) - {State.FAILED}))
def test_only_a_failed_alert_is_waived(state: State) -> None:
    """A person cannot end what may still arrive by itself."""
    with pytest.raises(ValueError, match=f"an alert that is {state} is not waived"):
        waive(stood(state), now=LATER, nonce="waive")


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED])
@pytest.mark.parametrize("closed", CLOSED)
def test_a_waiting_alert_is_closed(state: State, closed: State) -> None:
    """It is final: it sleeps for good, and no repair lets it out."""
    alert = close(stood(state), closed, now=LATER, nonce="close")
    assert (alert.state, alert.wake_at, alert.ended_at) == (closed, None, LATER)
    assert (alert.blocked, alert.nonce) == (False, "close")


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED, State.PARKED}))
def test_an_alert_that_is_being_sent_or_has_ended_is_not_closed(state: State) -> None:
    """Its holder has to come to an end first."""
    with pytest.raises(ValueError, match=f"an alert that is {state} does not become erased"):
        close(stood(state), State.ERASED, now=LATER, nonce="close")


@pytest.mark.parametrize("closed", sorted(set(State) - set(CLOSED)))
def test_an_alert_is_closed_only_as_what_must_not_be_sent(closed: State) -> None:
    """Nobody calls it delivered, failed or waived by decree."""
    with pytest.raises(ValueError, match=f"does not become {closed}"):
        close(stood(State.QUEUED), closed, now=LATER, nonce="close")
