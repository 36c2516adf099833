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

from shared.edge.console_words import CHANNELS, word
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
        channel: what the destination is called that it is about; None where it is about any.
    """

    name: str
    title: str
    html: Markup
    place: str | None = None
    channel: str | None = None


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


def for_cause(cause: str | None, channel: str | None = None) -> Runbook | None:
    """What is to be done about a cause; None where no runbook names it, nor the family of statuses it is of.

    Args:
        cause: a machine word; None where none is known.
        channel: of whose destination, as several have an ``http_404``; None for any.
    """
    if cause is None or cause.endswith("_"):
        return None
    found = _FAMILY.fullmatch(cause)
    family = f"{found['of']}_{found['digit']}xx" if found and found["of"] else "internal_" if found else None
    parts = [part for wanted in (cause, family) for name in (BLOCKED, FAILED) for part in _parts(name).get(wanted, ())]
    fits = [part for part in parts if channel is None or part.channel in (None, word(channel, CHANNELS))]
    return next((part for part in fits if channel is not None and part.channel), next(iter(fits), None))


@cache
def _names() -> frozenset[str]:
    return frozenset(path.stem for path in FOLDER.glob("*.md"))


@cache
def _parts(name: str) -> dict[str | None, list[Runbook]]:
    """The parts of a runbook, by each machine word in their headings; then by those that they only list."""
    found: dict[str | None, list[Runbook]] = {}
    listed: dict[str | None, list[Runbook]] = {}
    for part, tokens in _sections(name):
        for named in dict.fromkeys(_words(part.title)):
            found.setdefault(named, []).append(part)
        said = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
        for named in dict.fromkeys(each for text in said for each in _words(text)):
            listed.setdefault(named, []).append(part)
    return {named: [*found.get(named, ()), *listed.get(named, ())] for named in {**found, **listed}}


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z][A-Za-z0-9_]*", text)


def _sections(name: str) -> Iterator[tuple[Runbook, list[Token]]]:
    """What stands under each heading below the second level, and each paragraph that an anchor names, with its tokens.

    A heading that is a destination's name is no part: it says whose the parts under it are.
    """
    tokens, channel = _tokens(name), None
    for number, token in enumerate(tokens):
        title = tokens[number + 1].content if token.type == "heading_open" else ""
        if title and (title in CHANNELS.values() or token.tag == "h2"):
            channel = title if title in CHANNELS.values() else None
        elif title and token.tag in ("h3", "h4"):
            ends = (after for after in range(number + 1, len(tokens)) if tokens[after].type == "heading_open")
            body = tokens[number + 3 : next(ends, len(tokens))]
            place = str(token.attrGet("id"))
            yield Runbook(name, title, _html(body), place, channel), body
        if token.type == "inline" and (found := _ANCHOR.match(token.content)):
            body = tokens[number - 1 : number + 2]
            yield Runbook(name, found[1], _html(body), found[1], channel), body


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
    return Markup(_markdown().renderer.render(tokens, _markdown().options, {}))  # nosec B704  # noqa: S704 - files of ours


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")
