"""What the tests need beside Python packages: the Firestore emulator with its Java, and Chromium.

``python -m infra.local.prerequisites`` installs what it may, and says what is missing with the commands otherwise. The
local system itself needs only the emulator and looks for it on its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from infra.local.emulator import MissingPrerequisite, find_emulator

_CHROME_ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

_INSTALL_CHROMIUM = """\
The browser tests need Chromium, and none is on PATH. Install it:
  sudo apt-get install chromium             (Debian)
  sudo apt-get install chromium-browser     (Ubuntu)
  brew install --cask google-chrome         (macOS)"""


def find_chromium(environ: Mapping[str, str], *, install: bool, say: Callable[[str], None]) -> Path:
    """A Chromium or Chrome that runs.

    Args:
        environ: the environment to look in (PATH).
        install: whether Debian's package may be installed where this user may do so; apt's output is shown.
        say: called with a line for people about what takes long.

    Raises:
        MissingPrerequisite: there is none; the message has the commands.
    """
    if found := next(_browsers(environ), None):
        return found
    if install and os.geteuid() == 0:
        _install_chromium(environ, say)
        if found := next(_browsers(environ), None):
            return found
    raise MissingPrerequisite(_INSTALL_CHROMIUM)


def _browsers(environ: Mapping[str, str]) -> Iterator[Path]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [Path(path) for name in names if (path := shutil.which(name, path=environ.get("PATH", "")))]
    if sys.platform == "darwin":
        found.append(_CHROME_ON_MACOS)
    yield from (path for path in found if _runs(path, environ))


def _runs(browser: Path, environ: Mapping[str, str]) -> bool:
    """Whether it says its version; Ubuntu has a program of that name which only says that there is none."""
    try:
        command = [str(browser), "--version"]
        asked = subprocess.run(command, env=dict(environ), capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _install_chromium(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    apt = shutil.which("apt-get", path=environ.get("PATH", ""))
    if not apt:
        return
    say("installing chromium for the browser tests (once)")
    for command in ([apt, "update"], [apt, "install", "-y", "chromium"]):
        quiet = dict(environ) | {"DEBIAN_FRONTEND": "noninteractive"}
        if code := subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, check=False).returncode:
            say(f"{' '.join(command)} failed (exit status {code})")
            return


def _say(line: str) -> None:
    print(f"bellhop: {line}", flush=True)


def main(arguments: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """The command: 0 if the tests have what they need, 1 and everything that is missing otherwise."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.prerequisites", description=__doc__)
    parser.add_argument("--no-install", action="store_true", help="only look")
    install = not parser.parse_args(arguments).no_install
    missing = []
    for find in (find_emulator, find_chromium):
        try:
            find(environ, install=install, say=_say)
        except MissingPrerequisite as error:
            missing.append(str(error))
    if missing:
        print("\n\n".join(missing), file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
