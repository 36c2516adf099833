"""A runbook as a game day reads it: its headings, the commands under each, and the variables they take.

Blocks marked ``bash`` are commands; blocks marked ``sh`` hold nothing but ``export NAME=example`` lines, which say what
the reader sets before.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from sybil.document import Document
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser
from sybil.typing import Evaluator

from infra.manifest import ROOT

RUNBOOKS = ROOT / "runbooks"
HEADINGS = (
    "What it means",
    "How bad it is, and for whom",
    "How to see it",
    "Causes, likeliest first",
    "Recovery",
    "How to know it worked",
    "How to undo it",
    "Prevention",
    "Whom to call",
)
_ASSIGNED = re.compile(r"(?:^|[\s;&|(])(?:export\s+)?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_USED = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True)
class Block:
    """Commands that stand together.

    Attributes:
        heading: of which part of the page they are.
        line: where they begin in the file.
        text: what is typed.
        example: to be evaluated.
    """

    heading: str
    line: int
    text: str
    example: Example


class Page:
    """One runbook, or the page of all of them.

    Args:
        path: its file.
        run: evaluates a block; what it answers is what went wrong.

    Attributes:
        name: of the file, without its ending.
        headings: of the second level, in their order.
        blocks: in the file's order.
        introduced: what the page says to set before, with the example's value.
    """

    def __init__(self, path: Path, run: Evaluator = lambda _: None) -> None:
        self.name, self.text = path.stem, path.read_text(encoding="utf-8")
        self._starts = _headings(self.text)
        self.headings = [title for _, title in self._starts]
        document = Document.parse(str(path), CodeBlockParser("bash", run), CodeBlockParser("sh", lambda _: None))
        self.blocks: list[Block] = []
        self.introduced: dict[str, str] = {}
        for example in document.examples():
            text = str(example.parsed)
            if self._kind(example) == "sh":
                self.introduced |= _exports(text, self.name)
            else:
                self.blocks.append(Block(self._heading(example.line), example.line, text, example))

    @property
    def unset(self) -> list[str]:
        """Variables that a block takes and neither an earlier block nor an introduction of this page gives."""
        known, missing = {*self.introduced}, []
        for block in self.blocks:
            # What a line assigns, its own commands may take: the order inside a block is the reader's business.
            known |= set(_ASSIGNED.findall(block.text))
            missing += [name for name in _USED.findall(block.text) if name not in known]
        return list(dict.fromkeys(missing))

    def under(self, heading: str) -> list[Block]:
        """The blocks of a part, in the file's order."""
        assert heading in self.headings, f"{self.name}.md has no part {heading!r}: {self.headings}"
        return [block for block in self.blocks if block.heading == heading]

    def _kind(self, example: Example) -> str:
        opening = self.text[example.start :].splitlines()[0]
        return opening.strip().lstrip("`~").strip()

    def _heading(self, line: int) -> str:
        return next((title for start, title in reversed(self._starts) if start < line), "")


def pages() -> list[Path]:
    """Every runbook's file, without the list of them."""
    return sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def _headings(text: str) -> list[tuple[int, str]]:
    """The lines, counted from 1, and titles of the headings of the second level."""
    tokens = MarkdownIt("commonmark").parse(text)
    found = [at for at, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    return [((tokens[at].map or [0])[0] + 1, tokens[at + 1].content) for at in found]


def _exports(text: str, name: str) -> dict[str, str]:
    """What the lines of an ``sh`` block set."""
    words = [word for line in text.splitlines() for word in _words_of(line, name)]
    return dict(word.partition("=")[::2] for word in words)


def _words_of(line: str, name: str) -> list[str]:
    words = shlex.split(line, comments=True)
    assert not words or (words[0] == "export" and all("=" in word for word in words[1:])), (
        f"{name}.md: an sh block holds export lines only, not {line!r}"
    )
    return words[1:]
