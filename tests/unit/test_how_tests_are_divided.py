"""Several processes divide the tests so that what takes long to start is started once, and is begun with."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALONE, END_TO_END = "adapters/test_a.py", [f"e2e/test_{each}.py" for each in "def"]
FILES = [ALONE, "browser/test_b.py", "browser/test_c.py", *END_TO_END]
SHARED = """
import pytest

@pytest.fixture(scope="session")
def shared(pytestconfig):
    with open(pytestconfig.rootpath / "begun", "a") as begun:
        begun.write(f"{FOLDER}\\n")
"""
TESTS = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(shared, number):
    pass
"""


def divided(folder: Path) -> list[tuple[str, str]]:
    """(process, file) of each test in the order in which they passed, with what `make test` tells pytest."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = --import-mode=importlib\npythonpath = {ROOT}", "utf-8")
    for each in FILES:
        path = folder / each
        path.parent.mkdir(exist_ok=True)
        path.write_text(TESTS, "utf-8")
        (path.parent / "conftest.py").write_text(f"FOLDER = {path.parent.name!r}\n{SHARED}", "utf-8")
    target = re.search(r"-m pytest (-n \$\(WORKERS\) .*) \$\(ARGS\)", (ROOT / "Makefile").read_text("utf-8"))
    assert target is not None
    arguments = target[1].replace("$(WORKERS)", "3").split()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments, str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return re.findall(r"\[(gw\d)\] .*PASSED (\S+?)::", ran.stdout)


def test_what_shares_something_runs_in_one_process(tmp_path: Path) -> None:
    """Each folder of those is one process's, end-to-end files are two's, any other file is one's."""
    passed = divided(tmp_path)
    assert Counter(file for _, file in passed) == dict.fromkeys(FILES, 6)
    by_file = {file: {process for process, other in passed if other == file} for file in FILES}
    assert {len(processes) for processes in by_file.values()} == {1}
    first, second, third = (by_file[file] for file in END_TO_END)
    assert first == third != second
    assert Counter((tmp_path / "begun").read_text("utf-8").split()) == {"e2e": 2, "browser": 1, "adapters": 1}
    assert [file for _, file in passed].index(ALONE) >= 4  # begun when something else is nearly over
