"""The runbooks as pages, and the part of one that is about a cause. They are our own files, so their HTML is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from shared.edge.refusals import not_found

FOLDER = Path(__file__).parents[2] / "runbooks"
BLOCKED, FAILED = "destination-blocked", "alert-failed"
_FAMILY = re.compile(r"(?P<of>http|smtp)_(?P<digit>[1-5])[0-9]{2}|(?P<ours>internal)_.*", re.ASCII)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_ANCHOR_PART = re.compile(r'<a id="[A-Za-z0-9_-]+">|</a>')


@dataclass(frozen=True)
class Runbook:
    """A runbook, or a part of one, ready to be shown.

    Attributes:
        name: its file's name without the ending.
        title: its heading.
        html: what stands under it.
        place: the anchor of the part; None for the whole.
    """

    name: str
    title: str
    html: Markup
    place: str | None = None


def whole(name: str) -> Runbook:
    """A runbook by its file's name without the ending.

    Raises:
        RequestError: 404, there is none of this name.
    """
    if name not in _names():
        raise not_found("A runbook of this name")
    tokens = _tokens(name)
    title = tokens[1].content if len(tokens) > 1 and tokens[0].type == "heading_open" else name
    return Runbook(name, title, _html(tokens[3:]))


def for_cause(cause: str | None) -> Runbook | None:
    """What is to be done about a cause; None where no runbook names it, nor the family of statuses it is of."""
    if cause is None:
        return None
    found = _FAMILY.fullmatch(cause)
    family = f"{found['of']}_{found['digit']}xx" if found and found["of"] else "internal_" if found else None
    for wanted in (cause, family):
        for name in (BLOCKED, FAILED):
            if wanted is not None and (part := _parts(name).get(wanted)):
                return part
    return None


@cache
def _names() -> frozenset[str]:
    return frozenset(path.stem for path in FOLDER.glob("*.md"))


@cache
def _parts(name: str) -> dict[str, Runbook]:
    """The parts under ``### `` headings, by each machine word in the heading, and by those that are only listed."""
    found: dict[str, Runbook] = {}
    listed: dict[str, Runbook] = {}
    for title, place, tokens in _sections(_tokens(name)):
        part = Runbook(name, title, _html(tokens), place)
        found |= {word: part for word in _words(title) if word not in found}
        said = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
        listed |= {word: part for text in said for word in _words(text) if word not in listed}
    return listed | found


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z][A-Za-z0-9]*_?[A-Za-z0-9_]*", text)


def _sections(tokens: list[Token]) -> Iterator[tuple[str, str, list[Token]]]:
    starts = [number for number, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h3"]
    for start in starts:
        ends = (number for number in range(start + 1, len(tokens)) if tokens[number].type == "heading_open")
        body = tokens[start + 3 : next(ends, len(tokens))]
        yield tokens[start + 1].content, str(tokens[start].attrGet("id")), body


@cache
def _tokens(name: str) -> list[Token]:
    """A file as Markdown reads it; headings get the anchor before them, links lead to pages of the console."""
    tokens = _markdown().parse((FOLDER / f"{name}.md").read_text("utf-8"))
    anchor: str | None = None
    kept: list[Token] = []
    rest = iter(enumerate(tokens))
    for number, token in rest:
        if token.type == "inline" and (found := _ANCHOR.fullmatch(token.content)):
            anchor = found[1]
            kept.pop()  # the paragraph it stands in
            next(rest)
            continue
        if token.type == "heading_open":
            text = tokens[number + 1].content
            token.attrSet("id", anchor or re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-"))
            anchor = None
        if token.type == "html_block":
            continue  # there is none; what is not Markdown but an anchor is not shown
        for child in token.children or ():
            if child.type == "html_inline" and not _ANCHOR_PART.fullmatch(child.content):
                child.content = ""
            if child.type == "link_open":
                child.attrSet("href", _link(str(child.attrGet("href"))))
        kept.append(token)
    return kept


def _link(target: str) -> str:
    """``page.md#place`` as an address that the template puts the way to the console before."""
    name, _, place = target.partition("#")
    if name.endswith(".md"):
        return f"ROOT:runbooks/{name.removesuffix('.md')}{'#' + place if place else ''}"
    return target


def _html(tokens: list[Token]) -> Markup:
    return Markup(_markdown().renderer.render(tokens, _markdown().options, {}))  # noqa: S704 - files of ours


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True})
