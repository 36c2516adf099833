"""A breaker's rules: when it opens, who may find out, and what each transition leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.breaker import (
    AUTO,
    CLOSED,
    FORCED,
    HALF_OPEN,
    OPEN,
    WINDOW,
    Breaker,
    BreakerPolicy,
    Verdict,
    asked_to_wait,
    closed,
    drained,
    failed,
    forgiven,
    judge,
    lately,
    lease_probe,
    opened,
    release_probe,
    set_mode,
)
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, seconds

POLICY = BreakerPolicy(fail_max=5, reset=seconds(30))
LATER = NOW + seconds(10)
MOMENT = timedelta(microseconds=1)
WELL = Breaker("slack", nonce="first")
FAILING = replace(WELL, failures=(NOW - seconds(20), NOW - seconds(1)))
ILL = opened(FAILING, "http_500", now=NOW, wait=POLICY.reset, nonce="opened")
PROBED = lease_probe(ILL, now=LATER, nonce="leased", lease=seconds(40))


@pytest.mark.parametrize(
    ("outcome", "took", "verdict"),
    [
        (Delivered(), seconds(0), Verdict.WELL),
        (Delivered(), seconds(8) - MOMENT, Verdict.WELL),
        (Delivered(), seconds(8), Verdict.ILL),
        (Retry("http_500"), seconds(0), Verdict.ILL),
        (Retry("rate_limited"), seconds(0), Verdict.ILL),
        (Unknown("timeout"), seconds(0), Verdict.ILL),
        (Unknown("internal_KeyError"), seconds(0), Verdict.ILL),
        (Retry("internal_KeyError"), seconds(60), Verdict.NOTHING),
        (Retry("no_time_left"), seconds(60), Verdict.NOTHING),
        (Rejected("no_text"), seconds(60), Verdict.NOTHING),
        (Blocked("no_team"), seconds(60), Verdict.NOTHING),
    ],
)
def test_what_an_attempt_says_of_its_destination(outcome: Outcome, took: timedelta, verdict: Verdict) -> None:
    """Slow is ill from eight seconds on; what is our own fault, or the alert's, says nothing."""
    assert judge(outcome, took, POLICY) is verdict


@pytest.mark.parametrize(
    ("outcome", "wait"),
    [
        (Retry("rate_limited", seconds(31)), seconds(31)),
        (Retry("rate_limited", seconds(30)), None),
        (Retry("rate_limited", seconds(31), maybe_shown=True), None),
        (Retry("rate_limited"), None),
        (Unknown("timeout"), None),
        (Delivered(), None),
    ],
)
def test_a_wait_counts_for_everybody_where_it_is_longer_than_an_open_breakers(
    outcome: Outcome, wait: timedelta | None
) -> None:
    """And where it is a clear answer: not where the alert may have been shown."""
    assert asked_to_wait(outcome, POLICY) == wait


def test_failures_count_together_for_a_minute() -> None:
    """The oldest first; one that is a minute old has lapsed."""
    at = FAILING.failures[0] + WINDOW
    assert lately(FAILING, at - MOMENT) == FAILING.failures
    assert lately(FAILING, at) == FAILING.failures[1:]
    assert failed(FAILING, now=at, nonce="n") == replace(WELL, failures=(FAILING.failures[1], at), nonce="n")
    assert failed(WELL, now=NOW, nonce="n") == replace(WELL, failures=(NOW,), nonce="n")


def test_a_success_forgives() -> None:
    """Nothing else changes by it, and no epoch begins."""
    assert forgiven(FAILING, nonce="n") == replace(WELL, nonce="n")


def test_it_opens_for_a_while() -> None:
    """A new epoch begins, and what it held up of an earlier time waits again."""
    assert opened(replace(FAILING, draining=True), "http_500", now=NOW, wait=seconds(30), nonce="n") == Breaker(
        "slack", state=OPEN, opened_at=NOW, cause="http_500", probe_at=NOW + seconds(30), epoch=2, nonce="n"
    )


def test_a_probe_that_failed_opens_it_again() -> None:
    """It has been open since it first was; its cause is the newest, and nobody holds the probe's lease."""
    again = opened(PROBED, "timeout", now=LATER, wait=seconds(30), nonce="n")
    probe_at = LATER + seconds(30)
    assert again == replace(ILL, cause="timeout", probe_at=probe_at, epoch=4, nonce="n")
    assert again.opened_at == NOW


