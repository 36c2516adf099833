"""What holds for an alert whatever happens to it, in any order: explored with random lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.alert import (
    HISTORY_KEPT,
    Alert,
    Claimed,
    Moved,
    State,
    backoff,
    claim,
    create,
    expire,
    postpone,
    requeue,
    settle,
)
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

FINAL = {State.DELIVERED, State.FAILED}
OUTCOMES = st.one_of(
    st.just(Delivered()),
    st.just(Rejected("no_text")),
    st.just(Blocked("no_service")),
    st.just(Unknown("timeout")),
    st.builds(Retry, st.just("http_500"), st.timedeltas(timedelta(0), timedelta(days=1)), maybe_shown=st.booleans()),
)
DOUBTFUL = st.one_of(st.just(Unknown("timeout")), st.just(Retry("http_500")), st.just(Blocked("no_service")))
STEPS = st.tuples(
    st.sampled_from(["task", "late task", "task with receipt", "sweep", "crash"]),
    OUTCOMES,
    st.timedeltas(timedelta(hours=-1), timedelta(hours=1)),
    st.floats(0, 1),
)


@dataclass
class Life:
    """One alert, driven as the flows drive it, and every version of it that was written."""

    alert: Alert
    now: datetime = NOW
    written: list[tuple[Alert, Alert, str]] = field(default_factory=list)

    def write(self, after: Alert, nonce: str) -> None:
        """Keep a version."""
        self.written.append((self.alert, after, nonce))
        self.alert = after

    def nonce(self) -> str:
        """One never given before."""
        return f"nonce-{len(self.written)}"

    def task(self, outcome: Outcome | None, jitter: float, *, late: bool = False, receipt: bool = False) -> None:
        """A task comes; no outcome means that its holder dies while sending."""
        nonce = self.nonce()
        decision = claim(
            self.alert,
            self.alert.generation - late,
            now=self.now,
            lease_age=POLICY.lease,
            delivered_before=receipt,
            nonce=nonce,
            jitter=jitter,
            policy=POLICY,
        )
        if isinstance(decision, Claimed | Moved):
            assert not late
            self.write(decision.alert, nonce)
        if isinstance(decision, Claimed) and outcome is not None:
            nonce = self.nonce()
            self.write(settle(self.alert, outcome, now=self.now, nonce=nonce, jitter=jitter, policy=POLICY), nonce)

    def sweep(self, jitter: float) -> None:
        """The sweep comes when the alert may be woken."""
        if not self.alert.waiting:
            return
        nonce = self.nonce()
        if self.alert.state is State.SENDING:
            self.write(expire(self.alert, now=self.now, nonce=nonce, jitter=jitter, policy=POLICY), nonce)
        elif self.alert.state is State.QUEUED and jitter > 0.5:
            self.write(postpone(self.alert, now=self.now, nonce=nonce, policy=POLICY), nonce)
        else:
            self.write(requeue(self.alert, now=self.now, nonce=nonce, policy=POLICY), nonce)

    def step(self, what: str, outcome: Outcome, passed: timedelta, jitter: float) -> None:
        """One thing happens, after some time has passed or the clock has been set back."""
        self.now += passed
        if what == "sweep":
            self.sweep(jitter)
        else:
            dies = what == "crash"
            late, receipt = what == "late task", what == "task with receipt"
            self.task(None if dies else outcome, jitter, late=late, receipt=receipt)


def born() -> Life:
    """A new alert."""
    made = create(
        "a", conversation_id="c", channel="slack", kind="lead", payload={}, now=NOW, nonce="n", grace=POLICY.grace
    )
    return Life(made)


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_f20_the_invariants_hold_in_every_life(steps: list[tuple[str, Outcome, timedelta, float]]) -> None:
    """Waiting means a wake-up, final means none and for ever; generations only grow; every nonce is the one given."""
    life = born()
    for step in steps:
        life.step(*step)
    for before, after, nonce in life.written:
        assert before.state not in FINAL
        assert (after.wake_at is not None) == after.waiting == (after.state not in FINAL)
        assert (after.ended_at is None) == after.waiting
        assert after.generation in (before.generation, before.generation + 1)
        assert (after.epoch, after.nonce) == (before.epoch, nonce)
        assert after.maybe_shown >= before.maybe_shown
        assert len(after.history) <= HISTORY_KEPT
        assert after.attempts >= 0


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(["task", "crash", "sweep"]), DOUBTFUL, st.floats(0, 1)), max_size=40))
def test_attempts_are_counted_and_quick_ones_never_exceed_their_budget(
    steps: list[tuple[str, Outcome, float]],
) -> None:
    """Each claim is one attempt unless it met a block; beyond the budget nothing is repeated without a park."""
    life = born()
    for what, outcome, jitter in steps:
        life.step(what, outcome, seconds(31), jitter)
    claims = sum(after.state is State.SENDING for _, after, _ in life.written)
    blocks = sum(
        before.state is State.SENDING and after.cause == "no_service" and after.state is State.PARKED
        for before, after, _ in life.written
    )
    assert life.alert.attempts == claims - blocks
    for before, after, _ in life.written:
        if before.state is State.SENDING and after.state is State.QUEUED:
            assert before.attempts < POLICY.quick_attempts


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_a_backoff_is_never_longer_than_its_longest(attempts: int, jitter: float, longest: timedelta) -> None:
    """Nor negative, nor an overflow, whatever the number of attempts."""
    assert timedelta(0) <= backoff(attempts, jitter, longest) <= longest
