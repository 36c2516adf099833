"""Whether two projects on the stand-in are the same, whatever order they were made in."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from tests.support.google_apis.state import State

_NUMBERED = re.compile(
    r"(?<=/indexes/)CICA\d+|(?<=/alertPolicies/)\d+|(?<=/notificationChannels/)\d+|(?<=/backupSchedules/)schedule\d+"
    r"|(?<=/budgets/)[0-9a-f-]+|(?<=/rulesets/)[0-9a-f-]+|(?<=-)\d{5}-abc|(?<=\")\d+\.zip"
    r"|\"(etag|createTime)\": \"[^\"]*\""
)
"""The names and numbers that Google gives."""


def comparable(state: State) -> Counter[str]:
    """Everything a project holds, each with its whole body, without the numbers that Google gave.

    A function deployed twice has two revisions, of which one is reached: that is the same.
    """
    found: Counter[str] = Counter()
    for name, body in state.resources.items():
        if "/operations/" not in name:
            found[_plain(name, _without(body, "revisions"))] += 1
    snapshot = state.snapshot()
    found.update(_plain(name, policy) for name, policy in snapshot["policies"].items())
    found.update(_plain(name, payload) for name, payload in snapshot["payloads"].items())
    return found


def differences(one: State, other: State) -> list[str]:
    """What is in one of them only."""
    left, right = comparable(one), comparable(other)
    return [*(f"missing: {each}" for each in left - right), *(f"too much: {each}" for each in right - left)]


def _without(body: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != key}


def _plain(name: str, body: Any) -> str:
    return _NUMBERED.sub("N", f"{name} {json.dumps(body, sort_keys=True)}")