def test_one_attempt_finds_out() -> None:
    """Its lease begins an epoch: what earlier calls come to is dropped."""
    until = LATER + seconds(40)
    leased = lease_probe(ILL, now=LATER, nonce="leased", lease=seconds(40))
    assert leased == replace(ILL, state=HALF_OPEN, probe_at=until, leased_until=until, epoch=3, nonce="leased")


def test_a_probe_that_says_nothing_makes_room_for_the_next() -> None:
    """At once, within the same epoch."""
    released = release_probe(PROBED, now=LATER, nonce="n")
    assert released == replace(PROBED, probe_at=LATER, leased_until=None, nonce="n")
    assert released.takes_probe(LATER)


def test_an_accepted_probe_closes_it() -> None:
    """Nothing of the outage is left but when it ended, and that what it held up goes out."""
    assert closed(PROBED, now=LATER, nonce="n") == Breaker(
        "slack", epoch=PROBED.epoch + 1, draining=True, closed_at=LATER, nonce="n"
    )
    assert closed(replace(PROBED, failures=(NOW,)), now=LATER, nonce="n").failures == ()


def test_a_drain_ends_within_its_epoch() -> None:
    """Whoever is sending meanwhile is not disturbed."""
    draining = closed(PROBED, now=LATER, nonce="closed")
    assert drained(draining, nonce="n") == replace(draining, draining=False, nonce="n")


BOTH = replace(ILL, probe_at=LATER, leased_until=LATER)


@pytest.mark.parametrize(
    ("breaker", "now", "probe"),
    [
        (WELL, NOW, False),
        (ILL, NOW + seconds(30) - MOMENT, False),
        (ILL, NOW + seconds(30), True),
        (PROBED, LATER + seconds(40) - MOMENT, False),
        (PROBED, LATER + seconds(40), True),
        (replace(BOTH, probe_at=None), LATER - MOMENT, False),
        (replace(BOTH, probe_at=None), LATER, True),
        (replace(BOTH, leased_until=None, probe_at=None), NOW, True),
        (replace(BOTH, probe_at=LATER + MOMENT), LATER, False),
        (replace(ILL, mode=OPEN), NOW + seconds(30), False),
        (replace(ILL, mode=CLOSED), NOW + seconds(30), False),
    ],
)
def test_one_attempt_may_be_made_once_its_time_has_come(breaker: Breaker, now: datetime, *, probe: bool) -> None:
    """When the wait is over and nobody else is finding out, unless an operator has decided."""
    assert breaker.takes_probe(now) is probe


@pytest.mark.parametrize(
    ("breaker", "standing", "shut", "refuses"),
    [
        (WELL, CLOSED, True, False),
        (ILL, OPEN, False, True),
        (PROBED, HALF_OPEN, False, True),
        (replace(ILL, probe_at=NOW), OPEN, False, False),
        (replace(WELL, mode=OPEN), OPEN, False, True),
        (replace(ILL, mode=OPEN, probe_at=NOW), OPEN, False, True),
        (replace(ILL, mode=CLOSED), CLOSED, True, False),
    ],
)
def test_calls_meet_what_an_operator_said_or_else_its_state(
    breaker: Breaker, standing: str, *, shut: bool, refuses: bool
) -> None:
    """Forced open nobody calls, not even to find out; forced closed everybody does."""
    assert (breaker.standing, breaker.shut, breaker.refuses(NOW)) == (standing, shut, refuses)


def test_an_operator_opens_it() -> None:
    """Since now, or since it was anyway, and for the cause it had."""
    draining = replace(WELL, draining=True)
    forced = replace(WELL, mode=OPEN, opened_at=NOW, cause=FORCED, epoch=2, nonce="n")
    assert set_mode(draining, OPEN, now=NOW, nonce="n") == forced
    assert set_mode(ILL, OPEN, now=LATER, nonce="n") == replace(ILL, mode=OPEN, epoch=3, nonce="n")


@pytest.mark.parametrize("mode", [AUTO, CLOSED])
def test_an_operator_closes_it_or_leaves_it_to_itself(mode: str) -> None:
    """Either way it begins anew, closed, and what it held up goes out."""
    anew = replace(closed(ILL, now=LATER, nonce="n"), mode=mode)
    assert set_mode(replace(ILL, mode=OPEN), mode, now=LATER, nonce="n") == anew
    assert anew.epoch == ILL.epoch + 1


def test_an_operator_is_told_what_there_is_to_say() -> None:
    """Anything else is refused before it is stored."""
    with pytest.raises(ValueError, match=r"^a breaker's mode is one of auto, open, closed$"):
        set_mode(WELL, "half-open", now=NOW, nonce="n")
