"""What is compared, each with a Slack of its own: an alternative as its documentation recommends it, and Bellhop."""

from __future__ import annotations

import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.compare.judge import emails_in
from bench.compare.programs import Program, Redis, kill_the_oldest, python
from bench.compare.slack import TimedSlack
from infra.local import wiring
from infra.local.ports import HOST, Port
from infra.local.supervise import ProcessSpec
from infra.local.system import LocalSystem
from infra.manifest import load

BELLHOP, CELERY, DRAMATIQ, FLASK = "Bellhop", "Celery", "Dramatiq", "Flask"
ALTERNATIVES = (CELERY, DRAMATIQ, FLASK)
RECORDS = "+"
"""After the name of one that keeps a record of every alert in Firestore."""

PROCESSES = 2
THREADS = 16
"""Of a web process: those of Bellhop's chat."""

STRIKES = 4
"""How often `System.strike` kills: a delivering process, another one, all that deliver, and all that serve visitors."""

_BELLHOP = {
    "BELLHOP_FAST": "1",
    "BELLHOP_PACES": "slack=500",  # usually one message a second, as Slack takes them; the others have no such limit
    "ESCALATION_CHANNELS": "email",
    "LEAD_CHANNELS": "slack",
    "SWEEP_GRACE_SECONDS": "5",
}


class System(ABC):
    """One of what is compared.

    Attributes:
        name: in the table.
        project: of its record in Firestore; None where it keeps none.
        slack: its destination.
        slack_url: the address of that, to be set before it is started.
        url: of its chat; set once it is started.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.project: str | None = None
        self.slack = TimedSlack()
        self.slack_url = self.url = ""

    @abstractmethod
    async def start(self) -> None:
        """Start all of it but its Slack, which is.

        Raises:
            NotReady, StartFailed: it does not start.
        """

    @abstractmethod
    async def stop(self) -> None:
        """End all that was started; again, or after half a start, is no error."""

    @abstractmethod
    async def strike(self, number: int) -> None:
        """SIGKILL the next of its processes (``STRIKES`` in all)."""

    @abstractmethod
    async def queue_stops(self) -> None:
        """What holds its tasks stands still."""

    @abstractmethod
    async def queue_goes_on(self) -> None:
        """It works again."""

    @abstractmethod
    async def check_body(self) -> None:
        """From now on Slack's answer is read."""

    def told(self) -> frozenset[str]:
        """The e-mails of visitors of whom a person was told by other means."""
        return frozenset()


