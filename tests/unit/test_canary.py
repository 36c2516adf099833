"""A canary: what it is made of, what holds it up, and what it came to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.canary_orders import SignedOrders
from shared.adapters.canary_visitor import HEADER
from shared.domain import canary, escalation
from shared.domain.alert import CANARY, HOT, LEAD, UPDATE, Alert, State
from shared.domain.breaker import BREAKER_OPEN, HALF_OPEN, OPEN, Breaker
from shared.domain.canary import Leg, Mark, Order, Run
from shared.domain.claims import Claimed, Moved
from shared.domain.decisions import waive
from shared.domain.delivery import canary_held_up, claim, settle, withhold
from shared.domain.destination import Destination
from shared.domain.digest import fits
from shared.domain.outcome import Blocked, Rejected, Retry
from shared.edge import chat_request
from shared.errors import CanaryRefused
from tests.support.delivery_flow import queued
from tests.support.documents import NOW
from tests.support.fakes import POLICY, seconds

RUN = Run.begun("a" * 32, NOW, ("slack", "monday"), ("email",))
FIVE = timedelta(minutes=5)
TOLD = {"now": NOW, "nonce": "n", "policy": POLICY}


def of_canary(channel: str = "slack", **changes: object) -> Alert:
    """A canary's alert as chat makes it."""
    lead = replace(queued(), channel=channel, conversation_id=RUN.conversation_id)
    [made] = canary.marked([lead])
    return replace(made, **changes)  # type: ignore[arg-type]


def claimed(alert: Alert, destination: Destination | None = None, breaker: Breaker | None = None) -> object:
    """What a task may do with it."""
    how = {"lease_age": seconds(0), "delivered_before": False, "jitter": 0.0, **TOLD}
    return claim(alert, alert.generation, destination=destination, fingerprint="x", breaker=breaker, **how)  # type: ignore[arg-type]


def test_its_alerts_are_the_leads_of_another_kind() -> None:
    """Ids that follow from the run's; never overdue, never hot; updates and the like are left out."""
    lead = replace(queued(), conversation_id=RUN.conversation_id, payload={"email": "a@b.example", HOT: True})
    [made] = canary.marked([lead, replace(lead, id="other", kind=UPDATE)])
    assert (made.kind, made.id, made.overdue) == (CANARY, RUN.alert_id("slack"), True)
    assert made.payload == {"email": "a@b.example"}
    assert made.id != lead.id


@pytest.mark.parametrize(
    ("channel", "destination", "breaker", "cause"),
    [
        ("slack", None, None, None),
        ("slack", Destination("slack"), Breaker("slack"), None),
        ("slack", Destination("slack", cause="no_active_hooks"), None, "no_active_hooks"),
        ("slack", None, Breaker("slack", OPEN, probe_at=NOW + seconds(9)), BREAKER_OPEN),
        ("slack", None, Breaker("slack", OPEN, probe_at=NOW), None),
        ("webhook", None, Breaker("webhook", OPEN, probe_at=NOW), BREAKER_OPEN),
        ("webhook", None, Breaker("webhook"), None),
    ],
)
def test_what_holds_leads_up_holds_it_up(
    channel: str, destination: Destination | None, breaker: Breaker | None, cause: str | None
) -> None:
    """A block always, also when it is time to find out; an open breaker until it is, where the service is the same."""
    decision = claimed(of_canary(channel), destination, breaker)
    assert canary_held_up(channel, destination, breaker, NOW) == cause
    if cause is None:
        assert isinstance(decision, Claimed)
        assert decision.probe is None
        assert (decision.breaker is not None) == (breaker is not None and breaker.state == OPEN)
    else:
        assert isinstance(decision, Moved)
        assert (decision.alert.state, decision.alert.cause, decision.alert.attempts) == (State.PARKED, cause, 0)


def test_it_waits_without_being_part_of_what_is_drained() -> None:
    """No sweep takes it for the lead that finds out; it looks again with the next pass."""
    held = of_canary(state=State.SENDING, attempts=1)
    for after in (
        settle(held, Blocked("no_service"), jitter=0.0, **TOLD),  # type: ignore[arg-type]
        withhold(of_canary(state=State.PARKED), "no_service", **TOLD),  # type: ignore[arg-type]
    ):
        assert (after.state, after.blocked, after.cause) == (State.PARKED, False, "no_service")
        assert after.wake_at == NOW + POLICY.scheduled_wait


