"""A ledger and its document in ``migrations``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from shared.errors import Unreadable
from shared.migrations.decide import Problem
from shared.migrations.ledger import Counts, Entry, Ledger, State

_LISTED = ("problems", "failing")
_NAMES = tuple(item.name for item in fields(Ledger))


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """A ledger as its document holds it."""
    document = {name: getattr(ledger, name) for name in _NAMES if name != "step"}
    return document | {
        "state": ledger.state.value,
        "counts": asdict(ledger.counts),
        "reasons": dict(ledger.reasons),
        "passing": dict(ledger.passing),
        "log": [asdict(entry) for entry in ledger.log],
        **{name: [asdict(problem) for problem in getattr(ledger, name)] for name in _LISTED},
    }


def ledger_of(step: str, data: Mapping[str, Any]) -> Ledger:
    """The ledger that a document holds; a field that an earlier version did not know has its default.

    Raises:
        Unreadable: it holds none.
    """
    known = {name: data[name] for name in _NAMES if name in data and name != "step"}
    try:
        known["state"] = State(data["state"])
        known["counts"] = Counts(**data.get("counts", {}))
        known["log"] = tuple(Entry(**entry) for entry in data.get("log", ()))
        for name in _LISTED:
            known[name] = tuple(Problem(**problem) for problem in data.get(name, ()))
        return Ledger(step, **known)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(step) from error
