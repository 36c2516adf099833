"""The shell of a game day: what is set stays set, and no failure goes by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gamedays.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A shell in an empty folder."""
    (tmp_path / "here").mkdir()
    shell = Session(tmp_path / "here", {"CHANNEL": "slack"})
    yield shell
    shell.close()


def test_what_a_block_sets_the_next_one_has(session: Session) -> None:
    """Variables, exported or not, and the folder."""
    assert session.run("ONE=1\nexport TWO=2\nmkdir x && cd x\n").failed == ()
    assert session.run('echo "$ONE $TWO $CHANNEL $(basename "$PWD")"').out == "1 2 slack x\n"
    session.sets({"CHANNEL": "it's"})
    assert session.run("python -c 'import os, infra.ops; print(os.environ[\"CHANNEL\"])'").out == "it's\n"


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("true\n", ()),
        ("false\ntrue\n", ((1, "false"),)),
        ("sh -c 'exit 3' | cat\n", ((3, "cat"),)),
        ("true\n(exit 4)\n", ((4, "( exit 4 )"),)),
        ("export ONE=\"$(sh -c 'exit 5')\"\n", ((5, "sh -c 'exit 5'"),)),
        ("false || true\n", ()),
        ("no-such-program --x\n", ((127, "no-such-program --x"),)),
    ],
)
def test_every_command_that_fails_is_told(session: Session, text: str, failed: tuple[tuple[int, str], ...]) -> None:
    """With what stands in the page; the rest of the block is run all the same."""
    found = session.run(text).failed
    assert found == failed


@pytest.mark.parametrize("text", ["echo $NOBODY_SET_THIS\n", "exit 0\n"])
def test_an_unset_variable_ends_it(session: Session, text: str) -> None:
    """And a block that leaves the shell."""
    with pytest.raises(AssertionError, match="the shell ended"):
        session.run(text)
