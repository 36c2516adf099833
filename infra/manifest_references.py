"""Values of the manifest that name something else: a function, a queue, an account, a setting, a module.

Whether they name something that is there is checked while they are read, so that one reading finds every mistake.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from infra import manifest_fields as kinds
from infra.manifest_fields import near, placeholders
from shared import config

SHARED_KEYS = frozenset(
    {
        "memory",
        "cpu",
        "concurrency",
        "min_instances",
        "max_instances",
        "timeout",
        "service_account",
        "settings",
        "ingress",
        "roles",
    }
)
"""What ``defaults`` may say; an access, a secret or a queue is said by each function itself."""

_NAMELESS = ("project", "region", "self_url", "paces")


@dataclass(frozen=True)
class Names:
    """What the entries of the manifest may refer to; given to the validators as their context."""

    access: Mapping[str, object]
    queues: frozenset[str]
    accounts: frozenset[str]
    destinations: Counter[str]
    plain: frozenset[str]
    secret: frozenset[str]
    root: Path

    @classmethod
    def of(cls, raw: Mapping[str, Any], root: Path) -> Names:
        """Collect the names from a manifest that may still be wrong anywhere.

        Args:
            raw: the manifest as it was written.
            root: where ``functions/`` is.
        """
        functions, queues = mappings(raw.get("functions")), mappings(raw.get("queues"))
        invokers = raw.get("invokers")
        accounts = [*invokers.values()] if isinstance(invokers, dict) else []
        accounts += [function.get("service_account") for function in functions.values()]
        secret = {item.metadata["name"]: item.metadata["secret"] for item in dataclasses.fields(config.Settings)}
        return cls(
            access={name: function.get("access") for name, function in functions.items()},
            queues=frozenset(queues),
            accounts=frozenset(name for name in accounts if isinstance(name, str)),
            destinations=Counter(str(queue.get("destination")) for queue in queues.values()),
            plain=frozenset(name for name, hidden in secret.items() if not hidden),
            secret=frozenset(name for name, hidden in secret.items() if hidden),
            root=root,
        )


def mappings(value: object) -> dict[str, dict[str, Any]]:
    """The entries of a mapping whose values are mappings; what is neither is left for the validators to complain of."""
    entries = value if isinstance(value, dict) else {}
    return {str(name): entry if isinstance(entry, dict) else {} for name, entry in entries.items()}


def _names(info: ValidationInfo) -> Names:
    names = info.context
    assert isinstance(names, Names)  # noqa: S101 - only load() validates
    return names


def _entry_point(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not (_names(info).root / "functions" / f"{value}.py").is_file():
        raise ValueError("takes the name of a module in functions/; this one is not there")
    return value


def _queue(value: Any, info: ValidationInfo) -> str:
    if value not in _names(info).queues:
        raise ValueError(f"takes a queue of this manifest{near(value, _names(info).queues)}")
    return str(value)


def _called(value: Any, info: ValidationInfo, *access: str, why: str = "") -> str:
    """The name of a function that one of these may call."""
    names = _names(info)
    if value not in names.access:
        raise ValueError(f"takes a function of this manifest{near(value, names.access)}")
    if names.access[value] not in access:
        allowed = " or ".join(repr(word) for word in access)
        raise ValueError(f"takes a function whose access is {allowed}, not {names.access[value]!r}{why}")
    return str(value)


def _job_target(value: Any, info: ValidationInfo) -> str:
    return _called(value, info, "scheduler")


def _task_target(value: Any, info: ValidationInfo) -> str:
    if info.data.get("destination", "a wrong one") is None:
        return _called(value, info, "tasks", "scheduler", "admin")
    return _called(value, info, "tasks", why=", as the queue has a destination")


def _shared_key(value: Any) -> str:
    if value not in SHARED_KEYS:
        raise ValueError(f"takes no such key; each function says it itself{near(value, SHARED_KEYS)}")
    return str(value)


def _setting_name(value: Any, info: ValidationInfo) -> str:
    names = _names(info)
    if value in names.secret:
        raise ValueError("takes no secret in plain text; name it under 'secrets' instead")
    if value not in names.plain:
        raise ValueError(f"takes a setting of shared/config.py{near(value, names.plain)}")
    return str(value)


def _secret_name(value: Any, info: ValidationInfo) -> str:
    if value not in _names(info).secret:
        raise ValueError(f"takes a secret of shared/config.py{near(value, _names(info).secret)}")
    return str(value)


def _placeholders(value: str | None, info: ValidationInfo) -> str | None:
    names = _names(info)
    known = {"url": names.access, "queue": names.queues, "service_account": names.accounts}
    for kind, name in placeholders(value or ""):
        if kind not in known and kind not in _NAMELESS:
            raise ValueError(f"takes known placeholders only{near(kind, [*known, *_NAMELESS])}")
        if kind in known and name not in known[kind]:
            raise ValueError(f"${{{kind}:...}} takes what this manifest names{near(name, known[kind])}")
        if kind not in known and name:
            raise ValueError(f"${{{kind}}} takes no name")
    return value


def _destination(value: str, info: ValidationInfo) -> str:
    if value not in config.CHANNELS:
        raise ValueError(f"takes a channel of shared/config.py{near(value, config.CHANNELS)}")
    if _names(info).destinations[value] > 1:
        raise ValueError("takes a destination that no other queue has: one queue, one pace")
    return value


Destination = Annotated[kinds.Word, AfterValidator(_destination)]
EntryPoint = Annotated[str, BeforeValidator(_entry_point)]
JobTarget = Annotated[str, BeforeValidator(_job_target)]
QueueReference = Annotated[str, BeforeValidator(_queue)]
SecretName = Annotated[str, BeforeValidator(_secret_name)]
SettingName = Annotated[str, BeforeValidator(_setting_name)]
SettingText = Annotated[kinds.SettingValue, AfterValidator(_placeholders)]
SharedKey = Annotated[str, BeforeValidator(_shared_key)]
TaskTarget = Annotated[str, BeforeValidator(_task_target)]
