"""The command that runs the local system: what it refuses before anything starts, and what it keeps."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from infra.local.__main__ import _kept, main


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "PORT: was 'http'; takes a number from 1 to 65535"),
        ("BELLHOP_FAST", "very", "BELLHOP_FAST: was 'very'; takes 1 or 0"),
        ("BELLHOP_PACES", "pigeon=1", "BELLHOP_PACES: was 'pigeon=1'; takes channel="),
        (
            "BELLHOP_LOG_FILE",
            "/nowhere/log",
            "BELLHOP_LOG_FILE: cannot be written (No such file or directory); takes a",
        ),
    ],
)
def test_a_wrong_variable_ends_it_with_2_in_words(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing has been started then."""
    monkeypatch.setenv(name, value)
    assert main(["--quiet"]) == 2
    assert capsys.readouterr().err.startswith(said)


def test_what_the_functions_print_is_added_to_the_file_at_once(tmp_path: Path) -> None:
    """With the function's name, after what an earlier run left there."""
    path = tmp_path / "log"
    path.write_text("earlier\n")
    with contextlib.ExitStack() as ending:
        hear = _kept(str(path), ending)
        hear("chat", '{"event": "turn_answered"}')
        assert path.read_text() == 'earlier\nchat: {"event": "turn_answered"}\n'


def test_without_a_file_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is made."""
    monkeypatch.chdir(tmp_path)
    with contextlib.ExitStack() as ending:
        _kept("", ending)("chat", "a line")
    assert list(tmp_path.iterdir()) == []
