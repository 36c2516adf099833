"""Steps whose process is stopped by a signal in the middle of a call, while others go on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import psutil

from tests.support.harness.shim import Strike
from tests.support.harness.trial import Step, Trial
from tests.support.harness.workers import Answer


async def came_about(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - of a process's state nobody tells
            await asyncio.sleep(0.01)


async def stopped_in(made: Trial, step: Step, strike: Strike) -> tuple[asyncio.Task[Answer], Callable[[], None]]:
    """A step whose process was stopped by a signal, unless it ended without; the step, and what lets it go on."""
    running = asyncio.ensure_future(made.run(step, strike))
    await came_about(lambda: len(made.working) == 1 or running.done())
    workers = list(made.working)
    if workers:
        process = psutil.Process(workers[0].pid)
        await came_about(lambda: process.status() == psutil.STATUS_STOPPED or running.done())
    return running, lambda: workers[0].signal(signal.SIGCONT) if workers else None
