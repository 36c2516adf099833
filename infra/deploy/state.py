"""What there is in a project now, read with a few list commands; policies only of what is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from infra.deploy.gcloud import CommandFailed, Gcloud
from infra.deploy.names import cloud_name
from infra.deploy.place import Place
from infra.deploy.plan_rules import API, Rules
from infra.manifest import Manifest

PARALLEL = 6
DENIED = re.compile("PERMISSION_DENIED|does not have permission")
Policy = frozenset[tuple[str, str]]
"""(role, member) of the bindings without a condition."""


@dataclass(frozen=True)
class State:
    """A project as it is. Mappings go from a thing's last name to what gcloud shows of it.

    Attributes:
        number: the project's number.
        apis: the services that are enabled.
        policies: by what they are of: ``project``, ``secrets/NAME``, ``accounts/NAME``, ``queues/NAME``,
            ``functions/NAME`` with the name in the cloud.
        versions: the enabled versions of each secret that a place names.
        rules: the security rules in force; None where there are none.
        budgets: those of the place's billing account; None where this account may not see them.
    """

    number: str
    apis: frozenset[str]
    policies: Mapping[str, Policy] = field(default_factory=dict)
    accounts: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, frozenset[int]] = field(default_factory=dict)
    database: Mapping[str, Any] | None = None
    backups: tuple[Mapping[str, Any], ...] = ()
    indexes: tuple[Mapping[str, Any], ...] = ()
    exempt: frozenset[tuple[str, str]] = frozenset()
    ttl: frozenset[tuple[str, str]] = frozenset()
    rules: str | None = None
    queues: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    alert_policies: tuple[Mapping[str, Any], ...] = ()
    budgets: tuple[Mapping[str, Any], ...] | None = ()
    channels: tuple[Mapping[str, Any], ...] = ()


def read_state(gcloud: Gcloud, manifest: Manifest, place: Place, rules: Rules) -> State:
    """Read a project.

    Raises:
        CommandFailed: something could not be read; nothing is taken for missing because of that.
    """
    number = str(gcloud.read("projects", "describe", place.project)["projectNumber"])
    enabled = gcloud.read("services", "list", "--enabled")
    apis = frozenset(str(service["config"]["name"]) for service in enabled)
    with ThreadPoolExecutor(PARALLEL) as pool:
        reader = _Reader(gcloud, manifest, place, rules, apis)
        lists = dict(pool.map(lambda item: (item[0], item[1]()), reader.lists().items()))
        found = {key: value for key, value in lists.items() if not key.startswith("fields:")}
        further = reader.policies(lists) | reader.of_database(lists) | reader.versions(lists)
        details = dict(pool.map(lambda item: (item[0], item[1]()), further.items()))
    return State(
        number=number,
        apis=apis,
        policies={key.removeprefix("policy:"): value for key, value in details.items() if key.startswith("policy:")},
        versions={key.removeprefix("of:"): value for key, value in details.items() if key.startswith("of:")},
        **found,
        **{key: value for key, value in details.items() if ":" not in key},
    )


Asks = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class _Reader:
    """The commands, as functions to be called in any order."""

    gcloud: Gcloud
    manifest: Manifest
    place: Place
    rules: Rules
    apis: frozenset[str]

    def _list(self, api: str, *argv: str) -> list[dict[str, Any]]:
        """A list; empty where the API is not even enabled."""
        if f"{api}.googleapis.com" not in self.apis:
            return []
        found: list[dict[str, Any]] = self.gcloud.read(*argv)
        return found

    def _by_name(self, api: str, *argv: str) -> dict[str, Any]:
        return {str(item["name"]).rsplit("/", 1)[-1]: item for item in self._list(api, *argv)}

    def lists(self) -> Asks:
        """Everything that one command lists."""
        at = f"--location={self.place.region}"
        return {
            "accounts": lambda: {
                name.split("@", 1)[0]: item
                for name, item in self._by_name("iam", "iam", "service-accounts", "list").items()
            },
            "secrets": lambda: self._by_name("secretmanager", "secrets", "list"),
            "database": self._database,
            "queues": lambda: self._by_name("cloudtasks", "tasks", "queues", "list", at),
            "jobs": lambda: self._by_name("cloudscheduler", "scheduler", "jobs", "list", at),
            "functions": lambda: self._by_name(
                "cloudfunctions", "functions", "list", "--v2", f"--regions={self.place.region}"
            ),
            "metrics": lambda: self._by_name("logging", "logging", "metrics", "list"),
            "alert_policies": lambda: tuple(self._list("monitoring", "alpha", "monitoring", "policies", "list")),
            "budgets": self._budgets,
            "rules": lambda: self.rules.released() if f"{API}.googleapis.com" in self.apis else None,
            "channels": lambda: tuple(self._list("monitoring", "beta", "monitoring", "channels", "list")),
        }

    def _database(self) -> Mapping[str, Any] | None:
        assert self.manifest.firestore is not None  # noqa: S101 - `infra.deploy` insists on it first
        wanted = self.manifest.firestore.database
        return self._by_name("firestore", "firestore", "databases", "list").get(wanted)

    def _budgets(self) -> tuple[Mapping[str, Any], ...] | None:
        account = self.place.billing_account
        if account is None:
            return ()
        try:
            return tuple(self._list("billingbudgets", "billing", "budgets", "list", f"--billing-account={account}"))
        except CommandFailed as error:
            if DENIED.search(error.told):
                return None
            raise

    def of_database(self, lists: Mapping[str, Any]) -> Asks:
        """What a database has, where there is one."""
        if lists["database"] is None:
            return {}
        assert self.manifest.firestore is not None  # noqa: S101 - `infra.deploy` insists on it first
        of = f"--database={self.manifest.firestore.database}"
        return {
            "backups": lambda: tuple(self.gcloud.read("firestore", "backups", "schedules", "list", of)),
            "indexes": lambda: tuple(self.gcloud.read("firestore", "indexes", "composite", "list", of)),
            "exempt": lambda: frozenset(
                _field(item)
                for item in self.gcloud.read("firestore", "indexes", "fields", "list", of)
                if not item.get("indexConfig", {}).get("indexes")
            ),
            "ttl": lambda: frozenset(
                _field(item) for item in self.gcloud.read("firestore", "fields", "ttls", "list", of)
            ),
        }

    def versions(self, lists: Mapping[str, Any]) -> Asks:
        """The versions of the secrets that the place names."""
        return {f"of:{name}": self._versions(name) for name in self.place.secrets if name in lists["secrets"]}

    def _versions(self, name: str) -> Callable[[], frozenset[int]]:
        return lambda: frozenset(
            int(str(item["name"]).rsplit("/", 1)[1])
            for item in self.gcloud.read("secrets", "versions", "list", name)
            if item.get("state") == "ENABLED"
        )

    def policies(self, lists: Mapping[str, Any]) -> Asks:
        """The policies of what is there and matters."""
        at, region = f"--location={self.place.region}", f"--region={self.place.region}"
        invokers = (self.manifest.invokers.tasks, self.manifest.invokers.scheduler)
        asks: Asks = {"policy:project": self._policy("projects", "get-iam-policy", self.place.project)}
        for name in dict.fromkeys(invokers):
            if name in lists["accounts"]:
                email = str(lists["accounts"][name]["email"])
                asks[f"policy:accounts/{name}"] = self._policy("iam", "service-accounts", "get-iam-policy", email)
        for name in self.place.secrets:
            if name in lists["secrets"]:
                asks[f"policy:secrets/{name}"] = self._policy("secrets", "get-iam-policy", name)
        for name in self.manifest.queues:
            if name in lists["queues"]:
                asks[f"policy:queues/{name}"] = self._policy("tasks", "queues", "get-iam-policy", name, at)
        for name in map(cloud_name, self.manifest.functions):
            if name in lists["functions"]:
                asks[f"policy:functions/{name}"] = self._policy("run", "services", "get-iam-policy", name, region)
        return asks

    def _policy(self, *argv: str) -> Callable[[], Policy]:
        return lambda: _pairs(self.gcloud.read(*argv))


def _pairs(policy: Any) -> Policy:
    bindings = policy.get("bindings", ()) if isinstance(policy, dict) else ()
    return frozenset(
        (str(binding["role"]), str(member))
        for binding in bindings
        if "condition" not in binding
        for member in binding.get("members", ())
    )


def _field(item: Mapping[str, Any]) -> tuple[str, str]:
    parts = str(item["name"]).split("/")
    return parts[-3], parts[-1]
