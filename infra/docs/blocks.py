"""Generated parts of a document, between ``<!-- generated: NAME ... -->`` and ``<!-- end -->``; the rest is by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_BLOCK = re.compile(r"(?ms)^<!-- generated: (?P<name>[a-z-]+) [^\n]*-->\n.*?^<!-- end -->$")


class BlockError(ValueError):
    """A document's marks do not fit what there is to show."""


def filled(text: str, blocks: Mapping[str, str], where: str) -> str:
    """A document with its generated parts made anew.

    Args:
        text: the document.
        blocks: name → what stands between the marks, Markdown.
        where: the document's name, for messages.

    Raises:
        BlockError: a mark names what there is not, or is not closed.
    """
    names = [match["name"] for match in _BLOCK.finditer(text)]
    if len(names) != text.count("<!-- generated: ") or len(names) != text.count("<!-- end -->"):
        raise BlockError(f"{where}: takes pairs of '<!-- generated: NAME (...) -->' and '<!-- end -->', a line each")
    if unknown := [name for name in names if name not in blocks]:
        raise BlockError(f"{where}: nothing is called {', '.join(unknown)}; there are {', '.join(blocks)}")
    return _BLOCK.sub(lambda match: _marked(match["name"], blocks[match["name"]]), text)


def _marked(name: str, text: str) -> str:
    return f"<!-- generated: {name} (python -m infra.docs) -->\n\n{text.strip()}\n\n<!-- end -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what would end a cell is escaped."""
    lines = [list(head), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def _cell(text: str) -> str:
    """Text in which nothing ends the cell or is taken for HTML; code is left as it is."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if at % 2 else part.replace("<", "&lt;") for at, part in enumerate(parts))


def code(words: Iterable[str]) -> str:
    """Words as code, with commas between."""
    return ", ".join(f"`{word}`" for word in words)
