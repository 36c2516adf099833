"""The system at a glance, in Firestore, at a cost that does not grow with what is stored.

What waits and what failed is counted with a bound; what was accepted is the sum of the tallies, of which there are a
few dozen; what was delivered, the one number that grows for ever, follows from these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, Database, reading
from shared.adapters.firestore_breakers import stored_breaker
from shared.adapters.firestore_documents import destination_of
from shared.domain.alert import CANARY, RELAYED
from shared.domain.counts import ENDED, WAITING, Counts
from shared.ports.operations_system import Look, Oldest

COUNT_MOST = 20_000
"""More of one kind than this are not counted: a count costs at most twenty reads."""

SLOTS_MOST = 50
LATE_MOST = 100
CANARIES_MOST = 100
"""So many alerts of canaries are left out of the counts; there are a few, as each run removes those before."""

QUERY_SECONDS = 10.0
READERS = 16

T = TypeVar("T")


@dataclass(frozen=True)
class _Canaries:
    """Alerts of canaries: channel, state and time of making of each. They are alerts like others, counted nowhere."""

    found: tuple[tuple[str, str, datetime], ...]

    def number(self, channel: str, states: Sequence[str], since: datetime | None = None) -> int:
        """How many of a channel are in these states, and were made then or before."""
        return sum(
            each == channel and state in states and (since is None or at <= since) for each, state, at in self.found
        )


class FirestoreOverview:
    """``shared.ports.operations_system.Overseeing`` on Firestore; ``channels`` are those there can be."""

    def __init__(self, database: Database, channels: Sequence[str]) -> None:
        self._database = database
        self._channels = tuple(channels)

    def counts(self) -> Look:
        """Cost: five round trips' time; two reads and a sum a channel, five counts and a read for each in use.

        A count costs a read for up to a thousand that it finds, and at most twenty. Index: ``tallies``: ``channel``,
        ``accepted``; ``alerts``: ``channel``, ``state``.
        """
        now, _, _ = self._places()
        with reading(), ThreadPoolExecutor(READERS, thread_name_prefix="overview") as readers:
            canaries = self._canaries()
            counts = self._counts(readers, canaries)
            oldest = self._each(readers, counts, lambda name: self._oldest(name, canaries))
            return Look(now, counts, _found(oldest))

    def look(self, *, parked_most: timedelta, patience: timedelta) -> Look:
        """Cost: six round trips' time; that of ``counts``, two counts more for each channel in use, a read a job.

        Index: ``alerts``: ``channel``, ``state``, ``created_at`` and ``kind``, ``state``, ``created_at``;
        ``dead_letters``: ``channel``, ``status``, ``escalated_at``.
        """
        now, breakers, destinations = self._places()
        with reading(), ThreadPoolExecutor(READERS, thread_name_prefix="overview") as readers:
            slots = readers.submit(self._slots)
            canaries = self._canaries()
            counts = self._counts(readers, canaries)
            oldest = self._each(readers, counts, lambda name: self._oldest(name, canaries))
            untold = self._each(readers, counts, self._untold)
            overdue = self._each(readers, counts, lambda name: self._overdue(name, now - parked_most, canaries))
            late = self._late(now - patience)
            return Look(
                at=now,
                channels={
                    name: replace(each, untold=untold[name], overdue=overdue[name]) for name, each in counts.items()
                },
                oldest=_found(oldest),
                breakers=breakers,
                destinations=destinations,
                late=late,
                slots=slots.result(),
            )

    def _counts(self, readers: ThreadPoolExecutor, canaries: _Canaries) -> dict[str, Counts]:
        accepted = self._each(readers, self._channels, self._accepted)
        in_use = {name: number for name, number in accepted.items() if number is not None}
        kinds = {**{each: (each,) for each in (*WAITING, "failed")}, "ended": ENDED}
        asked = {
            (name, kind): readers.submit(self._count, self._alerts(name, states))
            for name in in_use
            for kind, states in kinds.items()
        }
        found = {key: each.result() for key, each in asked.items()}
        return {
            name: Counts(
                accepted=number,
                capped=any(found[name, kind] >= COUNT_MOST for kind in kinds),
                **{kind: max(0, found[name, kind] - canaries.number(name, states)) for kind, states in kinds.items()},
            )
            for name, number in in_use.items()
        }

    def _each(
        self, readers: ThreadPoolExecutor, names: Sequence[str] | Mapping[str, Any], ask: Callable[[str], T]
    ) -> dict[str, T]:
        asked = {name: readers.submit(ask, name) for name in names}
        return {name: each.result() for name, each in asked.items()}

    def _places(self) -> tuple[datetime, dict[str, Any], dict[str, Any]]:
        """Firestore's time, the breakers and the destinations.

        Asked alone and first: of several threads that connect a client at once, one loses its connection.
        """
        names = self._channels
        found = self._database.read(
            [self._database.document("breakers", name) for name in names]
            + [self._database.document("destinations", name) for name in names]
        )
        breakers = {name: stored_breaker(name, each).breaker for name, each in zip(names, found, strict=False)}
        destinations = {
            name: destination_of(name, each.to_dict() or {})
            for name, each in zip(names, found[len(names) :], strict=True)
        }
        at = found[0].read_time
        return datetime.fromtimestamp(at.timestamp(), UTC), breakers, destinations

    def _slots(self) -> dict[str, datetime]:
        found = self._get(self._database.client.collection("job_slots").limit(SLOTS_MOST))
        ended = {each.id: each.to_dict() for each in found}
        return {name: at for name, slot in ended.items() if (at := _time(slot)) is not None}

    def _accepted(self, channel: str) -> int | None:
        """The sum of its tallies; None where it has none."""
        tallies: Any = self._collection("tallies").where(filter=FieldFilter("channel", "==", channel))
        query = tallies.count(alias="n").sum("accepted", alias="accepted")
        (values,) = query.get(retry=READ_RETRY, timeout=QUERY_SECONDS)
        found = {each.alias: each.value for each in values}
        return int(found["accepted"]) if found["n"] else None

    def _alerts(self, channel: str, states: Sequence[str]) -> Any:
        of_it = self._collection("alerts").where(filter=FieldFilter("channel", "==", channel))
        return of_it.where(filter=FieldFilter("state", "in", list(states)))

    def _canaries(self) -> _Canaries:
        of_canaries = self._collection("alerts").where(filter=FieldFilter("kind", "==", CANARY))
        found = self._get(of_canaries.select(["channel", "state", "created_at"]).limit(CANARIES_MOST))
        return _Canaries(tuple((each.get("channel"), each.get("state"), each.get("created_at")) for each in found))

    def _oldest(self, channel: str, canaries: _Canaries) -> Oldest | None:
        waiting = self._alerts(channel, WAITING).order_by("created_at").select(["kind", "state", "created_at"])
        found = self._get(waiting.limit(1 + canaries.number(channel, WAITING)))
        first = next((each for each in found if each.get("kind") != CANARY), None)
        if first is None:
            return None
        return Oldest(first.id, channel, first.get("kind"), first.get("state"), first.get("created_at"))

    def _overdue(self, channel: str, since: datetime, canaries: _Canaries) -> int:
        old = self._count(self._alerts(channel, WAITING).where(filter=FieldFilter("created_at", "<=", since)))
        return max(0, old - canaries.number(channel, WAITING, since))

    def _untold(self, channel: str) -> int:
        letters = self._collection("dead_letters").where(filter=FieldFilter("channel", "==", channel))
        failed = letters.where(filter=FieldFilter("status", "==", "failed"))
        return self._count(failed.where(filter=FieldFilter("escalated_at", "==", None)))

    def _late(self, since: datetime) -> int:
        relayed = self._collection("alerts").where(filter=FieldFilter("kind", "in", sorted(RELAYED)))
        waiting = relayed.where(filter=FieldFilter("state", "in", list(WAITING)))
        return self._count(waiting.where(filter=FieldFilter("created_at", "<=", since)), LATE_MOST)

    def _count(self, query: Any, most: int = COUNT_MOST) -> int:
        found = query.limit(most).count(alias="n").get(retry=READ_RETRY, timeout=QUERY_SECONDS)
        return int(found[0][0].value)

    def _get(self, query: Any) -> list[Any]:
        return list(query.get(retry=READ_RETRY, timeout=QUERY_SECONDS))

    def _collection(self, name: str) -> firestore.CollectionReference:
        return self._database.client.collection(name)


def _found(oldest: Mapping[str, Oldest | None]) -> dict[str, Oldest]:
    return {name: found for name, found in oldest.items() if found is not None}


def _time(slot: Mapping[str, Any]) -> datetime | None:
    """The time of a slot that was run to its end."""
    if not slot.get("done"):
        return None
    try:
        return datetime.fromisoformat(slot["time"])
    except (KeyError, TypeError, ValueError):
        return None
