"""What each function of the local system is started with: the manifest's settings, pointed at this machine."""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local.ports import HOST
from infra.local.supervise import ProcessSpec
from infra.manifest import ROOT, Manifest
from infra.manifest_places import Places
from shared.settings import kinds

REGION = "local"

FAST: Mapping[str, str] = {
    "BACKOFF_MAX_SECONDS": "1",
    "BREAKER_RESET_SECONDS": "2",
    "CANARY_DEADLINE": "10s",
    "DEAD_LETTER_RETRY_MINUTES": f"{5 / 60:.4f}",
    "DESTINATION_DEADLINE_SECONDS": "3",
    "ERASURE_RELOOK_SECONDS": "3",
    "LEASE_SECONDS": "5",
    "MIGRATION_LEASE_SECONDS": "5",
    "SWEEP_GRACE_SECONDS": "1",
}
"""``BELLHOP_FAST=1``: the same rhythms in seconds. Rate windows and key lifetimes stay as they are."""

BY_HAND_WHERE_FAST = ("canary",)
"""Jobs that ``BELLHOP_FAST`` does not run by themselves: a lead every five seconds would be in the way of whatever is
looked at."""

INSTEAD_OF: Mapping[str, str] = {"ESCALATION_CHANNELS": "ESCALATION_CHANNEL"}
"""A setting of the manifest → the one that takes its place where it is set outside: both would be a mistake."""

FAST_RHYTHM_SECONDS = 5.0
FAST_BACKOFF_SECONDS = 1.0


@dataclass(frozen=True)
class Wiring:
    """Where the parts of one local system are.

    Attributes:
        manifest: what it is made from.
        places: project, region and the functions' URLs.
        firestore: host:port of the emulator.
        tasks: host:port of the stand-in for Cloud Tasks and Cloud Scheduler.
        filled: settings and secrets that are filled in where neither the manifest nor the environment has a value.
        environ: the environment ``make run`` was started in.
        fast: whether rhythms are shortened.
        homes: a folder in which each function gets a home of its own.
    """

    manifest: Manifest
    places: Places
    firestore: str
    tasks: str
    filled: Mapping[str, str]
    environ: Mapping[str, str]
    fast: bool
    homes: Path

    def process(self, function: str) -> ProcessSpec:
        """How to start a function: functions-framework on the repository's root, as in production."""
        entry = self.manifest.functions[function]
        url = self.places.urls[function]
        home = self.homes / function
        home.mkdir(exist_ok=True)
        argv = ("-m", "functions_framework", "--target", entry.entry_point, "--source", str(ROOT / "main.py"))
        return ProcessSpec(
            name=function,
            argv=(sys.executable, *argv, "--host", HOST, "--port", url.rsplit(":", 1)[1]),
            env=self.environment(function)
            | {"HOME": str(home), "CLOUD_RUN_TIMEOUT_SECONDS": str(entry.timeout)}
            # gunicorn writes its title over its environment where setproctitle is installed; this keeps it readable.
            | {"SPT_NOENV": "1"},
            cwd=ROOT,
            ready_url=url,
        )

    def changed(self, function: str, changed: Mapping[str, str | None]) -> ProcessSpec:
        """How to start a function with settings other than its own.

        Args:
            function: its name.
            changed: its settings and secrets by name, None for one that it is to be without; also
                ``FIRESTORE_EMULATOR_HOST``, so that one function alone can be without its storage.

        Raises:
            ValueError: the manifest gives it no such setting.
        """
        entry = self.manifest.functions[function]
        known = {*entry.settings, *entry.secrets, "FIRESTORE_EMULATOR_HOST"}
        if unknown := sorted(set(changed) - known):
            raise ValueError(f"{function} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}.")
        spec = self.process(function)
        env = {name: value for name, value in {**spec.env, **changed}.items() if value is not None}
        return replace(spec, env=env)

    def environment(self, function: str) -> dict[str, str]:
        """A function's whole environment.

        What was set outside is passed on, but a function sees only the settings and secrets that the manifest gives
        it. What is set outside wins over the manifest's plain values and over ``BELLHOP_FAST``; what points at other
        parts of the system does not, or the parts would not find each other.
        """
        passed = self._passed(function)
        own = self.manifest.environment(function, self.places, self.environ)
        settings = self.manifest.functions[function].settings
        pointing = {name for name, text in settings.items() if text is not None and "${" in text}
        plain = self._filled(function) | {name: value for name, value in own.items() if name not in pointing}
        plain = {name: value for name, value in plain.items() if INSTEAD_OF.get(name) not in passed}
        return (
            plain
            | passed
            | {name: value for name, value in own.items() if name in pointing}
            | {
                "FIRESTORE_EMULATOR_HOST": self.firestore,
                "CLOUD_TASKS_EMULATOR_HOST": self.tasks,
                "CLOUD_SCHEDULER_EMULATOR_HOST": self.tasks,
                "OIDC_CERTS_URL": f"http://{self.tasks}/certs",
                "THREADS": own["THREADS"],
                "WORKERS": "1",
                "PYTHONUNBUFFERED": "1",
            }
        )

    def _passed(self, function: str) -> dict[str, str]:
        """What was set outside, without what the manifest gives to other functions only."""
        functions = self.manifest.functions
        given = {name: {*entry.settings, *entry.secrets} for name, entry in functions.items()}
        of_others = {name for names in given.values() for name in names} - given[function]
        return {name: value for name, value in self.environ.items() if value.strip() and name not in of_others}

    def _filled(self, function: str) -> dict[str, str]:
        """What this machine fills in for a function's settings and secrets."""
        entry = self.manifest.functions[function]
        values = {**self.filled, **(FAST if self.fast else {})}
        return {name: value for name, value in values.items() if name in entry.settings or name in entry.secrets}

    def queue_body(self, name: str) -> dict[str, object]:
        """A queue of the manifest as Cloud Tasks' API takes it."""
        queue = self.manifest.queues[name]
        return {
            "name": self.places.queue(name),
            "rateLimits": {
                "maxDispatchesPerSecond": queue.max_dispatches_per_second,
                "maxBurstSize": queue.max_burst,
                "maxConcurrentDispatches": queue.max_concurrent_dispatches,
            },
            "retryConfig": {
                "maxAttempts": queue.retry.max_attempts,
                "minBackoff": _duration(queue.retry.min_backoff),
                "maxBackoff": _duration(queue.retry.max_backoff),
                "maxDoublings": queue.retry.max_doublings,
            },
        }

    def job_name(self, name: str) -> str:
        """A job's full name."""
        return f"projects/{self.places.project}/locations/{self.places.region}/jobs/{name}"

    def job_body(self, name: str) -> dict[str, object]:
        """A job of the manifest as Cloud Scheduler's API takes it."""
        job = self.manifest.jobs[name]
        return {
            "name": self.job_name(name),
            "schedule": job.schedule,
            "timeZone": job.time_zone,
            "attemptDeadline": _duration(job.attempt_deadline),
            "retryConfig": {"retryCount": job.retry_count},
            "httpTarget": {
                "uri": f"{self.places.urls[job.target]}{job.path or ''}",
                "httpMethod": "POST",
                "oidcToken": self._token(job.target),
            },
        }

    def task_body(self, name: str) -> dict[str, object]:
        """A task for a queue's function that finds nothing to do: it shows that the way there is open."""
        queue = self.manifest.queues[name]
        nothing = {} if queue.destination is None else {"alert_id": "trial", "generation": 1}
        request = {
            "httpMethod": "POST",
            "url": self.places.urls[queue.target],
            "headers": {"Content-Type": "application/json"},
            "body": base64.b64encode(json.dumps(nothing).encode()).decode(),
            "oidcToken": self._token(queue.target),
        }
        return {"task": {"httpRequest": request}}

    def _token(self, function: str) -> dict[str, str]:
        """The token that a function lets in: its caller's account, its own URL."""
        account = self.places.account(self.manifest.invoker(function))
        return {"serviceAccountEmail": account, "audience": self.places.urls[function]}


