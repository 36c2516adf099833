"""What `deliver` measures on: a destination that answers ``ok``, deliver_alert and bare functions, as in production."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from bench import alerts, wire
from infra.local.google.clock import SystemClock
from infra.local.google.identity import TokenIssuer
from infra.local.ports import HOST, held_urls
from infra.local.supervise import ProcessSpec, Supervised
from infra.local.wiring import REGION, Wiring
from infra.manifest import ROOT, load
from infra.manifest_places import Places
from shared.adapters.slack_message import slack_message
from shared.ports import Message

OURS = "deliver_alert"
BARE = "bare"
CHECKED = "bare with the token check"
TARGETS = {BARE: "bare", CHECKED: "bare_checked"}
READY_SECONDS = 60.0

SETTINGS = {
    "LEAD_CHANNELS": "slack",
    "ESCALATION_CHANNELS": "email",
    "SMTP_URL": "smtps://bench:bench@127.0.0.1:1",  # never connected to: nothing fails
    "MAIL_FROM": "bellhop@example.com",
    "ESCALATION_EMAIL_TO": "team@example.com",
}


@dataclass(frozen=True)
class Actor:
    """A function that serves.

    Attributes:
        url: its address.
        headers: what a task sends with its body.
        process: it runs there.
    """

    url: str
    headers: Mapping[str, str]
    process: Supervised

    def cpu_seconds(self) -> float:
        """What its processes have used so far, the system's part included."""
        times = [psutil.Process(pid).cpu_times() for pid in self.process.pids()]
        return float(sum(each.user + each.system for each in times))


@dataclass(frozen=True)
class Stage:
    """What runs.

    Attributes:
        project: in the emulator.
        answering: the stand-in's address.
        actors: the functions by the name they have in the report.
    """

    project: str
    answering: str
    actors: Mapping[str, Actor]

    async def received(self) -> int:
        """How many messages the stand-in has accepted."""
        return int((await wire.get(f"{self.answering}/received")).body)


async def open_stage(ending: AsyncExitStack, host: str, project: str, folder: Path, *, keep: bool) -> Stage:
    """Start everything but the emulator.

    Args:
        ending: ends it again.
        host: the emulator's.
        project: a fresh one.
        folder: an empty one.
        keep: the bare functions keep their connection to the stand-in.

    Raises:
        NotReady: a part does not start.
    """
    manifest = load()
    urls = held_urls([*manifest.functions, *TARGETS, "answering"], ending)
    places, issuer = Places(project, REGION, urls), TokenIssuer(SystemClock())
    account = places.account(manifest.invoker(OURS))
    answering = urls["answering"]
    settings = SETTINGS | {"SLACK_WEBHOOK_URL": f"{answering}/services/T0/B0/bench"}
    wired = Wiring(
        manifest=manifest,
        places=places,
        firestore=host,
        tasks=urlsplit(answering).netloc,
        filled={},
        environ=settings | {"PATH": "/usr/bin:/bin"},
        fast=False,
        homes=folder,
    )
    ours = wired.process(OURS)
    (folder / "certificates").write_text(json.dumps(issuer.certificates()), encoding="utf-8")
    (folder / "body").write_bytes(_body())
    bare = {**ours.env, "BENCH_URL": settings["SLACK_WEBHOOK_URL"], "BENCH_BODY": str(folder / "body")}
    bare |= {"BENCH_KEEP": "1"} if keep else {}
    specs = {OURS: ours} | {name: _bare(name, urls[name], bare, folder) for name in TARGETS}
    await _start(ending, _answering(answering, folder))
    running = {name: await _start(ending, spec) for name, spec in specs.items()}
    tokens = {name: issuer.token_for(audience=urls[name], email=account) for name in specs}
    return Stage(
        project,
        answering,
        {name: Actor(urls[name], {"Authorization": f"Bearer {tokens[name]}"}, running[name]) for name in specs},
    )


async def _start(ending: AsyncExitStack, spec: ProcessSpec) -> Supervised:
    process = Supervised(spec)
    ending.push_async_callback(process.stop)
    await process.start()
    await process.ready(READY_SECONDS)
    return process


def _answering(url: str, folder: Path) -> ProcessSpec:
    environ = {"PORT": str(urlsplit(url).port), "CERTIFICATES": str(folder / "certificates")}
    return ProcessSpec("the stand-in", (sys.executable, "-m", "bench.answering"), environ, ROOT, f"{url}/received")


def _bare(name: str, url: str, environ: Mapping[str, str], folder: Path) -> ProcessSpec:
    """A bare function, started with the same words and environment as the deployed one."""
    home = folder / TARGETS[name]
    home.mkdir()
    argv: Sequence[str] = ("-m", "functions_framework", "--target", TARGETS[name])
    argv = (*argv, "--source", str(ROOT / "bench" / "bare.py"), "--host", HOST, "--port", str(urlsplit(url).port))
    return ProcessSpec(
        name, (sys.executable, *argv), {**environ, "HOME": str(home), "OIDC_AUDIENCE": url}, ROOT, ready_url=url
    )


def _body() -> bytes:
    """The bytes that deliver_alert posts for such an alert."""
    message = Message(
        alert_id=alerts.ids(1)[0],
        kind="lead",
        payload=alerts.PAYLOAD,
        maybe_shown=False,
        created_at=datetime.now(UTC),
    )
    return json.dumps(slack_message(message)).encode()
