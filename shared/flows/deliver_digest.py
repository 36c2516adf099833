"""Deliver one digest: claim its members, send them in one message, save what came of it for all of them.

Four round trips: two reads, the claim's commit, the outcome's commit. As for one alert (``deliver_alert``) a task is
answered with success once the outcome is saved. A digest never finds out whether a destination is well again: while
it is blocked or its breaker is not closed its members wait, and the sweep sends one alert to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain import digest as digests
from shared.domain.alert import DIGEST, Alert, Policy, State
from shared.domain.breaker import BREAKER_OPEN
from shared.domain.delivery import held, requeue, unsent
from shared.domain.digest import Digest
from shared.domain.outcome import Delivered, Outcome, Rejected
from shared.errors import BreakerOpen, Conflict, LeaseLive, StorageError, Unavailable
from shared.flows.attempts import Attempts
from shared.flows.judging import Judging
from shared.flows.steps import Steps
from shared.ports import (
    Chance,
    Clock,
    DigestQueue,
    DigestStore,
    Events,
    Message,
    Step,
    StoredAlert,
    StoredBreaker,
    StoredDestination,
    StoredDigest,
)

TRIES = 3


@dataclass(frozen=True)
class DeliverDigest:
    """The command: which digest."""

    digest_id: str


@dataclass(frozen=True)
class _Attempt:
    """An attempt under way: what is sent, its members under their leases, and the time when they were read."""

    digest: Digest
    members: tuple[StoredAlert, ...]
    breaker: StoredBreaker
    began: float
    read_at: datetime


@dataclass(frozen=True)
class DigestDelivery:
    """The flow with what it needs.

    Attributes:
        digests: where digests are.
        queue: where the tasks of a refused digest's halves go.
        attempts: what sends.
        steps: what follows from a member's outcome.
        judging: what an outcome makes of its destination.
        policy: budgets and waits.
        clock: for the time of the outcome.
        chance: for ids, nonces and jitter.
        events: where to report.
    """

    digests: DigestStore
    queue: DigestQueue
    attempts: Attempts
    steps: Steps
    judging: Judging
    policy: Policy
    clock: Clock
    chance: Chance
    events: Events

    def __call__(self, command: DeliverDigest) -> str:
        """Send what still waits for this digest.

        Returns:
            ``delivered``, ``parked``, ``divided``, ``lost``, or ``ignored`` where nothing waits for it any more.

        Raises:
            LeaseLive: another holder is sending it.
            Unavailable: storage did not answer.
        """
        try:
            return self._deliver(command)
        except StorageError as error:
            self.events("storage_failed", digest_id=command.digest_id, error=type(error).__name__)
            raise Unavailable from error

    def _deliver(self, command: DeliverDigest) -> str:
        for tries_left in reversed(range(TRIES)):
            began = self.clock.monotonic()
            stored = self.digests.read(command.digest_id)
            waiting = self._waiting(command, stored)
            if stored is None or not waiting:
                self.events("digest_ignored", digest_id=command.digest_id)
                return "ignored"
            breaker = self.attempts.breakers.look(stored.digest.channel)
            try:
                cause = _held_up(stored.destination, breaker)
                if cause is not None:
                    return self._withhold(stored.digest, waiting, cause, stored.read_at)
                attempt = self._claim(stored, waiting, breaker, began)
            except Conflict:
                if not tries_left:
                    raise LeaseLive from None
                continue
            return self._send(attempt)
        raise AssertionError("unreachable: the last try returns or raises")

    def _waiting(self, command: DeliverDigest, stored: StoredDigest | None) -> list[StoredAlert]:
        """The members that still wait for it.

        Raises:
            LeaseLive: another holder has them.
        """
        if stored is None:
            return []
        waiting = [each for each in stored.members if digests.is_member(each.alert, stored.digest)]
        if not waiting and any(self._is_sent(each, command.digest_id) for each in stored.members):
            raise LeaseLive
        return waiting

    def _is_sent(self, stored: StoredAlert, digest_id: str) -> bool:
        alert = stored.alert
        return alert.state is State.SENDING and alert.digest == digest_id and stored.age < self.policy.lease

    def _withhold(self, digest: Digest, waiting: Sequence[StoredAlert], cause: str, now: datetime) -> str:
        steps = self._steps(
            waiting,
            lambda alert, nonce: digests.withheld(alert, cause, now=now, nonce=nonce, policy=self.policy),
            now=now,
        )
        self.digests.write(steps, ended=digest.id)
        self.events("digest_withheld", digest_id=digest.id, channel=digest.channel, cause=cause, count=len(steps))
        return "parked"

    def _claim(
        self, stored: StoredDigest, waiting: Sequence[StoredAlert], breaker: StoredBreaker, began: float
    ) -> _Attempt:
        """Take every member's lease in one commit; raises Conflict where one has moved on."""
        now = stored.read_at
        steps = self._steps(
            waiting, lambda alert, nonce: held(alert, now=now, nonce=nonce, policy=self.policy), now=now
        )
        version = self.digests.write(steps)
        members = tuple(StoredAlert(step.after, version, now, receipt=False) for step in steps)
        return _Attempt(stored.digest, members, breaker, began, now)

    def _send(self, attempt: _Attempt) -> str:
        digest = attempt.digest
        message = Message(
            alert_id=digest.id,
            kind=DIGEST,
            payload={"leads": [digests.shown(each.alert) for each in attempt.members]},
            maybe_shown=any(each.alert.maybe_shown for each in attempt.members),
            created_at=digest.created_at,
            now=attempt.read_at,
        )
        try:
            outcome = self.attempts(digest.channel, message, attempt.breaker, began=attempt.began)
        except BreakerOpen:
            return self._put_back(attempt)
        try:
            return self._save(attempt, outcome)
        except StorageError as error:
            if isinstance(outcome, Delivered):
                self.digests.leave_receipts([each.alert for each in attempt.members])
            if not isinstance(error, Conflict):
                raise
            self.events("digest_lost", digest_id=digest.id, channel=digest.channel)
            return "lost"

    def _put_back(self, attempt: _Attempt) -> str:
        """The breaker opened meanwhile: the members wait, and have used no attempt."""
        now = self._now(attempt)
        steps = self._steps(
            attempt.members,
            lambda alert, nonce: unsent(alert, BREAKER_OPEN, now=now, nonce=nonce, policy=self.policy),
            now=now,
        )
        self.digests.write(steps, ended=attempt.digest.id)
        self._follow(steps)
        return "parked"

    def _save(self, attempt: _Attempt, outcome: Outcome) -> str:
        """Write every member's outcome, and what it says of the destination, in one commit; raises Conflict."""
        if isinstance(outcome, Rejected):
            return self._divide(attempt, outcome)
        told = {"now": self._now(attempt), "nonce": self.chance.token()}
        place, tell = self.judging(attempt.digest.channel, outcome, probing=False, **told)  # type: ignore[arg-type]
        try:
            self._settle(attempt, outcome, place, tell=tell)
        except Conflict:
            if place is None:
                raise
            # The destination may have moved on, which says the same of it.
            self._settle(attempt, outcome, None, tell=False)
        delivered = isinstance(outcome, Delivered)
        name = "digest_delivered" if delivered else "digest_failed"
        cause = None if isinstance(outcome, Delivered) else outcome.cause
        digest = attempt.digest
        self.events(name, digest_id=digest.id, channel=digest.channel, cause=cause, count=len(attempt.members))
        return "delivered" if delivered else "parked"

    def _settle(self, attempt: _Attempt, outcome: Outcome, place: StoredDestination | None, *, tell: bool) -> None:
        now = self._now(attempt)
        jitter = self.chance.fraction()
        first, *others = self._steps(
            attempt.members,
            lambda alert, nonce: digests.settled(
                alert, outcome, now=now, nonce=nonce, jitter=jitter, policy=self.policy
            ),
            now=now,
        )
        if place is not None:
            first = self.steps.plan(
                first.before, first.after, first.version, now=now, destination=place, tell_of_block=tell
            )
        self.digests.write([first, *others], ended=attempt.digest.id)
        self._follow([first, *others])

    def _divide(self, attempt: _Attempt, outcome: Rejected) -> str:
        """Refused as it is: its halves become digests; a lead that is alone goes its own way."""
        now = self._now(attempt)
        steps, begun = list[Step](), list[Digest]()
        for half in digests.divided(attempt.members):
            digest = Digest(
                self.chance.token(), attempt.digest.channel, tuple(each.alert.id for each in half), now, now
            )
            alone = len(half) == 1
            if not alone:
                begun.append(digest)

            def after(alert: Alert, nonce: str, digest: Digest = digest, alone: bool = alone) -> Alert:  # noqa: FBT001
                told = {"now": now, "nonce": nonce, "policy": self.policy}
                spared = digests.settled(alert, outcome, jitter=0.0, **told)  # type: ignore[arg-type]
                if alone:
                    return requeue(spared, **told)  # type: ignore[arg-type]
                return digests.join(spared, digest, nonce=nonce, policy=self.policy)

            steps += self._steps(half, after, now=now)
        self.digests.write(steps, begun=begun, ended=attempt.digest.id)
        self._follow([step for step in steps if step.after.state is State.QUEUED])
        for digest in begun:
            self.steps.hurry_digest(self.queue, digest)
        channel, cause = attempt.digest.channel, outcome.cause
        self.events("digest_divided", digest_id=attempt.digest.id, channel=channel, cause=cause, count=len(steps))
        return "divided"

    def _steps(
        self, members: Sequence[StoredAlert], after: Callable[[Alert, str], Alert], *, now: datetime
    ) -> list[Step]:
        """A step for each member, with what follows from it."""
        return [
            self.steps.plan(each.alert, after(each.alert, self.chance.token()), each.version, now=now)
            for each in members
        ]

    def _follow(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.steps.follow(step)

    def _now(self, attempt: _Attempt) -> datetime:
        """Firestore's time."""
        return attempt.read_at + timedelta(seconds=self.clock.monotonic() - attempt.began)


def _held_up(destination: StoredDestination, breaker: StoredBreaker) -> str | None:
    """Why nothing but an attempt that finds out may be sent; None where all is well."""
    if destination.destination.blocked:
        return str(destination.destination.cause)
    return None if breaker.breaker.shut else BREAKER_OPEN
