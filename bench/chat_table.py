"""The rows of `chat`'s table: what was measured, what is wanted, and whether it holds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.chat_costs import AT_300, AT_300_KEYED, AT_MOST, LATER, LATER_KEYED, Cost


@dataclass(frozen=True)
class Row:
    """One line; ``holds`` is None where nothing is wanted."""

    name: str
    chat: str
    bare: str = ""
    ratio: str = ""
    wanted: str = ""
    holds: bool | None = None

    def cells(self) -> Sequence[str]:
        """As the table prints it."""
        verdict = {True: "yes", False: "NO", None: ""}[self.holds]
        return (self.name, self.chat, self.bare, self.ratio, self.wanted, verdict)


def rows_hold(rows: Sequence[Row]) -> bool:
    """Whether all that is wanted holds."""
    return all(row.holds is not False for row in rows)


def ratio_row(
    name: str, ours: Sequence[float], bare: Sequence[float], *, least: float | None = None, most: float | None = None
) -> Row:
    """A figure of both functions: the medians, and the median of the ratios of each turn.

    Args:
        name: what was measured.
        ours: chat's, in the order of the runs.
        bare: the bare function's, likewise.
        least: the smallest ratio that is wanted, None for any.
        most: the largest one, likewise.
    """
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    holds = None if least is None and most is None else (least or 0.0) <= ratio <= (most or float("inf"))
    wanted = f">= {least:g}" if least is not None else f"<= {most:g}" if most is not None else ""
    return Row(name, _shown(ours), _shown(bare), f"{ratio:.2f}", wanted, holds)


def cost_rows(costs: Mapping[str, Cost]) -> list[Row]:
    """What a chat costs, and that it does not grow with the conversation."""
    rows = [
        Row(_named(name), _said(cost), wanted=_most(name), holds=within(name, cost)) for name, cost in costs.items()
    ]
    for early, late in ((LATER, AT_300), (LATER_KEYED, AT_300_KEYED)):
        same = costs[early] == costs[late]
        rows.append(Row(f"{late}: as {early}", "the same" if same else "not the same", wanted="the same", holds=same))
    return rows


def within(name: str, cost: Cost) -> bool:
    """Whether a chat that goes this way costs no more than is allowed, in nothing."""
    return all(getattr(cost, each) <= getattr(AT_MOST[name], each) for each in vars(cost))


def _named(name: str) -> str:
    return f"{name}: round trips / calls / reads / writes / deletes / tasks"


def _said(cost: Cost) -> str:
    return " / ".join(str(each) for each in vars(cost).values())


def _most(name: str) -> str:
    return f"<= {_said(AT_MOST[name])}"


def _shown(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f}"
