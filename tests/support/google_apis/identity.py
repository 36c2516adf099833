"""The project, its enabled APIs, service accounts, roles and secrets.

Source: https://cloud.google.com/resource-manager/reference/rest, https://cloud.google.com/service-usage/docs/reference/rest,
https://cloud.google.com/iam/docs/reference/rest and https://cloud.google.com/secret-manager/docs/reference/rest
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Method, Route
from tests.support.google_apis.state import PROJECT_NUMBER, Refused, State

ACCOUNT = "projects/*/serviceAccounts/*"
SECRET = "projects/*/secrets/*"
VERSION = f"{SECRET}/versions/*"


def _service(state: State, asked: Asked) -> Any:
    name = asked.name.rsplit("/", 1)[1]
    enabled = f"apis/{name}" in state.resources
    return {"name": asked.name, "config": {"name": name}, "state": "ENABLED" if enabled else "DISABLED"}


def _services(state: State, asked: Asked) -> Any:
    names = [name.removeprefix("apis/") for name in sorted(state.resources) if name.startswith("apis/")]
    parent = f"projects/{PROJECT_NUMBER}/services"
    return {"services": [{"name": f"{parent}/{name}", "config": {"name": name}, "state": "ENABLED"} for name in names]}


def _enable(state: State, asked: Asked) -> Any:
    names = asked.body.get("serviceIds") or [asked.name.rsplit("/", 1)[1].removesuffix(":enable")]
    for name in names:
        state.resources[f"apis/{name}"] = {"name": f"apis/{name}"}
    return common.operation(state, "", {}).get("name") and {"name": "operations/noop.DONE_OPERATION", "done": True}


def _accounts(state: State, asked: Asked) -> Any:
    return {"accounts": state.of(f"{asked.name}/serviceAccounts/")}


def _create_account(state: State, asked: Asked) -> Any:
    account_id, said = asked.body["accountId"], asked.body.get("serviceAccount", {})
    if not 6 <= len(account_id) <= 30:
        raise Refused(400, "INVALID_ARGUMENT", f"Invalid account id {account_id!r}")
    email = f"{account_id}@{state.project}.iam.gserviceaccount.com"
    name = f"{asked.name}/serviceAccounts/{email}"
    return state.create(name, {**said, "name": name, "email": email, "projectId": state.project})


def _create_secret(state: State, asked: Asked) -> Any:
    name = f"{asked.name}/secrets/{asked.query['secretId']}"
    if "automatic" not in asked.body.get("replication", {}):
        raise Refused(400, "INVALID_ARGUMENT", "Secret.replication is required.")
    return state.create(name, {**asked.body, "name": name})


def _add_version(state: State, asked: Asked) -> Any:
    state.get(asked.name)
    number = len(state.of(f"{asked.name}/versions/")) + 1
    name = f"{asked.name}/versions/{number}"
    state.payloads[name] = base64.urlsafe_b64decode(asked.body["payload"]["data"]).decode()
    checked = "dataCrc32c" in asked.body["payload"]
    return state.create(
        name, {"name": name, "createTime": _now(), "state": "ENABLED", "clientSpecifiedPayloadChecksum": checked}
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moves(state_after: str) -> Method:
    """Enable, disable or destroy a version; one that was destroyed stays so."""

    def method(state: State, asked: Asked) -> Any:
        version = state.get(asked.name)
        if version["state"] == "DESTROYED":
            raise Refused(400, "FAILED_PRECONDITION", f"Secret Version [{asked.name}] is in DESTROYED state.")
        version["state"] = state_after
        if state_after == "DESTROYED":
            state.payloads.pop(asked.name)
        return version

    return method


def _versions(state: State, asked: Asked) -> Any:
    """The newest first, as the API lists them."""
    found = state.of(f"{asked.name}/versions/")
    return {"versions": sorted(found, key=lambda each: -int(each["name"].rsplit("/", 1)[1]))}


ROUTES = [
    Route.of("GET", "/v1/{projects/*}", common.get),
    Route.of("POST", "/v1/{projects/*}:getIamPolicy", common.get_policy),
    Route.of("POST", "/v1/{projects/*}:setIamPolicy", common.set_policy),
    Route.of("GET", "/v1/{projects/*}/services", _services),
    Route.of("GET", "/v1/{projects/*/services/*}", _service),
    Route.of("POST", "/v1/{projects/*}/services:batchEnable", _enable),
    Route.of("POST", "/v1/{projects/*/services/*}:enable", _enable),
    Route.of("GET", "/v1/{projects/*}/serviceAccounts", _accounts),
    Route.of("POST", "/v1/{projects/*}/serviceAccounts", _create_account),
    Route.of("GET", f"/v1/{{{ACCOUNT}}}", common.get),
    Route.of("DELETE", f"/v1/{{{ACCOUNT}}}", common.delete),
    *common.policies(f"/v1/{{{ACCOUNT}}}", "POST"),
    Route.of("GET", "/v1/{projects/*}/secrets", common.lists("secrets", "secrets")),
    Route.of("POST", "/v1/{projects/*}/secrets", _create_secret),
    Route.of("GET", f"/v1/{{{SECRET}}}", common.get),
    Route.of("DELETE", f"/v1/{{{SECRET}}}", common.delete),
    Route.of("POST", f"/v1/{{{SECRET}}}:addVersion", _add_version),
    Route.of("GET", f"/v1/{{{SECRET}}}/versions", _versions),
    Route.of("POST", f"/v1/{{{VERSION}}}:enable", _moves("ENABLED")),
    Route.of("POST", f"/v1/{{{VERSION}}}:disable", _moves("DISABLED")),
    Route.of("POST", f"/v1/{{{VERSION}}}:destroy", _moves("DESTROYED")),
    *common.policies(f"/v1/{{{SECRET}}}"),
]
