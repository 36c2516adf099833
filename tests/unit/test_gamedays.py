"""The runbooks and their game days belong together: each has the other, and every page is made alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.manifest import ROOT, load
from tests.support.gamedays.page import HEADINGS, RUNBOOKS, Page, pages

DAYS = sorted(path.stem.removeprefix("test_") for path in (ROOT / "tests" / "gamedays").glob("test_*.py"))
NAMES = [path.stem for path in pages()]
EVERYWHERE = Page(RUNBOOKS / "README.md")


def test_every_runbook_has_a_game_day_and_every_game_day_a_runbook() -> None:
    """Named alike, but for the dashes."""
    assert sorted(name.replace("-", "_") for name in NAMES) == DAYS


@pytest.mark.parametrize("name", NAMES)
def test_every_runbook_has_the_same_parts_in_the_same_order(name: str) -> None:
    """So that a person finds what they look for without reading."""
    assert tuple(Page(RUNBOOKS / f"{name}.md").headings) == HEADINGS


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_of_a_command_is_introduced(name: str) -> None:
    """By the page or by the list of pages."""
    page = Page(RUNBOOKS / f"{name}.md")
    assert [each for each in page.unset if each not in EVERYWHERE.introduced] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_that_is_introduced_is_used(name: str) -> None:
    """Or somebody would set it for nothing."""
    page = Page(RUNBOOKS / f"{name}.md")
    used = {found for block in page.blocks for found in re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", block.text)}
    assert sorted(set(page.introduced) - used) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_command_holds_a_placeholder(name: str) -> None:
    """What a reader has to fill in is a variable: a capital word that is none would be run as it stands."""
    page = Page(RUNBOOKS / f"{name}.md")
    found = [
        word
        for block in page.blocks
        for word in re.findall(r"(?<![\w$.{-])(?:[A-Z]+_)*(?:ID|PROJECT|NUMBER|NAME|URL|KEY|REGION)\b(?!=)", block.text)
    ]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_block_is_found(name: str) -> None:
    """One that is written in another way would not be run: every fence is bash, or sh with exports."""
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    fences = re.findall(r"(?m)^\s*(?:```|~~~)+(\w*)\s*$", text)[::2]
    assert set(fences) <= {"bash", "sh"}
    assert len(Page(RUNBOOKS / f"{name}.md").blocks) == fences.count("bash") > 0


def test_every_alert_is_in_the_list_of_runbooks() -> None:
    """By its name, with its page."""
    lines = EVERYWHERE.text.splitlines()
    lost = [
        name
        for name, policy in load().alert_policies.items()
        if not any(f"`{name}`" in line and f"({policy.runbook}.md)" in line for line in lines)
    ]
    assert lost == []


def test_what_the_code_points_to_is_there() -> None:
    """Escalations, notices and the console name a page by its file."""
    told = {
        name
        for path in (ROOT / "shared").rglob("*.py")
        for name in re.findall(r"""["'](?:runbooks/)?([a-z-]+)\.md["']""", path.read_text(encoding="utf-8"))
    }
    assert {"alert-failed", "alerts-overdue", "escalation-undelivered", "not-balanced"} <= told <= set(NAMES)


def test_a_page_is_read_as_it_stands(tmp_path: Path) -> None:
    """Blocks by their part, also those in a list; what is exported by one is known to those after it."""
    path = tmp_path / "x.md"
    path.write_text(
        "# X\n\n```sh\nexport CHANNEL=slack NAME='a b'  # which\n```\n\n## One\n\n```bash\necho $CHANNEL $LOST\n```\n\n"
        "## Two\n\n1. Do:\n\n   ```bash\n   export FOUND=1\n   echo ${FOUND} # x\n   ```\n"
    )
    page = Page(path)
    assert page.introduced == {"CHANNEL": "slack", "NAME": "a b"}
    assert [(block.heading, block.line) for block in page.blocks] == [("One", 9), ("Two", 17)]
    assert page.blocks[1].text == "export FOUND=1\necho ${FOUND} # x\n"
    assert page.unset == ["LOST"]
