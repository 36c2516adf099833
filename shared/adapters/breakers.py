"""The shared breakers, moved by pybreaker: its state machine, our storage behind it.

Source: https://github.com/danielfm/pybreaker. Every attempt has a ``CircuitBreaker`` of its own over a view of the one
shared document, so that no lock is held while it calls, and so that what it comes to can be dropped when the breaker
has moved on meanwhile. Two habits of pybreaker end in the view: it writes at every success (here only where there are
failures to forgive), and it compares ``opened_at`` with this machine's clock (here Firestore's time decides whether an
attempt may find out, before pybreaker is asked).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pybreaker

from shared.adapters.breaker_cache import BreakerCache, Known
from shared.domain import breaker as rules
from shared.domain.breaker import Breaker, BreakerPolicy, Verdict
from shared.domain.outcome import Delivered, Outcome
from shared.errors import BellhopError, BreakerOpen, Conflict, StorageError
from shared.ports import Chance, Clock, Events
from shared.ports.breakers import BreakerDocuments, Passed, StoredBreaker

WRITE_TRIES = 5


class _Ill(BellhopError):  # noqa: N818 - what the destination is
    """Tells pybreaker that an attempt failed."""


class SharedBreakers:
    """``shared.ports.Breakers`` over documents that all instances share."""

    def __init__(
        self,
        documents: BreakerDocuments,
        policy: BreakerPolicy,
        *,
        cache: BreakerCache,
        clock: Clock,
        chance: Chance,
        events: Events,
    ) -> None:
        """Args: cache: may be filled by who reads breakers beside something else, too."""
        self.documents, self.policy, self.cache = documents, policy, cache
        self.clock, self.chance, self.events = clock, chance, events

    def look(self, name: str) -> StoredBreaker:
        """Cost: nothing, or one round trip and one read where what is known is too old."""
        known = self.cache.get(name)
        return known.stored if known is not None else self.stand([name])[name]

    def stand(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """Cost: one round trip, one read a breaker."""
        asked_at = self.clock.monotonic()
        found = self.documents.read(names)
        for stored in found.values():
            self.cache.learn(stored, asked_at=asked_at)
        return found

    def through(self, seen: StoredBreaker, send: Callable[[], Outcome]) -> Passed:
        """Cost: nothing beside ``look`` while all is well.

        One write for a failure, for the success after failures, and for each transition; one round trip and one read
        more for each writer that was faster.
        """
        call = _Call(self, seen)
        guarded = pybreaker.CircuitBreaker(
            fail_max=self.policy.fail_max,
            reset_timeout=self.policy.reset.total_seconds(),
            state_storage=call,
            throw_new_error_on_trip=False,
        )
        try:
            with guarded.calling():
                self._make(call, send)
        except pybreaker.CircuitBreakerError:
            raise BreakerOpen(seen.breaker.name) from None
        except _Ill:
            pass
        if call.verdict is Verdict.NOTHING:
            call.release()
        assert call.outcome is not None  # noqa: S101 - otherwise it has raised
        return Passed(call.outcome, call.moved)

    def drained(self, seen: StoredBreaker) -> bool:
        """Cost: one round trip, one write."""
        over = rules.drained(seen.breaker, nonce=self.chance.token())
        try:
            self.documents.write(replace(seen, breaker=over))
        except Conflict:
            return False
        finally:
            self.cache.forget(seen.breaker.name)
        return True

    def _make(self, call: _Call, send: Callable[[], Outcome]) -> None:
        """Make the attempt; raises ``_Ill`` where it says that its destination is."""
        began = self.clock.monotonic()
        call.outcome = send()
        took = timedelta(seconds=self.clock.monotonic() - began)
        call.verdict = rules.judge(call.outcome, took, self.policy)
        if call.verdict is Verdict.ILL:
            raise _Ill


class _Call(pybreaker.CircuitBreakerStorage):
    """One attempt's view of a breaker; see the module.

    Attributes:
        outcome: what the attempt came to, once it did.
        verdict: what that says of the destination.
        moved: the breaker, once this attempt has opened or closed it.
    """

    def __init__(self, breakers: SharedBreakers, seen: StoredBreaker) -> None:
        super().__init__(seen.breaker.name)
        self.outcome: Outcome | None = None
        self.verdict = Verdict.WELL
        self.moved: Breaker | None = None
        self._breakers = breakers
        self._stands = self._now_standing(seen)
        self._state = self._admitted(seen)
        self._epoch = self._stands.stored.breaker.epoch
        self._probing = self._state == pybreaker.STATE_HALF_OPEN
        self._successes = 0
        self._written = False

    @property
    def state(self) -> str:
        """Closed, half-open where this attempt is the probe, or open where it must not be made."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        if state == pybreaker.STATE_OPEN:
            self._write(self._opened)
        elif state == pybreaker.STATE_CLOSED and self._probing:
            self._write(lambda stands, now, nonce: rules.closed(stands, now=now, nonce=nonce))

    @property
    def counter(self) -> int:
        """The failures that count, this one among them."""
        if self._asked_to_wait is not None:
            return self._breakers.policy.fail_max
        return len(rules.lately(self._stands.stored.breaker, self._now())) + (not self._written)

    @property
    def success_counter(self) -> int:
        """Successes of this attempt."""
        return self._successes

    @property
    def opened_at(self) -> datetime:
        """Just now, by the clock that pybreaker compares it with: whether it is time to try is decided before."""
        return datetime.now(UTC)

    @opened_at.setter
    def opened_at(self, at: datetime) -> None:
        """It is written with the state."""

    def increment_counter(self) -> None:
        """Count a failure; the one that opens the breaker is written with the state."""
        if self._probing or self.counter >= self._breakers.policy.fail_max:
            return
        self._write(self._counted)

    def reset_counter(self) -> None:
        """Forgive earlier failures, where there are any."""
        if self.verdict is Verdict.WELL and not self._probing and self._stands.stored.breaker.failures:
            self._write(lambda stands, _now, nonce: rules.forgiven(stands, nonce=nonce) if stands.failures else None)

    def increment_success_counter(self) -> None:
        """The probe was accepted; what says nothing of the destination closes nothing."""
        self._successes += self.verdict is Verdict.WELL

    def reset_success_counter(self) -> None:
        """One attempt has one."""

    def release(self) -> None:
        """Let the next probe follow at once."""
        if self._probing:
            self._write(lambda stands, now, nonce: rules.release_probe(stands, now=now, nonce=nonce))

    @property
    def _asked_to_wait(self) -> timedelta | None:
        return rules.asked_to_wait(self.outcome, self._breakers.policy) if self.outcome is not None else None

    def _counted(self, stands: Breaker, now: datetime, nonce: str) -> Breaker:
        """With this failure; open where others were counted meanwhile."""
        if len(rules.lately(stands, now)) + 1 >= self._breakers.policy.fail_max:
            return self._opened(stands, now, nonce)
        return rules.failed(stands, now=now, nonce=nonce)

    def _opened(self, stands: Breaker, now: datetime, nonce: str) -> Breaker:
        wait = max(self._breakers.policy.reset, self._asked_to_wait or timedelta(0))
        outcome = self.outcome
        cause = "slow" if outcome is None or isinstance(outcome, Delivered) else outcome.cause
        return rules.opened(stands, cause, now=now, wait=wait, nonce=nonce)

    def _now_standing(self, seen: StoredBreaker) -> Known:
        """As it stands, or as it was seen where that cannot be read."""
        known = self._breakers.cache.get(self.name)
        if known is not None:
            return known
        asked_at = self._breakers.clock.monotonic()
        try:
            return Known(self._breakers.stand([self.name])[self.name], asked_at)
        except StorageError:
            return Known(seen, asked_at)

    def _admitted(self, seen: StoredBreaker) -> str:
        stands = self._stands.stored.breaker
        if stands.shut:
            return str(pybreaker.STATE_CLOSED)
        holds_probe = seen.breaker.state == rules.HALF_OPEN and stands.nonce == seen.breaker.nonce
        return str(pybreaker.STATE_HALF_OPEN if holds_probe else pybreaker.STATE_OPEN)

    def _now(self) -> datetime:
        known = self._stands
        return known.stored.read_at + timedelta(seconds=self._breakers.clock.monotonic() - known.fetched)

    def _write(self, change: Callable[[Breaker, datetime, str], Breaker | None]) -> None:
        """Change the document, decided anew where somebody was faster; dropped where it has moved on, or cannot be."""
        if self.outcome is None or self._stands.stored.breaker.mode != rules.AUTO:
            return
        try:
            for _ in range(WRITE_TRIES):
                stands = self._stands.stored
                if stands.breaker.epoch != self._epoch:
                    return
                after = change(stands.breaker, self._now(), self._breakers.chance.token())
                if after is None or self._put(stands, after):
                    return
        except StorageError as error:
            self._breakers.cache.forget(self.name)
            self._breakers.events("breaker_unwritable", channel=self.name, error=type(error).__name__)

    def _put(self, stands: StoredBreaker, after: Breaker) -> bool:
        """Whether it was written; where somebody was faster it is read anew."""
        asked_at = self._breakers.clock.monotonic()
        try:
            version = self._breakers.documents.write(replace(stands, breaker=after))
        except Conflict:
            self._stands = Known(self._breakers.stand([self.name])[self.name], asked_at)
            return False
        written = StoredBreaker(after, version, version)
        self._stands = self._breakers.cache.learn(written, asked_at=asked_at)
        self._written = True
        if after.epoch != self._epoch:
            self.moved = after
            self._report(after)
        return True

    def _report(self, after: Breaker) -> None:
        if after.state == rules.CLOSED:
            self._breakers.events("breaker_closed", channel=self.name)
        else:
            self._breakers.events(
                "breaker_reopened" if self._probing else "breaker_opened", channel=self.name, cause=after.cause
            )
