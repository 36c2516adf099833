"""A discrete-event model of Bellhop in the cloud: instances, Firestore's ramp, queues at their pace, and an outage.

Many chats are one event each where there are many a second: a cohort shares its fate, which changes no sum.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import simpy

from infra.manifest import Manifest

CHAT_WRITES = 5
"""A chat with an idempotency key; ``tests/adapters/test_chat_costs.py`` counts them."""
ALERT_WRITES = 2
"""More in the same commit for each alert: the alert and its tally."""
DELIVERY_WRITES = 2
RAMP_START, RAMP_FACTOR, RAMP_EVERY = 500.0, 1.5, 300.0
"""What Firestore advises for a collection that is new to traffic: 500 operations a second, half as much again every
five minutes (https://firebase.google.com/docs/firestore/best-practices#ramping_up_traffic)."""


@dataclass(frozen=True)
class Load:
    """What comes.

    Attributes:
        rate: chats a second.
        seconds: for how long.
        leads: the share of chats that make an alert.
        chat_seconds: how long a chat occupies its slot.
        send_seconds: how long a destination takes for a message.
        outage: seconds from the beginning in which the destination takes nothing; none by default.
        warm: whether Firestore has had this traffic before: no ramp.
    """

    rate: float
    seconds: float
    leads: float = 0.1
    chat_seconds: float = 0.15
    send_seconds: float = 0.3
    outage: tuple[float, float] | None = None
    warm: bool = False


@dataclass
class Outcome:
    """What came of it, in chats and alerts.

    Attributes:
        chats: that came.
        refused: that found no slot within ten seconds: the platform answers 429.
        slow: that Firestore's ramp made wait, and by how much at most, in seconds.
        busiest: the most slots taken at a time.
        alerts: that were made.
        delivered: of these, by the end of the load.
        delays: seconds from the chat to the delivery, of those delivered in the end.
        backlog: alerts that waited at the worst moment.
        drained: seconds from the beginning until nothing waited any more; None where the load outgrows the pace.
        writes: to Firestore, a second at the busiest.
    """

    chats: int = 0
    refused: int = 0
    slow: float = 0.0
    busiest: int = 0
    alerts: int = 0
    delivered: int = 0
    delays: list[tuple[float, int]] = field(default_factory=list)
    backlog: int = 0
    drained: float | None = None
    writes: float = 0.0

    def delay(self, share: float) -> float | None:
        """The delay that this share of the delivered alerts did not exceed; None where none was delivered."""
        wanted, passed = share * sum(count for _, count in self.delays), 0
        for delay, count in sorted(self.delays):
            passed += count
            if passed >= wanted:
                return delay
        return None


class System:
    """One run of the model.

    Args:
        manifest: whose instances, concurrency and paces it has.
        load: what comes.
        channel: the destination of every lead.
        seed: of the arrivals.
    """

    PATIENCE = 10.0
    COHORTS_A_SECOND = 100.0

    def __init__(self, manifest: Manifest, load: Load, *, channel: str = "slack", seed: int = 1) -> None:
        self._load, self._random = load, random.Random(seed)  # noqa: S311 - a model, not a secret
        chat, queue = manifest.functions["chat"], manifest.queues[channel]
        self.slots = chat.max_instances * chat.concurrency
        self.pace = min(queue.max_dispatches_per_second, queue.max_concurrent_dispatches / load.send_seconds)
        self._cohort = max(1, round(load.rate / self.COHORTS_A_SECOND))
        self._env = simpy.Environment()
        self._taken, self._waiting, self._owed = 0, [], 0.0
        self.outcome = Outcome()

    def run(self, most_seconds: float) -> Outcome:
        """Let the load come, and what waits drain, for so many seconds at most."""
        self._env.process(self._visitors())
        self._env.process(self._queue())
        self._env.run(until=most_seconds)
        self.outcome.writes = self._load.rate * (CHAT_WRITES + self._load.leads * (ALERT_WRITES + DELIVERY_WRITES))
        return self.outcome

    def _visitors(self) -> Iterator[Any]:
        while self._env.now < self._load.seconds:
            yield self._env.timeout(self._random.expovariate(self._load.rate / self._cohort))
            self.outcome.chats += self._cohort
            self._env.process(self._chat(self._cohort))

    def _chat(self, count: int) -> Iterator[Any]:
        came = self._env.now
        while self._taken + count > self.slots:
            if self._env.now - came > self.PATIENCE:
                self.outcome.refused += count
                return
            yield self._env.timeout(0.1)
        self._taken += count
        self.outcome.busiest = max(self.outcome.busiest, self._taken)
        wait = self._ramp_wait(count)
        self.outcome.slow = max(self.outcome.slow, wait)
        yield self._env.timeout(self._load.chat_seconds + wait)
        self._taken -= count
        alerts = sum(self._random.random() < self._load.leads for _ in range(count))
        if alerts:
            self.outcome.alerts += alerts
            self._waiting.append((self._env.now, alerts))
            self.outcome.backlog = max(self.outcome.backlog, self._backlog())

    def _ramp_wait(self, count: int) -> float:
        """How long Firestore keeps a commit of a cohort, where it is not used to the traffic yet."""
        if self._load.warm:
            return 0.0
        now = self._env.now
        allowed = RAMP_START * RAMP_FACTOR ** int(now // RAMP_EVERY)
        self._owed = max(self._owed, now) + count * CHAT_WRITES / allowed
        return min(self._owed - now, self.PATIENCE)

    def _queue(self) -> Iterator[Any]:
        """Dispatches at the pace; while the destination is down, what waits goes on waiting."""
        while True:
            if self._waiting and not self._is_down():
                began, count = self._waiting[0]
                sent = min(count, self._cohort)
                yield self._env.timeout(sent / self.pace)
                left = count - sent
                self._waiting[0] = (began, left)
                if not left:
                    self._waiting.pop(0)
                self.outcome.delays.append((self._env.now - began + self._load.send_seconds, sent))
                if self._env.now <= self._load.seconds:
                    self.outcome.delivered += sent
                if not self._waiting and self._env.now >= self._load.seconds:
                    self.outcome.drained = self._env.now
            else:
                if not self._waiting and self.outcome.drained is None and self._env.now >= self._load.seconds:
                    self.outcome.drained = self._env.now
                yield self._env.timeout(0.25)

    def _is_down(self) -> bool:
        return self._load.outage is not None and self._load.outage[0] <= self._env.now < self._load.outage[1]

    def _backlog(self) -> int:
        return sum(count for _, count in self._waiting)
