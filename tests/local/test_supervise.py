"""The supervisor: programs are started again when they die, and end as a whole."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from infra.local import groups
from infra.local.ports import Port
from infra.local.supervise import RESTART_DELAYS, NotReady, ProcessSpec, Supervised

ROOT = Path(__file__).resolve().parents[2]

SLEEP = "import time; time.sleep(60)"
FAMILY = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print("started", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
time.sleep(60)
"""
SERVER = """
import http.server, sys
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Stage:
    """Runs programs, remembers what was said of them, and stops them all."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard: list[str] = []
        self.programs: list[Supervised] = []
        self._ports: list[Port] = []

    async def start(
        self, script: str, *arguments: str, ready_url: str | None = None, log_lines: int = 200
    ) -> Supervised:
        """Start a Python script under supervision."""
        argv = (sys.executable, "-c", script, *arguments)
        spec = ProcessSpec("child", argv, {"WHO": "a child"}, ROOT, ready_url)
        program = Supervised(spec, say=self.said.append, on_line=self.heard.append, log_lines=log_lines)
        self.programs.append(program)
        await program.start()
        return program

    def port(self) -> int:
        """A port nobody listens on."""
        self._ports.append(Port())
        return self._ports[-1].number

    async def clear(self) -> None:
        """End all of it."""
        for program in self.programs:
            await program.stop()
        for port in self._ports:
            port.release()


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """A stage, empty again afterwards: no process is left."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    stage = Stage()
    try:
        yield stage
    finally:
        await stage.clear()
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before


def play(scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a test's coroutine on a stage."""

    async def run() -> None:
        async with staged() as stage:
            await scene(stage)

    asyncio.run(run())


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


def test_what_it_prints_is_heard_and_the_last_lines_are_kept() -> None:
    """Both streams are heard line by line, with the given environment and nothing else; a long story keeps its end."""

    async def scene(stage: Stage) -> None:
        script = (
            f"import os, sys; print('PATH' in os.environ); print(os.environ['WHO']); sys.stdout.flush(); {{}}; {SLEEP}"
        )
        program = await stage.start(script.format("print('error', file=sys.stderr)"), log_lines=2)
        await until(lambda: len(stage.heard) == 3)
        assert stage.heard == ["False", "a child", "error"]
        assert program.tail() == ["a child", "error"]

    play(scene)


def test_bytes_that_are_no_text_are_heard_too() -> None:
    """Bad UTF-8, a line without an end and a line without measure do not stop the listening."""

    async def scene(stage: Stage) -> None:
        script = f"import os; os.write(1, b'\\xff\\r\\n' + b'x' * 100000 + b'\\n' + b'end'); {SLEEP}"
        program = await stage.start(script)
        await until(lambda: sum(map(len, stage.heard)) > 100000)
        await program.stop()
        assert stage.heard[0] == "\N{REPLACEMENT CHARACTER}"
        assert stage.heard[-1] == "end"

    play(scene)


def test_it_is_started_again_at_once_then_after_growing_waits() -> None:
    """A program that dies on and on is started on and on, and each death is said with its cause."""

    async def scene(stage: Stage) -> None:
        begun = time.monotonic()
        program = await stage.start("raise SystemExit(3)")
        await until(lambda: program.restarts == 2)
        assert time.monotonic() - begun >= RESTART_DELAYS[1]
        assert stage.said[:2] == [
            "child died (exit status 3); starting it again",
            "child died (exit status 3); starting it again in 0.2 s",
        ]

    play(scene)


def test_what_a_dead_program_started_is_ended_before_it_starts_again() -> None:
    """The children of a program that was killed alone are killed too, or they would keep its port."""

    async def scene(stage: Stage) -> None:
        program = await stage.start(FAMILY)
        await until(lambda: len(program.pids()) == 2)
        leader, child = program.pids()
        os.kill(leader, signal.SIGKILL)
        await until(lambda: program.restarts == 1)
        assert groups.members(leader) == []
        assert child not in psutil.pids() or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        assert stage.said == ["child died (signal 9, Killed); starting it again"]

    play(scene)


def test_kill_ends_the_whole_group_and_a_new_one_comes_at_once() -> None:
    """After kill() none of the old processes runs; however often it is used, the restart does not wait."""

    async def scene(stage: Stage) -> None:
        program = await stage.start(FAMILY)
        for times in range(1, 5):
            await until(lambda: len(program.pids()) == 2)
            old = program.pids()
            await program.kill()
            assert groups.members(old[0]) == []
            await until(lambda times=times: program.restarts == times, 1.5)
            assert not set(old) & set(program.pids())

    play(scene)


