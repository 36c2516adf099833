"""Every alert counted in Firestore as it was at one moment, and those found that are wrong.

The moment is that of the first count; all else is read as of then (``read_time``), which Firestore gives for an hour,
without a transaction.

Counting costs one read for up to a thousand documents. Documents themselves are read only where the counts disagree,
and then no more than ``SCAN_MOST`` of each kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, Database, reading
from shared.adapters.firestore_lost import Lost
from shared.domain.alert import CANARY, DEAD_LETTER_STATUS, WAITING
from shared.domain.conservation import STATES, Census, ChannelCounts, WrongAlert

WRONG_MOST = 100
SCAN_MOST = 20_000
CANARIES_MOST = 1_000
"""So many alerts of canaries are left out of the counts; there are a few, as each run removes those before."""

ALWAYS_COMPARED = 500
"""So many dead letters are compared with their alerts one by one even where their numbers agree."""

QUERY_SECONDS = 20.0
COUNTED_AT_ONCE = 4
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_WAITING = sorted(state.value for state in WAITING)
_STATUS_OF = {state.value: status for state, status in DEAD_LETTER_STATUS.items()}


class FirestoreConservation:
    """``shared.ports.operations.Counting`` on Firestore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def census(self, kept: timedelta) -> Census:
        """Cost: eight round trips, and four for each channel, as four counts are under way at once.

        Reads: one for each tally, one for up to a thousand alerts each time they are counted (three times), and where
        the counts disagree up to 20,000 documents of each kind. One for each alert of a canary (at least one): they are
        alerts like others, and counted nowhere.

        Index: ``alerts``: ``state``, ``wake_at``; where a channel does not balance, for the collection group
        ``messages``: ``at``.
        """
        client = self._database.client
        with reading():
            return _Look(Snapshot.now(client), kept).census()


@dataclass(frozen=True)
class Snapshot:
    """Firestore as it was at one moment.

    Attributes:
        client: the connected client.
        at: the moment, by Firestore's clock.
        alerts: how many alerts there were.
    """

    client: firestore.Client
    at: datetime
    alerts: int

    @classmethod
    def now(cls, client: firestore.Client) -> Self:
        """Count the alerts, and keep the moment of that; one round trip."""
        alerts: Any = client.collection("alerts")
        found = alerts.count(alias="n").get(retry=READ_RETRY, timeout=QUERY_SECONDS)
        return cls(client, found[0][0].read_time, int(found[0][0].value))

    def all(self, name: str) -> Any:
        """A collection."""
        return self.client.collection(name)

    def count(self, query: Any) -> int:
        """How many documents a query finds; one round trip, one read for up to a thousand."""
        found = query.count(alias="n").get(read_time=self.at, retry=READ_RETRY, timeout=QUERY_SECONDS)
        return int(found[0][0].value)

    def counts(self, queries: Sequence[Any]) -> list[int]:
        """How many documents each query finds; four at once."""
        with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
            return list(pool.map(self.count, queries))

    def get(self, query: Any) -> list[Any]:
        """The documents a query finds; one round trip, one read each."""
        return list(query.get(read_time=self.at, retry=READ_RETRY, timeout=QUERY_SECONDS))

    def missing(self, ids: list[str]) -> set[str]:
        """Those of some alerts that there are none of; one round trip and one read an alert."""
        references = [self.all("alerts").document(name) for name in ids]
        found = self.client.get_all(
            references, field_paths=["state"], read_time=self.at, retry=READ_RETRY, timeout=QUERY_SECONDS
        )
        return {snapshot.id for snapshot in found if not snapshot.exists}


