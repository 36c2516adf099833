"""Cloud Tasks and Cloud Scheduler: bodies read by their own protobuf definitions, completed as the local stand-in does.

Source: https://cloud.google.com/tasks/docs/reference/rest and https://cloud.google.com/scheduler/docs/reference/rest
"""

from __future__ import annotations

from typing import Any

from infra.local.google import job_rules, queue_rules, wire
from infra.local.google.errors import ApiError
from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, State

LOCATION = "projects/*/locations/*"
QUEUE = f"{LOCATION}/queues/*"
JOB = f"{LOCATION}/jobs/*"


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
    Route.of("GET", f"/v2/{{{LOCATION}}}/queues", common.lists("queues", "queues")),
    Route.of("POST", f"/v2/{{{LOCATION}}}/queues", _create_queue),
    Route.of("GET", f"/v2/{{{QUEUE}}}", common.get),
    Route.of("PATCH", f"/v2/{{{QUEUE}}}", _update_queue),
    Route.of("DELETE", f"/v2/{{{QUEUE}}}", common.delete),
    *common.policies(f"/v2/{{{QUEUE}}}", "POST"),
    Route.of("GET", f"/v1/{{{LOCATION}}}/jobs", common.lists("jobs", "jobs")),
    Route.of("POST", f"/v1/{{{LOCATION}}}/jobs", _create_job),
    Route.of("GET", f"/v1/{{{JOB}}}", common.get),
    Route.of("PATCH", f"/v1/{{{JOB}}}", _update_job),
    Route.of("DELETE", f"/v1/{{{JOB}}}", common.delete),
]
