"""The documents: generated parts are as the code says, links lead somewhere, commands are there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bench.__main__ import _parser as bench_parser
from infra.deploy.arguments import parse as deploy_parse
from infra.docs import __main__ as docs
from infra.docs.blocks import BlockError, filled, table
from infra.docs.configuration import takes, without
from infra.manifest import ROOT, load
from infra.ops.arguments import parse as ops_parse
from shared.config import Settings
from tests.support.gamedays.page import Page

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "runbooks").rglob("*.md")),
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
TARGETS = set(re.findall(r"(?m)^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8")))
PROGRAMS = {
    "infra.ops": ops_parse,
    "infra.deploy": deploy_parse,
    "bench": lambda words: bench_parser().parse_args(words),
}
REDIRECT = re.compile(r"^(>|>>|2>|<|\||;|&&|#).*")


def text_of(page: str) -> str:
    """A document."""
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(text: str) -> list[str]:
    """Where a link may lead in a document: GitHub's names of its headings, and anchors written by hand."""
    tokens = MarkdownIt("commonmark").parse(text)
    headings = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "heading_open"]
    named = ["".join(part.content for part in heading.children or ()) for heading in headings]
    slugs, seen = [], Counter[str]()
    for name in named:
        slug = re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-")
        slugs.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return slugs + re.findall(r'<a id="([^"]+)">', text)


def links(text: str) -> list[str]:
    """The targets of a document's links and pictures."""
    parts = [child for token in MarkdownIt("commonmark").enable("table").parse(text) for child in token.children or ()]
    return [
        str(part.attrs.get("href") or part.attrs.get("src")) for part in parts if part.type in ("link_open", "image")
    ]


def examples(page: str) -> dict[str, str]:
    """What a runbook's commands take, with the values of its examples; they may have no spaces in them."""
    if not page.startswith("runbooks/"):
        return {}
    return {**Page(ROOT / "runbooks" / "README.md").introduced, **Page(ROOT / page).introduced}


def filled_in(command: str, values: dict[str, str]) -> str:
    """A command with what its variables stand for, where that is known."""
    return re.sub(r"\$\{?([A-Z][A-Z0-9_]*)\}?", lambda found: values.get(found[1], found[0]), command)


