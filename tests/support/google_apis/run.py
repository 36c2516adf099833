"""Cloud Run's services, which functions are behind: their revisions, and which of them is reached.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, Revision, State

NAMESPACE = "/apis/serving.knative.dev/v1/namespaces/*/services"
LATEST = [{"latestRevision": True, "percent": 100}]


REVISIONS = "/apis/serving.knative.dev/v1/namespaces/*/revisions"
SERVICE_LABEL = "serving.knative.dev/service"


def deployed(state: State, name: str, revision: str, settings: Mapping[str, str]) -> None:
    """A function was deployed: a new revision with these settings, reached where the traffic goes to the newest."""
    service = state.resources.setdefault(name, {"name": name, "revisions": [], "traffic": LATEST})
    service["revisions"].append(revision)
    state.revisions[revision] = Revision(datetime.now(UTC), settings)
    _serves(state, service)


def _serves(state: State, service: dict[str, Any]) -> None:
    """The system that runs in the project, where one does, serves what is reached; of several the largest part."""
    if state.behind is not None:
        parts = reached(service)
        revision = max(parts, key=lambda name: parts[name])
        state.behind.serves(_short(service), revision, state.revisions[revision].settings)


def _short(service: dict[str, Any]) -> str:
    return str(service["name"]).rsplit("/", 1)[1]


def all_on_latest(service: dict[str, Any]) -> bool:
    """Whether whatever is deployed last is reached, and nothing else."""
    return bool(service["traffic"] == LATEST)


def reached(service: dict[str, Any]) -> dict[str, int]:
    """Revision → its part of the traffic in percent."""
    newest = service["revisions"][-1]
    return {str(each.get("revisionName", newest)): int(each["percent"]) for each in service["traffic"]}


def _knative(state: State, service: dict[str, Any]) -> dict[str, Any]:
    short, newest = str(service["name"]).rsplit("/", 1)[1], service["revisions"][-1]
    generation = len(service["revisions"])
    traffic = [{**each, "revisionName": each.get("revisionName", newest)} for each in service["traffic"]]
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": short,
            "namespace": state.project,
            "generation": generation,
            "labels": {"cloud.googleapis.com/location": service["name"].split("/")[3]},
            "annotations": {},
        },
        "spec": {"template": {"spec": {"containers": [{"image": "gcf"}]}}, "traffic": service["traffic"]},
        "status": {
            "observedGeneration": generation,
            "latestReadyRevisionName": newest,
            "latestCreatedRevisionName": newest,
            "traffic": traffic,
            "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "RoutesReady")],
        },
    }


def _named(state: State, path: str) -> dict[str, Any]:
    """The service of the last name of a path; the region is in the host that was asked."""
    short = path.rsplit("/", 1)[1]
    found = [name for name in state.resources if name.endswith(f"/services/{short}") and "/locations/" in name]
    return state.get(found[0] if found else path)


def _get(state: State, asked: Asked) -> Any:
    return _knative(state, _named(state, asked.name))


def _list(state: State, asked: Asked) -> Any:
    return {"kind": "ServiceList", "items": [_knative(state, each) for each in _services(state)]}


def _services(state: State) -> list[dict[str, Any]]:
    named = sorted(name for name in state.resources if "/locations/" in name and "/services/" in name)
    return [state.resources[name] for name in named]


def _replace(state: State, asked: Asked) -> Any:
    service = _named(state, asked.name)
    traffic = asked.body["spec"].get("traffic", LATEST)
    known = service["revisions"]
    if unknown := [each for each in traffic if each.get("revisionName", known[-1]) not in known]:
        raise Refused(400, "INVALID_ARGUMENT", f"Revision {unknown[0]['revisionName']!r} was not found")
    if sum(each.get("percent", 0) for each in traffic) != 100:
        raise Refused(400, "INVALID_ARGUMENT", "Traffic must add up to 100 percent.")
    service["traffic"] = [each for each in traffic if each.get("percent")]
    _serves(state, service)
    return _knative(state, service)


def _revisions(state: State, asked: Asked) -> Any:
    """Of one service, or of all, as Cloud Run sorts them: by the service's name, the newest first."""
    wanted = asked.query.get("labelSelector", "").replace(" ", "").removeprefix(f"{SERVICE_LABEL}=")
    items = [
        _shown(state, service, revision)
        for service in _services(state)
        if wanted in ("", _short(service))
        for revision in reversed(service["revisions"])
    ]
    return {"kind": "RevisionList", "items": items, "metadata": {}}


def _shown(state: State, service: dict[str, Any], revision: str) -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {
            "name": revision,
            "namespace": state.project,
            "creationTimestamp": f"{state.revisions[revision].made_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "labels": {SERVICE_LABEL: _short(service), "cloud.googleapis.com/location": service["name"].split("/")[3]},
            "annotations": {},
        },
        "spec": {"containers": [{"image": "gcf"}]},
        "status": {"conditions": [{"type": "Ready", "status": str(state.revisions[revision].starts)}]},
    }


ROUTES = [
    Route.of("GET", f"{{{NAMESPACE}}}", _list),
    Route.of("GET", f"{{{NAMESPACE}/*}}", _get),
    Route.of("GET", f"{{{REVISIONS}}}", _revisions),
    Route.of("PUT", f"{{{NAMESPACE}/*}}", _replace),
]
