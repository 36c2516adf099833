"""Run a command and see whether it leaves a process behind: ``python -m infra.local.leftovers COMMAND...``.

Whatever the command starts, however deep and in whatever session, is seen on Linux: this process takes the place of
init for its descendants, so that orphans become its children. Elsewhere only those that are no orphans are seen.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_PATIENCE_SECONDS = 5.0


def left_behind(seconds: float = _PATIENCE_SECONDS) -> list[str]:
    """The command lines of this process's descendants that still run after ``seconds``; zombies are reaped."""
    end = time.monotonic() + seconds
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        running = _descendants()
        if not running or time.monotonic() > end:
            return running
        time.sleep(0.05)


def _descendants() -> list[str]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid}: {' '.join(process.cmdline()) or process.name()}")
    return found


def main(command: list[str]) -> int:
    """Run the command; its exit status, or 1 if it left processes, which are listed and killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    code = subprocess.run(command, check=False).returncode
    left = left_behind()
    if left:
        print(f"{' '.join(command)} left processes behind:", *left, sep="\n  ", file=sys.stderr)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.kill()
    return code or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
