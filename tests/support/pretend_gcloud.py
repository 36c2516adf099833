"""A recorder in gcloud's place: the requests that gcloud makes of each command, sent to the stand-in in this process.

A thousand times as quick as gcloud, so that every single request of a deployment can be made to fail. That the requests
are gcloud's own is checked by ``tests/deploy``: both leave the same things behind. What it does not know, it refuses.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from infra.deploy.gcloud import Ended
from infra.deploy.rest import Answer
from tests.support.google_apis.routes import ROUTES
from tests.support.google_apis.server import TOKEN, Sent, exchange
from tests.support.google_apis.state import State

CHANNELS = "notifications-rule-monitoring-notification-channels"
Request = tuple[str, str, dict[str, str], Any]


class _Failed(Exception):  # noqa: N818 - it says what it is
    """A request was refused; the rest of the command is not done."""


class PretendGcloud:
    """A runner of ``infra.deploy``.

    Attributes:
        state: the stand-in's.
        commands: every command that was run.
    """

    def __init__(self, state: State, files: Sequence[str], root: Path) -> None:
        self.state, self.commands = state, []
        self._files, self._root = files, root

    def __call__(self, argv: Sequence[str], stdin: str | None) -> Ended:
        """Run one command."""
        self.commands.append(tuple(argv))
        words = [word for word in argv if not word.startswith("--")]
        flags = [word[2:].partition("=")[::2] for word in argv if word.startswith("--")]
        if words[:2] == ["meta", "list-files-for-upload"]:
            return Ended(0, "\n".join(self._files), "")
        if words == ["auth", "print-access-token"]:
            return Ended(0, f"{TOKEN}\n", "")
        try:
            shown = self._run(words, flags, stdin)
        except _Failed as error:
            return Ended(1, "", f"ERROR: {error}")
        return Ended(0, json.dumps(shown), "")

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        """A request that ``infra.deploy`` makes itself."""
        parts = urlsplit(url)
        raw = b"" if body is None else json.dumps(body).encode()
        query = dict(parse_qsl(parts.query))
        return exchange(self.state, ROUTES, Sent(method, parts.path, query, raw, headers["Authorization"]))

    def _run(self, words: list[str], flags: list[tuple[str, str]], stdin: str | None) -> Any:
        if words[0] in ("alpha", "beta"):
            words = words[1:]
        at, one = self._places(flags), dict(flags)
        for command, (path, key) in self._reads(at, one).items():
            named = command.split(" NAME")[0].split()
            if words[: len(named)] == named and len(words) == len(named) + command.count(" NAME"):
                by_post = ":get" in path and "/secrets/" not in path and "/services/" not in path
                query = {"filter": "ttlConfig:*"} if "ttls" in words else {}
                where = path.replace("NAME", words[-1]).replace("projects/P", at["project"])
                shown = self._send(("POST" if by_post else "GET", where, query, {}))
                return shown.get(key, []) if key else shown
        for request in self._changes(words, flags, stdin, at):
            self._send(request)
        return {}

    def _send(self, request: Request) -> Any:
        verb, path, query, body = request
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if verb != "GET" else b""
        code, answer = exchange(self.state, ROUTES, Sent(verb, path, query, raw))
        if code != 200:
            raise _Failed(answer["error"]["message"])
        return answer

    def _places(self, flags: list[tuple[str, str]]) -> dict[str, str]:
        one = dict(flags)
        project = f"projects/{one['project']}"
        region = one.get("location") or one.get("region") or one.get("regions") or ""
        return {"project": project, "at": f"{project}/locations/{region}"}

    @staticmethod
    def _reads(at: dict[str, str], one: dict[str, str]) -> dict[str, tuple[str, str]]:
        base = f"/v1/projects/P/databases/{one.get('database', '')}"
        return {
            "projects describe NAME": ("/v1/projects/P", ""),
            "projects get-iam-policy NAME": ("/v1/projects/P:getIamPolicy", ""),
            "services list": ("/v1/projects/P/services", "services"),
            "iam service-accounts list": ("/v1/projects/P/serviceAccounts", "accounts"),
            "iam service-accounts get-iam-policy NAME": ("/v1/projects/-/serviceAccounts/NAME:getIamPolicy", ""),
            "secrets list": ("/v1/projects/P/secrets", "secrets"),
            "secrets versions list NAME": ("/v1/projects/P/secrets/NAME/versions", "versions"),
            "secrets get-iam-policy NAME": ("/v1/projects/P/secrets/NAME:getIamPolicy", ""),
            "firestore databases list": ("/v1/projects/P/databases", "databases"),
            "firestore backups schedules list": (f"{base}/backupSchedules", "backupSchedules"),
            "firestore indexes composite list": (f"{base}/collectionGroups/-/indexes", "indexes"),
            "firestore indexes fields list": (f"{base}/collectionGroups/-/fields", "fields"),
            "firestore fields ttls list": (f"{base}/collectionGroups/-/fields", "fields"),
            "tasks queues list": (f"/v2/{at['at']}/queues", "queues"),
            "tasks queues get-iam-policy NAME": (f"/v2/{at['at']}/queues/NAME:getIamPolicy", ""),
            "scheduler jobs list": (f"/v1/{at['at']}/jobs", "jobs"),
            "functions list": (f"/v2/{at['at']}/functions", "functions"),
            "run services get-iam-policy NAME": (f"/v1/{at['at']}/services/NAME:getIamPolicy", ""),
            "logging metrics list": ("/v2/projects/P/metrics", "metrics"),
            "monitoring policies list": ("/v3/projects/P/alertPolicies", "alertPolicies"),
            "billing budgets list": (f"/v1/billingAccounts/{one.get('billing-account', '')}/budgets", "budgets"),
            "monitoring channels list": ("/v3/projects/P/notificationChannels", "notificationChannels"),
        }

    def _changes(
        self, words: list[str], flags: list[tuple[str, str]], stdin: str | None, at: dict[str, str]
    ) -> Iterator[Request]:
        one = dict(flags)
        name, project, place = words[-1], at["project"], at["at"]
        database = f"/v1/{project}/databases/{one.get('database', '')}"
        group = f"{database}/collectionGroups/{one.get('collection-group', '')}"
        makers: dict[str, Callable[[], Iterator[Request]]] = {
            "services enable": lambda: iter(
                [("POST", f"/v1/{project}/services:batchEnable", {}, {"serviceIds": words[2:]})]
            ),
            "iam service-accounts create": lambda: iter(
                [("POST", f"/v1/{project}/serviceAccounts", {}, {"accountId": name})]
            ),
            "secrets create": lambda: self._secret(project, name, stdin, new=True),
            "secrets versions add": lambda: self._secret(project, name, stdin, new=False),
            "firestore databases create": lambda: iter(
                [("POST", f"/v1/{project}/databases", {"databaseId": one["database"]}, _database(one))]
            ),
            "firestore backups schedules create": lambda: iter(
                [("POST", f"{database}/backupSchedules", {}, {"dailyRecurrence": {}, "retention": "1209600s"})]
            ),
            "firestore indexes composite create": lambda: iter([("POST", f"{group}/indexes", {}, _index(flags))]),
            "firestore indexes fields update": lambda: iter(
                [("PATCH", f"{group}/fields/{name}", {"updateMask": "indexConfig"}, {"indexConfig": {}})]
            ),
            "firestore fields ttls update": lambda: iter(
                [("PATCH", f"{group}/fields/{name}", {"updateMask": "ttlConfig"}, {"ttlConfig": {}})]
            ),
            "tasks queues create": lambda: iter(
                [("POST", f"/v2/{place}/queues", {}, {"name": f"{place}/queues/{name}", **_queue(one)})]
            ),
            "scheduler jobs create http": lambda: iter([("POST", f"/v1/{place}/jobs", {}, _job(place, name, one))]),
            "logging metrics create": lambda: iter(
                [("POST", f"/v2/{project}/metrics", {}, self._file(one["config-from-file"]))]
            ),
            "monitoring channels create": lambda: iter(
                [
                    (
                        "POST",
                        f"/v3/{project}/notificationChannels",
                        {},
                        {"type": "email", "labels": dict([one["channel-labels"].split("=")])},
                    )
                ]
            ),
            "billing budgets create": lambda: iter(
                [("POST", f"/v1/billingAccounts/{one['billing-account']}/budgets", {}, _budget(flags))]
            ),
            "monitoring policies create": lambda: iter(
                [("POST", f"/v3/{project}/alertPolicies", {}, self._file(one["policy-from-file"]))]
            ),
            "functions deploy": lambda: self._function(place, name, one),
        }
        bindings = {
            "projects add-iam-policy-binding": ("POST", f"/v1/{project}"),
            "iam service-accounts add-iam-policy-binding": ("POST", f"/v1/projects/-/serviceAccounts/{name}"),
            "secrets add-iam-policy-binding": ("GET", f"/v1/{project}/secrets/{name}"),
            "tasks queues add-iam-policy-binding": ("POST", f"/v2/{place}/queues/{name}"),
            "run services add-iam-policy-binding": ("GET", f"/v1/{place}/services/{name}"),
        }
        command = " ".join(words)
        for known, (verb, path) in bindings.items():
            if command.startswith(known):
                policy = self._send((verb, f"{path}:getIamPolicy", {}, {}))
                binding = {"role": one["role"], "members": [one["member"]]}
                bound = {**policy, "bindings": [*policy.get("bindings", []), binding]}
                yield "POST", f"{path}:setIamPolicy", {}, {"policy": bound}
                return
        yield from next(make for known, make in makers.items() if command.startswith(known))()

    def _secret(self, project: str, name: str, value: str | None, *, new: bool) -> Iterator[Request]:
        if new:
            yield "POST", f"/v1/{project}/secrets", {"secretId": name}, {"replication": {"automatic": {}}}
        data = base64.b64encode((value or "").encode()).decode()
        yield "POST", f"/v1/{project}/secrets/{name}:addVersion", {}, {"payload": {"data": data, "dataCrc32c": "1"}}

    def _function(self, place: str, name: str, one: dict[str, str]) -> Iterator[Request]:
        yield "POST", f"/v2/{place}/functions:generateUploadUrl", {}, {}
        yield "PUT", "/upload/1", {}, b"zip"
        body = _function(one, yaml.safe_load((self._root / one["env-vars-file"]).read_text(encoding="utf-8")))
        if f"{place}/functions/{name}" in self.state.resources:
            yield "PATCH", f"/v2/{place}/functions/{name}", {}, body
        else:
            yield "POST", f"/v2/{place}/functions", {"functionId": name}, body

    def _file(self, path: str) -> Any:
        return json.loads((self._root / path).read_text(encoding="utf-8"))


def _database(one: dict[str, str]) -> dict[str, Any]:
    return {
        "locationId": one["location"],
        "type": "FIRESTORE_NATIVE",
        "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
        "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    }


def _index(flags: list[tuple[str, str]]) -> dict[str, Any]:
    listed = [dict(part.split("=") for part in value.split(",")) for key, value in flags if key == "field-config"]
    fields = [{"fieldPath": each["field-path"], "order": each["order"].upper()} for each in listed]
    return {"queryScope": dict(flags)["query-scope"].upper().replace("-", "_"), "fields": fields}


def _budget(flags: list[tuple[str, str]]) -> dict[str, Any]:
    one = dict(flags)
    rules = [dict(part.split("=") for part in value.split(",")) for key, value in flags if key == "threshold-rule"]
    basis = {"forecasted-spend": "FORECASTED_SPEND", "": "CURRENT_SPEND"}
    told = [channel for channel in one.get(CHANNELS, "").split(",") if channel]
    return {
        "displayName": one["display-name"],
        "amount": {"specifiedAmount": {"units": one["budget-amount"]}},
        "budgetFilter": {"projects": [one["filter-projects"]]},
        "thresholdRules": [
            {"thresholdPercent": float(each["percent"]), "spendBasis": basis[each.get("basis", "")]} for each in rules
        ],
        "notificationsRule": {"monitoringNotificationChannels": told},
    }


def _queue(one: dict[str, str]) -> dict[str, Any]:
    return {
        "rateLimits": {
            "maxDispatchesPerSecond": float(one["max-dispatches-per-second"]),
            "maxConcurrentDispatches": int(one["max-concurrent-dispatches"]),
        },
        "retryConfig": {
            "maxAttempts": int(one["max-attempts"]),
            "minBackoff": one["min-backoff"],
            "maxBackoff": one["max-backoff"],
            "maxDoublings": int(one["max-doublings"]),
        },
    }


def _job(place: str, name: str, one: dict[str, str]) -> dict[str, Any]:
    token = {"serviceAccountEmail": one["oidc-service-account-email"], "audience": one["oidc-token-audience"]}
    return {
        "name": f"{place}/jobs/{name}",
        "schedule": one["schedule"],
        "timeZone": one["time-zone"],
        "attemptDeadline": one["attempt-deadline"],
        "retryConfig": {"retryCount": int(one["max-retry-attempts"])},
        "httpTarget": {"uri": one["uri"], "httpMethod": "POST", "oidcToken": token},
    }


def _function(one: dict[str, str], settings: dict[str, str]) -> dict[str, Any]:
    secrets = [each.replace(":", "=").split("=") for each in one.get("set-secrets", "").split(",") if each]
    label, _, source = one["update-labels"].partition("=")
    return {
        "buildConfig": {
            "entryPoint": one["entry-point"],
            "runtime": one["runtime"],
            "serviceAccount": one["build-service-account"],
        },
        "labels": {label: source},
        "serviceConfig": {
            "availableMemory": one["memory"],
            "availableCpu": one["cpu"],
            "maxInstanceRequestConcurrency": int(one["concurrency"]),
            "minInstanceCount": int(one["min-instances"]),
            "maxInstanceCount": int(one["max-instances"]),
            "timeoutSeconds": int(one["timeout"].removesuffix("s")),
            "ingressSettings": f"ALLOW_{one['ingress-settings'].upper().replace('-', '_')}",
            "serviceAccountEmail": one["run-service-account"],
            "environmentVariables": settings,
            "secretEnvironmentVariables": [
                {"key": key, "secret": secret, "version": version} for key, secret, version in secrets
            ],
        },
    }
