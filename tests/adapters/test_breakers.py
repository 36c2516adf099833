"""The shared breakers, in memory and on the real Firestore: two instances, one truth, no write while all is well."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from shared.adapters.breaker_cache import KNOWN_SECONDS
from shared.adapters.breakers import SharedBreakers
from shared.adapters.system import SystemChance, SystemClock
from shared.domain import breaker as rules
from shared.domain.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerPolicy
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.errors import BreakerOpen, Conflict
from shared.ports import Passed, StoredBreaker
from tests.adapters.conftest import FirestoreWorld, World
from tests.support.breakers import BREAKING, FakeBreakerDocuments, shared_breakers
from tests.support.documents import Documents
from tests.support.fakes import FakeChance, FakeClock, RecordedEvents

FAILURES = (Retry("http_500", maybe_shown=True), Retry("rate_limited"), Unknown("timeout"))


class Instance:
    """One process: its breakers, its clock, what it reported."""

    def __init__(self, world: World, start: int = 1, policy: BreakerPolicy = BREAKING) -> None:
        self.clock, self.events = FakeClock(), RecordedEvents()
        self.breakers: SharedBreakers = shared_breakers(
            world.breakers, clock=self.clock, chance=FakeChance(start=start), events=self.events, policy=policy
        )

    def attempt(self, outcome: Outcome, took: float = 0.1) -> Passed:
        """An attempt that is claimed and made at once."""

        def send() -> Outcome:
            self.clock.advance(took)
            return outcome

        return self.breakers.through(self.breakers.look("slack"), send)

    def probe(self, outcome: Outcome, lease: float = 40) -> Passed:
        """An attempt whose claim takes the probe's lease."""
        stands = self.breakers.stand(["slack"])["slack"]
        leased = rules.lease_probe(
            stands.breaker, now=stands.read_at, nonce=self.breakers.chance.token(), lease=timedelta(seconds=lease)
        )
        self.breakers.documents.write(replace(stands, breaker=leased))
        self.breakers.cache.forget("slack")
        return self.breakers.through(replace(stands, breaker=leased), lambda: outcome)


def stands(world: World) -> Breaker:
    """The breaker's document."""
    return world.breakers.read(["slack"])["slack"].breaker


def opened(world: World) -> Instance:
    """An instance that has just opened the breaker, by a policy that lets an attempt find out at once."""
    instance = Instance(world, policy=replace(BREAKING, reset=timedelta(0)))
    for _ in range(5):
        instance.attempt(Retry("http_500"), took=0)  # Firestore's time does not pass with the fake clock's
    return instance


def test_f15_five_failures_open_it_for_every_instance(world: World) -> None:
    """Whoever they happened to; an instance hears of it two seconds later at most."""
    one, other = Instance(world), Instance(world, 1000)
    other.attempt(Delivered())
    for outcome in (*FAILURES, Retry("http_503")):
        assert one.attempt(outcome).moved is None
    moved = one.attempt(Unknown("reset")).moved
    assert moved is not None
    assert (stands(world).state, stands(world).epoch, stands(world).cause) == (OPEN, 2, "reset")
    assert one.events.names == ["breaker_opened"]
    other.clock.advance(KNOWN_SECONDS)
    for instance in (one, other):
        with pytest.raises(BreakerOpen):
            instance.attempt(Delivered())


def test_failures_of_two_instances_count_together(world: World) -> None:
    """Each one's write is decided anew where the other was faster."""
    one, other = Instance(world), Instance(world, 1000)
    for _ in range(2):
        one.attempt(Retry("http_500"))
        other.attempt(Retry("http_500"))
    assert len(stands(world).failures) == 4
    other.attempt(Retry("http_500"))
    assert stands(world).state == OPEN


def test_a_success_forgives_and_a_hundred_more_write_nothing(world: World) -> None:
    """A document takes about one write a second: they are kept for failures and transitions."""
    instance = Instance(world)
    instance.attempt(Retry("http_500"))
    instance.attempt(Delivered())
    assert stands(world).failures == ()
    version = world.breakers.read(["slack"])["slack"].version
    for _ in range(100):
        instance.attempt(Delivered())
        instance.clock.advance(1)
    assert world.breakers.read(["slack"])["slack"].version == version


