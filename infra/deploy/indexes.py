"""Which index a Firestore query needs, and whether the manifest declares it.

Source: https://firebase.google.com/docs/firestore/query-data/index-overview. The shapes of the queries that the code
runs are in ``infra/firestore_queries.json``; the tests compare it with the queries as they run (``make queries``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from infra.manifest import ROOT
from infra.manifest_cloud import COLLECTION_GROUP, Firestore

RECORDED = ROOT / "infra" / "firestore_queries.json"
Order = tuple[str, str]


@dataclass(frozen=True, order=True)
class Query:
    """What matters of a query for its index.

    Attributes:
        collection: the collection's id.
        scope: ``collection`` or ``collection-group``.
        equal: the fields compared with ``==`` or ``in``, sorted.
        order: the fields by which it is ordered, without ``__name__``, with what is compared with ``<`` and the like.
    """

    collection: str
    scope: str
    equal: tuple[str, ...]
    order: tuple[Order, ...]

    def __str__(self) -> str:
        parts = [*(f"{name} ==" for name in self.equal), *(f"{name} {way}" for name, way in self.order)]
        return f"{self.collection}{' (group)' if self.scope == COLLECTION_GROUP else ''}: {', '.join(parts) or 'all'}"

    def as_json(self) -> list[object]:
        """For the file of shapes."""
        return [self.collection, self.scope, list(self.equal), [list(each) for each in self.order]]


def recorded(path: Path = RECORDED) -> list[Query]:
    """The shapes in the file."""
    return [
        Query(collection, scope, tuple(equal), tuple((name, way) for name, way in order))
        for collection, scope, equal, order in json.loads(path.read_text(encoding="utf-8"))
    ]


def uncovered(query: Query, database: Firestore) -> str | None:
    """Why no index serves a query; None where one does, or several joined do."""
    exempt = {(each.collection, name) for each in database.exemptions for name in each.fields}
    if len(query.order) > 1 or (query.order and query.equal):
        return _composite(query, database)
    alone = [*query.equal, *(name for name, _ in query.order)]
    if query.scope == COLLECTION_GROUP and alone:
        return "a field alone has no index over a collection group"
    if gone := [name for name in alone if (query.collection, name) in exempt]:
        return f"{', '.join(gone)} is exempt from having an index"
    return None


def _composite(query: Query, database: Firestore) -> str | None:
    """Firestore joins indexes that end in the query's order, whatever fields with ``==`` they begin with."""
    covered: set[str] = set()
    for index in database.indexes:
        begins, ends = index.fields[: -len(query.order)], index.fields[-len(query.order) :]
        names = {name for name, _ in begins}
        fits = (index.collection, index.scope, ends) == (query.collection, query.scope, query.order)
        if fits and names <= set(query.equal):
            if not query.equal:
                return None
            covered |= names
    missing = set(query.equal) - covered
    return (
        f"no index over {', '.join([*query.equal, *(f'{name} {way}' for name, way in query.order)])}"
        if (missing or not covered)
        else None
    )
