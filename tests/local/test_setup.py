"""``infra/local/setup.sh``: which Python it takes, what it says where there is none, when it works again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

USABLE = f'exec "{sys._base_executable}" "$@"'  # type: ignore[attr-defined]
QUICK = f"""case "$1 $2" in
    "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip") if grep no-such-package requirements-dev.txt; then exit 1; fi ;;
    *) {USABLE} ;;
esac"""  # makes something like a .venv in no time
BROKEN_SHIM = "echo 'pyenv: python3.11: command not found' >&2; exit 127"
OLD = 'case "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac'
WITHOUT_VENV = f"""case "$2" in *ensurepip*) exit 1 ;; esac
{USABLE}"""


class Checkout:
    """A checkout without packages to install, and a PATH of made-up folders before the machine's own tools."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tools = folder / "a checkout", folder / "tools"
        (self.root / "infra" / "local").mkdir(parents=True)
        shutil.copy(ROOT / "infra" / "local" / "setup.sh", self.root / "infra" / "local")
        self.require("# nothing\n")
        self.tools.mkdir()
        for name in (
            "cat",
            "cksum",
            "cp",
            "dirname",
            "grep",
            "head",
            "ln",
            "mkdir",
            "mv",
            "readlink",
            "rm",
            "sleep",
            "tail",
        ):
            (self.tools / name).symlink_to(str(shutil.which(name)))
        self.folders: list[Path] = []
        self.parent = folder

    def require(self, text: str) -> None:
        """Write what is to be installed."""
        (self.root / "requirements-dev.txt").write_text(text, encoding="utf-8")

    def python(self, script: str, name: str = "python3.11") -> Path:
        """Put a Python into a further folder of PATH."""
        folder = self.parent / f"folder {len(self.folders)}"
        folder.mkdir()
        self.folders.append(folder)
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    def set_up(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        path = ":".join(map(str, [*self.folders, self.tools]))
        environment = {"PATH": path, "HOME": str(self.parent), "PIP_NO_INDEX": "1"} | environ
        command = ["/bin/sh", str(self.root / "infra" / "local" / "setup.sh")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout nobody has set up."""
    return Checkout(tmp_path)


def test_it_works_once_and_is_silent_afterwards(checkout: Checkout) -> None:
    """The first Python that works is taken, whatever stands before it on PATH; the second time nothing is said."""
    checkout.python(BROKEN_SHIM)
    checkout.python(OLD, "python3")
    chosen = checkout.python(USABLE)
    first = checkout.set_up()
    assert first.returncode == 0, first.stderr
    assert f"making .venv with {chosen}" in first.stdout
    assert (checkout.root / ".venv" / "bin" / "python").exists()
    second = checkout.set_up()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_what_was_left_unfinished_is_made_anew(checkout: Checkout) -> None:
    """A set-up that failed half-way leaves no stamp: the next one starts from nothing, and so does one interrupted."""
    checkout.python(QUICK)
    checkout.require("no-such-package==1 --hash=sha256:" + "0" * 64 + "\n")
    failed = checkout.set_up()
    assert failed.returncode == 1
    assert "pip could not install the packages" in failed.stderr
    assert "no-such-package" in failed.stderr
    (checkout.root / ".venv" / "half").touch()
    checkout.require("# nothing\n")
    mended = checkout.set_up()
    assert mended.returncode == 0, mended.stderr
    assert "making .venv anew" in mended.stdout
    assert not (checkout.root / ".venv" / "half").exists()
    assert not os.path.lexists(checkout.root / ".local" / "setup.lock")


def test_other_requirements_are_installed_into_the_same_environment(checkout: Checkout) -> None:
    """When only the requirements change .venv is kept; when its Python is gone it is made anew."""
    checkout.python(QUICK)
    checkout.set_up()
    (checkout.root / ".venv" / "kept").touch()
    checkout.require("# still nothing\n")
    again = checkout.set_up()
    assert again.returncode == 0, again.stderr
    assert "set up" in again.stdout
    assert (checkout.root / ".venv" / "kept").exists()
    (checkout.root / ".venv" / "bin" / "python").unlink()
    anew = checkout.set_up()
    assert anew.returncode == 0, anew.stderr
    assert not (checkout.root / ".venv" / "kept").exists()


def test_a_lock_whose_owner_is_gone_is_taken_over(checkout: Checkout) -> None:
    """A set-up that was killed does not stop the next one."""
    checkout.python(QUICK)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout.root / ".local").mkdir()
    (checkout.root / ".local" / "setup.lock").symlink_to(str(gone.pid))
    assert checkout.set_up().returncode == 0


@pytest.mark.parametrize(
    ("pythons", "environ", "said"),
    [
        ({}, {}, ["none on PATH (no python3 works)", "brew install python@3.11", "PYTHON=/path/to"]),
        ({"python3": OLD}, {}, ["3.11 or newer is needed", "(Python 3.9.2)", "apt-get install python3.11"]),
        ({"python3.11": BROKEN_SHIM}, {}, ["Python 3.11 or newer is needed"]),
        (
            {"python3.11": WITHOUT_VENV},
            {},
            ["cannot make virtual environments", "sudo apt-get install python3.", "-venv"],
        ),
        ({"python3.11": USABLE}, {"PYTHON": "/no/python"}, ["under the name that PYTHON gives, /no/python"]),
    ],
    ids=["none", "old", "shim", "without venv", "named wrongly"],
)
def test_a_python_that_does_not_do_is_told(
    checkout: Checkout, pythons: dict[str, str], environ: dict[str, str], said: list[str]
) -> None:
    """The message says what is there, what is needed and the commands; nothing is made."""
    for name, script in pythons.items():
        checkout.python(script, name)
    failed = checkout.set_up(**environ)
    assert failed.returncode == 1
    for words in said:
        assert words in failed.stderr
    assert not (checkout.root / ".venv").exists()