@pytest.mark.parametrize("outcome", [Rejected("no_text"), Blocked("no_team"), Retry("internal_KeyError")])
def test_what_says_nothing_of_the_destination_changes_nothing(world: World, outcome: Outcome) -> None:
    """Neither as a failure nor as a success that forgives others."""
    instance = Instance(world)
    instance.attempt(Retry("http_500"))
    for _ in range(6):
        instance.attempt(outcome)
    assert (stands(world).state, len(stands(world).failures)) == (CLOSED, 1)


def test_a_destination_that_takes_eight_seconds_to_accept_is_ill(world: World) -> None:
    """It accepts, so nothing is sent again; but it is left alone for a while."""
    instance = Instance(world)
    for _ in range(5):
        assert isinstance(instance.attempt(Delivered(), took=8).outcome, Delivered)
    assert (stands(world).state, stands(world).cause) == (OPEN, "slow")
    other = Instance(world, 1000)
    with pytest.raises(BreakerOpen):
        other.attempt(Delivered(), took=7.9)


def test_a_wait_that_the_destination_asks_for_opens_it_at_once(world: World) -> None:
    """Longer than it would stay open anyway: whoever goes on sending is cut off by Slack."""
    instance = Instance(world)
    instance.attempt(Retry("rate_limited", timedelta(seconds=60)))
    assert stands(world).state == CLOSED
    instance.attempt(Retry("DAILY_LIMIT_EXCEEDED", timedelta(hours=5)))
    opened_at, probe_at = stands(world).opened_at, stands(world).probe_at
    assert opened_at is not None
    assert probe_at is not None
    assert probe_at - opened_at == timedelta(hours=5)


def test_an_accepted_probe_closes_it_and_begins_the_drain(world: World) -> None:
    """In one commit, so that a crash after it cannot leave what waited behind."""
    instance = opened(world)
    passed = instance.probe(Delivered())
    assert passed.moved == stands(world)
    assert (stands(world).state, stands(world).draining, stands(world).failures) == (CLOSED, True, ())
    assert instance.events.names == ["breaker_opened", "breaker_closed"]
    seen = instance.breakers.stand(["slack"])["slack"]
    assert instance.breakers.drained(seen)
    assert not stands(world).draining
    assert not instance.breakers.drained(seen), "it has moved on"


@pytest.mark.parametrize("outcome", FAILURES)
def test_a_failed_probe_opens_it_again(world: World, outcome: Outcome) -> None:
    """One failure is enough."""
    instance = opened(world)
    instance.probe(outcome)
    assert (stands(world).state, stands(world).leased_until) == (OPEN, None)
    assert instance.events.names == ["breaker_opened", "breaker_reopened"]


@pytest.mark.parametrize("outcome", [Rejected("no_text"), Blocked("no_team"), Retry("internal_KeyError")])
def test_a_probe_that_says_nothing_releases_its_lease(world: World, outcome: Outcome) -> None:
    """It neither closes the breaker nor keeps the next one waiting."""
    instance = opened(world)
    assert instance.probe(outcome).moved is None
    known = world.breakers.read(["slack"])["slack"]
    assert (known.breaker.state, known.breaker.leased_until) == (HALF_OPEN, None)
    assert known.breaker.takes_probe(known.read_at)


def test_while_one_finds_out_nobody_else_calls(world: World) -> None:
    """Also who was let through before, and who reads it only then."""
    instance, other = opened(world), Instance(world, 1000)
    before = StoredBreaker(Breaker("slack"), None, world.breakers.read(["slack"])["slack"].read_at)
    called: list[str] = []

    def meanwhile() -> Outcome:
        with pytest.raises(BreakerOpen):
            other.breakers.through(before, lambda: called.append("sent") or Delivered())
        return Delivered()

    leased = rules.lease_probe(stands(world), now=before.read_at, nonce="probe", lease=timedelta(seconds=40))
    seen = world.breakers.read(["slack"])["slack"]
    world.breakers.write(replace(seen, breaker=leased))
    instance.breakers.cache.forget("slack")
    instance.breakers.through(replace(seen, breaker=leased), meanwhile)
    assert called == []
    assert stands(world).state == CLOSED


