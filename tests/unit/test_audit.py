"""What ``make check`` looks for: each look finds what was planted for it, and says when it could not look."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.audit import packages, secrets
from infra.audit.packages import Answer
from infra.manifest import ROOT

HASH = f"--hash=sha256:{'0' * 64}"
PINNED = f"# made by\nfirst==1.0 \\\n    {HASH}\n    # via x\nsecond[more]==2.0 \\\n    {HASH} \\\n    {HASH}\n"
KEY = "AKIA" + "QWERTYUIOP123456"
WEAK = {"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": [], "description": "bad"}


def answer(*dependencies: dict) -> Answer:
    """What pip-audit prints."""
    return Answer(json.dumps({"dependencies": dependencies, "fixes": []}), "done")


def fine(name: str, *weaknesses: dict) -> dict:
    """A package that the database knows."""
    return {"name": name, "version": "2.0", "vulns": list(weaknesses)}


def skipped(name: str) -> dict:
    """One that it does not know."""
    return {"name": name, "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import subprocess\nsubprocess.run(input(), shell=True)\n", "B602"),
        ("import yaml\nyaml.load(input())\n", "B506"),
        ("import requests\nrequests.get('https://example.com', verify=False, timeout=1)\n", "B501"),
        ("def add(one: int, two: int) -> int:\n    return one + two\n", None),
    ],
)
def test_dangerous_code_is_found(code: str, found: str | None, tmp_path: Path) -> None:
    """What the configuration leaves out is not the rest."""
    path = tmp_path / "planted.py"
    path.write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "infra.audit.code", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, f"[{found}:" in done.stdout) == ((1, True) if found else (0, False)), done.stderr


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'key = "{KEY}"', "AWS Access Key"),
        ('url = "smtps://bellhop:' + 'kR7.pQ2z@mail.example.com"', "Basic Auth Credentials"),
        ("-----BEGIN EC " + "PRIVATE KEY-----", "Private Key"),
        ('ADMIN_API_KEY = "' + "s3cr3t-of-production" + '"', "Secret Keyword"),
    ],
)
def test_a_secret_is_found_and_not_repeated(text: str, kind: str, tmp_path: Path) -> None:
    """Its place and its kind are said, so that the log of a check is no place to find it."""
    (tmp_path / "planted.py").write_text(f"# nothing here\n{text}\n")
    found = secrets.look_at_changed(tmp_path, ["planted.py"], tmp_path / "seen" / "x.json")
    assert secrets.findings(found, []) == [f"planted.py:2: {kind}"]


def test_what_was_clean_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """What is remembered are hashes of whole files."""
    seen, path = tmp_path / "seen.json", tmp_path / "planted.py"
    path.write_text("nothing = 1\n")
    assert secrets.look_at_changed(tmp_path, ["planted.py"], seen) == []
    remembered = seen.read_text()
    assert remembered != "[]"
    path.write_text(f'key = "{KEY}"\n')
    for _ in range(2):
        assert [each.line for each in secrets.look_at_changed(tmp_path, ["planted.py"], seen)] == [1]
    assert seen.read_text() == "[]"


def test_what_is_allowed_is_no_finding_and_what_nothing_needs_is_one() -> None:
    """An entry is for a file and a whole value."""
    found = [secrets.Found("tests/a/b.py", 3, "Secret Keyword", "made-up")]
    entries = [secrets.Allowed("tests/*", "made-up", "it is"), secrets.Allowed("tests/*", "made", "too short")]
    assert secrets.findings(found, entries) == ["allowed_secrets.yaml: nothing in tests/* is 'made' any more"]
    assert (
        secrets.findings(found, [secrets.Allowed("shared/*", "made-up", "elsewhere")])[0]
        == "tests/a/b.py:3: Secret Keyword"
    )


@pytest.mark.parametrize("kind", ["repository", "copy"])
def test_every_file_that_is_of_the_project_is_looked_at(kind: str, tmp_path: Path) -> None:
    """Whether git is there or only a copy; not what was installed or made, nor the lock files."""
    for name in (
        "a.py",
        "b/c.yaml",
        ".ci/run",
        ".venv/lib/d.py",
        ".local/e",
        "b/__pycache__/f.pyc",
        "requirements.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    if kind == "repository":
        (tmp_path / ".gitignore").write_text(".venv/\n.local/\n__pycache__/\n.gitignore\n")
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert sorted(secrets.tracked(tmp_path)) == [".ci/run", "a.py", "b/c.yaml"]


def test_every_allowed_secret_has_its_reason() -> None:
    """In words."""
    entries = secrets.allowed()
    assert entries
    assert [entry for entry in entries if len(entry.why) < 8] == []


def test_without_the_database_packages_are_skipped_and_that_is_said() -> None:
    """pip-audit calls it no weakness where it found none of them: here one package is asked about first."""
    asked: list[str] = []

    def ask(requirements: str) -> Answer:
        asked.append(requirements)
        return answer(skipped("first"))

    status, lines = packages.audit(PINNED, ask)
    assert asked == [f"first==1.0 \\\n    {HASH}\n"]
    assert (status, lines) == (
        0,
        ["skipped: the database of weaknesses cannot be reached (Dependency not found on PyPI)"],
    )
    status, lines = packages.audit(PINNED, lambda _: Answer("", "Could not connect to PyPI"))
    assert (status, lines) == (0, ["skipped: the database of weaknesses cannot be reached (Could not connect to PyPI)"])


def test_a_known_weakness_fails_and_says_where_it_is_mended() -> None:
    """With what the database did not know beside it."""
    answers = iter([answer(fine("first")), answer(fine("first"), fine("second", WEAK), skipped("third"))])
    status, lines = packages.audit(PINNED, lambda _: next(answers))
    assert status == 1
    assert lines == ["second 2.0: PYSEC-1, mended in ['2.1']", "not in the database: third"]


def test_packages_without_a_weakness_pass() -> None:
    """All of them were asked about."""
    asked: list[str] = []

    def ask(requirements: str) -> Answer:
        asked.append(requirements)
        return answer(fine("first"), fine("second"))

    assert packages.audit(PINNED, ask) == (0, [])
    assert asked[1] == PINNED


def test_requirements_without_hashes_are_refused() -> None:
    """Nothing is asked about."""
    status, lines = packages.audit("first==1.0\n", lambda _: pytest.fail("asked"))
    assert (status, lines) == (1, ["requirements-dev.txt pins nothing with hashes: make lock"])


def test_make_check_looks_for_all_three() -> None:
    """As CI does, which runs it."""
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\nlock:")[0]
    for look in ("code", "secrets", "packages"):
        assert f'"-m infra.audit.{look}"' in recipe
