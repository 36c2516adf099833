"""Cloud Functions v2, and Cloud Build's default account.

Source: https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions
"""

from __future__ import annotations

import copy
from typing import Any

from tests.support.google_apis import common, run
from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import PROJECT_NUMBER, Refused, State

LOCATION = "projects/*/locations/*"
FUNCTION = f"{LOCATION}/functions/*"
SERVICE = f"{LOCATION}/services/*"
KIND = "google.cloud.functions.v2.Function"


def _get(state: State, asked: Asked) -> Any:
    return _shown(state, state.get(asked.name))


def _list(state: State, asked: Asked) -> Any:
    return {"functions": [_shown(state, each) for each in state.of(f"{asked.name}/functions/")]}


def _shown(state: State, function: dict[str, Any]) -> dict[str, Any]:
    """A function, and whether its newest revision is the one that is reached: Cloud Run knows."""
    config = function["serviceConfig"]
    newest = run.all_on_latest(state.get(config["service"]))
    return {**function, "serviceConfig": {**config, "allTrafficOnLatestRevision": newest}}


def _upload_url(state: State, asked: Asked) -> Any:
    number = state.number()
    source = {"bucket": f"gcf-v2-uploads-{PROJECT_NUMBER}", "object": f"{number}.zip"}
    return {"uploadUrl": f"{state.url}upload/{number}", "storageSource": source}


def _upload(state: State, asked: Asked) -> Any:
    state.uploads.append(asked.raw)
    return {}


def _create(state: State, asked: Asked) -> Any:
    function_id = asked.query["functionId"]
    name = f"{asked.name}/functions/{function_id}"
    value = state.create(name, _completed(state, name, asked.body))
    service = value["serviceConfig"]["service"]
    run.deployed(state, service, *_revision(state, value))
    return common.operation(state, asked.name, value, KIND)


def _update(state: State, asked: Asked) -> Any:
    merged = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    value = state.resources[asked.name] = _completed(state, asked.name, merged)
    run.deployed(state, value["serviceConfig"]["service"], *_revision(state, value))
    return common.operation(state, asked.name.rsplit("/functions/", 1)[0], value, KIND)


def _delete(state: State, asked: Asked) -> Any:
    function = state.get(asked.name)
    service = function["serviceConfig"]["service"]
    for name in (asked.name, service):
        del state.resources[name]
    state.policies.pop(service, None)
    return common.operation(state, asked.name.rsplit("/functions/", 1)[0], {}, "google.protobuf.Empty")


def _completed(state: State, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """A function with what the platform fills in; refused where the platform refuses it."""
    value = copy.deepcopy(body)
    config = value.setdefault("serviceConfig", {})
    location, _, function_id = name.rpartition("/functions/")
    service_id = function_id.replace("_", "-")
    concurrent = int(config.get("maxInstanceRequestConcurrency", 1))
    if concurrent > 1 and float(str(config.get("availableCpu", "0.1666"))) < 1:
        raise Refused(400, "INVALID_ARGUMENT", "Total cpu < 1 is not supported with concurrency > 1.")
    _account(state, config.get("serviceAccountEmail", ""))
    for secret in config.get("secretEnvironmentVariables", ()):
        version = f"projects/{state.project}/secrets/{secret['secret']}/versions/{secret['version']}"
        if version not in state.resources:
            raise Refused(400, "INVALID_ARGUMENT", f"Secret version {version} was not found")
        if state.resources[version]["state"] != "ENABLED":
            raise Refused(400, "INVALID_ARGUMENT", f"Secret version {version} is not enabled")
        policy = state.policy(version.rsplit("/versions/", 1)[0])
        member = f"serviceAccount:{config['serviceAccountEmail']}"
        if not any(member in binding["members"] for binding in policy.get("bindings", ())):
            raise Refused(400, "INVALID_ARGUMENT", f"Permission denied on secret {version} for {member}")
    number, region = PROJECT_NUMBER, location.rsplit("/", 1)[1]
    config |= {
        "service": f"{location}/services/{service_id}",
        "uri": f"https://{service_id}-abc123def4-ew.a.run.app",
        "revision": f"{service_id}-{state.number():05}-abc",
    }
    value.setdefault("labels", {})
    shown = f"https://{region}-{state.project}.cloudfunctions.net/{function_id}"
    return value | {"name": name, "state": "ACTIVE", "environment": "GEN_2", "url": shown, "number": number}


def _revision(state: State, value: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The name of its newest revision, and the environment that it is started in, its secrets among it."""
    config, found = value["serviceConfig"], {}
    for each in config.get("secretEnvironmentVariables", ()):
        version = f"projects/{state.project}/secrets/{each['secret']}/versions/{each['version']}"
        found[each["key"]] = state.payloads.get(version, "")
    return str(config["revision"]), {**config.get("environmentVariables", {}), **found}


def _account(state: State, email: str) -> None:
    if f"projects/{state.project}/serviceAccounts/{email}" not in state.resources:
        raise Refused(400, "INVALID_ARGUMENT", f"Service account {email!r} does not exist.")


def _runtimes(state: State, asked: Asked) -> Any:
    return {"runtimes": [{"name": "python311", "environment": "GEN_2", "stage": "GA"}]}


def _builder(state: State, asked: Asked) -> Any:
    return {"name": asked.name, "serviceAccountEmail": f"projects/{state.project}/serviceAccounts/none@example.com"}


ROUTES = [
    Route.of("GET", f"/v2/{{{LOCATION}}}/functions", _list),
    Route.of("POST", f"/v2/{{{LOCATION}}}/functions", _create),
    Route.of("POST", f"/v2/{{{LOCATION}}}/functions:generateUploadUrl", _upload_url),
    Route.of("GET", f"/v2/{{{LOCATION}}}/runtimes", _runtimes),
    Route.of("GET", f"/v2/{{{FUNCTION}}}", _get),
    Route.of("PATCH", f"/v2/{{{FUNCTION}}}", _update),
    Route.of("DELETE", f"/v2/{{{FUNCTION}}}", _delete),
    Route.of("GET", f"/v2/{{{LOCATION}/operations/*}}", common.get),
    Route.of("PUT", "/upload/{*}", _upload),
    *common.policies(f"/v1/{{{SERVICE}}}"),
    Route.of("GET", f"/v1/{{{LOCATION}}}/defaultServiceAccount", _builder),
]