class Alternative(System):
    """Web, worker and Redis of an alternative.

    Args:
        kind: one of ``ALTERNATIVES``.
        records: whether it keeps a record in Firestore.
        program: the Python that has it, and redis-server.
        folder: an empty one.
        say: called when one of its programs died.
    """

    def __init__(
        self, kind: str, *, records: bool, program: tuple[Path, str], folder: Path, say: Callable[[str], None]
    ) -> None:
        super().__init__(f"{kind}{RECORDS}" if records else kind)
        self.project = f"demo-compare-{secrets.token_hex(4)}" if records else None
        self._kind, self._folder, self._say = kind, folder, say
        self._python, redis = str(program[0]), program[1]
        self._ports = [Port(), Port()]
        self._redis = Redis(redis, self._ports[0].number, folder, say)
        self._redis_url = f"redis://{HOST}:{self._ports[0].number}/0"
        self._web: Program | None = None
        self._worker: Program | None = None

    async def start(self) -> None:
        """Redis first, then who works, then who serves."""
        address = self._ports[1].url
        self.url = f"{address}/chat"
        environ = {
            "HOME": str(self._folder),
            "COMPARE_FOLDER": str(self._folder),
            "COMPARE_REDIS_URL": self._redis_url,
            "COMPARE_SLACK_URL": self.slack_url,
        }
        if self.project is not None:
            environ |= {
                "COMPARE_PROJECT": self.project,
                "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
            }
        await self._redis.start()
        for name, argv in self._commands().items():
            ready = address if name == "web" else None
            program = Program(python(f"{self.name}'s {name}", argv, environ, ready), self._say)
            if name == "web":
                self._web = program
            else:
                self._worker = program
            await program.start()

    async def stop(self) -> None:
        """End all that was started, Redis last."""
        for program in (self._web, self._worker, self._redis):
            if program is not None:
                await program.stop()
        for port in self._ports:
            port.release()

    async def strike(self, number: int) -> None:
        """Kill a worker process, another one, the worker program, the web program; where both are one, that one."""
        program = self._web if number == STRIKES - 1 else self._delivering
        if program is None:
            return
        if number < PROCESSES:
            program.kill_a_worker()
        else:
            await program.kill()

    async def queue_stops(self) -> None:
        """Redis stops; where the process itself is the queue, it does."""
        await (self._redis if self._worker else self._delivering).stop()

    async def queue_goes_on(self) -> None:
        """It starts again with what it had on disk."""
        await (self._redis if self._worker else self._delivering).start()

    async def check_body(self) -> None:
        """Start it anew so that an answer which is not ``ok`` is an error."""
        await self._delivering.change({"COMPARE_CHECK_BODY": "1"})

    @property
    def _delivering(self) -> Program:
        program = self._worker or self._web
        if program is None:
            raise RuntimeError(f"{self.name} is not started")
        return program

    def _commands(self) -> dict[str, tuple[str, ...]]:
        """How its programs are started, as the documentation has it, with as many processes as Bellhop's functions."""
        module, several = "bench.compare.apps", str(PROCESSES)
        celery = ("-A", f"{module}.celery_tasks", "worker", "--concurrency", several, "--loglevel", "WARNING")
        workers = {
            CELERY: ("celery", *celery),
            DRAMATIQ: ("dramatiq", f"{module}.dramatiq_tasks", "--processes", several),
        }
        app = {CELERY: "celery_web", DRAMATIQ: "dramatiq_web", FLASK: "scheduler_web"}[self._kind]
        served = ("--workers", several if self._kind in workers else "1", "--threads", str(THREADS))
        web = ("gunicorn", *served, "--bind", f"{HOST}:{self._ports[1].number}", f"{module}.{app}:app")
        commands = {"worker": workers[self._kind], "web": web} if self._kind in workers else {"web": web}
        return {name: (self._python, "-m", *command) for name, command in commands.items()}


class Bellhop(System):
    """The whole local system; the Firestore emulator is the one that ``FIRESTORE_EMULATOR_HOST`` names."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(BELLHOP)
        self._say = say
        self._system: LocalSystem | None = None

    async def start(self) -> None:
        """Start it with its short rhythms and with two processes for each function that visitors wait for."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("BELLHOP_")}
        environ |= _BELLHOP | {"SLACK_WEBHOOK_URL": self.slack_url}
        self._system = LocalSystem(wiring.paced(load(), environ), environ, port=0, say=self._say, shape=_shape)
        await self._system.start()
        info = self._system.info()
        self.url, self.project = info["functions"]["chat"]["url"], info["project"]

    async def stop(self) -> None:
        """End it."""
        if self._system is not None:
            await self._system.stop()

    async def strike(self, number: int) -> None:
        """Kill a process of deliver_alert, another one, all of deliver_alert, all of chat."""
        if number < PROCESSES:
            kill_the_oldest(self._running.info()["functions"]["deliver_alert"]["pids"][1:])
        else:
            await self._running.kill("chat" if number == STRIKES - 1 else "deliver_alert")

    async def queue_stops(self) -> None:
        """The queue loses all its tasks and dispatches none."""
        self._running.change_queue("slack", "purge")
        self._running.change_queue("slack", "pause")

    async def queue_goes_on(self) -> None:
        """It loses those too that came meanwhile, which a queue that cannot be reached would not have taken."""
        self._running.change_queue("slack", "purge")
        self._running.change_queue("slack", "resume")

    async def check_body(self) -> None:
        """It always is."""

    def told(self) -> frozenset[str]:
        """Those in the escalations that were sent by e-mail."""
        mails = self._running.destinations["smtp"].received
        return frozenset(email for mail in mails for email in emails_in(json.dumps(mail, default=str)))

    @property
    def _running(self) -> LocalSystem:
        if self._system is None:
            raise RuntimeError("Bellhop is not started")
        return self._system


def _shape(spec: ProcessSpec) -> ProcessSpec:
    """A function as it is deployed, in two processes where visitors or alerts wait for it."""
    processes = PROCESSES if spec.name in {"chat", "deliver_alert"} else 1
    return replace(spec, env={**spec.env, "WORKERS": str(processes)})
