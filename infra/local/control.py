"""``/_local/``: look into the local system, break it, heal it, and run what usually runs by the clock."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from infra.local.problems import problem
from infra.local.standins.faults import BadFault, Fault, parse_fault

ALERTS_MOST = 200
KNOWN = (
    "info, alerts, logs/NAME, canary/received, NAME/received, NAME/fault, jobs/NAME/run, "
    "queues/NAME/purge|pause|resume, functions/NAME/kill, functions/NAME/settings"
)


class Destination(Protocol):
    """A stand-in for a destination, as ``/_local/`` uses it."""

    @property
    def modes(self) -> tuple[str, ...]:
        """How it can be broken."""

    @property
    def received(self) -> list[dict[str, Any]]:
        """What it accepted, oldest first."""

    @property
    def fault(self) -> Fault | None:
        """How it is broken now."""

    async def set_fault(self, fault: Fault) -> None:
        """Break it."""

    async def heal(self) -> None:
        """Mend it."""


class System(Protocol):
    """What ``/_local/`` needs of the local system."""

    destinations: Mapping[str, Destination]

    def info(self) -> dict[str, Any]:
        """What runs where."""

    def canaries(self) -> list[dict[str, Any]]:
        """What canaries showed at their targets."""

    async def run_job(self, name: str) -> int | None:
        """Run a job now; the status it was answered with."""

    def change_queue(self, name: str, verb: str) -> None:
        """Purge, pause or resume a queue."""

    async def kill(self, name: str) -> None:
        """End a function's processes."""

    def settings(self, name: str) -> dict[str, str | None]:
        """A function's settings that were changed; None for one that was taken away."""

    async def set_settings(self, name: str, changed: Mapping[str, str | None]) -> None:
        """Start a function again with other settings."""

    def logs(self, name: str) -> list[str]:
        """The last lines of a part."""

    async def alerts(self, limit: int) -> list[dict[str, Any]]:
        """The newest alerts."""


def routes(system: System) -> list[web.RouteDef]:
    """The routes under ``/_local/``."""
    control = _Control(system)
    return [
        web.get("/_local/info", control.info),
        web.get("/_local/alerts", control.alerts),
        web.get("/_local/logs/{name}", control.logs),
        web.get("/_local/canary/received", control.canaries),
        web.get("/_local/{name}/received", control.received),
        web.get("/_local/{name}/fault", control.fault),
        web.put("/_local/{name}/fault", control.break_it),
        web.delete("/_local/{name}/fault", control.heal),
        web.post("/_local/jobs/{name}/run", control.run_job),
        web.post("/_local/queues/{name}/{verb:purge|pause|resume}", control.change_queue),
        web.post("/_local/functions/{name}/kill", control.kill),
        web.get("/_local/functions/{name}/settings", control.settings),
        web.put("/_local/functions/{name}/settings", control.set_settings),
        web.delete("/_local/functions/{name}/settings", control.reset_settings),
        web.route("*", "/_local/{rest:.*}", control.unknown),
    ]


Handler = Callable[["_Control", web.Request], Awaitable[web.Response]]


def _named(handler: Handler) -> Handler:
    """Answer 404 with the names there are where a handler raises KeyError with them."""

    async def answered(control: _Control, request: web.Request) -> web.Response:
        try:
            return await handler(control, request)
        except KeyError as error:
            known = ", ".join(sorted(error.args[0]))
            return problem(404, f"There is nothing of that name; there are: {known}.")

    return answered


class _Control:
    def __init__(self, system: System) -> None:
        self._system = system

    async def info(self, _: web.Request) -> web.Response:
        return web.json_response(self._system.info())

    async def alerts(self, request: web.Request) -> web.Response:
        text = request.query.get("limit", "20")
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= ALERTS_MOST:
            return problem(400, f"limit: takes a whole number from 1 to {ALERTS_MOST}.")
        return web.json_response({"alerts": await self._system.alerts(int(text))})

    @_named
    async def logs(self, request: web.Request) -> web.Response:
        return web.Response(text="\n".join(self._system.logs(request.match_info["name"])) + "\n")

    async def canaries(self, _: web.Request) -> web.Response:
        return web.json_response(self._system.canaries())

    @_named
    async def received(self, request: web.Request) -> web.Response:
        return web.json_response(self._destination(request).received)

    @_named
    async def fault(self, request: web.Request) -> web.Response:
        destination = self._destination(request)
        fault = destination.fault.as_json() if destination.fault is not None else None
        return web.json_response({"fault": fault, "modes": destination.modes})

    @_named
    async def break_it(self, request: web.Request) -> web.Response:
        destination = self._destination(request)
        try:
            fault = parse_fault(json.loads(await request.text()), destination.modes)
        except BadFault as error:
            return problem(400, str(error))
        except (ValueError, RecursionError):
            return problem(400, 'The body must be JSON, for example {"mode": "500"}.')
        await destination.set_fault(fault)
        return web.json_response({"fault": fault.as_json()})

    @_named
    async def heal(self, request: web.Request) -> web.Response:
        await self._destination(request).heal()
        return web.json_response({"fault": None})

    @_named
    async def run_job(self, request: web.Request) -> web.Response:
        return web.json_response({"status": await self._system.run_job(request.match_info["name"])})

    @_named
    async def change_queue(self, request: web.Request) -> web.Response:
        self._system.change_queue(request.match_info["name"], request.match_info["verb"])
        return web.json_response({})

    @_named
    async def kill(self, request: web.Request) -> web.Response:
        await self._system.kill(request.match_info["name"])
        return web.json_response({})

    @_named
    async def settings(self, request: web.Request) -> web.Response:
        return web.json_response({"settings": self._system.settings(request.match_info["name"])})

    @_named
    async def set_settings(self, request: web.Request) -> web.Response:
        try:
            changed = json.loads(await request.text())
        except (ValueError, RecursionError):
            changed = None
        if not isinstance(changed, dict) or not all(each is None or isinstance(each, str) for each in changed.values()):
            return problem(400, 'The body must be JSON, {"SETTING": "value"}; null takes a setting away.')
        try:
            await self._system.set_settings(request.match_info["name"], changed)
        except ValueError as error:
            return problem(400, str(error))
        return web.json_response({"settings": self._system.settings(request.match_info["name"])})

    @_named
    async def reset_settings(self, request: web.Request) -> web.Response:
        await self._system.set_settings(request.match_info["name"], {})
        return web.json_response({"settings": {}})

    async def unknown(self, request: web.Request) -> web.Response:
        return problem(404, f"There is no {request.method} of that name; under /_local/ there are: {KNOWN}.")

    def _destination(self, request: web.Request) -> Destination:
        destinations = self._system.destinations
        name = request.match_info["name"]
        if name not in destinations:
            raise KeyError(tuple(destinations))
        return destinations[name]
