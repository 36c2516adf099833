"""What Google's APIs have in common: operations, lists, policies, field masks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format

from tests.support.google_apis.server import Asked, Method, Route
from tests.support.google_apis.state import Refused, State

Check = Callable[[State, str, dict[str, Any]], dict[str, Any]]
"""Given a resource's name and what it is to be, what it becomes; raises Refused."""


def read(kind: Any, body: Any) -> Any:
    """A body as the API's own protobuf message; raises Refused for a field that it does not have."""
    try:
        return json_format.ParseDict(body, kind())
    except (json_format.ParseError, ValueError, TypeError) as error:
        raise Refused(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error


def write(message: Any) -> dict[str, Any]:
    """A message as JSON."""
    shown: dict[str, Any] = json_format.MessageToDict(message)
    return shown


def masked(old: dict[str, Any], new: dict[str, Any], mask: str) -> dict[str, Any]:
    """The old value with the fields of a mask taken from the new one; all of the new one's for an empty mask."""
    merged = copy.deepcopy(old)
    for path in mask.split(",") if mask else list(new):
        parts = [_camel(part) for part in path.split(".")]
        source: Any = new
        target: Any = merged
        for part in parts[:-1]:
            source = source.get(part, {}) if isinstance(source, dict) else {}
            target = target.setdefault(part, {})
        if isinstance(source, dict) and parts[-1] in source:
            target[parts[-1]] = copy.deepcopy(source[parts[-1]])
        else:
            target.pop(parts[-1], None)
    return merged


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def operation(state: State, parent: str, answer: dict[str, Any], kind: str = "") -> dict[str, Any]:
    """An operation that is done when it is asked for again, as in the cloud, where it takes its time."""
    name = f"{parent}/operations/op{state.number()}"
    typed = {"@type": f"type.googleapis.com/{kind}", **answer} if kind else answer
    state.resources[name] = {"name": name, "done": True, "metadata": {}, "response": typed}
    return {"name": name, "done": False, "metadata": {}}


def named(state: State, name: str) -> str:
    """A name in which ``-`` stands for the project's id, as some APIs take it."""
    return name.replace("projects/-/", f"projects/{state.project}/")


def get(state: State, asked: Asked) -> Any:
    """One resource."""
    return state.get(asked.name)


def lists(key: str, below: str) -> Method:
    """All resources of a parent, under ``key``; ``below`` is what their names have after the parent's."""

    def method(state: State, asked: Asked) -> Any:
        return {key: state.of(f"{asked.name.rstrip('/')}/{below}/")}

    return method


def delete(state: State, asked: Asked) -> Any:
    """Gone."""
    state.get(asked.name)
    del state.resources[asked.name]
    state.policies.pop(asked.name, None)
    return {}


def get_policy(state: State, asked: Asked) -> Any:
    """Who may do what with a resource that is there."""
    name = named(state, asked.name)
    state.get(name)
    return state.policy(name)


def set_policy(state: State, asked: Asked) -> Any:
    """Say who may do what."""
    name = named(state, asked.name)
    state.get(name)
    return state.set_policy(name, asked.body["policy"])


def policies(path: str, verb: str = "GET") -> list[Route]:
    """The two methods of a resource's policy; ``path`` as in `Route.of`."""
    return [Route.of(verb, f"{path}:getIamPolicy", get_policy), Route.of("POST", f"{path}:setIamPolicy", set_policy)]
