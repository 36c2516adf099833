"""Several processes divide the tests so that what takes long to start is started once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = """
import pytest

@pytest.fixture(scope="session")
def shared():
    print("begun")

@pytest.mark.parametrize("number", range(6))
def test_it(shared, number):
    pass
"""


def test_what_shares_something_runs_in_one_process(tmp_path: Path) -> None:
    """Each folder of those is one process's, end-to-end files are two's, any other file is one's."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    files = [
        "e2e/test_a.py",
        "e2e/test_b.py",
        "e2e/test_c.py",
        "browser/test_d.py",
        "browser/test_e.py",
        "unit/test_f.py",
    ]
    for each in files:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(SHARED, "utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\npythonpath = " + str(ROOT), "utf-8"
    )
    target = re.search(r"-m pytest (-n \$\(WORKERS\) .*) \$\(ARGS\)", (ROOT / "Makefile").read_text("utf-8"))
    assert target is not None
    arguments = target[1].replace("$(WORKERS)", "3").split()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    by_file: dict[str, set[str]] = {}
    for process, file in re.findall(r"\[(gw\d)\] .*PASSED (\S+?)::", ran.stdout):
        by_file.setdefault(file, set()).add(process)
    assert sorted(by_file) == sorted(files)
    assert all(len(processes) == 1 for processes in by_file.values()), by_file
    assert by_file["e2e/test_a.py"] == by_file["e2e/test_c.py"] != by_file["e2e/test_b.py"]
    assert by_file["browser/test_d.py"] == by_file["browser/test_e.py"]
    first = re.search(r"PASSED (\w+)/", ran.stdout)
    assert first is not None
    assert first[1] in {"e2e", "browser"}  # what takes longest
