"""The whole system on one machine, made from the manifest: started, tried out, watched, ended as a whole."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from infra.local import control, wiring
from infra.local.alerts_view import newest_alerts
from infra.local.destinations import Destinations
from infra.local.emulator import Emulator, find_emulator
from infra.local.gateway import BODY_MOST, Gateway, loopback_only
from infra.local.google.clock import SystemClock
from infra.local.google.standin import GoogleStandIn
from infra.local.playground_pages import playground_routes
from infra.local.ports import HOST, held_urls
from infra.local.supervise import ProcessSpec, Supervised
from infra.local.trial import TrialFailed, try_out
from infra.local.wiring import REGION, Wiring
from infra.manifest import Manifest
from infra.manifest_places import Places

READY_SECONDS = 60.0


class StartFailed(Exception):  # noqa: N818 - what happened
    """The system did not become ready; the message says which part failed, with its last lines."""


class LocalSystem:
    """One running system.

    Attributes:
        url: the gateway's address.
        destinations: the stand-ins of destinations by name.
    """

    def __init__(
        self,
        manifest: Manifest,
        environ: Mapping[str, str],
        *,
        port: int,
        say: Callable[[str], None],
        shape: Callable[[ProcessSpec], ProcessSpec] = lambda spec: spec,
        hear: Callable[[str, str], None] = lambda _name, _line: None,
    ) -> None:
        """Nothing is started yet.

        Args:
            manifest: what it consists of.
            environ: settings set in it are passed on to the functions.
            port: the gateway's; 0 for a free one.
            say: called with a line for people whenever something happens.
            shape: changes how a function is started.
            hear: called with a function's name and each line that it prints.
        """
        self.url = ""
        self._manifest = manifest
        self._environ = environ
        self._port = port
        self._say = say
        self._shape = shape
        self._hear = hear
        self._fast = wiring.is_fast(environ)
        self._standins = Destinations()
        self.destinations: Mapping[str, control.Destination] = self._standins.by_name
        self._google = GoogleStandIn(
            clock=SystemClock(),
            job_rhythm=timedelta(seconds=wiring.FAST_RHYTHM_SECONDS) if self._fast else None,
            backoff_cap=timedelta(seconds=wiring.FAST_BACKOFF_SECONDS) if self._fast else None,
        )
        self._functions: dict[str, Supervised] = {}
        self._changed: dict[str, dict[str, str | None]] = {}
        self._emulator: Emulator | None = None
        self._wiring: Wiring | None = None
        self._ending = AsyncExitStack()
        self._address_hash_key = environ.get("ADDRESS_HASH_KEY", "").strip() or secrets.token_hex(16)
        self._admin_api_key = wiring.admin_key_of(environ) or secrets.token_hex(16)

    async def start(self) -> None:
        """Start everything and return once a chat would succeed.

        Raises:
            StartFailed: a part did not start; everything is ended again.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything that was started, in the opposite order; again and again is no error."""
        await self._ending.aclose()

    async def _start(self) -> None:
        self._say("looking for the Firestore emulator")
        plan = await asyncio.to_thread(find_emulator, self._environ, install=True, say=self._say)
        urls = held_urls(list(self._manifest.functions), self._ending)
        await self._serve(urls)
        self._ending.push_async_callback(self._standins.stop)
        await self._standins.start()
        tasks_port = await self._google.start()
        self._ending.push_async_callback(self._google.close)
        self._say(f"starting the Firestore emulator ({plan.source}) and {len(urls)} functions: {', '.join(urls)}")
        self._emulator = await asyncio.to_thread(Emulator.start, plan)
        self._ending.push_async_callback(asyncio.to_thread, self._emulator.stop)
        homes = Path(tempfile.mkdtemp(prefix="bellhop-"))
        self._ending.callback(shutil.rmtree, homes, ignore_errors=True)
        self._wiring = Wiring(
            manifest=self._manifest,
            # An emulator of somebody else's may hold another run's documents: ours get a project of their own.
            places=Places(f"demo-bellhop-{secrets.token_hex(4)}" if plan.host else "demo-bellhop", REGION, urls),
            firestore=self._emulator.host,
            tasks=f"{HOST}:{tasks_port}",
            filled=self._filled(),
            environ=self._environ,
            fast=self._fast,
            homes=homes,
        )
        await self._start_functions(self._wiring)
        await self._begin(self._wiring, self._emulator)

    def _filled(self) -> dict[str, str]:
        """Keys nobody has to think of on this machine, and where the stand-ins and the gateway are."""
        return {
            "ADMIN_API_KEYS": self._admin_api_key,
            "TOKEN_SIGNING_KEYS": secrets.token_hex(16),
            "ADDRESS_HASH_KEY": self._address_hash_key,
            "CANARY_KEYS": secrets.token_hex(16),
            "PUBLIC_BASE_URL": self.url,
            **self._standins.settings(self._environ),
        }

    async def _serve(self, urls: Mapping[str, str]) -> None:
        gateway = Gateway(urls)
        await gateway.open()
        self._ending.push_async_callback(gateway.close)
        app = web.Application(middlewares=[loopback_only], client_max_size=BODY_MOST)
        functions = web.route("*", r"/{path:[\s\S]*}", gateway.handle)  # a path may hold a line break
        app.add_routes([*control.routes(self), *playground_routes(), functions])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._ending.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, HOST, self._port).start()
        except OSError as error:
            raise StartFailed(
                f"Port {self._port} of {HOST} cannot be used ({error.strerror}); choose another: PORT=8090 make run"
            ) from error
        self.url = f"http://{HOST}:{runner.addresses[0][1]}"

    async def _start_functions(self, wired: Wiring) -> None:
        for name in self._manifest.functions:
            heard = partial(self._hear, name)
            function = Supervised(self._shape(wired.process(name)), say=self._say, on_line=heard)
            self._functions[name] = function
            self._ending.push_async_callback(function.stop)
            await function.start()
        await asyncio.gather(*(function.ready(READY_SECONDS) for function in self._functions.values()))

    async def _begin(self, wired: Wiring, emulator: Emulator) -> None:
        """Try the whole path out, forget the trial, and let the scheduler start."""
        parent = f"projects/{wired.places.project}/locations/{wired.places.region}"
        for name in self._manifest.queues:
            self._google.create_queue(parent, wired.queue_body(name))
        for name in self._manifest.jobs:
            self._google.create_job(parent, wired.job_body(name))
            if self._fast and name in wiring.BY_HAND_WHERE_FAST:
                self._google.pause_job(wired.job_name(name))
        try:
            await try_out(self.url, wired, self._google)
        except TrialFailed as error:
            lines = self._functions[error.function].tail()[-20:]
            raise StartFailed("\n".join([str(error), f"The last lines of {error.function}:", *lines])) from error
        await asyncio.to_thread(emulator.clear, wired.places.project)
        self._standins.forget_canaries()

    def info(self) -> dict[str, Any]:
        """What runs where; see design.md, ``/_local/info``."""
        wired = self._started()
        return {
            "project": wired.places.project,
            "firestore": wired.firestore,
            "functions": {
                name: {"url": wired.places.urls[name], "pids": function.pids()}
                for name, function in self._functions.items()
            },
            "queues": list(self._manifest.queues),
            "jobs": list(self._manifest.jobs),
            "admin_api_key": self._admin_api_key,
            "address_hash_key": self._address_hash_key,
        }

    def canaries(self) -> list[dict[str, Any]]:
        """What canaries showed at their targets."""
        return self._standins.canaries

    async def run_job(self, name: str) -> int | None:
        """Run a scheduler job now and wait for its answer; raises KeyError with the names there are."""
        return await self._google.run_job(self._started().job_name(_known(name, self._manifest.jobs)))

    def change_queue(self, name: str, verb: str) -> None:
        """Purge, pause or resume a queue; raises KeyError with the names there are."""
        queue = self._started().places.queue(_known(name, self._manifest.queues))
        verbs = {
            "purge": self._google.purge_queue,
            "pause": self._google.pause_queue,
            "resume": self._google.resume_queue,
        }
        verbs[verb](queue)

    async def kill(self, name: str) -> None:
        """SIGKILL a function's processes; it is started again. Raises KeyError with the names there are."""
        await self._functions[_known(name, self._functions)].kill()

    def settings(self, name: str) -> dict[str, str | None]:
        """A function's settings that were changed; raises KeyError with the names there are."""
        return self._changed.get(_known(name, self._functions), {})

    async def set_settings(self, name: str, changed: Mapping[str, str | None]) -> None:
        """Start a function again with these settings other than its own, as a deployment would.

        Args:
            name: the function's; raises KeyError with the names there are.
            changed: all that is to differ, None for one that is to be taken away; empty for what it had at first.

        Raises:
            ValueError: it has no setting of such a name.
        """
        function = self._functions[_known(name, self._functions)]
        spec = self._started().changed(name, changed)
        self._changed[name] = dict(changed)
        await function.change(self._shape(spec))

    def logs(self, name: str) -> list[str]:
        """The last lines of a function or of ``firestore``; raises KeyError with the names there are."""
        if name == "firestore" and self._emulator is not None:
            return self._emulator.tail()
        return self._functions[_known(name, self._functions)].tail()

    async def alerts(self, limit: int) -> list[dict[str, Any]]:
        """The newest alerts, newest first, without what visitors wrote."""
        wired = self._started()
        return await newest_alerts(wired.firestore, wired.places.project, limit)

    def _started(self) -> Wiring:
        if self._wiring is None:
            raise web.HTTPServiceUnavailable(text="The local system is starting.")
        return self._wiring


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise KeyError(tuple(names))
    return name
