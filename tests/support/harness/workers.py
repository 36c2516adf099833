"""Worker processes as the harness sees them: made by forking, given steps over a socket, replaced when they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.log_scan import KINDS, WATCHING

ROOT = Path(__file__).resolve().parents[3]
LINE_MOST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came of a step.

    Attributes:
        answer: what the flow returned.
        raised: the error's ``name``, ``status`` and ``text``; None where there was none.
        died: the process ended in it; nothing else is known then.
        calls: the labels of the calls it made.
        struck: how many of them were struck.
        events: what it logged.
        seconds: how long it took.
    """

    answer: Any = None
    raised: dict[str, Any] | None = None
    died: bool = False
    calls: tuple[str, ...] = ()
    struck: int = 0
    events: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        """The HTTP status a function would have answered with; None where no answer would have come."""
        if self.died:
            return None
        return 200 if self.raised is None else int(self.raised["status"])

    @property
    def done(self) -> Any:
        """What the flow returned, where it must have returned."""
        assert self.status == 200, self
        return self.answer


@dataclass(eq=False)
class Worker:
    """One process."""

    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def do(self, order: dict[str, Any]) -> Answer:
        """Carry out a step. What a visitor says in it must not be in any log."""
        for name, said in order["arguments"].items():
            WATCHING.scan.holds(KINDS.get(name, "a visitor's words"), said if order["do"] == "chat" else None)
        with contextlib.suppress(ConnectionError):
            self.writer.write(json.dumps(order).encode() + b"\n")
            line = await self.reader.readline()
            if line.endswith(b"\n"):
                told = json.loads(line)
                for event in told["events"]:
                    WATCHING.scan.hears(f"a worker that did {order['do']}", event)
                return Answer(**told | {"calls": tuple(told["calls"]), "events": tuple(told["events"])})
        self.writer.close()
        return Answer(died=True)

    def signal(self, number: signal.Signals) -> None:
        """Stop, continue or kill it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass
class Workers:
    """All processes of a harness, on its loop; ``start`` and ``stop`` it.

    Attributes:
        alive: every worker that was made and is not known to have died.
    """

    firestore_host: str
    alive: set[Worker] = field(default_factory=set)
    _idle: list[Worker] = field(default_factory=list)
    _made: asyncio.Queue[Worker] = field(default_factory=asyncio.Queue)
    _ending: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _server: Any = None

    async def start(self) -> None:
        """Start the process that the workers are forked from."""
        folder = self._ending.enter_context(tempfile.TemporaryDirectory(prefix="bellhop-faults-"))
        path = f"{folder}/workers"
        listening = await asyncio.start_unix_server(self._connected, path, limit=LINE_MOST)
        self._ending.push_async_callback(listening.wait_closed)
        self._ending.callback(listening.close)
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "FIRESTORE_EMULATOR_HOST": self.firestore_host}
        self._server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.harness.worker", path),
            cwd=ROOT,
            env=environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.PIPE,
        )

    async def stop(self) -> None:
        """End every process; none is left."""
        for worker in self.alive:
            worker.signal(signal.SIGKILL)
        self._server.stdin.close()
        await self._server.wait()
        await asyncio.gather(*(worker.reader.read() for worker in self.alive))
        for worker in self.alive:
            worker.writer.close()
            with contextlib.suppress(ConnectionError):
                await worker.writer.wait_closed()
        await self._ending.aclose()

    async def take(self) -> Worker:
        """A worker that nobody else has."""
        if self._idle:
            return self._idle.pop()
        self._server.stdin.write(b"fork\n")
        made = asyncio.ensure_future(self._made.get())
        ended = asyncio.ensure_future(self._server.wait())
        await asyncio.wait((made, ended), return_when=asyncio.FIRST_COMPLETED)
        if not made.done():
            made.cancel()
            raise RuntimeError("the process that workers are forked from has ended; see its standard error")
        ended.cancel()
        return made.result()

    def give_back(self, workers: list[Worker]) -> None:
        """Others may have them."""
        self._idle += workers

    def forget(self, worker: Worker) -> None:
        """It has died."""
        self.alive.discard(worker)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        worker = Worker(int(await reader.readline()), reader, writer)
        self.alive.add(worker)
        self._made.put_nowait(worker)
