"""Cloud Logging's metrics, Cloud Monitoring's policies and channels.

Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.metrics and
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies
"""

from __future__ import annotations

import re
from typing import Any

from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Method, Route
from tests.support.google_apis.state import Refused, State


def _metrics(state: State, asked: Asked) -> Any:
    return {"metrics": state.of(f"{asked.name}/metrics/")}


def _create_metric(state: State, asked: Asked) -> Any:
    name = f"{asked.name}/metrics/{asked.body['name']}"
    if not asked.body.get("filter"):
        raise Refused(400, "INVALID_ARGUMENT", "A filter is required.")
    return state.create(name, asked.body)


def _update_metric(state: State, asked: Asked) -> Any:
    state.get(asked.name)
    state.resources[asked.name] = asked.body
    return asked.body


def _policy(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """A policy as Google accepts it: conditions on metrics that there are, channels that there are."""
    if not body.get("displayName") or not body.get("conditions") or body.get("combiner") not in {"OR", "AND"}:
        raise Refused(400, "INVALID_ARGUMENT", "displayName, conditions and combiner are required.")
    for channel in body.get("notificationChannels", ()):
        state.get(channel)
    for condition in body["conditions"]:
        kind = next(iter(set(condition) - {"displayName", "name"}))
        for metric in re.findall(r"logging\.googleapis\.com/user/([\w/.-]+)", str(condition[kind].get("filter"))):
            if f"projects/{state.project}/metrics/{metric}" not in state.resources:
                raise Refused(404, "NOT_FOUND", f"Cannot find metric that matches type = {metric}")
    return body


def _creates(below: str, check: common.Check | None = None) -> Method:
    def method(state: State, asked: Asked) -> Any:
        name = f"{asked.name}/{below}/{state.number():06}"
        value = check(state, name, asked.body) if check else asked.body
        return state.create(name, {**value, "name": name})

    return method


def _update_policy(state: State, asked: Asked) -> Any:
    merged = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    state.resources[asked.name] = _policy(state, merged) | {"name": asked.name}
    return state.resources[asked.name]


PROJECT = "projects/*"
ROUTES = [
    Route.of("GET", f"/v2/{{{PROJECT}}}/metrics", _metrics),
    Route.of("POST", f"/v2/{{{PROJECT}}}/metrics", _create_metric),
    Route.of("GET", f"/v2/{{{PROJECT}/metrics/*}}", common.get),
    Route.of("PUT", f"/v2/{{{PROJECT}/metrics/*}}", _update_metric),
    Route.of("DELETE", f"/v2/{{{PROJECT}/metrics/*}}", common.delete),
    Route.of("GET", f"/v3/{{{PROJECT}}}/alertPolicies", common.lists("alertPolicies", "alertPolicies")),
    Route.of(
        "POST",
        f"/v3/{{{PROJECT}}}/alertPolicies",
        _creates("alertPolicies", lambda state, _, body: _policy(state, body)),
    ),
    Route.of("GET", f"/v3/{{{PROJECT}/alertPolicies/*}}", common.get),
    Route.of("PATCH", f"/v3/{{{PROJECT}/alertPolicies/*}}", _update_policy),
    Route.of("DELETE", f"/v3/{{{PROJECT}/alertPolicies/*}}", common.delete),
    Route.of(
        "GET",
        f"/v3/{{{PROJECT}}}/notificationChannels",
        common.lists("notificationChannels", "notificationChannels"),
    ),
    Route.of("POST", f"/v3/{{{PROJECT}}}/notificationChannels", _creates("notificationChannels")),
    Route.of("GET", f"/v3/{{{PROJECT}/notificationChannels/*}}", common.get),
    Route.of("DELETE", f"/v3/{{{PROJECT}/notificationChannels/*}}", common.delete),
]
