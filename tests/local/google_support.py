"""What the tests of the Google stand-in share: a service without a network, and a target with one."""

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from infra.local.google.attempt import Outcome
from infra.local.google.background import Background
from infra.local.google.clock import ManualClock, SystemClock
from infra.local.google.job_service import JobService
from infra.local.google.platform import Platform
from infra.local.google.standin import GoogleStandIn
from infra.local.google.task_service import TaskService

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
LOCATION = "projects/demo/locations/europe-west1"
QUEUE = f"{LOCATION}/queues/slack"
JOB = f"{LOCATION}/jobs/sweep"
SECOND = timedelta(seconds=1)
HANG = None  # an answer that never comes


@dataclass
class Script:
    """Makes requests without a network: records when, and answers what it was told, by default 200.

    Attributes:
        answers: used up one a request; a status, an Outcome, or HANG.
        then: what follows when they are used up.
        released_with: what a hanging request answers once it is let go.
    """

    clock: ManualClock
    answers: deque = field(default_factory=deque)
    then: object = 200
    released_with: int = 200
    calls: list = field(default_factory=list)
    times: list = field(default_factory=list)
    cancelled: int = 0
    open: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, call):
        """The next answer; a hanging one comes when ``released`` is set."""
        self.calls.append(call)
        self.times.append((self.clock.now() - START).total_seconds())
        answer = self.answers.popleft() if self.answers else self.then
        if answer is HANG:
            self.open += 1
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.open -= 1
            return Outcome(self.released_with)
        return answer if isinstance(answer, Outcome) else Outcome(answer)


@dataclass
class World:
    """Both services on a clock moved by hand."""

    clock: ManualClock
    send: Script
    tasks: TaskService
    jobs: JobService

    def queue(self, **settings):
        """Create the queue; ``limits`` and ``retry`` as in the API."""
        body = {"name": QUEUE, "rateLimits": settings.get("limits", {}), "retryConfig": settings.get("retry", {})}
        return self.tasks.create_queue(LOCATION, body, burst_is_settable=True)

    def task(self, name="", **fields):
        """Create a task; what is not said has its default."""
        body = {"httpRequest": {"url": "http://target/x"}, **fields}
        if name:
            body["name"] = f"{QUEUE}/tasks/{name}"
        return self.tasks.create_task(QUEUE, {"task": body})

    def job(self, **fields):
        """Create the job; every hour unless said otherwise."""
        body = {"name": JOB, "schedule": "0 * * * *", "httpTarget": {"uri": "http://target/sweep"}, **fields}
        return self.jobs.create_job(LOCATION, body)


class _Failures(logging.Handler):
    """Keeps what the stand-in logs as an error: nothing may go wrong beside the calls either."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.messages = []

    def emit(self, record):
        """Keep it."""
        self.messages.append(self.format(record))


@contextlib.contextmanager
def nothing_fails():
    """See that no part of the stand-in failed meanwhile."""
    failures = _Failures()
    log = logging.getLogger("infra.local.google")
    log.addHandler(failures)
    try:
        yield
    finally:
        log.removeHandler(failures)
    assert failures.messages == []


def in_world(scenario, *, start=START, **extras):
    """Run ``scenario(world)``; everything it started is ended after."""

    async def run():
        clock = ManualClock(start)
        send = Script(clock)
        background = Background()
        platform = Platform(clock, send, lambda *, audience, email: f"{email}@{audience}", background, **extras)
        world = World(clock, send, TaskService(platform), JobService(platform))
        world.tasks.start()
        world.jobs.start()
        try:
            return await scenario(world)
        finally:
            await background.close()

    with nothing_fails():
        return asyncio.run(run())


@dataclass
class Received:
    """A request that reached the target."""

    method: str
    path: str
    headers: object
    body: bytes


class Recorder:
    """A target on a loopback port: keeps what arrives and answers by path (``/500``: that status, ``/hang``: never)."""

    def __init__(self):
        self.received = []
        self.url = ""
        self._news = asyncio.Condition()
        self._answers = {}

    def answer(self, path, *statuses):
        """Answer these in turn at ``path``, then 200."""
        self._answers[path] = deque(statuses)

    async def arrived(self, count):
        """Wait until that many requests have come; all of them."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def handle(self, request):
        """Keep and answer."""
        body = await request.read()
        async with self._news:
            self.received.append(Received(request.method, request.path, request.headers.copy(), body))
            self._news.notify_all()
        if request.path == "/hang":
            await asyncio.Event().wait()
        answers = self._answers.get(request.path)
        status = answers.popleft() if answers else 200
        return web.Response(status=status, headers={"Location": f"{self.url}/elsewhere"})


@contextlib.asynccontextmanager
async def recorder():
    """A running target."""
    target = Recorder()
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{tail:.*}", target.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        target.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield target
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def stand_in(clock=None, **extras):
    """A served stand-in and its port."""
    google = GoogleStandIn(clock=clock or SystemClock(), **extras)
    with nothing_fails():
        try:
            yield google, await google.start()
        finally:
            await google.close()
