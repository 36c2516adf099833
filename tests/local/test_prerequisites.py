"""What the tests need beside Python packages, and the look at processes left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import prerequisites
from infra.local.emulator import MissingPrerequisite
from infra.local.prerequisites import find_chromium

ROOT = Path(__file__).resolve().parents[2]


def program(folder: Path, name: str, script: str = "exit 0") -> Path:
    """Put a shell script where a program is looked for."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def silent(_line: str) -> None:
    """Say nothing."""


def leftovers(command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command and look what it leaves."""
    argv = [sys.executable, "-m", "infra.local.leftovers", "/bin/sh", "-c", command]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_browser_that_runs_is_found(tmp_path: Path) -> None:
    """The stub that Ubuntu has under one name is passed over for the real one under another."""
    program(tmp_path, "chromium", "echo 'please install the snap' >&2; exit 1")
    chrome = program(tmp_path, "google-chrome")
    assert find_chromium({"PATH": str(tmp_path)}, install=True, say=silent) == chrome


def test_no_browser_is_told_with_the_commands(tmp_path: Path) -> None:
    """Where none may be installed the message says how to."""
    with pytest.raises(MissingPrerequisite, match="sudo apt-get install chromium"):
        find_chromium({"PATH": str(tmp_path)}, install=False, say=silent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
def test_root_gets_the_browser_installed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """On Debian apt installs it, its output shown."""
    target = tmp_path / "chromium"
    script = (
        f'echo "apt-get $*"; [ "$1" = update ] || printf "#!/bin/sh\\n" > {target}; /bin/chmod -f +x {target}; exit 0'
    )
    program(tmp_path, "apt-get", script)
    said: list[str] = []
    assert find_chromium({"PATH": str(tmp_path)}, install=True, say=said.append) == target
    assert "apt-get update\napt-get install -y chromium" in capfd.readouterr().out
    assert said == ["installing chromium for the browser tests (once)"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
def test_an_installation_that_fails_is_told(tmp_path: Path) -> None:
    """What failed is said, then how to install it by hand."""
    program(tmp_path, "apt-get", "exit 100")
    said: list[str] = []
    with pytest.raises(MissingPrerequisite, match="brew install --cask google-chrome"):
        find_chromium({"PATH": str(tmp_path)}, install=True, say=said.append)
    assert said[-1].endswith("apt-get update failed (exit status 100)")


def test_the_command_tells_everything_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a bare machine emulator, Java and browser are told at once, and the exit status is 1."""
    assert prerequisites.main(["--no-install"], {"PATH": str(tmp_path), "HOME": str(tmp_path)}) == 1
    told = capsys.readouterr().err
    for words in ("Firestore emulator is missing", "needs Java 11", "need Chromium"):
        assert words in told


def test_the_command_is_content_with_this_machine() -> None:
    """Where these tests run everything is there."""
    assert prerequisites.main(["--no-install"]) == 0


def test_a_command_that_cleans_up_keeps_its_exit_status() -> None:
    """Nothing is said, and the status is the command's own."""
    done = leftovers("exit 7")
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans over")
def test_a_process_left_behind_is_found_and_killed() -> None:
    """An orphan in a session of its own is seen, named and killed, and makes the command fail."""
    mark = "sleep 61.25"
    script = f"import subprocess; subprocess.Popen({mark.split()!r}, start_new_session=True, stdout=subprocess.DEVNULL)"
    done = leftovers(f'"{sys.executable}" -W ignore -c "{script}"')
    assert done.returncode == 1
    assert "left processes behind:" in done.stderr
    assert mark in done.stderr
    running = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in running.splitlines() if line.endswith(mark) and not line.startswith("Z")]
