"""How the measurements speak: progress lines on standard error, tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def say(line: str) -> None:
    """Tell whoever waits what is being done."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their heads; a row's first cell to the left, the others to the right."""
    cells = [[_cell(each) for each in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    print(f"\n{title}")
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]).rstrip())
    sys.stdout.flush()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
