"""Cloud Logging's entries: those of the system that runs in the project.

Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

from typing import Any

from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, State
from tests.support.log_filter import matches


def _list(state: State, asked: Asked) -> Any:
    if asked.body.get("resourceNames") != [f"projects/{state.project}"]:
        raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
    entries = state.behind.entries() if state.behind is not None else []
    try:
        found = [each for each in entries if matches(asked.body.get("filter", ""), each)]
    except ValueError as error:
        raise Refused(400, "INVALID_ARGUMENT", f"Unparseable filter: {error}") from error
    if asked.body.get("orderBy", "") == "timestamp desc":
        found.reverse()
    return {"entries": found[: asked.body.get("pageSize") or 50]}


ROUTES = [Route.of("POST", "/v2/{entries}:list", _list)]