def test_nobody_is_told_of_one_that_fails_and_no_digest_takes_it() -> None:
    """It has an alarm of its own; and it is not waived, as nobody waits for it."""
    held = of_canary(state=State.SENDING, attempts=1)
    failed = settle(held, Rejected("no_canary_target"), jitter=0.0, **TOLD)  # type: ignore[arg-type]
    assert failed.state is State.FAILED
    assert not escalation.calls_for(held, failed)
    assert escalation.calls_for(replace(held, kind=LEAD), replace(failed, kind=LEAD))
    assert not fits(of_canary(state=State.PARKED), POLICY)
    assert fits(replace(of_canary(state=State.PARKED), kind=LEAD), POLICY)
    with pytest.raises(ValueError, match="not waived"):
        waive(failed, now=NOW, nonce="n")


def test_it_is_judged_by_its_alerts() -> None:
    """Delivered in time, too late, still on its way, failed for good; what is known stays."""
    sent = canary.answered(RUN, "ok")
    delivered = of_canary(state=State.DELIVERED, ended_at=NOW + seconds(2))
    waiting = of_canary("monday", state=State.PARKED, cause="http_500")
    alerts: dict[str, Alert | None] = {"slack": delivered, "monday": waiting}
    early = canary.judged(sent, alerts, now=NOW + seconds(3), deadline=FIVE)
    assert early.legs == {
        "slack": Leg(Mark.ARRIVED, seconds(2), "delivered"),
        "monday": Leg(Mark.WAITING, None, "parked", "http_500"),
    }
    assert (early.judged, early.late) == (False, False)
    over = canary.judged(early, {"slack": None, "monday": waiting}, now=NOW + FIVE, deadline=FIVE)
    assert over.legs["slack"] == early.legs["slack"]
    assert over.legs["monday"] == Leg(Mark.LATE, None, "parked", "http_500")
    assert (over.judged, over.late) == (True, True)
    assert canary.newly(early, over) == {"monday": over.legs["monday"]}
    slow = of_canary("monday", state=State.DELIVERED, ended_at=NOW + FIVE + seconds(1))
    late = canary.judged(early, {"slack": None, "monday": slow}, now=NOW + 2 * FIVE, deadline=FIVE)
    assert late.legs["monday"] == Leg(Mark.LATE, FIVE + seconds(1), "delivered")
    failed = of_canary("monday", state=State.FAILED, cause="http_400")
    assert canary.judged(early, {"monday": failed}, now=NOW, deadline=FIVE).legs["monday"].mark is Mark.LATE


def test_one_that_chat_does_not_take_is_late_at_once() -> None:
    """Everywhere, and it says why; one whose alert is not there is late with its deadline."""
    refused = canary.answered(RUN, "http_503")
    assert set(refused.legs.values()) == {Leg(Mark.LATE, None, "chat", "http_503")}
    sent = canary.answered(RUN, "ok")
    nothing: dict[str, Alert | None] = {"slack": None, "monday": None}
    assert canary.judged(sent, nothing, now=NOW + seconds(1), deadline=FIVE).legs["slack"].mark is Mark.WAITING
    assert canary.judged(sent, nothing, now=NOW + FIVE, deadline=FIVE).legs["slack"] == Leg(Mark.LATE, None, "missing")


def test_of_a_run_that_died_before_chat_nothing_is_known() -> None:
    """No alarm rings for it; one that chat had all the same is judged by its alerts."""
    nothing: dict[str, Alert | None] = {"slack": None, "monday": None}
    assert not canary.judged(RUN, nothing, now=NOW + seconds(1), deadline=FIVE).judged
    over = canary.judged(RUN, nothing, now=NOW + FIVE, deadline=FIVE)
    assert {leg.mark for leg in over.legs.values()} == {Mark.UNKNOWN}
    assert (over.judged, over.late) == (True, False)
    there = canary.judged(RUN, {"slack": of_canary(), "monday": None}, now=NOW + FIVE, deadline=FIVE)
    assert there.legs["slack"].mark is Mark.LATE


