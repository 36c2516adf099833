"""Cloud Run's services, which functions are behind: their revisions, and which of them is reached.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services
"""

from __future__ import annotations

from typing import Any

from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import Refused, State

NAMESPACE = "/apis/serving.knative.dev/v1/namespaces/*/services"
LATEST = [{"latestRevision": True, "percent": 100}]


def deployed(state: State, name: str, revision: str) -> None:
    """A function was deployed: a new revision, reached where the traffic goes to the newest."""
    service = state.resources.setdefault(name, {"name": name, "revisions": [], "traffic": LATEST})
    service["revisions"].append(revision)


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
    named = sorted(name for name in state.resources if "/locations/" in name and "/services/" in name)
    return {"kind": "ServiceList", "items": [_knative(state, state.resources[name]) for name in named]}


def _replace(state: State, asked: Asked) -> Any:
    service = _named(state, asked.name)
    traffic = asked.body["spec"].get("traffic", LATEST)
    known = service["revisions"]
    if unknown := [each for each in traffic if each.get("revisionName", known[-1]) not in known]:
        raise Refused(400, "INVALID_ARGUMENT", f"Revision {unknown[0]['revisionName']!r} was not found")
    if sum(each.get("percent", 0) for each in traffic) != 100:
        raise Refused(400, "INVALID_ARGUMENT", "Traffic must add up to 100 percent.")
    service["traffic"] = [each for each in traffic if each.get("percent")]
    return _knative(state, service)


ROUTES = [
    Route.of("GET", f"{{{NAMESPACE}}}", _list),
    Route.of("GET", f"{{{NAMESPACE}/*}}", _get),
    Route.of("PUT", f"{{{NAMESPACE}/*}}", _replace),
]
