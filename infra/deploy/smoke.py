"""A lead that is no lead, sent through chat and waited for until it is delivered.

Where the system has canaries it is one: its job is run, so that the team sees nothing and nothing is counted. Elsewhere
it is a message like a visitor's, which says that it is a check.
"""

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
from shared.domain.canary import DOMAIN

JOB = "canary"
ANSWER_SECONDS = 30.0
LOOK_SECONDS = 2.0
_OVER = ("failed", "waived", "suppressed", "erased")


@dataclass(frozen=True)
class Target:
    """Where to send it and where to ask: the URLs of ``chat`` and ``admin_console``, and what the latter wants.

    ``run_canary`` runs the canary's job; None where the system has none, or it cannot be reached.
    """

    chat: str
    console: str
    environ: Mapping[str, str]
    run_canary: Callable[[], object] | None = None


def target(
    url: str | None, gcloud: Gcloud, manifest: Manifest, place: Place, environ: Mapping[str, str], *, lead: bool
) -> Target:
    """A system at one address, such as the local one, or the place's functions.

    Args:
        url: of a system at one address; None for the place's.
        gcloud: of the place's project.
        manifest: what there is.
        place: where.
        environ: the process's environment.
        lead: send a lead even where there are canaries.

    Raises:
        CommandFailed: the project cannot be read, or gcloud gives no identity token.
    """
    if url is not None:
        base = url.rstrip("/")
        local = None if lead or not _has_canaries(base) else lambda: requests.post(_job(base), timeout=ANSWER_SECONDS)
        return Target(f"{base}/chat", f"{base}/admin_console", environ, local)
    number = str(gcloud.read("projects", "describe", place.project)["projectNumber"])
    names = Names(manifest, place, number)
    argv = ("auth", "print-identity-token")
    ended = gcloud.run(argv, None)
    if ended.status != 0:
        raise CommandFailed(argv, ended)
    identity = {console.IDENTITY_VARIABLE: ended.out.strip()}
    run = ("scheduler", "jobs", "run", JOB, f"--location={place.region}")
    job = None if lead or "CANARY_KEYS" not in place.secrets else lambda: gcloud.change(run)
    return Target(names.url("chat"), names.url("admin_console"), {**environ, **identity}, job)


def deliver(reached: Target, channels: Sequence[str] | None, seconds: float, say: Callable[[str], None]) -> None:
    """Send a canary, or a lead, and wait for it.

    Args:
        reached: where.
        channels: the channels to wait for; all that the lead goes to by default.
        seconds: how long at most.
        say: where progress goes.

    Raises:
        DeployFailed: chat did not answer as it should, or an alert was not delivered in time, or will not be.
    """
    if reached.run_canary is not None:
        _canary(reached, reached.run_canary, channels, seconds, say)
        return
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


def _canary(
    reached: Target,
    run_job: Callable[[], object],
    channels: Sequence[str] | None,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    """Run the canary's job and wait for what it sent; raises DeployFailed."""
    before = {run["id"] for run in _runs(reached)}
    begun = time.monotonic()
    run_job()
    say("smoke: the canary's job was run")
    states: dict[str, str] = {}
    while time.monotonic() - begun < seconds:
        new = next((run for run in _runs(reached) if run["id"] not in before), None)
        legs = {name: leg for name, leg in new["channels"].items() if not channels or name in channels} if new else {}
        states = {name: str(leg["reached"]) for name, leg in legs.items()}
        if any(leg["state"] in ("late", "unknown") for leg in legs.values()):
            raise DeployFailed(f"the canary did not arrive: { {name: leg['cause'] for name, leg in legs.items()} }")
        if legs and all(leg["state"] == "arrived" for leg in legs.values()):
            say(f"smoke: the canary arrived through {', '.join(sorted(legs))}")
            return
        time.sleep(LOOK_SECONDS)
    raise DeployFailed(f"the canary did not arrive within {seconds:g} s: {states or 'none was sent'}")


def _runs(reached: Target) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _asked(reached, "/canary", "runs")["runs"]
    return found


def _has_canaries(base: str) -> bool:
    """Whether this is a local system that sends canaries."""
    try:
        return JOB in console.local_info(base).get("jobs", ())
    except failures.CommandFailed:
        return False


def _job(base: str) -> str:
    return f"{base}/_local/jobs/{JOB}/run"


def _send(url: str, email: str) -> None:
    message = f"Deployment check, please ignore: {email}"
    try:
        answer = requests.post(url, json={"message": message, "name": "Canary"}, timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        raise DeployFailed(f"{url} could not be called ({type(error).__name__})") from None
    if answer.status_code != requests.codes.ok:
        raise DeployFailed(f"{url} answered {answer.status_code}: {answer.text[:300]}")


def _states(reached: Target, email: str, channels: Sequence[str] | None) -> dict[str, str]:
    alerts: list[dict[str, Any]] = _asked(reached, "/alerts", "alerts", email=email)["alerts"]
    return {str(each["channel"]): str(each["state"]) for each in alerts if not channels or each["channel"] in channels}


def _asked(reached: Target, path: str, holds: str, **query: str) -> dict[str, Any]:
    """What the console answers; raises DeployFailed."""
    base = reached.console.removesuffix(console.CONSOLE)
    own = None if base != reached.console else reached.console
    try:
        with console.console_at(base, own, reached.environ) as opened:
            return opened.get(path, holds, **query)
    except failures.CommandFailed as error:
        raise DeployFailed(f"the canary cannot be looked up: {error}") from error