@dataclass
class _Look:
    """One look at everything.

    Attributes:
        snapshot: what is looked at.
        kept: how far back messages are looked through.
        wrong: the alerts that are wrong, as they are found; the first problem of each is told.
        complete: no bound was met.
    """

    snapshot: Snapshot
    kept: timedelta
    wrong: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    _canaries: Counter[tuple[str, str]] = field(default_factory=Counter)

    def census(self) -> Census:
        self._canaries = self._found_canaries()
        channels = self._channels()
        self._check_alerts(channels)
        self._check_dead_letters(channels)
        unbalanced = {name for name, counts in channels.items() if counts.accepted != counts.known + counts.archived}
        if unbalanced:
            lost = Lost(self.snapshot, datetime.now(UTC) - self.kept, SCAN_MOST)
            for alert_id, problem in lost.found(unbalanced):
                self.wrong.setdefault(alert_id, problem)
            self.complete = self.complete and lost.complete
        named = tuple(WrongAlert(*item) for item in list(self.wrong.items())[:WRONG_MOST])
        return Census(channels, named, self.complete and len(self.wrong) <= WRONG_MOST)

    def _channels(self) -> dict[str, ChannelCounts]:
        tallies: dict[str, dict[str, int]] = defaultdict(lambda: {"accepted": 0, "archived": 0})
        for snapshot in self.snapshot.get(self.snapshot.all("tallies")):
            data = snapshot.to_dict()
            for name in ("accepted", "archived"):
                tallies[data["channel"]][name] += data.get(name, 0)
        # A channel whose tallies are lost is counted all the same.
        names = sorted({*tallies, *self._channels_of_alerts()})
        return {name: self._channel(name, tallies[name]) for name in names}

    def _channels_of_alerts(self) -> Iterator[str]:
        """Every channel that an alert has: one read a channel, from one to the next."""
        query = self.snapshot.all("alerts").order_by("channel").select(["channel"]).limit(1)
        found = self.snapshot.get(query)
        while found:
            name = found[0].get("channel")
            if isinstance(name, str):
                yield name
            found = self.snapshot.get(query.start_after({"channel": name}))

    def _channel(self, name: str, tally: Mapping[str, int]) -> ChannelCounts:
        of_it = self.snapshot.all("alerts").where(filter=FieldFilter("channel", "==", name))
        counted = self.snapshot.counts(
            [of_it, *(of_it.where(filter=FieldFilter("state", "==", state)) for state in STATES)]
        )
        states = {
            state: number - self._canaries[name, state] for state, number in zip(STATES, counted[1:], strict=True)
        }
        canaries = sum(number for (channel, _), number in self._canaries.items() if channel == name)
        return ChannelCounts(tally["accepted"], tally["archived"], states, counted[0] - canaries)

    def _found_canaries(self) -> Counter[tuple[str, str]]:
        """How many alerts of canaries there are, by channel and state."""
        of_canaries = self.snapshot.all("alerts").where(filter=FieldFilter("kind", "==", CANARY))
        found = self.snapshot.get(of_canaries.select(["channel", "state"]).limit(CANARIES_MOST))
        return Counter((each.get("channel"), each.get("state")) for each in found)

    def _check_alerts(self, channels: Mapping[str, ChannelCounts]) -> None:
        """Alerts whose channel or state nobody knows, and those that wait and that no sweep can find."""
        alerts = self.snapshot.all("alerts")
        waiting = alerts.where(filter=FieldFilter("state", "in", _WAITING))
        to_be_found = waiting.where(filter=FieldFilter("wake_at", ">", _EVER))
        of_them_waiting, found = self.snapshot.counts([waiting, to_be_found])
        known = sum(counts.known for counts in channels.values()) + self._canaries.total()
        if self.snapshot.alerts == known and of_them_waiting == found:
            return
        for snapshot in self._scanned(alerts.select(["channel", "state", "wake_at"])):
            problem = _problem_of(snapshot.to_dict() or {})
            if problem is not None:
                self.wrong.setdefault(snapshot.id, problem)

    def _check_dead_letters(self, channels: Mapping[str, ChannelCounts]) -> None:
        """Alerts without their dead letter, and dead letters without their alert."""
        letters = self.snapshot.all("dead_letters")
        there_are, *of_each = self.snapshot.counts(
            [letters, *(letters.where(filter=FieldFilter("status", "==", status)) for status in _STATUS_OF.values())]
        )
        counted = dict(zip(_STATUS_OF, of_each, strict=True))
        expected = {state: sum(counts.states[state] for counts in channels.values()) for state in _STATUS_OF}
        if counted == expected and there_are == sum(counted.values()) and there_are > ALWAYS_COMPARED:
            return
        resting = self.snapshot.all("alerts").where(filter=FieldFilter("state", "in", sorted(_STATUS_OF)))
        status_of = {item.id: _value(item, "status") for item in self._scanned(letters.select(["status"]))}
        state_of = {
            item.id: _value(item, "state")
            for item in self._scanned(resting.select(["state", "kind"]))
            if _value(item, "kind") != CANARY
        }
        for alert_id, state in state_of.items():
            status = status_of.pop(alert_id, None)
            if status is None:
                self.wrong.setdefault(alert_id, f"it is {state} and has no dead letter")
            elif status != _STATUS_OF[state]:
                self.wrong.setdefault(alert_id, f"it is {state} and its dead letter says {status}")
        for alert_id in status_of:
            self.wrong.setdefault(alert_id, "it has a dead letter and is not parked, failed or waived")

    def _scanned(self, query: Any) -> list[Any]:
        found = self.snapshot.get(query.limit(SCAN_MOST))
        self.complete = self.complete and len(found) < SCAN_MOST
        return found


def _problem_of(alert: Mapping[str, Any]) -> str | None:
    if not isinstance(alert.get("channel"), str):
        return "its channel is unknown"
    if alert.get("state") not in STATES:
        return "its state is unknown"
    if alert["state"] in _WAITING and not isinstance(alert.get("wake_at"), datetime):
        return f"it is {alert['state']} without wake_at: no sweep finds it"
    return None


def _value(snapshot: Any, name: str) -> Any:
    return (snapshot.to_dict() or {}).get(name)
