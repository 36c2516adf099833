"""The table of a comparison: a column for each system."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from bench.compare.judge import Verdict, percentile
from bench.compare.plan import Fault
from bench.compare.run import Measured
from bench.compare.systems import BELLHOP, CELERY, DRAMATIQ, FLASK, RECORDS

_THOUSAND = 1000

NEEDS: Mapping[str, Mapping[str, str]] = {
    "  programs that always run": {BELLHOP: "0", CELERY: "2", DRAMATIQ: "2", FLASK: "1"},
    "  Redis with a disk": {BELLHOP: "-", CELERY: "yes", DRAMATIQ: "yes", FLASK: "limits"},
    "  a disk of its own": {BELLHOP: "-", CELERY: "-", DRAMATIQ: "-", FLASK: "yes"},
    "  Functions, Tasks, Scheduler": {BELLHOP: "yes", CELERY: "-", DRAMATIQ: "-", FLASK: "-"},
}
"""What each needs running in production, by its name without a record."""

LEGEND = """\
+ keeps a record of every alert in the same Firestore; Redis "limits": for Flask-Limiter's windows only.
Lost: answered with 200, and not in Slack {waits} s after everything was well again, the same for all; known: a person
was told by e-mail, or the record says that it was not delivered. Shown twice: copies beyond the first, in brackets
those that say themselves that they may be repetitions. Turned away: visitors who got no 200, and know it."""


def rows(measured: Mapping[str, Measured], faults: Sequence[Fault]) -> tuple[list[str], list[list[object]]]:
    """The heads and the rows.

    Args:
        measured: by system, in the order of the columns.
        faults: in the order of the rows.
    """
    found = list(measured.values())
    table: list[list[object]] = [["deliveries a second", *(f"{_rate(each):.0f}" for each in found)]]
    if BELLHOP in measured and measured[BELLHOP].rates:
        table.append(["  times Bellhop's", *(f"{_rate(each) / _rate(measured[BELLHOP]):.1f}" for each in found)])
    for share, title in ((0.5, "p50"), (0.99, "p99")):
        waits = [percentile(each.waits, share) * _THOUSAND for each in found]
        table.append([f"chat to Slack, {title}, ms", *(f"{each:.0f}" for each in waits)])
    if any(each.turned_away for each in found):
        table.append(["turned away, nothing broken", *(each.turned_away for each in found)])
    for fault in faults:
        verdicts = [each.verdicts[fault.key] for each in found]
        table.append([fault.title, *("" for _ in verdicts)])
        table.append(["  accepted", *(each.accepted for each in verdicts)])
        table.append(["  turned away", *(each.turned_away for each in verdicts)])
        table.append(["  lost", *map(_lost, verdicts)])
        table.append(["  shown twice", *map(_twice, verdicts)])
    table.append(["needs running", *("" for _ in found)])
    table += [[title, *(by_kind[name.removesuffix(RECORDS)] for name in measured)] for title, by_kind in NEEDS.items()]
    stores = [name == BELLHOP or name.endswith(RECORDS) for name in measured]
    table.append(["  Firestore", *("yes" if each else "-" for each in stores)])
    return ["", *measured], table


def notes(measured: Mapping[str, Measured], faults: Sequence[Fault]) -> list[str]:
    """What the table cannot say: the legend, and what came after its time."""
    waits = " or ".join(f"{each:g}" for each in sorted({fault.wait for fault in faults}))
    late = [
        f"{name}: of those lost in {fault.title}, {each.later[fault.key]} were shown later."
        for fault in faults
        for name, each in measured.items()
        if each.later.get(fault.key)
    ]
    return [LEGEND.format(waits=waits), *late] if faults else []


def _rate(measured: Measured) -> float:
    return statistics.median(measured.rates)


def _lost(verdict: Verdict) -> str:
    known = f" ({verdict.known} known)" if verdict.known else ""
    return f"{len(verdict.lost)}{known}"


def _twice(verdict: Verdict) -> str:
    warned = f" ({verdict.warned} say so)" if verdict.warned else ""
    return f"{verdict.twice}{warned}"
