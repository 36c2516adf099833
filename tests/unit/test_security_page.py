"""``docs/security.md``: every row says what is done and names tests that exist and are run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

from infra.manifest import ROOT, load

pytestmark = pytest.mark.timeout(600)  # it starts pytest, which reads all that the page names
PAGE = ROOT / "docs" / "security.md"
PARTS = [
    "Visitor to chat",
    "Firestore",
    "Cloud Tasks and Cloud Scheduler",
    "deliver_alert and the destinations",
    "Operators and the console",
    "E-mails and unsubscribe",
    "Language model",
    "Deployment and supply chain",
    "Logs",
    "OWASP API Security Top 10 (2023)",
]
NOT_RUN = {"skip", "skipif", "xfail", "deploy_faults"}
"""Marks of tests that ``make test`` and ``make faults`` may leave out, or let fail."""

Row = tuple[str, str, str]


def rows(text: str) -> list[tuple[str, Row]]:
    """The rows of a page's tables, each with the heading it stands under."""
    found: list[tuple[str, Row]] = []
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if cells and cells[0] != "risk":
            risk, done, shown = cells
            found.append((heading, (risk, done, shown.removesuffix("|").strip())))
    return found


def named(cell: str) -> list[str]:
    """The tests that a cell names, as ``path::test_name`` or ``path::test_name[case]``."""
    return re.findall(r"`([^`]+)`", cell)


@cache
def marks_of(path: str) -> dict[str, set[str]]:
    """The tests of a module and the names of their marks, the module's own among them."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    whole = {
        part.attr
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
        for part in ast.walk(node.value)
        if isinstance(part, ast.Attribute)
    }
    return {
        node.name: whole
        | {part.attr for mark in node.decorator_list for part in ast.walk(mark) if isinstance(part, ast.Attribute)}
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def wrong(test: str) -> str | None:
    """What is not right about a test's name; None where it exists and is run."""
    path, _, name = test.partition("::")
    if not re.fullmatch(r"tests/\w+/test_\w+\.py", path) or not (ROOT / path).is_file():
        return "no such file"
    marks = marks_of(path).get(name.partition("[")[0])
    if marks is None:
        return "no such test"
    if "[" in name and "parametrize" not in marks:
        return "no cases"
    return f"may be left out: {', '.join(left)}" if (left := sorted(marks & NOT_RUN)) else None


def uncollected(tests: list[str]) -> list[str]:
    """Those that pytest does not find by their whole name."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    files = sorted({test.partition("::")[0] for test in tests})
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    return sorted(set(tests) - set(done.stdout.splitlines()))


ROWS = rows(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("heading", "row"), ROWS, ids=[row[0][:40] for _, row in ROWS])
def test_every_row_names_tests_that_exist_and_are_run(heading: str, row: Row) -> None:
    """At least one for each risk."""
    risk, done, shown = row
    assert heading in PARTS
    assert len(risk) > 10
    assert done
    assert named(shown)
    assert " ".join(f"`{test}`" for test in named(shown)) == shown
    assert [f"{test}: {said}" for test in named(shown) if (said := wrong(test))] == []


def test_cases_are_named_as_pytest_names_them() -> None:
    """Where a row names one case of a test; a case that is none is noticed."""
    cases = [test for _, (_, _, shown) in ROWS for test in named(shown) if "[" in test]
    assert cases
    none = f"{cases[0].partition('[')[0]}[no such case]"
    assert uncollected([*cases, none]) == [none]


def test_a_name_that_is_none_is_noticed() -> None:
    """Of a file, of a test, of a case, and of a test that is not always run."""
    here = "tests/unit/test_security_page.py::"
    assert wrong("tests/unit/test_nothing.py::test_x") == "no such file"
    assert wrong("infra/manifest.py::load") == "no such file"
    assert wrong(f"{here}test_nothing") == "no such test"
    assert wrong(f"{here}rows") == "no such test"
    assert wrong(f"{here}test_a_name_that_is_none_is_noticed[x]") == "no cases"
    assert wrong(f"{here}test_a_name_that_is_none_is_noticed") is None
    assert (
        wrong("tests/deploy/test_upload.py::test_what_pip_installs_is_what_that_environment_has")
        == "may be left out: deploy_faults"
    )


def test_every_part_of_the_data_flow_has_its_risks() -> None:
    """And all ten of OWASP's are there, in their order."""
    assert list(dict.fromkeys(heading for heading, _ in ROWS)) == PARTS
    numbers = [
        number for heading, (risk, _, _) in ROWS if heading == PARTS[-1] for number in re.findall(r"\[API(\d+)\]", risk)
    ]
    assert numbers == [str(number) for number in range(1, 11)]


def test_every_function_is_thought_of() -> None:
    """A line under each heading says which are meant: a new one asks for its risks."""
    said = " ".join(re.findall(r"(?m)^Functions: (.*)$", PAGE.read_text(encoding="utf-8")))
    assert sorted(name for name in load().functions if f"`{name}`" not in said) == []
