"""Every Firestore query that Bellhop's code runs in the tests: what it looks like, and whether it has its index.

The client is watched where it sends a query, so that what is compared is the query as Firestore gets it. Queries of the
tests themselves (to look at what was stored) do not count: only those that come from ``shared/``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.types import query as queries

from infra.deploy.indexes import COLLECTION_GROUP, RECORDED, Query, recorded, uncovered
from infra.manifest import ROOT, load

OURS = str(ROOT / "shared")
_EQUAL = ("EQUAL", "IN", "ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY")
_WAYS = {1: "ascending", 2: "descending"}


class Watch:
    """Watches the client.

    Attributes:
        seen: the queries that were run.
    """

    def __init__(self) -> None:
        self.seen: set[Query] = set()
        self._plain: dict[str, Callable[..., Any]] = {}

    def begin(self) -> None:
        """Look at every query from now on."""
        for name in ("run_query", "run_aggregation_query"):
            plain = self._plain[name] = getattr(FirestoreClient, name)
            setattr(FirestoreClient, name, self._watching(plain))

    def end(self) -> None:
        """Look at none any more."""
        for name, plain in self._plain.items():
            setattr(FirestoreClient, name, plain)

    def _watching(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(client: FirestoreClient, request: Any = None, **how: Any) -> Any:
            if _from_us():
                asked = dict(request)
                counted = asked.get("structured_aggregation_query")
                query = query_of(counted.structured_query if counted else asked["structured_query"])
                self.seen.add(replace(query, order=(*query.order, *_summed(counted))))
            return plain(client, request=request, **how)

        return call

    def wrong(self) -> list[str]:
        """The queries that no declared index covers."""
        database = load().firestore
        assert database is not None
        return [f"{query}: {why}" for query in sorted(self.seen) if (why := uncovered(query, database))]

    def unrecorded(self) -> list[Query]:
        """The queries that the file does not know."""
        return sorted(self.seen - set(recorded()))

    def record(self, path: Path = RECORDED) -> None:
        """Write the file anew."""
        lines = ",\n".join(f"  {json.dumps(query.as_json())}" for query in sorted(self.seen))
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def query_of(structured: Any) -> Query:
    """What matters of a query.

    Raises:
        AssertionError: it has something that is not understood here yet.
    """
    query = structured if isinstance(structured, queries.StructuredQuery) else queries.StructuredQuery(structured)
    (source,) = query.from_
    equal, unequal = _compared(query.where)
    order = [(each.field.field_path, _WAYS[int(each.direction)]) for each in query.order_by]
    order += [(name, "ascending") for name in sorted(unequal) if name not in dict(order)]
    return Query(
        collection=source.collection_id,
        scope=COLLECTION_GROUP if source.all_descendants else "collection",
        equal=tuple(sorted(equal)),
        order=tuple(each for each in order if each[0] != "__name__"),
    )


def _compared(where: Any) -> tuple[set[str], set[str]]:
    """The fields that are compared with ``==`` and the like, and the others."""
    kind = queries.StructuredQuery.Filter.pb(where).WhichOneof("filter_type")
    if kind is None:
        return set(), set()
    if kind == "composite_filter":
        assert where.composite_filter.op.name == "AND", "an OR needs an index for each of its parts"
        parts = [_compared(each) for each in where.composite_filter.filters]
        return set().union(*(equal for equal, _ in parts)), set().union(*(unequal for _, unequal in parts))
    compared = where.unary_filter if kind == "unary_filter" else where.field_filter
    name = compared.field.field_path
    is_equal = kind == "unary_filter" or compared.op.name in _EQUAL
    return ({name}, set()) if is_equal else (set(), {name} - {"__name__"})


def _summed(counted: Any) -> list[tuple[str, str]]:
    """The fields that an aggregation sums: their values come out of the index, too."""
    each = counted.aggregations if counted else ()
    return [(name, "ascending") for one in each if (name := one.sum.field.field_path)]


def _from_us() -> bool:
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            return True
        frame = frame.f_back
    return False