def commands(text: str) -> list[str]:
    """What a document says to type: lines of its shell blocks, and code spans that begin like a command."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    blocks = [token.content for token in tokens if token.type == "fence" and token.info in ("bash", "sh", "console")]
    spans = [part.content for token in tokens for part in token.children or () if part.type == "code_inline"]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in lines + spans if re.search(r"(^|\s|/)(make|python -m|python) ", f"{line} ")]


def asked(command: str) -> tuple[str, list[str]] | None:
    """The program of a command (``make``, or a module's name) and its arguments; None where it is another one."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return None
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    words = words[: next((at for at, word in enumerate(words) if REDIRECT.match(word)), len(words))]
    if not words:
        return None
    if words[0] == "make":
        return "make", [word for word in words[1:] if "=" not in word and not word.startswith("-")]
    if Path(words[0]).name.startswith("python") and words[1:2] == ["-m"] and len(words) > 2:
        return words[2], words[3:]
    return None


def wrong(command: str) -> str | None:
    """What is not there of a command; None where all of it is."""
    named = asked(command)
    if named is None:
        return None
    program, words = named
    if program == "make":
        missing = sorted(set(words) - TARGETS)
        return f"the Makefile has no {', '.join(missing)}" if missing else None
    if program in PROGRAMS:
        return refused(program, words)
    there = ROOT.joinpath(*program.split("."))
    if program.split(".")[0] in ("infra", "bench", "tests", "shared") and not (
        there.with_suffix(".py").is_file() or (there / "__main__.py").is_file()
    ):
        return f"there is no {program}"
    return None


def refused(program: str, words: list[str]) -> str | None:
    """What a command line refuses; a bare name is asked for its help, words joined by ``|`` are tried one by one."""
    if any("|" in word for word in words[:1]):
        return next((said for word in words[0].split("|") if (said := refused(program, [word]))), None)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            PROGRAMS[program](words if len(words) > 1 else [*words, "--help"])
        except SystemExit as end:
            return said.getvalue() or "it is refused" if end.code else None
    return None


def test_every_generated_part_is_as_the_code_says() -> None:
    """After a change of settings or manifest: python -m infra.docs."""
    assert [str(path) for path, text in docs.texts().items() if path.read_text(encoding="utf-8") != text] == []


def test_a_document_out_of_date_is_told_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written by hand around the parts stays."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("images", "decisions", "model"))
    page = tmp_path / "docs" / "configuration.md"
    whole = page.read_text()
    page.write_text(whole.replace("`HOT_LEAD_SCORE`", "`COLD_LEAD_SCORE`"))
    assert docs.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out == "docs/configuration.md is out of date: python -m infra.docs\n"
    assert docs.main([], tmp_path) == 0
    assert page.read_text() == whole
    assert docs.main(["--check"], tmp_path) == 0


@pytest.mark.parametrize(
    "text",
    ["<!-- generated: jobs (x) -->\n", "<!-- generated: cats (x) -->\n<!-- end -->\n", "<!-- end -->\n"],
)
def test_marks_that_do_not_fit_are_refused(text: str) -> None:
    """A part that is not closed would swallow the rest."""
    with pytest.raises(BlockError):
        filled(text, {"jobs": "every day"}, "x.md")


def test_a_table_keeps_its_cells() -> None:
    """What would end a cell, or be taken for HTML, is shown as it is."""
    assert table(("a",), [("Bell <a@b> | `<c>`",)]) == "| a |\n| --- |\n| Bell &lt;a@b> \\| `<c>` |"


def test_every_setting_is_described() -> None:
    """With what it takes, and who reads it."""
    page = text_of("docs/configuration.md")
    for item in Settings.__dataclass_fields__.values():
        [row] = re.findall(rf"(?m)^\| `{item.metadata['name']}`.*$", page)
        assert item.metadata["doc"] in row
        assert takes(item).replace("|", "\\|").replace("<", "&lt;") in row


def test_every_part_of_the_manifest_is_drawn() -> None:
    """Functions, queues, jobs, destinations, metrics and policies."""
    page, manifest = text_of("docs/architecture.md"), load()
    nodes = {
        *(f"f_{name}[" for name in manifest.functions),
        *(f"q_{name}[[" for name in manifest.queues),
        *(f"j_{name}[/" for name in manifest.jobs),
        *(f"m_{name}(" for name in manifest.metrics),
        *(f"p_{name.replace('-', '_')}{{" for name in manifest.alert_policies),
    }
    assert sorted(node for node in nodes if node not in page) == []


@pytest.mark.parametrize("page", NAMES)
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file of this repository, and to a heading or an anchor in it; none is there twice."""
    text = text_of(page)
    by_hand = re.findall(r'<a id="([^"]+)">', text)
    assert len(by_hand) == len(set(by_hand))
    lost = []
    for link in links(text):
        name, _, place = link.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        target = (ROOT / page).parent / name if name else ROOT / page
        if not target.exists() or (place and place not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", NAMES)
def test_every_command_is_there(page: str) -> None:
    """Targets of the Makefile, and command lines of our own programs."""
    said = [(command, wrong(filled_in(command, examples(page)))) for command in commands(text_of(page))]
    assert [f"{command}: {what}" for command, what in said if what] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("make dinner", "no dinner"),
        ("PORT=8090 make run ARGS=-x", None),
        ("python -m infra.ops dance", "invalid choice"),
        (".venv/bin/python -m infra.ops alerts --mail ana@example.com", "--email"),
        ("python -m infra.ops waive 3f2a... --reason 'called'", "letters, digits"),
        ("python -m infra.ops waive 3f2a --reason 'called' # done", None),
        ("python -m infra.ops erasures|consent-audit", None),
        ("python -m infra.deploy fly --place staging", "invalid choice"),
        ("python -m infra.deploy plan --place staging > plan.txt", None),
        ("python -m infra.nothing", "there is no infra.nothing"),
        ("python -m bench storms", "invalid choice"),
    ],
)
def test_a_wrong_command_is_noticed(command: str, said: str | None) -> None:
    """And a right one is not."""
    found = wrong(command)
    assert (said is None and found is None) or (said is not None and found is not None and said in found), found


def test_a_wrong_link_is_noticed() -> None:
    """Headings count as GitHub names them, in the order in which they come."""
    assert anchors("# One, two\n## `make x` & more\n## One, two\n") == ["one-two", "make-x--more", "one-two-1"]
    assert links("[a](b.md#c) ![d](e.png)\n\n| x |\n| --- |\n| [y](z) |\n") == ["b.md#c", "e.png", "z"]


def test_the_documents_are_many() -> None:
    """So that an empty list does not pass for a good one."""
    assert len(NAMES) > 40
    assert sum(len(commands(text_of(page))) for page in NAMES) > 60


def test_the_readmes_settings_are_as_declared() -> None:
    """Their names, and their defaults where a row gives one a setting."""
    declared, manifest = {item.metadata["name"]: item for item in Settings.__dataclass_fields__.values()}, load()
    rows = re.findall(r"(?m)^\| ((?:`[A-Z_]+`(?:, )?)+) \| ([^|]*) \|", text_of("README.md"))
    assert len(rows) > 20
    for names, defaults in rows:
        listed, given = re.findall(r"`([A-Z_]+)`", names), re.findall(r"`([^`]+)`", defaults)
        assert sorted(set(listed) - set(declared)) == []
        if len(given) == len(listed):
            held = [without(name, declared[name].metadata["default"], manifest) for name in listed]
            assert [f"`{value}`" for value in given] == [value.removesuffix(" (manifest)") for value in held], names
