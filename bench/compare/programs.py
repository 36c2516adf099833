"""Programs that can be stopped for a while, started with other settings, and killed process by process."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from infra.local.ports import HOST
from infra.local.supervise import NotReady, ProcessSpec, Supervised
from infra.manifest import ROOT

READY_SECONDS = 120.0
_LOOK_SECONDS = 0.05


class Program:
    """One program, started again whenever it dies, as a service manager does."""

    def __init__(self, spec: ProcessSpec, say: Callable[[str], None]) -> None:
        self.spec = spec
        self._say = say
        self._process: Supervised | None = None

    async def start(self) -> None:
        """Start it and wait until it answers, if it can be asked.

        Raises:
            NotReady: it does not.
        """
        self._process = Supervised(self.spec, say=self._say)
        await self._process.start()
        await self._process.ready(READY_SECONDS)

    async def stop(self) -> None:
        """End it in order; again is no error."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    async def change(self, settings: Mapping[str, str]) -> None:
        """Start it anew with further settings."""
        await self.stop()
        self.spec = replace(self.spec, env={**self.spec.env, **settings})
        await self.start()

    async def kill(self) -> None:
        """SIGKILL to all its processes; it is started again."""
        if self._process is not None:
            await self._process.kill()

    def kill_a_worker(self) -> None:
        """SIGKILL to the oldest of the processes that it started."""
        if self._process is not None:
            kill_the_oldest(self._process.pids()[1:])

    def tail(self) -> list[str]:
        """Its last lines."""
        return self._process.tail() if self._process is not None else []


class Redis(Program):
    """A Redis that keeps what it has on disk, as its documentation recommends where data matters: AOF and snapshots."""

    def __init__(self, program: str, port: int, folder: Path, say: Callable[[str], None]) -> None:
        argv = (program, "--port", str(port), "--bind", HOST, "--dir", str(folder), "--appendonly", "yes")
        self._port = port
        super().__init__(ProcessSpec("redis-server", argv, {"PATH": os.environ["PATH"]}, folder), say)

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            NotReady: it does not.
        """
        await super().start()
        end = time.monotonic() + READY_SECONDS
        while not await self._answers():
            if time.monotonic() > end:
                raise NotReady("\n".join(["redis-server does not answer; its last lines:", *self.tail()[-20:]]))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _answers(self) -> bool:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, self._port)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
        return False


def python(name: str, argv: tuple[str, ...], environ: Mapping[str, str], ready_url: str | None) -> ProcessSpec:
    """How a program of the alternatives is started; ``argv`` begins with the Python that has them."""
    plain = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return ProcessSpec(name, argv, {**plain, **environ}, ROOT, ready_url)


def kill_the_oldest(pids: list[int]) -> None:
    """SIGKILL to the process that has run for the longest time; one that is gone is no error."""
    ages: dict[int, float] = {}
    for pid in pids:
        with suppress(psutil.Error):
            ages[pid] = psutil.Process(pid).create_time()
    if ages:
        with suppress(ProcessLookupError):
            os.kill(min(ages, key=lambda pid: ages[pid]), signal.SIGKILL)