def test_a_killed_server_gets_its_port_again() -> None:
    """A server is ready when its URL is answered, and again after kill(), on the same port."""

    async def scene(stage: Stage) -> None:
        port = stage.port()
        program = await stage.start(SERVER, str(port), ready_url=f"http://127.0.0.1:{port}/nothing-here")
        await program.ready(20)
        first = program.pids()
        await program.kill()
        await program.ready(20)
        assert program.pids() != first
        assert program.tail().count("serving") == 2

    play(scene)


def test_not_ready_in_time_is_told_with_the_last_lines() -> None:
    """A program that runs but never answers is told after the time given."""

    async def scene(stage: Stage) -> None:
        program = await stage.start(FAMILY, ready_url=f"http://127.0.0.1:{stage.port()}/")
        await until(program.tail)
        with pytest.raises(NotReady, match=r"child was not ready after 0\.1 s; its last lines:\nstarted$"):
            await program.ready(0.1)

    play(scene)


def test_a_program_that_cannot_live_is_told_before_the_time_is_over() -> None:
    """Three deaths in a row are enough to know that it never becomes ready; its last words say why."""

    async def scene(stage: Stage) -> None:
        program = await stage.start("raise SystemExit('no such module')", ready_url=f"http://127.0.0.1:{stage.port()}/")
        begun = time.monotonic()
        with pytest.raises(NotReady, match="child dies whenever it is started; its last lines:\nno such module"):
            await program.ready(60)
        assert time.monotonic() - begun < 20

    play(scene)


def test_stop_asks_first_and_kills_who_does_not_listen() -> None:
    """SIGTERM, then after the grace SIGKILL; what is stopped stays stopped."""

    async def scene(stage: Stage) -> None:
        program = await stage.start(STUBBORN)
        await until(program.tail)
        group = program.pids()[0]
        begun = time.monotonic()
        await program.stop(grace=0.3)
        assert 0.3 <= time.monotonic() - begun < 5
        assert groups.members(group) == []
        await program.stop()
        assert (program.pids(), program.restarts, stage.said) == ([], 0, [])

    play(scene)


def test_stop_lets_a_program_clean_up() -> None:
    """Who ends on SIGTERM is not killed, and its last words are heard."""

    async def scene(stage: Stage) -> None:
        script = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye')); print(); "
        program = await stage.start(f"{script} sys.stdout.flush(); time.sleep(60)")
        await until(program.tail)
        begun = time.monotonic()
        await program.stop(grace=30)
        assert time.monotonic() - begun < 10
        assert program.tail()[-1] == "bye"

    play(scene)


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.08, 0.15, 0.3])
def test_stop_while_it_is_being_started_again_leaves_nothing(seconds: float) -> None:
    """At whatever moment of a restart stop() comes, no process is left (the stage looks)."""

    async def scene(stage: Stage) -> None:
        program = await stage.start(FAMILY)
        await until(lambda: len(program.pids()) == 2)
        killing = asyncio.create_task(program.kill())
        await asyncio.sleep(seconds)
        await program.stop(grace=0.5)
        await killing

    play(scene)


def test_a_program_that_is_not_there_is_told_at_the_start() -> None:
    """A wrong path is an error, not an endless restart."""

    async def scene(stage: Stage) -> None:
        program = Supervised(ProcessSpec("ghost", ("/no/such/program",), {}, ROOT))
        with pytest.raises(FileNotFoundError):
            await program.start()
        await program.stop()

    play(scene)


def test_a_program_that_went_away_is_tried_again(tmp_path: Path) -> None:
    """Where it cannot be started again that is said, and stop() ends the trying."""

    async def scene(stage: Stage) -> None:
        script = tmp_path / "script"
        script.write_text("#!/bin/sh\nsleep 60\n", encoding="utf-8")
        script.chmod(0o755)
        program = Supervised(ProcessSpec("child", (str(script),), dict(os.environ), ROOT), say=stage.said.append)
        stage.programs.append(program)
        await program.start()
        script.unlink()
        await program.kill()
        await until(lambda: len(stage.said) == 2)
        assert stage.said[1].startswith("child cannot be started")
        begun = time.monotonic()
        await program.stop()
        assert time.monotonic() - begun < 1

    play(scene)


def test_programs_end_when_the_supervisor_is_killed() -> None:
    """A SIGKILL of the supervisor takes every program along, with what it started."""
    script = f"""
import asyncio
from pathlib import Path
from infra.local.supervise import ProcessSpec, Supervised
async def run():
    program = Supervised(ProcessSpec("child", {(sys.executable, "-c", FAMILY)!r}, {{}}, Path(".")))
    await program.start()
    while len(program.pids()) < 2:
        await asyncio.sleep(0.01)
    print(program.pids()[0], flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        group = int(owner.stdout.readline())
        assert len(groups.members(group)) == 2
        owner.send_signal(signal.SIGKILL)
        end = time.monotonic() + 10
        while groups.members(group) and time.monotonic() < end:
            time.sleep(0.02)
    assert groups.members(group) == []
