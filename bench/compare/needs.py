"""What a comparison needs beside what Bellhop does: redis-server, and an environment with the alternatives in it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from infra.local.emulator import MissingPrerequisite
from infra.manifest import ROOT

REQUIREMENTS = ROOT / "bench" / "compare" / "requirements.txt"
FOLDER = ROOT / ".local" / "compare"

_INSTALL_REDIS = """\
The comparison needs redis-server, and none is on PATH. Install it:
  sudo apt-get install redis-server   (Debian, Ubuntu)
  brew install redis                  (macOS)"""


def find_redis(path: str | None = None) -> str:
    """The program redis-server.

    Args:
        path: where to look instead of PATH.

    Raises:
        MissingPrerequisite: there is none; the message has the commands.
    """
    found = shutil.which("redis-server", path=path)
    if found is None:
        raise MissingPrerequisite(_INSTALL_REDIS)
    return found


def alternatives(say: Callable[[str], None], *, folder: Path = FOLDER, requirements: Path = REQUIREMENTS) -> Path:
    """The Python that has the alternatives, installed as they are pinned where it is not there yet.

    Args:
        say: called with a line for people before what takes long.
        folder: where the environment is.
        requirements: what it holds, with hashes.

    Raises:
        MissingPrerequisite: pip could not install them; the message has its last lines.
    """
    python, stamp = folder / "bin" / "python", folder / "bellhop-stamp"
    wanted = f"{sys.version} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    say(f"installing Celery, Dramatiq, APScheduler and Flask-Limiter into {folder} (once, about a minute)")
    venv.create(folder, clear=True, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--require-hashes", "-r", str(requirements)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-15:])
        raise MissingPrerequisite(f"pip could not install {requirements}:\n{last}")
    stamp.write_text(wanted, encoding="utf-8")  # last: what was left half-made is made anew
    return python