def admin_key_of(environ: Mapping[str, str]) -> str:
    """The first of the ``ADMIN_API_KEYS`` that were set outside; empty where none is."""
    return next((key.strip() for key in environ.get("ADMIN_API_KEYS", "").split(",") if key.strip()), "")


def paced(manifest: Manifest, environ: Mapping[str, str]) -> Manifest:
    """The manifest with the paces that ``BELLHOP_PACES`` sets, so that a trial of mass does not take hours.

    Args:
        manifest: as it is deployed.
        environ: ``BELLHOP_PACES=slack=50,monday=20``: messages a second of these queues; the burst grows with it.

    Raises:
        ValueError: it names no queue with a destination, or no number.
    """
    value = environ.get("BELLHOP_PACES", "").strip()
    try:
        wanted = dict(kinds.paces(value)) if value else {}
    except ValueError as error:
        raise ValueError(f"BELLHOP_PACES: was {value!r}; takes {error}") from None
    known = [name for name, queue in manifest.queues.items() if queue.destination is not None]
    if unknown := sorted(set(wanted) - set(known)):
        raise ValueError(f"BELLHOP_PACES: there is no destination {', '.join(unknown)}; there are: {', '.join(known)}")
    queues = {
        name: queue.model_copy(
            update={
                "max_dispatches_per_second": wanted[name],
                "max_burst": max(queue.max_burst, math.ceil(wanted[name])),
            }
        )
        if name in wanted
        else queue
        for name, queue in manifest.queues.items()
    }
    return manifest.model_copy(update={"queues": queues})


def is_fast(environ: Mapping[str, str]) -> bool:
    """Whether ``BELLHOP_FAST`` asks for short rhythms.

    Raises:
        ValueError: it is neither on nor off.
    """
    return switched_on("BELLHOP_FAST", environ)


def switched_on(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable that is on or off is on.

    Raises:
        ValueError: it is neither.
    """
    value = environ.get(name, "").strip().lower()
    if value not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise ValueError(f"{name}: was {value!r}; takes 1 or 0")
    return value in {"1", "true", "yes"}


def port_of(environ: Mapping[str, str]) -> int:
    """The gateway's port, from ``PORT``; 8080 where it is not set.

    Raises:
        ValueError: it is no port.
    """
    value = environ.get("PORT", "").strip() or "8080"
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:  # noqa: PLR2004 - TCP's own number
        raise ValueError(f"PORT: was {value!r}; takes a number from 1 to 65535")
    return int(value)


def _duration(seconds: float) -> str:
    return f"{seconds:g}s"
