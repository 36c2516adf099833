"""What a project on the stand-in holds, and the rules that are the same for every API."""

from __future__ import annotations

import base64
import copy
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

PROJECT_NUMBER = "123456789012"
_GIVEN_OUT = re.compile(
    r'"etag": "[^"]*"|"object": "[^"]*"|(?<=/upload/)\d+|(?<=/rulesets/)[0-9a-f-]+|(?<=/notificationChannels/)\d+'
)


class Refused(Exception):  # noqa: N818 - it is an answer, not a bug
    """An answer other than 200, as Google's APIs write it."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"code": self.code, "status": self.status, "message": self.message}}


class Behind(Protocol):
    """A running system that a project on the stand-in stands for: its queues and jobs move, and it writes logs."""

    def entries(self) -> list[dict[str, Any]]:
        """What was logged, oldest first, as Cloud Logging's API shows it."""

    def call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """A request to Cloud Tasks or Cloud Scheduler, answered by the system's own; raises Refused."""

    def serves(self, service: str, revision: str, settings: Mapping[str, str]) -> None:
        """Another revision of a function is reached, which has these settings."""

    def restores(self, database: str) -> None:
        """A backup becomes a database beside the system's."""


@dataclass(frozen=True)
class Seen:
    """One request that reached the stand-in.

    Attributes:
        method: GET, POST, ...
        path: without its query.
        query: one value a key.
        body: the JSON that was sent, empty where there was none.
        mutating: whether it changes anything where it succeeds.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    mutating: bool

    @property
    def what(self) -> str:
        """What was asked for, the same where it is asked again: without etags and numbers that were given out."""
        body = json.dumps(self.body, sort_keys=True)
        whole = f"{self.method} {self.path} {sorted(self.query.items())} {body}"
        return _GIVEN_OUT.sub("", whole)


@dataclass(frozen=True)
class Revision:
    """A revision of a function: when it was made, the settings and secrets that it has, and whether it starts."""

    made_at: datetime
    settings: Mapping[str, str]
    starts: bool = True


@dataclass
class State:
    """Resources by their full name, policies by the resource's, and every request.

    Attributes:
        strike: (n, when): the n-th mutating request from now on, 1 the next, is answered with an error; ``before`` it
            took effect, or ``after``, as where an answer is lost.
        denied: the beginning of paths that whoever asks has no right to.
        strikes_each: (requests, when): each of these is answered so once, in the order they come, `Seen.what` being how
            they are known; what is left of them was not struck yet.
        behind: the system that runs in this project; None where nothing does.
        revisions: of functions, by their names; who they are reached by stands with the resource of the service.
    """

    project: str
    url: str = ""
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: list[bytes] = field(default_factory=list)
    payloads: dict[str, str] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    strike: tuple[int, str] | None = None
    strikes_each: tuple[Counter[str], str] | None = None
    denied: str = ""
    behind: Behind | None = None
    numbers: int = 0
    revisions: dict[str, Revision] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def copied(self) -> State:
        """The same project again, to be changed apart from this one."""
        own = {
            "uploads": list(self.uploads),
            "payloads": dict(self.payloads),
            "requests": [],
            "revisions": dict(self.revisions),
            "lock": threading.RLock(),
        }
        held = {"resources": copy.deepcopy(self.resources), "policies": copy.deepcopy(self.policies)}
        return replace(self, **held, **own)

    def of(self, prefix: str) -> list[dict[str, Any]]:
        """The resources directly below a name, for example ``projects/p/secrets/``."""
        return [value for name, value in sorted(self.resources.items()) if _is_child(prefix, name)]

    def get(self, name: str) -> dict[str, Any]:
        """One resource; raises Refused 404."""
        if name not in self.resources:
            raise Refused(404, "NOT_FOUND", f"Resource '{name}' was not found")
        return self.resources[name]

    def create(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """A new resource; raises Refused 409."""
        if name in self.resources:
            raise Refused(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
        self.resources[name] = value
        return value

    def number(self) -> int:
        """A number that no one else got."""
        self.numbers += 1
        return self.numbers

    def mutations(self) -> list[Seen]:
        """The requests that changed something, or would have."""
        return [seen for seen in self.requests if seen.mutating]

    def forget(self) -> None:
        """Begin to count anew."""
        self.requests.clear()
        self.strike = None

    def strikes(self, seen: Seen) -> str | None:
        """Whether the mutating request that comes now is struck, and when."""
        if self.strikes_each is not None:
            left_over, moment = self.strikes_each
            if left_over[seen.what] == 0:
                return None
            left_over[seen.what] -= 1
            return moment
        if self.strike is None:
            return None
        left, when = self.strike
        self.strike = (left - 1, when) if left > 1 else None
        return when if left == 1 else None

    def snapshot(self) -> dict[str, Any]:
        """Everything that a later state can be compared with: resources, policies, secrets' values, not requests."""
        policies = {name: sorted(_pairs(policy)) for name, policy in self.policies.items() if policy.get("bindings")}
        return copy.deepcopy({"resources": self.resources, "policies": policies, "payloads": self.payloads})

    def policy(self, name: str) -> dict[str, Any]:
        """A resource's policy with its etag."""
        return self.policies.get(name, {"version": 1, "etag": _etag(0)})

    def set_policy(self, name: str, policy: dict[str, Any]) -> dict[str, Any]:
        """Replace a policy; raises Refused 409 where it was changed since it was read."""
        if policy.get("etag", self.policy(name)["etag"]) != self.policy(name)["etag"]:
            raise Refused(409, "ABORTED", "There were concurrent policy changes. Please retry.")
        self._check_members(policy)
        self.policies[name] = {**policy, "etag": _etag(self.number())}
        return self.policies[name]

    def _check_members(self, policy: dict[str, Any]) -> None:
        """Google refuses a policy that names a service account of the project which is not there."""
        ours = f"@{self.project}.iam.gserviceaccount.com"
        for _, member, _ in _pairs(policy):
            kind, _, email = member.partition(":")
            if kind == "serviceAccount" and email.endswith(ours):
                known = f"projects/{self.project}/serviceAccounts/{email}"
                if known not in self.resources:
                    raise Refused(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")


def _etag(number: int) -> str:
    return base64.b64encode(f"{number:06}".encode()).decode()


def _pairs(policy: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (binding["role"], member, str(binding.get("condition", "")))
        for binding in policy.get("bindings", ())
        for member in binding.get("members", ())
    ]


def _is_child(prefix: str, name: str) -> bool:
    return name.startswith(prefix) and "/" not in name.removeprefix(prefix)
