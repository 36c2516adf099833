"""What holds for an alert whatever happens to it, in any order: explored with random lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.alert import ESCALATION, FINAL, HISTORY_KEPT, LEAD, Alert, State, create
from shared.domain.claims import Claimed, Moved
from shared.domain.decisions import redrive
from shared.domain.delivery import backoff, claim, expire, postpone, requeue, settle, withhold
from shared.domain.destination import Destination
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from tests.support.fakes import NOW, POLICY, seconds

REFUSING = Destination("slack", cause="no_service", blocks=1, probe_at=NOW + timedelta(days=9_999), fingerprint="f")
OUTCOMES = st.one_of(
    st.just(Delivered()),
    st.just(Rejected("no_text")),
    st.just(Blocked("no_service")),
    st.just(Unknown("timeout")),
    st.builds(Retry, st.just("http_500"), st.timedeltas(timedelta(0), timedelta(days=1)), maybe_shown=st.booleans()),
)
DOUBTFUL = st.one_of(st.just(Unknown("timeout")), st.just(Retry("http_500")), st.just(Blocked("no_service")))
STEPS = st.tuples(
    st.sampled_from(["task", "late task", "task with receipt", "task in a block", "sweep", "crash", "redrive"]),
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

    def task(
        self,
        outcome: Outcome | None,
        jitter: float,
        *,
        late: bool = False,
        receipt: bool = False,
        blocked: bool = False,
    ) -> None:
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
            destination=REFUSING if blocked else None,
            fingerprint="f",
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
        elif self.alert.state is State.PARKED and not self.alert.relayed and jitter > 0.7:
            self.write(withhold(self.alert, "no_service", now=self.now, nonce=nonce, policy=POLICY), nonce)
        elif self.alert.state is State.QUEUED and jitter > 0.5:
            self.write(postpone(self.alert, now=self.now, nonce=nonce, policy=POLICY), nonce)
        else:
            self.write(requeue(self.alert, now=self.now, nonce=nonce, policy=POLICY), nonce)

    def step(self, what: str, outcome: Outcome, passed: timedelta, jitter: float) -> None:
        """One thing happens, after some time has passed or the clock has been set back."""
        self.now += passed
        if what == "sweep":
            self.sweep(jitter)
        elif what == "redrive":
            self.redrive()
        else:
            dies = what == "crash"
            late, receipt, blocked = what == "late task", what == "task with receipt", what == "task in a block"
            self.task(None if dies else outcome, jitter, late=late, receipt=receipt, blocked=blocked)

    def redrive(self) -> None:
        """A person sends it again, where that is possible."""
        if self.alert.state in {State.PARKED, State.FAILED}:
            nonce = self.nonce()
            self.write(redrive(self.alert, now=self.now, nonce=nonce, policy=POLICY), nonce)


def born(channel: str = "slack", route: tuple[str, ...] = ()) -> Life:
    """A new alert."""
    kind, grace = ESCALATION if route else LEAD, POLICY.grace
    given = {"conversation_id": "c", "payload": {}, "now": NOW, "nonce": "n", "grace": grace}
    return Life(create("a", channel=channel, kind=kind, route=route, **given))


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=60), st.sampled_from([(), ("slack",), ("slack", "email", "webhook")]))
def test_f20_the_invariants_hold_in_every_life(
    steps: list[tuple[str, Outcome, timedelta, float]], route: tuple[str, ...]
) -> None:
    """Waiting means a wake-up, final means none and no way out but a redrive; every nonce is the one given."""
    life = born(route=route)
    for step in steps:
        life.step(*step)
    for before, after, nonce in life.written:
        assert before.state not in FINAL or (before.state is State.FAILED and after.epoch == before.epoch + 1)
        assert (after.wake_at is not None) == after.waiting == (after.state not in FINAL)
        assert (after.ended_at is None) == after.waiting
        assert after.generation in (before.generation, before.generation + 1)
        assert after.nonce == nonce
        assert after.maybe_shown >= before.maybe_shown
        assert len(after.history) <= HISTORY_KEPT
        assert not after.blocked or after.state is State.PARKED


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=60), st.sampled_from([("slack",), ("slack", "email", "webhook")]))
def test_f17_a_relayed_alert_never_fails_and_keeps_to_its_route(
    steps: list[tuple[str, Outcome, timedelta, float]], route: tuple[str, ...]
) -> None:
    """Each channel in its turn, at most the quick attempts at each, parked only between two rounds."""
    life = born(route=route)
    for step in steps:
        life.step(*step)
    for before, after, _ in life.written:
        assert after.state in {State.QUEUED, State.SENDING, State.PARKED, State.DELIVERED}
        assert after.channel == route[after.hop % len(route)]
        assert after.hop in (before.hop, before.hop + 1)
        assert 0 <= after.attempts <= POLICY.quick_attempts
        assert after.state is not State.PARKED or after.hop % len(route) == 0


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["slack", "monday"]),
    st.lists(st.tuples(st.sampled_from(["task", "crash", "sweep"]), DOUBTFUL, st.floats(0, 1)), max_size=60),
)
def test_attempts_are_counted_and_never_exceed_their_budget(
    channel: str, steps: list[tuple[str, Outcome, float]]
) -> None:
    """Each claim is one attempt unless it met a block; beyond the quick ones nothing is repeated without a park."""
    life = born(channel)
    for what, outcome, jitter in steps:
        life.step(what, outcome, seconds(31), jitter)
    claims = sum(after.state is State.SENDING for _, after, _ in life.written)
    blocks = sum(before.state is State.SENDING and after.blocked for before, after, _ in life.written)
    assert life.alert.attempts == claims - blocks <= POLICY.attempts
    for before, after, _ in life.written:
        assert channel != "slack" or after.unknowns <= 2 or after.state is State.FAILED
        if before.state is State.SENDING and after.state is State.QUEUED:
            assert before.attempts < POLICY.quick_attempts
        if after.state is State.FAILED:
            assert after.cause == "unconfirmed" or after.attempts == POLICY.attempts


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=60), st.sampled_from([(), ("slack", "email")]))
def test_f12_a_key_changes_only_where_nothing_under_it_can_have_succeeded(
    steps: list[tuple[str, Outcome, timedelta, float]], route: tuple[str, ...]
) -> None:
    """An attempt of unknown end keeps it; when the first one was made is known as long as one may have succeeded."""
    life = born(route=route)
    for step in steps:
        life.step(*step)
    for before, after, _ in life.written:
        doubtful = before.state is State.SENDING and after.history[-1:] and after.history[-1].outcome == "unknown"
        if doubtful and after.state is not State.DELIVERED:
            assert (after.key, after.first_sent_at, after.maybe_shown) == (before.key, before.first_sent_at, True)
        if after.state in {State.QUEUED, State.PARKED, State.FAILED} and not after.maybe_shown:
            assert after.first_sent_at is None


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_a_backoff_is_never_longer_than_its_longest(attempts: int, jitter: float, longest: timedelta) -> None:
    """Nor negative, nor an overflow, whatever the number of attempts."""
    assert timedelta(0) <= backoff(attempts, jitter, longest) <= longest
