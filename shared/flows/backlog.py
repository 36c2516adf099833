"""What goes out of a channel's backlog in one pass: at its pace, one by one, or many in a message.

The backlog waits in Firestore: a pass puts no more into a queue than its destination takes in about a minute, spaced,
so that a new alert goes in between, and leaves a share of the pace to new alerts (guarantee 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain import destination as places
from shared.domain import digest as digests
from shared.domain.alert import CANARY, Alert, Policy
from shared.domain.delivery import requeue, withhold
from shared.domain.digest import MEMBERS_MOST, Digest
from shared.errors import Conflict, Contention
from shared.flows.sweep_pass import Moves, Pass, Place, grouped
from shared.ports import AlertStore, Breakers, Chance, DigestQueue, DigestStore, Events, StoredAlert, StoredDestination

AHEAD = timedelta(seconds=60)
"""How much of a backlog is in a queue at a time, as the time its destination takes for it."""

SHARE = 0.9
"""The part of the pace that a backlog may use; the rest is for new alerts, which also go in between."""

AT_ONCE = 5
"""The first so many messages are not spaced; and however slow a destination is, so many may be queued."""

LEAST_DRAIN = timedelta(seconds=15)
"""A drain goes on for so long after the repair: who had not heard of that may park an alert after all had gone."""


@dataclass(frozen=True)
class Backlog:
    """The flow with what it needs.

    Attributes:
        store: where alerts are.
        digests: where digests are.
        breakers: the destinations' breakers.
        queue: where the digests' tasks go.
        moves: writes what becomes of an alert.
        paces: how many messages a second each channel takes.
        digest_threshold: with more alerts waiting than this, a channel that has digests gets digests.
        policy: budgets and waits.
        page: how many alerts are read at a time.
        chance: for ids and nonces.
        events: where to report.
    """

    store: AlertStore
    digests: DigestStore
    breakers: Breakers
    queue: DigestQueue
    moves: Moves
    paces: Mapping[str, float]
    digest_threshold: int
    policy: Policy
    page: int
    chance: Chance
    events: Events

    def __call__(self, run: Pass, place: Place) -> None:
        """Deal with what is parked: what is due, what waits for a repair that has come, or who may find out."""
        probed = place.held_up is not None and self._is_probed(run, place)
        many = place.held_up is None and self._is_crowded(place)
        self._due(run, place, many=many, probed=probed)
        if place.draining and place.held_up is None:
            self._drain(run, place, many=many)

    def _is_crowded(self, place: Place) -> bool:
        """Whether more wait than people can be told of one by one; one count, for channels that have digests."""
        if place.name not in MEMBERS_MOST:
            return False
        return self.digests.crowd(place.name, self.digest_threshold + 1) > self.digest_threshold

    def _is_probed(self, run: Pass, place: Place) -> bool:
        """Let the oldest alert that waits find out whether all is well again; True also before it is time."""
        destination, breaker = place.destination.destination, place.breaker.breaker
        if destination.blocked:
            if destination.probe_at is not None and run.now < destination.probe_at:
                return True
        elif not breaker.takes_probe(run.now):
            return True
        found = self.store.withheld(place.name, 1)
        return any(self._release(run, each, at=run.now) for each in self.moves.within(run, place.name, found))

    def _due(self, run: Pass, place: Place, *, many: bool, probed: bool) -> None:
        """What is due, page after page; of a channel that is held up the first may find out, the others wait on."""
        waiting: list[StoredAlert] = []
        for found in self._parked(run, place.name):
            alert = found.alert
            if place.held_up is not None and not alert.relayed:
                if probed or alert.kind == CANARY:
                    self.moves(run, found, self._withheld(found, place))
                else:
                    probed = self._release(run, found, at=run.now)
            elif not self.room(run, place.name):
                run.more = True
                break
            elif many and digests.fits(alert, self.policy):
                waiting.append(found)
                if len(waiting) == MEMBERS_MOST[place.name]:
                    self._gather(run, place.name, waiting)
                    waiting = []
            else:
                self._release(run, found, at=self._taken(run, place.name))
        if waiting:
            self._gather(run, place.name, waiting)

    def _parked(self, run: Pass, channel: str) -> Iterator[StoredAlert]:
        """What is parked and due, or due very soon; oldest first."""
        until, cursor = run.now + self.policy.look_ahead, None
        while True:
            page = self.store.due(until, self.page, channel=channel, parked=True, cursor=cursor)
            yield from self.moves.within(run, channel, page)
            if page.cursor is None or run.over:
                return
            cursor = page.cursor

    def _drain(self, run: Pass, place: Place, *, many: bool) -> None:
        """Queue what was held up, hot leads first, as far as there is room; over when nothing of it is left."""
        most = MEMBERS_MOST[place.name] if many else 1
        for hot in (True, False):
            while self.room(run, place.name):
                limit = most * max(1, min(self.page // most, self.room(run, place.name)))
                page = self.store.withheld(place.name, limit, hot=hot)
                before = run.requeued
                for group in grouped(self.moves.within(run, place.name, page), most):
                    self._gather(run, place.name, group)
                if run.over or page.cursor is None:
                    break
                if run.requeued == before:  # none of them could be written: another pass tries again
                    run.more = True
                    return
            if run.over or not self.room(run, place.name):
                run.more = True
                return
        if run.now - _repaired_at(place) < LEAST_DRAIN:
            run.more = True
            return
        self._end(place)

    def _end(self, place: Place) -> None:
        """Nothing that was held up is left."""
        if place.destination.destination.draining:
            over = places.drained(place.destination.destination, nonce=self.chance.token())
            try:
                self.store.write_destination(StoredDestination(over, place.destination.version))
            except Conflict:
                return
        if place.breaker.breaker.draining and not self.breakers.drained(place.breaker):
            return
        self.events("destination_drained", channel=place.name)

    def room(self, run: Pass, channel: str) -> int:
        """How many more messages may be queued; two counts a pass, and only where it is asked."""
        if channel not in run.rooms:
            queued = self.store.queued(channel)
            if channel in MEMBERS_MOST:
                queued += self.digests.outstanding(channel, run.now - AHEAD)
            run.rooms[channel] = max(AT_ONCE, int(self.paces[channel] * AHEAD.total_seconds() * SHARE)) - queued
            run.spaced[channel] = queued
        return max(0, run.rooms[channel])

    def _taken(self, run: Pass, channel: str) -> datetime:
        """Take the room of one message; the time when it is to be sent."""
        self.room(run, channel)
        before = run.spaced[channel]
        run.rooms[channel] -= 1
        run.spaced[channel] += 1
        return run.now + digests.spaced(before, self.paces[channel], SHARE, AT_ONCE)

    def _release(self, run: Pass, stored: StoredAlert, *, at: datetime) -> bool:
        """Queue one alert for a time, and not before it is due."""
        alert = stored.alert
        due = at if alert.blocked else max(at, alert.wake_at or at)
        after = requeue(alert, now=due, nonce=self.chance.token(), policy=self.policy)
        return self.moves(run, stored, after)

    def _gather(self, run: Pass, channel: str, found: Sequence[StoredAlert]) -> None:
        """Queue alerts, in one message where they are several."""
        fitting = [each for each in found if digests.fits(each.alert, self.policy)]
        if len(fitting) < 2:  # noqa: PLR2004 - one is no digest
            fitting = []
        for each in found:
            if each not in fitting:
                self._release(run, each, at=self._taken(run, channel))
        if not fitting:
            return
        at = self._taken(run, channel)
        digest = Digest(self.chance.token(), channel, tuple(each.alert.id for each in fitting), run.now, at)
        steps = [
            self.moves.steps.plan(
                each.alert,
                digests.join(each.alert, digest, nonce=self.chance.token(), policy=self.policy),
                each.version,
                now=each.read_at,
            )
            for each in fitting
        ]
        try:
            self.digests.write(steps, begun=[digest])
        except (Conflict, Contention):
            run.more = True
            return
        run.requeued += len(fitting)
        self.events("digest_made", digest_id=digest.id, channel=channel, count=len(fitting))
        self.moves.steps.hurry_digest(self.queue, digest)

    def _withheld(self, stored: StoredAlert, place: Place) -> Alert:
        cause = str(place.held_up)
        return withhold(stored.alert, cause, now=stored.read_at, nonce=self.chance.token(), policy=self.policy)


def _repaired_at(place: Place) -> datetime:
    """When the last of what is draining was repaired."""
    known = (place.destination.destination.repaired_at, place.breaker.breaker.closed_at)
    return max((at for at in known if at is not None), default=place.breaker.read_at - LEAST_DRAIN)