def test_nothing_is_removed_that_somebody_works_at() -> None:
    """Not before it is judged, not while an attempt is under way, not while chat may still write."""
    judged = replace(canary.answered(RUN, "ok"), legs=dict.fromkeys(RUN.legs, Leg(Mark.ARRIVED)))
    rest: dict[str, Alert | None] = {"slack": of_canary(state=State.PARKED), "monday": None}
    how = {"now": NOW + seconds(1), "doubt": seconds(120)}
    assert canary.can_be_removed(judged, rest, **how)  # type: ignore[arg-type]
    assert not canary.can_be_removed(canary.answered(RUN, "ok"), rest, **how)  # type: ignore[arg-type]
    assert not canary.can_be_removed(judged, {"slack": of_canary(state=State.SENDING)}, **how)  # type: ignore[arg-type]
    doubtful = canary.answered(RUN, "timeout")
    assert not canary.can_be_removed(doubtful, rest, **how)  # type: ignore[arg-type]
    assert canary.can_be_removed(doubtful, rest, now=NOW + seconds(120), doubt=seconds(120))


def test_one_is_missed_where_the_last_was_long_ago() -> None:
    """Not where there was none, nor where none is configured; it is told again after as long."""
    how = {"now": NOW + 6 * FIVE, "after": 6 * FIVE}
    assert canary.to_be_told(RUN, **how)  # type: ignore[arg-type]
    assert not canary.to_be_told(RUN, now=NOW + 5 * FIVE, after=6 * FIVE)
    assert not canary.to_be_told(None, **how)  # type: ignore[arg-type]
    assert not canary.to_be_told(Run.begun("b", NOW, (), ("slack",)), **how)  # type: ignore[arg-type]
    told = replace(RUN, told_at=NOW + 6 * FIVE)
    assert not canary.to_be_told(told, now=NOW + 11 * FIVE, after=6 * FIVE)
    assert canary.to_be_told(told, now=NOW + 12 * FIVE, after=6 * FIVE)
    assert canary.missed(told, now=NOW + 11 * FIVE, after=6 * FIVE)


KEY = "a-canary-key-of-tests"
ORDER = Order("a" * 32, ("slack", "monday"))


def test_an_order_says_which_run_and_which_channels() -> None:
    """By any of the keys; in a header, without a character that needs care."""
    token = SignedOrders((KEY,)).make(ORDER, NOW)
    assert SignedOrders(("another-key-of-tests", KEY)).read(token, NOW + seconds(59)) == ORDER
    assert token.isascii()
    assert not set(token) & set(" ,;\"'\\")
    assert HEADER == chat_request.CANARY


@pytest.mark.parametrize("age", [-61, 61, 3600, 10**9])
def test_an_order_is_good_for_a_minute(age: int) -> None:
    """Nor is one from the future."""
    token = SignedOrders((KEY,)).make(ORDER, NOW)
    with pytest.raises(CanaryRefused):
        SignedOrders((KEY,)).read(token, NOW + seconds(age))


def test_what_nobody_of_ours_signed_is_refused() -> None:
    """Another key, a changed character, a link's token, anything."""
    token = SignedOrders((KEY,)).make(ORDER, NOW)
    changed = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token))
    ]
    others = ["", "a", "." * 600, "é", f"{token} ", f"{token}.", token.rsplit(".", 1)[0]]
    others.append(SignedOrders(("another-key-of-tests",)).make(ORDER, NOW))
    others.append(SignedOrders((KEY,)).make(Order("no id", ("slack",)), NOW))
    others.append(SignedOrders((KEY,)).make(Order("a" * 32, ("Slack!",)), NOW))
    for text in (*changed, *others):
        with pytest.raises(CanaryRefused):
            SignedOrders((KEY,)).read(text, NOW)


def test_a_half_open_breaker_lets_only_its_probe_through() -> None:
    """As for leads."""
    taken = Breaker("slack", HALF_OPEN, leased_until=NOW + seconds(5), probe_at=NOW + seconds(5))
    assert canary_held_up("slack", None, taken, NOW) == BREAKER_OPEN


def test_a_canary_spends_its_attempts_like_a_lead() -> None:
    """So that a poisonous one ends."""
    held = of_canary(state=State.SENDING, attempts=POLICY.attempts)
    ended = settle(held, Retry("http_500"), jitter=0.0, **TOLD)  # type: ignore[arg-type]
    assert (ended.state, ended.cause) == (State.FAILED, "http_500")
