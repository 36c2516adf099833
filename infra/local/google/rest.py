"""The REST interfaces: paths, query and bodies of Cloud Tasks v2 and Cloud Scheduler v1, and errors as JSON.

Source: the ``google.api.http`` annotations of both APIs, as google-cloud-tasks and google-cloud-scheduler carry them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from infra.local.google.errors import ApiError, invalid_argument, not_found, unimplemented
from infra.local.google.identity import TokenIssuer
from infra.local.google.job_service import JobService
from infra.local.google.task_service import TaskService

_log = logging.getLogger(__name__)

_MOST_BYTES = 10 * 1024 * 1024
_LOCATION = r"projects/[^/]+/locations/[^/]+"
_PLACES = {
    "LOCATION": _LOCATION,
    "QUEUE": _LOCATION + r"/queues/[^/:]*",
    "TASK": _LOCATION + r"/queues/[^/:]*/tasks/[^/:]*",
    "JOB": _LOCATION + r"/jobs/[^/:]*",
}
_CERTIFICATES_LAST = 3600  # seconds: the key lives as long as the stand-in


@dataclass(frozen=True)
class _Asked:
    """A request, read.

    Attributes:
        name: the resource in the path.
        body: the JSON object sent; an empty one where nothing was.
        query: one value a key; empty for what is missing.
    """

    name: str
    body: dict[str, Any]
    query: Callable[[str], str]

    @property
    def page(self) -> dict[str, str]:
        """Which part of a list is wanted."""
        if self.query("filter"):
            raise unimplemented("The stand-in does not filter lists.")
        return {"size": self.query("pageSize"), "token": self.query("pageToken")}


_Answer = Callable[[_Asked], dict[str, Any]]


def application(tasks: TaskService, jobs: JobService, issuer: TokenIssuer) -> web.Application:
    """Both APIs, and ``GET /certs``: the certificates that identity tokens are checked with."""
    app = web.Application(middlewares=[_errors_as_json], client_max_size=_MOST_BYTES)
    for method, path, answer in [*_queue_routes(tasks), *_task_routes(tasks), *_job_routes(jobs)]:
        for place, pattern in _PLACES.items():
            path = path.replace(place, f"{{name:{pattern}}}")  # noqa: PLW2901 - one of them occurs
        app.router.add_route(method, path, _handler(answer))

    async def certificates(_: web.Request) -> web.Response:
        age = f"public, max-age={_CERTIFICATES_LAST}, must-revalidate"
        return web.json_response(issuer.certificates(), headers={"Cache-Control": age})

    app.router.add_get("/certs", certificates)
    return app


def _queue_routes(tasks: TaskService) -> list[tuple[str, str, _Answer]]:
    return [
        ("POST", "/v2/LOCATION/queues", lambda asked: tasks.create_queue(asked.name, asked.body)),
        ("GET", "/v2/LOCATION/queues", lambda asked: tasks.list_queues(asked.name, **asked.page)),
        ("GET", "/v2/QUEUE", lambda asked: tasks.get_queue(asked.name)),
        ("PATCH", "/v2/QUEUE", lambda asked: tasks.update_queue(asked.name, asked.body, asked.query("updateMask"))),
        ("DELETE", "/v2/QUEUE", lambda asked: tasks.delete_queue(asked.name)),
        ("POST", "/v2/QUEUE:pause", lambda asked: tasks.pause_queue(asked.name)),
        ("POST", "/v2/QUEUE:resume", lambda asked: tasks.resume_queue(asked.name)),
        ("POST", "/v2/QUEUE:purge", lambda asked: tasks.purge_queue(asked.name)),
    ]


def _task_routes(tasks: TaskService) -> list[tuple[str, str, _Answer]]:
    return [
        ("POST", "/v2/QUEUE/tasks", lambda asked: tasks.create_task(asked.name, asked.body)),
        (
            "GET",
            "/v2/QUEUE/tasks",
            lambda asked: tasks.list_tasks(asked.name, view=asked.query("responseView"), **asked.page),
        ),
        ("GET", "/v2/TASK", lambda asked: tasks.get_task(asked.name, asked.query("responseView"))),
        ("DELETE", "/v2/TASK", lambda asked: tasks.delete_task(asked.name)),
        ("POST", "/v2/TASK:run", lambda asked: tasks.run_task(asked.name, asked.body)),
    ]


def _job_routes(jobs: JobService) -> list[tuple[str, str, _Answer]]:
    return [
        ("POST", "/v1/LOCATION/jobs", lambda asked: jobs.create_job(asked.name, asked.body)),
        ("GET", "/v1/LOCATION/jobs", lambda asked: jobs.list_jobs(asked.name, **asked.page)),
        ("GET", "/v1/JOB", lambda asked: jobs.get_job(asked.name)),
        ("PATCH", "/v1/JOB", lambda asked: jobs.update_job(asked.name, asked.body, asked.query("updateMask"))),
        ("DELETE", "/v1/JOB", lambda asked: jobs.delete_job(asked.name)),
        ("POST", "/v1/JOB:pause", lambda asked: jobs.pause_job(asked.name)),
        ("POST", "/v1/JOB:resume", lambda asked: jobs.resume_job(asked.name)),
        ("POST", "/v1/JOB:run", lambda asked: jobs.run_job(asked.name)),
    ]


def _handler(answer: _Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = await _body(request)
        query = request.query
        return web.json_response(answer(_Asked(request.match_info["name"], body, lambda key: query.get(key, ""))))

    return handle


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise invalid_argument("Invalid JSON payload received. It is not JSON.") from error
    if not isinstance(body, dict):
        raise invalid_argument("Invalid JSON payload received. An object was expected.")
    return body


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        refused = error
    except web.HTTPRequestEntityTooLarge:
        refused = invalid_argument(f"Request payload size exceeds the limit: {_MOST_BYTES} bytes.")
    except web.HTTPNotFound:
        refused = not_found(f"The stand-in has nothing at {request.path[:200]}.")
    except web.HTTPMethodNotAllowed:
        refused = unimplemented(f"The stand-in does not take {request.method} at {request.path[:200]}.")
    except Exception:  # noqa: BLE001 - logged whole; the caller gets what Google would send
        _log.exception("the Google stand-in failed on %s %s", request.method, request.path)
        refused = ApiError(500, "INTERNAL", "The stand-in failed; its log says why.")
    return web.json_response(refused.as_json(), status=refused.code)
