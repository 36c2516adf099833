"""The world around the workers, on one loop in a thread: Cloud Tasks, the functions' address, lanes of destinations."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from infra.local.destinations import Destinations
from infra.local.google.clock import SystemClock
from infra.local.google.standin import GoogleStandIn
from tests.support.harness.workers import Workers

T = TypeVar("T")
LANES = 64
AT_ONCE = 8
"""So many steps run at a time: more of them would only make each other late, and leases run meanwhile."""

BACKOFF_CAP = timedelta(seconds=0.2)
QUEUES = ("slack", "monday", "email", "webhook", "sweeps", "cleanups", "followups")
RETRY = {"maxAttempts": 100, "minBackoff": "0.05s", "maxBackoff": "0.2s", "maxDoublings": 2}
LIMITS = {"maxDispatchesPerSecond": 500, "maxBurstSize": 100, "maxConcurrentDispatches": 10}


class Served(Protocol):
    """Whatever wants the tasks of a project's queues."""

    async def task(self, function: str, body: dict[str, Any]) -> int | None:
        """Carry out a task; the status to answer with, None where the function died."""


@dataclass
class Lane:
    """Destinations of its own, for one trial after the other.

    Attributes:
        hosts: the labels of HTTP destinations, by ``host:port``.
        settings: what functions are configured with to send there.
    """

    destinations: Destinations
    settings: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Listen."""
        await self.destinations.start()
        self.settings = self.destinations.settings({})
        monday = self.settings["MONDAY_API_URL"]
        named = {"slack": self.settings["SLACK_WEBHOOK_URL"], "webhook": self.settings["WEBHOOK_URL"], "monday": monday}
        self.hosts = {urlsplit(url).netloc: name for name, url in named.items()}

    def standin(self, name: str) -> Any:
        """Slack's, Monday.com's, ``smtp``'s or the webhook's."""
        return self.destinations.by_name[name]


@dataclass
class Project:
    """One trial's place: a project of Firestore with its queues, none of them dispatching yet.

    Attributes:
        name: the project's.
        environ: what its functions are configured with.
    """

    name: str
    environ: dict[str, str]
    google: GoogleStandIn

    @property
    def _queues(self) -> list[str]:
        return [f"projects/{self.name}/locations/local/queues/{name}" for name in QUEUES]

    def create(self) -> None:
        """Make the queues, paused."""
        for name in self._queues:
            body = {"name": name, "rateLimits": LIMITS, "retryConfig": RETRY}
            self.google.create_queue(f"projects/{self.name}/locations/local", body)
        self.pause()

    def pause(self) -> None:
        """Dispatch nothing."""
        for name in self._queues:
            self.google.pause_queue(name)

    def resume(self) -> None:
        """Dispatch."""
        for name in self._queues:
            self.google.resume_queue(name)

    def purge(self) -> None:
        """Lose every task."""
        for name in self._queues:
            self.google.purge_queue(name)

    def delete(self) -> None:
        """Remove the queues."""
        for name in self._queues:
            self.google._tasks.delete_queue(name)


class Harness:
    """Everything that trials share; its methods but ``run`` and ``stop`` are for its own loop."""

    def __init__(self, firestore_host: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault harness")
        self._ending = contextlib.AsyncExitStack()
        self._served: dict[str, Served] = {}
        self._idle: list[Lane] = []
        self._firestore_host = firestore_host
        self._at = ""
        self._tasks_at = ""
        self._thread.start()
        self.run(self._start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on its loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """End everything; no process, port, thread or file is left."""
        self.run(self._ending.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextlib.asynccontextmanager
    async def lane(self) -> AsyncIterator[Lane]:
        """Destinations nobody else uses; healed afterwards."""
        lane = self._idle.pop() if self._idle else await self._new_lane()
        try:
            yield lane
        finally:
            for standin in lane.destinations.by_name.values():
                await standin.heal()
            self._idle.append(lane)

    @contextlib.contextmanager
    def project(self, served: Served, lane: Lane, **settings: str) -> Iterator[Project]:
        """A new project whose tasks go to the one who is served."""
        name = f"faults-{uuid.uuid4().hex[:20]}"
        url = f"{self._at}/{name}"
        account = "invoker@faults.example"
        environ = {
            **lane.settings,
            "GOOGLE_CLOUD_PROJECT": name,
            "ADDRESS_HASH_KEY": "an-address-key-of-tests",
            "TOKEN_SIGNING_KEYS": "a-signing-key-of-tests",
            "PUBLIC_BASE_URL": url,
            "REGION": "local",
            "CLOUD_TASKS_EMULATOR_HOST": self._tasks_at,
            "DELIVER_ALERT_URL": f"{url}/deliver",
            "SWEEP_URL": f"{url}/sweep",
            "CLEANUP_URL": f"{url}/cleanup",
            "FOLLOWUPS_URL": f"{url}/followups",
            "CHAT_URL": f"{url}/chat",
            "OIDC_AUDIENCE": url,
            "TASKS_INVOKER_EMAIL": account,
            "SCHEDULER_INVOKER_EMAIL": account,
            **settings,
        }
        project = Project(name, environ, self._google)
        project.create()
        self._served[name] = served
        try:
            yield project
        finally:
            del self._served[name]
            project.delete()

    async def _start(self) -> None:
        self.turn = asyncio.Semaphore(AT_ONCE)
        self.workers = Workers(self._firestore_host)
        await self.workers.start()
        self._ending.push_async_callback(self.workers.stop)
        self._google = GoogleStandIn(clock=SystemClock(), backoff_cap=BACKOFF_CAP)
        self._tasks_at = f"127.0.0.1:{await self._google.start()}"
        self._ending.push_async_callback(self._google.close)
        app = web.Application()
        app.add_routes([web.post("/{project}/{function}{rest:.*}", self._function)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._ending.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._at = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _new_lane(self) -> Lane:
        lane = Lane(Destinations())
        self._ending.push_async_callback(lane.destinations.stop)
        await lane.start()
        return lane

    async def _function(self, request: web.Request) -> web.StreamResponse:
        """A function's address: the task is carried out by a worker."""
        served = self._served.get(request.match_info["project"])
        if served is None:
            return web.Response(text="nobody waits for it any more")
        status = await served.task(request.match_info["function"], await request.json())
        if status is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        return web.Response(status=status)