def test_what_an_attempt_of_an_older_epoch_comes_to_is_dropped(world: World) -> None:
    """Neither a late failure opens it anew, nor does a late success close it."""
    late = Instance(world, 1000)
    late.breakers.look("slack")

    def while_it_opens(outcome: Outcome) -> Outcome:
        opened(world)
        return outcome

    late.breakers.through(late.breakers.look("slack"), lambda: while_it_opens(Delivered()))
    assert (stands(world).state, stands(world).epoch) == (OPEN, 2)
    assert late.events.names == []
    closing = Instance(world, 2000)
    closing.probe(Delivered())
    late.breakers.cache.forget("slack")
    late.attempt(Retry("http_500"))
    assert (stands(world).state, len(stands(world).failures)) == (CLOSED, 1), "what is let through now counts now"


@pytest.mark.parametrize(("mode", "passes"), [("open", False), ("closed", True)])
def test_an_operator_overrules_it(world: World, mode: str, *, passes: bool) -> None:
    """Forced open nothing passes, forced closed everything does, and neither is changed by what comes of it."""
    seen = world.breakers.read(["slack"])["slack"]
    forced = rules.set_mode(seen.breaker, mode, now=seen.read_at, nonce="operator")
    world.breakers.write(replace(seen, breaker=forced))
    instance = Instance(world)
    if passes:
        for _ in range(6):
            instance.attempt(Retry("http_500"))
    else:
        with pytest.raises(BreakerOpen):
            instance.attempt(Delivered())
    assert stands(world) == forced
    assert not forced.takes_probe(seen.read_at + timedelta(days=1))


def test_storage_that_fails_lets_the_call_through() -> None:
    """A breaker that cannot be read or written is no reason not to tell of a lead."""
    documents = FakeBreakerDocuments(Documents())
    clock, events = FakeClock(), RecordedEvents()
    breakers = shared_breakers(documents, clock=clock, chance=FakeChance(), events=events)
    seen = breakers.look("slack")
    documents.broken = True
    clock.advance(KNOWN_SECONDS)
    for outcome in (Delivered(), *[Retry("http_500")] * 6):
        assert breakers.through(seen, lambda outcome=outcome: outcome).outcome == outcome
    assert set(events.names) == {"breaker_unwritable"}


def test_f15_of_fifty_workers_on_two_instances_one_probes(firestore_world: FirestoreWorld) -> None:
    """The lease is taken in a commit with a precondition; here by every thread for itself."""
    world = firestore_world
    opened(world)
    sent, barrier = list[int](), threading.Barrier(50)
    instances = [
        shared_breakers(world.breakers, clock=SystemClock(), chance=SystemChance(), events=RecordedEvents())
        for _ in range(2)
    ]

    def work(number: int) -> None:
        breakers = instances[number % 2]
        seen = breakers.stand(["slack"])["slack"]
        barrier.wait()
        if seen.breaker.refuses(seen.read_at):
            return
        leased = rules.lease_probe(
            seen.breaker, now=seen.read_at, nonce=breakers.chance.token(), lease=timedelta(seconds=40)
        )
        try:
            world.breakers.write(replace(seen, breaker=leased))
        except Conflict:
            return
        breakers.cache.forget("slack")
        breakers.through(replace(seen, breaker=leased), lambda: sent.append(number) or Delivered())

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(50)))
    assert len(sent) == 1
    assert stands(world).state == CLOSED


def test_no_lock_is_held_while_it_calls(world: World) -> None:
    """Attempts of one instance run beside each other: each waits for the other one here."""
    instance, barrier = Instance(world), threading.Barrier(2, timeout=20)

    def send() -> Outcome:
        barrier.wait()
        return Delivered()

    seen = instance.breakers.look("slack")
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(lambda _: instance.breakers.through(seen, send), range(2)))
    assert all(isinstance(each.outcome, Delivered) for each in passed)


def test_f03_a_write_whose_answer_is_lost_is_found_by_its_nonce(firestore_world: FirestoreWorld) -> None:
    """It took effect: the failure counts once."""
    world, instance = firestore_world, Instance(firestore_world)
    instance.breakers.look("slack")
    world.wire.break_call("Commit", 1, status=grpc.StatusCode.UNAVAILABLE, takes_effect=True)
    instance.attempt(Retry("http_500"))
    assert instance.events.names == []
    assert len(stands(world).failures) == 1
