"""The world that the exploration walks through, small enough to be told from any other and to be seen only once.

Time is abstract: what has a time is due or not, a lease lives or is over, and either may change at any moment, back
too. Versions are abstract as well: who read something knows whether it has been written since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

from shared.domain.alert import Alert, Policy
from shared.domain.destination import Destination
from tests.support.documents import NOW

DUE = NOW - timedelta(seconds=1)
LATER = NOW + timedelta(hours=2)
GENERATION = 7
LEAD_ID = "lead"
NONCE_READ, NONCE_GIVEN = "read", "given"


@dataclass(frozen=True)
class Scenario:
    """A small world to explore.

    Attributes:
        name: to print.
        channel: of the lead.
        escalation_channels: where escalations and notices go.
        policy: small budgets.
        workers: how many.
        relays: whether what the lead makes is delivered too, or only has to exist.
        blocks: how many attempts may find a destination blocked.
        epochs: one, and how often the lead is redriven.
        effects: what may come of an attempt.
    """

    name: str
    channel: str
    escalation_channels: tuple[str, ...]
    policy: Policy
    workers: int = 2
    relays: bool = False
    blocks: int = 2
    epochs: int = 2
    effects: tuple[str, ...] = ("delivered", "lost", "retry", "long", "broken", "rejected", "blocked", "unknown")


class Doc(NamedTuple):
    """An alert's document with what hangs on it.

    Attributes:
        name: the alert's, a number of the catalogue.
        alert: what it is, a number of the catalogue.
        lease_over: the lease's time has passed.
        dead: it has a dead letter.
        receipt: the epoch of its receipt, 0 if there is none.
        queued: the task of its generation is in the queue.
        taken: that task's name has been used.
        stale: a task of an older generation is in the queue.
        copies: how often the destination shows it, at most 2 are told apart.
        excuse: why there may be two: 1 an answer was lost, 2 a holder stalled past its lease, 0 none.
        sends: attempts of this epoch that were sent and not blocked.
        item: the epoch and key under which Monday.com has its item.
    """

    name: int
    alert: int
    lease_over: bool = False
    dead: bool = False
    receipt: int = 0
    queued: bool = False
    taken: bool = False
    stale: bool = False
    copies: int = 0
    excuse: int = 0
    sends: int = 0
    item: tuple[int, int] = (0, 0)


class Process(NamedTuple):
    """A worker or the sweep, between two of its steps.

    Attributes:
        step: ``idle``, ``decided``, ``holding``, ``sent``, ``receipt`` or ``tasks``.
        doc: the alert it is about.
        change: what it is about to commit, a number of the catalogue; -1 for none.
        held: the alert under its lease.
        outcome: what came of its attempt; empty before.
        fresh: the alert is as this process read or wrote it last.
        place_fresh: so is its destination.
        task: the task it runs is still of the alert's generation.
        probing: it holds the probe's lease.
        sent_before: an earlier attempt under the key may have succeeded, as the claim read it.
        accepted: the destination took what it sent.
        pending: the tasks it will create, and whether each is still of its alert's generation.
    """

    step: str = "idle"
    doc: int = -1
    change: int = -1
    held: int = -1
    outcome: str = ""
    fresh: bool = True
    place_fresh: bool = True
    task: bool = False
    probing: bool = False
    sent_before: bool = False
    accepted: bool = False
    pending: tuple[tuple[int, bool], ...] = ()


IDLE = Process()


class World(NamedTuple):
    """Everything at one moment: alerts, destinations, processes (the sweep is the last), tallies, blocks to come."""

    docs: tuple[Doc, ...]
    places: tuple[tuple[str, int], ...]
    processes: tuple[Process, ...]
    tallies: tuple[tuple[tuple[str, str], int], ...]
    blocks: int

    def doc(self, name: int) -> Doc:
        """The document of a name."""
        return next(doc for doc in self.docs if doc.name == name)

    def place(self, channel: str) -> int:
        """What is known of a destination, -1 for nothing."""
        return next((number for name, number in self.places if name == channel), -1)

    def put(self, changed: Doc) -> World:
        """The world with one document changed."""
        return self._replace(docs=tuple(changed if doc.name == changed.name else doc for doc in self.docs))

    def run(self, index: int, process: Process) -> World:
        """The world with one process further on."""
        return self._replace(processes=(*self.processes[:index], process, *self.processes[index + 1 :]))


class Change(NamedTuple):
    """One step of an alert as the store is asked to write it.

    Attributes:
        after: what the alert becomes.
        claims: it is a claim, whose process sends next.
        bumped: it has a new generation.
        made: names and alerts made with it.
        place: what its destination becomes, -1 for nothing.
        faults: the rules it breaks.
    """

    after: int
    claims: bool
    bumped: bool
    made: tuple[tuple[int, int], ...]
    place: int
    faults: tuple[str, ...]


class Catalogue:
    """Numbers for alerts, destinations, changes and names; what differs in nothing that decides is the same."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.places: list[Destination] = []
        self.changes: list[Change] = []
        self._known: dict[object, int] = {}

    def alert(self, alert: Alert) -> int:
        """The number of an alert, without what decides nothing: cause, history, and how long ago things were."""
        rounds = len(alert.route)
        alike = replace(
            alert,
            wake_at=None if alert.wake_at is None else (DUE if alert.wake_at <= NOW else LATER),
            generation=GENERATION,
            nonce=NONCE_READ,
            cause=None,
            history=(),
            created_at=NOW,
            ended_at=None if alert.ended_at is None else NOW,
            key=alert.key if alert.channel == "monday" else 1,
            first_sent_at=None if alert.first_sent_at is None else NOW,
            hop=alert.hop % rounds + min(alert.hop // rounds, 1) * rounds if rounds else 0,
        )
        decides = (alike.id, alike.channel, alike.state, alike.wake_at, alike.epoch, alike.attempts, alike.maybe_shown)
        rest = (alike.unknowns, alike.key, alike.first_sent_at, alike.blocked, alike.plain, alike.route, alike.hop)
        return self._number(("alert", decides, rest), self.alerts, alike)

    def place(self, place: Destination) -> int:
        """The number of what is known of a destination."""
        alike = replace(
            place,
            since=None if place.since is None else NOW,
            remind_at=None if place.remind_at is None else (DUE if place.remind_at <= NOW else LATER),
            probe_at=None if place.probe_at is None else (DUE if place.probe_at <= NOW else LATER),
            # The sweep goes by the next probe's time: only while that is not due does the lease of one tell more.
            leased_until=LATER if place.leased_until is not None and place.leased_until > NOW else None,
            nonce=NONCE_READ,
        )
        return self._number(("place", alike), self.places, alike)

    def change(self, change: Change) -> int:
        """The number of a change."""
        return self._number(("change", change), self.changes, change)

    def name(self, alert_id: str) -> int:
        """The number of an alert's name."""
        return self._known.setdefault(("name", alert_id), len(self._known))

    def _number(self, key: object, kept: list[Any], value: Any) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(kept)
            kept.append(value)
        return number
