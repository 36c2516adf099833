"""Cloud Tasks and Cloud Scheduler: bodies read by their own protobuf definitions, completed as the local stand-in does.

Source: https://cloud.google.com/tasks/docs/reference/rest and https://cloud.google.com/scheduler/docs/reference/rest
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra.local.google import job_rules, queue_rules, wire
from infra.local.google.errors import ApiError
from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Method, Route
from tests.support.google_apis.state import Refused, State

LOCATION = "projects/*/locations/*"
QUEUE = f"{LOCATION}/queues/*"
JOB = f"{LOCATION}/jobs/*"
MOVING = ("state", "purgeTime", "scheduleTime", "lastAttemptTime", "status")
"""What a running queue or job changes of itself."""


def _checked(make: Any) -> dict[str, Any]:
    try:
        return wire.dump(make())
    except ApiError as error:
        raise Refused(error.code, error.status, str(error)) from error


def _create_queue(state: State, asked: Asked) -> Any:
    value = _checked(lambda: queue_rules.new_queue(asked.body, burst_is_settable=False))
    return state.create(asked.body["name"], value | {"name": asked.body["name"], "state": "RUNNING"})


def _update_queue(state: State, asked: Asked) -> Any:
    merged = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    merged.pop("state", None)
    value = _checked(lambda: queue_rules.new_queue(merged, burst_is_settable=False))
    state.resources[asked.name] = value | {"name": asked.name, "state": "RUNNING"}
    return state.resources[asked.name]


def _moves(verb: str, state_after: str | None) -> Method:
    """Pause, resume, purge or run: of the system that runs in the project too, where one does."""

    def method(state: State, asked: Asked) -> Any:
        resource = state.get(asked.name)
        if state.behind is not None:
            version = "v1" if "/jobs/" in asked.name else "v2"
            state.behind.call("POST", f"/{version}/{asked.name}:{verb}", {})
        if state_after is not None:
            resource["state"] = state_after
        return _get(state, asked)

    return method


def _get(state: State, asked: Asked) -> Any:
    """As it was declared, and as it stands in the system that runs in the project."""
    resource = state.get(asked.name)
    if state.behind is None:
        return resource
    version = "v1" if "/jobs/" in asked.name else "v2"
    now = state.behind.call("GET", f"/{version}/{asked.name}", {})
    return {**resource, **{key: now[key] for key in MOVING if key in now}}


def _lists(key: str) -> Method:
    def method(state: State, asked: Asked) -> Any:
        found = state.of(f"{asked.name}/{key}/")
        return {key: [_get(state, replace(asked, name=each["name"])) for each in found]}

    return method


def _tasks(state: State, asked: Asked) -> Any:
    """The tasks of a queue; there are none where nothing runs."""
    return state.behind.call("GET", f"/v2/{asked.name}/tasks", {}) if state.behind is not None else {}


def _create_job(state: State, asked: Asked) -> Any:
    value = _checked(lambda: job_rules.new_job(asked.body))
    _account(state, value)
    return state.create(asked.body["name"], value | {"name": asked.body["name"], "state": "ENABLED"})


def _update_job(state: State, asked: Asked) -> Any:
    old = state.get(asked.name)
    merged = common.masked(old, asked.body, asked.query.get("updateMask", ""))
    value = _checked(lambda: job_rules.new_job({key: part for key, part in merged.items() if key != "state"}))
    _account(state, value)
    state.resources[asked.name] = value | {"name": asked.name, "state": old["state"]}
    return state.resources[asked.name]


def _account(state: State, job: dict[str, Any]) -> None:
    email = job["httpTarget"].get("oidcToken", {}).get("serviceAccountEmail", "")
    if f"projects/{state.project}/serviceAccounts/{email}" not in state.resources:
        raise Refused(404, "NOT_FOUND", f"Service account {email!r} does not exist.")


ROUTES = [
    Route.of("GET", f"/v2/{{{LOCATION}}}/queues", _lists("queues")),
    Route.of("POST", f"/v2/{{{LOCATION}}}/queues", _create_queue),
    Route.of("GET", f"/v2/{{{QUEUE}}}", _get),
    Route.of("GET", f"/v2/{{{QUEUE}}}/tasks", _tasks),
    Route.of("POST", f"/v2/{{{QUEUE}}}:pause", _moves("pause", "PAUSED")),
    Route.of("POST", f"/v2/{{{QUEUE}}}:resume", _moves("resume", "RUNNING")),
    Route.of("POST", f"/v2/{{{QUEUE}}}:purge", _moves("purge", None)),
    Route.of("PATCH", f"/v2/{{{QUEUE}}}", _update_queue),
    Route.of("DELETE", f"/v2/{{{QUEUE}}}", common.delete),
    *common.policies(f"/v2/{{{QUEUE}}}", "POST"),
    Route.of("GET", f"/v1/{{{LOCATION}}}/jobs", _lists("jobs")),
    Route.of("POST", f"/v1/{{{LOCATION}}}/jobs", _create_job),
    Route.of("GET", f"/v1/{{{JOB}}}", _get),
    Route.of("POST", f"/v1/{{{JOB}}}:pause", _moves("pause", "PAUSED")),
    Route.of("POST", f"/v1/{{{JOB}}}:resume", _moves("resume", "ENABLED")),
    Route.of("POST", f"/v1/{{{JOB}}}:run", _moves("run", None)),
    Route.of("PATCH", f"/v1/{{{JOB}}}", _update_job),
    Route.of("DELETE", f"/v1/{{{JOB}}}", common.delete),
]
