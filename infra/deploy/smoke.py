"""A canary lead: sent through chat as a visitor would, and waited for until its alerts are delivered."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from infra.deploy.failures import DeployFailed
from infra.deploy.gcloud import CommandFailed, Gcloud
from infra.deploy.names import Names
from infra.deploy.place import Place
from infra.manifest import Manifest
from infra.ops import console, failures

DOMAIN = "canary.example.com"
ANSWER_SECONDS = 30.0
LOOK_SECONDS = 2.0
_OVER = ("failed", "waived", "suppressed", "erased")


@dataclass(frozen=True)
class Target:
    """Where to send it and where to ask: the URLs of ``chat`` and ``admin_console``, and what the latter wants."""

    chat: str
    console: str
    environ: Mapping[str, str]


def target(url: str | None, gcloud: Gcloud, manifest: Manifest, place: Place, environ: Mapping[str, str]) -> Target:
    """A system at one address, such as the local one, or the place's functions.

    Raises:
        CommandFailed: the project cannot be read, or gcloud gives no identity token.
    """
    if url is not None:
        base = url.rstrip("/")
        return Target(f"{base}/chat", f"{base}/admin_console", environ)
    number = str(gcloud.read("projects", "describe", place.project)["projectNumber"])
    names = Names(manifest, place, number)
    argv = ("auth", "print-identity-token")
    ended = gcloud.run(argv, None)
    if ended.status != 0:
        raise CommandFailed(argv, ended)
    identity = {console.IDENTITY_VARIABLE: ended.out.strip()}
    return Target(names.url("chat"), names.url("admin_console"), {**environ, **identity})


def deliver(reached: Target, channels: Sequence[str] | None, seconds: float, say: Callable[[str], None]) -> None:
    """Send a lead and wait for its alerts.

    Args:
        reached: where.
        channels: the channels to wait for; all that the lead goes to by default.
        seconds: how long at most.
        say: where progress goes.

    Raises:
        DeployFailed: chat did not answer as it should, or an alert was not delivered in time, or will not be.
    """
    email = f"{uuid.uuid4().hex[:16]}@{DOMAIN}"
    _send(reached.chat, email)
    say(f"smoke: a lead was taken by {reached.chat}")
    begun = time.monotonic()
    states: dict[str, str] = {}
    while time.monotonic() - begun < seconds:
        states = _states(reached, email, channels)
        if over := {name: state for name, state in states.items() if state in _OVER}:
            raise DeployFailed(f"the canary's alert will not be delivered: {over}")
        if states and all(state == "delivered" for state in states.values()) and {*(channels or ())} <= set(states):
            say(f"smoke: delivered through {', '.join(sorted(states))} after {time.monotonic() - begun:.0f} s")
            return
        time.sleep(LOOK_SECONDS)
    raise DeployFailed(f"the canary was not delivered within {seconds:g} s: {states or 'it has no alert'}")


def _send(url: str, email: str) -> None:
    message = f"Deployment check, please ignore: {email}"
    try:
        answer = requests.post(url, json={"message": message, "name": "Canary"}, timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        raise DeployFailed(f"{url} could not be called ({type(error).__name__})") from None
    if answer.status_code != requests.codes.ok:
        raise DeployFailed(f"{url} answered {answer.status_code}: {answer.text[:300]}")


def _states(reached: Target, email: str, channels: Sequence[str] | None) -> dict[str, str]:
    base = reached.console.removesuffix(console.CONSOLE)
    own = None if base != reached.console else reached.console
    try:
        with console.console_at(base, own, reached.environ) as opened:
            alerts: list[dict[str, Any]] = opened.get("/alerts", "alerts", email=email)["alerts"]
    except failures.CommandFailed as error:
        raise DeployFailed(f"the canary cannot be looked up: {error}") from error
    return {str(each["channel"]): str(each["state"]) for each in alerts if not channels or each["channel"] in channels}
