"""Process groups: who is in one, how it is ended, and how it ends when we are killed ourselves.

A program that starts others (gunicorn its workers) is ended as a whole: it is started as the leader of a session of its
own, so that the group holds it and everything it started, and Ctrl-C in the terminal reaches only the supervisor.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

_POLL_SECONDS = 0.01


def members(group: int) -> list[int]:
    """The processes of a group that still run, the leader first; zombies are not among them."""
    return sorted(pid for pid in psutil.pids() if _group_of(pid) == group and _runs(pid))


def send(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; a group that is gone is no error."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM where only zombies are left
        os.killpg(group, number)


def end(group: int, seconds: float) -> None:
    """Kill every process of a group and wait until none runs, for ``seconds`` at most; blocks."""
    limit = time.monotonic() + seconds
    send(group, signal.SIGKILL)
    while members(group) and time.monotonic() < limit:
        time.sleep(_POLL_SECONDS)


async def gone(group: int, seconds: float) -> bool:
    """Wait until no process of a group runs, for ``seconds`` at most; returns whether none does."""
    limit = time.monotonic() + seconds
    while members(group):
        if time.monotonic() > limit:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return -1


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


class Guard:
    """Kills a group when this process ends without having said so, by SIGKILL for instance.

    A small shell waits at the end of a pipe whose other end only this process has, so it wakes however this process
    ends. Linux's PR_SET_PDEATHSIG does not do: it fires when the *thread* that started the child ends, it spares
    grandchildren, and macOS has none.
    """

    def __init__(self, group: int) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; kill -KILL "-$1"', "bellhop-guard", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """Let the group be: to be called once it has ended, its number may belong to somebody else then."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
