"""Firebase Rules: rulesets that never change, and releases that say which one is in force.

Source: https://firebase.google.com/docs/reference/rules/rest
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, State

RULESET = "projects/*/rulesets/*"


def _create_ruleset(state: State, asked: Asked) -> Any:
    files = asked.body.get("source", {}).get("files", [])
    if set(asked.body) != {"source"} or not files or any(set(file) != {"name", "content"} for file in files):
        raise Refused(400, "INVALID_ARGUMENT", "source.files takes name and content.")
    if not any("service cloud.firestore" in file["content"] for file in files):
        raise Refused(400, "INVALID_ARGUMENT", "Compilation of the rules failed: no service was declared.")
    number = state.number()
    name = f"{asked.name}/rulesets/{uuid.UUID(int=number)}"
    made = f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z"
    return state.create(name, {"name": name, "createTime": made, "source": asked.body["source"]})


def _rulesets(state: State, asked: Asked) -> Any:
    """Without what stands in them, the oldest first."""
    listed = state.of(f"{asked.name}/rulesets/")
    return {"rulesets": [{key: each[key] for key in ("name", "createTime")} for each in listed]}


def _checked(state: State, body: Any) -> dict[str, Any]:
    if set(body) != {"name", "rulesetName"}:
        raise Refused(400, "INVALID_ARGUMENT", "A release takes name and rulesetName.")
    state.get(body["rulesetName"])
    return dict(body)


def _create_release(state: State, asked: Asked) -> Any:
    value = _checked(state, asked.body)
    if not value["name"].startswith(f"{asked.name}/releases/"):
        raise Refused(400, "INVALID_ARGUMENT", "A release's name begins with its project's.")
    return state.create(value["name"], value)


def _update_release(state: State, asked: Asked) -> Any:
    state.get(asked.name)
    value = _checked(state, asked.body.get("release", {}))
    if value["name"] != asked.name:
        raise Refused(400, "INVALID_ARGUMENT", "A release cannot be renamed.")
    state.resources[asked.name] = value
    return value


_RELEASES = [
    route
    for release in ("projects/*/releases/*", "projects/*/releases/*/*")
    for route in (
        Route.of("GET", f"/v1/{{{release}}}", common.get),
        Route.of("PATCH", f"/v1/{{{release}}}", _update_release),
    )
]
ROUTES = [
    Route.of("POST", "/v1/{projects/*}/rulesets", _create_ruleset),
    Route.of("GET", "/v1/{projects/*}/rulesets", _rulesets),
    Route.of("GET", f"/v1/{{{RULESET}}}", common.get),
    Route.of("POST", "/v1/{projects/*}/releases", _create_release),
    *_RELEASES,
]
