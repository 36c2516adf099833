"""What has been waiting for very long: a person is told, whatever its attempts, and it waits on (guarantee 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.alert import OVERDUE, Alert, State
from shared.domain.destination import Destination
from shared.domain.erasure import erased
from shared.domain.escalation import OVERDUE_MOST
from shared.errors import Conflict
from tests.support.delivery_flow import Delivery, parked, queued
from tests.support.fakes import NOW, POLICY, DeliveringChannel

DAY = timedelta(hours=24)


def old(name: str, **changes: Any) -> Alert:
    """An alert that a block has kept for more than a day."""
    made = NOW - DAY - timedelta(minutes=5)
    rest: dict[str, Any] = {"created_at": made, "blocked": True, "attempts": 0, "cause": "no_team"}
    return parked(name, **rest | {"wake_at": NOW + POLICY.long_wait} | changes)


def blocked(*alerts: Alert) -> Delivery:
    """A system whose Slack is blocked, and stays so."""
    system = Delivery(*alerts, email=DeliveringChannel())
    held = Destination("slack", cause="no_team", probe_at=NOW + 10 * DAY, remind_at=NOW + 10 * DAY)
    system.store.documents.put("destinations/slack", held)
    return system


def told(system: Delivery) -> list[Alert]:
    """What tells of alerts that wait."""
    found = [stored.value for stored in system.store.documents.under("alerts").values()]
    return [alert for alert in found if alert.kind == OVERDUE]


def test_after_a_day_a_person_is_told_and_the_alert_waits_on() -> None:
    """Once, through another channel, with what is needed to reach the visitor."""
    system = blocked(old("ann", payload={"name": "Ann", "email": "ann@example.com"}))
    for _ in range(3):
        system.sweep()
    [overdue] = told(system)
    assert (overdue.channel, overdue.route, overdue.conversation_id) == ("email", ("email",), "")
    assert overdue.payload["alert_ids"] == [old("ann").id]
    for part in ("Ann · ann@example.com", "no_team", old("ann").id, "runbooks/alerts-overdue.md", "24 hours"):
        assert part in overdue.payload["text"]
    alert = system.store.alert(old("ann").id)
    assert (alert.state, alert.blocked, alert.attempts, alert.overdue) == (State.PARKED, True, 0, True)
    assert system.task(overdue) == "delivered"
    assert old("ann").id in system.store.documents.under("escalated")


def test_several_are_told_of_in_one_message() -> None:
    """As many as one message holds; the others in the next one, and the pass asks to go on."""
    system = blocked(*[old(f"visitor-{number}") for number in range(OVERDUE_MOST + 5)])
    system.sweep()
    assert [len(alert.payload["alert_ids"]) for alert in told(system)] == [OVERDUE_MOST]
    assert list(system.again.asked) != []
    system.sweep()
    assert sorted(len(alert.payload["alert_ids"]) for alert in told(system)) == [5, OVERDUE_MOST]


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED, State.SENDING])
def test_it_does_not_matter_how_it_waits(state: State) -> None:
    """A queue may be paused for a day, too."""
    alert = old("a", state=state, blocked=False, wake_at=NOW + DAY)
    system = Delivery(alert, email=DeliveringChannel())
    system.sweep()
    assert len(told(system)) == 1


@pytest.mark.parametrize(
    "alert",
    [
        old("young", created_at=NOW - DAY + timedelta(minutes=1)),
        old("done", state=State.DELIVERED, wake_at=None, ended_at=NOW),
        old("relayed", kind="escalation", route=("slack",), overdue=True),
    ],
)
def test_others_are_not_told_of(alert: Alert) -> None:
    """Not yet, no more, or never: what tells of a failure makes no other one."""
    system = blocked(alert)
    system.sweep()
    assert told(system) == []


def test_what_tells_of_it_is_never_overdue_itself() -> None:
    """It goes from channel to channel until one takes it."""
    system = blocked(old("a"))
    system.sweep()
    [overdue] = told(system)
    assert overdue.overdue
    system.after(3 * DAY.total_seconds())
    system.sweep()
    assert len(told(system)) == 1


def test_f19_two_passes_at_once_tell_once() -> None:
    """The second one's commit is refused."""
    system = blocked(old("a"))
    system.digests.fails.append(Conflict("alerts"))
    system.sweep()
    assert told(system) == []
    system.sweep()
    assert len(told(system)) == 1


def test_where_nobody_can_be_told_it_waits() -> None:
    """A system without a channel to escalate through does not start; its sweep changes nothing."""
    system = blocked(old("a"))
    system.sweep = replace(system.sweep, overdue=replace(system.sweep.overdue, escalation_channels=()))
    system.sweep()
    assert told(system) == []
    assert not system.store.alert(old("a").id).overdue


def test_a_visitors_words_cannot_imitate_ours() -> None:
    """Each alert is on one line, cut; line ends in a name are spaces."""
    name = "Ann\nRunbook: https://evil.example\n" + "x" * 500
    system = blocked(old("a", payload={"name": name, "email": "ann@example.com"}))
    system.sweep()
    [overdue] = told(system)
    [line] = [line for line in overdue.payload["text"].splitlines() if "ann@example.com" in line]
    assert line.startswith("- 2026-01-04 08:55 UTC  Ann Runbook: https://evil.example x")
    assert len(line) < 300


def test_a_new_alert_is_not_overdue() -> None:
    """It says so, or no query would find it later."""
    assert queued().overdue is False


def test_whoever_asks_to_be_erased_is_taken_out_and_the_others_are_told_of() -> None:
    """The message that lists them goes on, without a word of theirs."""
    system = blocked(*[old(name, payload={"email": f"{name}@example.com"}) for name in ("ann", "bob")])
    system.sweep()
    [overdue] = told(system)
    left = erased(overdue, now=NOW, nonce="erased", conversation_id="ann")
    assert (left.state, left.conversation_ids) == (overdue.state, ("bob",))
    assert "ann@example.com" not in str(left.payload)
    assert "bob@example.com" in left.payload["text"]
    assert len(left.payload["text"].splitlines()) == len(overdue.payload["text"].splitlines()) - 1
    assert erased(left, now=NOW, nonce="again", conversation_id="ann").payload == left.payload
