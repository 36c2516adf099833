"""Programs kept running: each in a process group of its own, started again when it dies, ended as a whole."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from infra.local import groups

RESTART_DELAYS = (0.0, 0.2, 0.5, 1.0, 2.0)
"""Seconds before each restart in a row; the last one goes on for ever."""

STEADY_SECONDS = 10.0
"""Who has run for so long and dies counts as dying for the first time."""

_HOPELESS_DEATHS = 3
_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_LINE_LIMIT = 16384


class NotReady(Exception):  # noqa: N818 - what it is
    """A program did not become ready; the message says why, with its last lines."""


@dataclass(frozen=True)
class ProcessSpec:
    """A program to keep running.

    Attributes:
        name: what it is called in messages.
        argv: the program and its arguments.
        env: its whole environment. Give each gunicorn a ``HOME`` of its own: it keeps a control socket there.
        cwd: the folder it starts in.
        ready_url: it is ready when this URL is answered with any status; None: once it is started.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    ready_url: str | None = None


class Supervised:
    """One program and whatever it starts.

    From `start` to `stop` it is started again whenever it dies: at once the first time, then after short waits that
    grow to two seconds; it never gives up, and says each time what happened. All methods belong to one event loop.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        say: Callable[[str], None] = lambda _: None,
        on_line: Callable[[str], None] = lambda _: None,
        log_lines: int = 200,
    ) -> None:
        """Nothing is started yet.

        Args:
            spec: the program.
            say: called with one line for people when the program died.
            on_line: called with each line it prints, without its end.
            log_lines: how many of its last lines `tail` keeps.
        """
        self.spec = spec
        self.restarts = 0
        self._say = say
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=log_lines)
        self._deaths = 0
        self._asked = False
        self._grace = 0.0
        self._stopping = asyncio.Event()
        self._running: _Running | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the program; returns before it is ready.

        Raises:
            OSError: it cannot be started at all.
        """
        self._running = await self._launch()
        self._watch = asyncio.create_task(self._keep_running(self._running), name=f"watch {self.spec.name}")

    async def ready(self, timeout: float) -> None:  # noqa: ASYNC109 - the wait is told from the program's own death
        """Wait until the program answers.

        Args:
            timeout: seconds to wait at most.

        Raises:
            NotReady: it did not answer in time, or it died three times in a row.
        """
        end = time.monotonic() + timeout
        async with aiohttp.ClientSession() as session:
            while not (self._running and await self._answers(session)):
                if self._deaths >= _HOPELESS_DEATHS:
                    raise NotReady(self._story("dies whenever it is started"))
                if time.monotonic() > end:
                    raise NotReady(self._story(f"was not ready after {timeout:g} s"))
                await asyncio.sleep(_POLL_SECONDS)

    def pids(self) -> list[int]:
        """The processes that run: the program's own first, then what it started; none between a death and a restart."""
        return groups.members(self._running.group) if self._running else []

    def tail(self) -> list[str]:
        """The last lines printed, oldest first, those of earlier runs included."""
        return list(self._lines)

    async def kill(self) -> None:
        """Send SIGKILL to all its processes and wait until they are gone; then it is started again, at once."""
        self._asked = True
        if self._running:
            await self._running.kill()

    async def change(self, spec: ProcessSpec, grace: float = 5.0) -> None:
        """End its processes, SIGTERM first, and wait until they are gone; then it is started as another one, at once.

        Args:
            spec: how it is started from now on.
            grace: seconds between SIGTERM and SIGKILL.
        """
        self.spec, self._asked = spec, True
        if self._running:
            await self._running.end(grace)

    async def stop(self, grace: float = 5.0) -> None:
        """End the program and everything it started; it is not started again. Stopping twice is no error.

        Args:
            grace: seconds between SIGTERM and SIGKILL.
        """
        self._grace = grace
        self._stopping.set()
        running, self._running = self._running, None
        if running:
            await running.end(grace)
        if self._watch:
            await self._watch

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        if self.spec.ready_url is None:
            return True
        try:
            async with session.get(self.spec.ready_url, timeout=aiohttp.ClientTimeout(total=2)):
                return True
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def _launch(self) -> _Running:
        loop = asyncio.get_running_loop()
        transport, running = await loop.subprocess_exec(
            lambda: _Running(self._heard),
            *self.spec.argv,
            env=dict(self.spec.env),
            cwd=self.spec.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        running.begun(transport)
        return running

    def _heard(self, line: str) -> None:
        self._lines.append(line)
        self._on_line(line)

    async def _keep_running(self, running: _Running) -> None:
        while True:
            started = time.monotonic()
            await running.died.wait()
            if self._running is running:  # otherwise stop() ends it
                self._running = None
                await running.kill()  # what the dead program started would keep its port
            if self._stopping.is_set():
                return
            delay = self._delay_after(time.monotonic() - started)
            self._say(
                f"{self.spec.name} died ({running.cause()}); starting it again{f' in {delay:g} s' if delay else ''}"
            )
            again = await self._relaunch(delay)
            if again is None:
                return
            if self._stopping.is_set():
                await again.end(self._grace)
                return
            running = self._running = again
            self.restarts += 1

    def _delay_after(self, seconds: float) -> float:
        """The wait before a restart of a program that ran for ``seconds``."""
        if self._asked or seconds > STEADY_SECONDS:
            self._deaths = 0
        if self._asked:
            self._asked = False
            return 0.0
        self._deaths += 1
        return RESTART_DELAYS[min(self._deaths, len(RESTART_DELAYS)) - 1]

    async def _relaunch(self, delay: float) -> _Running | None:
        """Start the program again after ``delay`` seconds; None if it is to stop."""
        while not await self._stops_within(delay):
            try:
                return await self._launch()
            except OSError as error:
                delay = RESTART_DELAYS[-1]
                self._say(f"{self.spec.name} cannot be started ({error}); trying again in {delay:g} s")
        return None

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    def _story(self, what: str) -> str:
        lines = self.tail()[-20:]
        return "\n".join([f"{self.spec.name} {what}; {'its last lines:' if lines else 'it printed nothing'}", *lines])


class _Running(asyncio.SubprocessProtocol):
    """One run of a program.

    A protocol and not `asyncio.subprocess.Process`: its ``wait`` returns only when the output is closed, which a worker
    that outlives the program keeps open.
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self.died = asyncio.Event()
        self.group = 0
        self._closed = asyncio.Event()
        self._heard = heard
        self._rest = b""

    def begun(self, transport: asyncio.SubprocessTransport) -> None:
        self._transport = transport
        self.group = transport.get_pid()
        self._guard = groups.Guard(self.group)

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_LIMIT:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._heard(line.rstrip(b"\r").decode(errors="replace"))

    def pipe_connection_lost(self, _fd: int, _exc: Exception | None) -> None:
        if self._rest:
            self._heard(self._rest.decode(errors="replace"))
            self._rest = b""

    def process_exited(self) -> None:
        self.died.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._closed.set()

    def cause(self) -> str:
        """How it died, for people."""
        code = self._transport.get_returncode() or 0
        return f"exit status {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"

    async def end(self, grace: float) -> None:
        """SIGTERM, and SIGKILL to whoever is left after ``grace`` seconds."""
        groups.send(self.group, signal.SIGTERM)
        await groups.gone(self.group, grace)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL to all, then wait until they are gone, what they printed is read and nothing of ours is open."""
        groups.send(self.group, signal.SIGKILL)
        await groups.gone(self.group, _KILL_SECONDS)
        self._guard.release()
        with suppress(TimeoutError):  # a daemon that left the group may keep the output open
            await asyncio.wait_for(self._closed.wait(), _CLOSE_SECONDS)
        self._transport.close()
