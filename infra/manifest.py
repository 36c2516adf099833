"""``infra/manifest.yaml``, read and checked: the one source of truth about functions, queues and jobs.

``load()`` gives a frozen `Manifest` or a `ManifestError` that lists every mistake with its place. ``python -m
infra.manifest [--json] [PATH]`` checks a manifest by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from infra import manifest_cloud as cloud
from infra import manifest_fields as kinds
from infra import manifest_references as refs
from infra.manifest_defaults import filled
from infra.manifest_mistakes import tell
from infra.manifest_places import Places
from infra.manifest_summary import summary
from infra.strict_yaml import Place, YamlError, read

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT / "infra" / "manifest.yaml"

ALERT_ATTEMPTS = 8
"""What an alert may take: three attempts within seconds and five scheduled ones (guarantees.md, rule 7)."""


class ManifestError(Exception):
    """The manifest cannot be used; the message has one line for each mistake: its place, what it was, what it takes."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Function(_Entry):
    """A deployed function.

    Attributes:
        entry_point: the module in ``functions/`` and the function in it; the function's own name unless said.
        access: who may call it: anybody, operators, Cloud Tasks or Cloud Scheduler.
        memory: with its unit, for example ``512Mi``.
        concurrency: requests one instance serves at once; also its ``THREADS``.
        timeout: seconds after which the platform answers in its place.
        service_account: the account it runs as, without its domain.
        settings: environment variables; None is passed on from outside, where it is set there.
        secrets: environment variables whose values are kept elsewhere.
        enqueues: the queues it creates tasks in.
        ingress: where calls may come from; unless said, from anywhere where people call, from Google Cloud only where
            Cloud Tasks or Cloud Scheduler does.
        roles: what its account may do in the project.
    """

    entry_point: refs.EntryPoint
    access: kinds.Access
    service_account: kinds.Account
    memory: kinds.Memory
    concurrency: kinds.Concurrency
    cpu: kinds.Cpu
    min_instances: kinds.Instances
    max_instances: kinds.Instances
    timeout: kinds.Timeout
    settings: dict[refs.SettingName, refs.SettingText] = {}
    secrets: tuple[refs.SecretName, ...] = ()
    enqueues: tuple[refs.QueueReference, ...] = ()
    ingress: kinds.Ingress = "by access"
    roles: tuple[cloud.Role, ...] = ("roles/datastore.user",)

    @property
    def reached_from(self) -> str:
        """The ingress, as ``gcloud functions deploy --ingress-settings`` takes it."""
        inside = self.access in ("tasks", "scheduler")
        return ("internal-only" if inside else "all") if self.ingress == "by access" else self.ingress

    @field_validator("cpu")
    @classmethod
    def _a_cpu_to_share(cls, value: float, info: ValidationInfo) -> float:
        if value < 1 < info.data.get("concurrency", 1):
            raise ValueError(f"takes at least 1 where concurrency is more than 1 (here {info.data['concurrency']})")
        return value

    @field_validator("max_instances")
    @classmethod
    def _instances_in_order(cls, value: int, info: ValidationInfo) -> int:
        if value < (least := max(1, info.data.get("min_instances", 1))):
            raise ValueError(f"takes at least {least}, and no less than min_instances")
        return value

    @field_validator("timeout")
    @classmethod
    def _answers_its_caller(cls, value: int, info: ValidationInfo) -> int:
        # Cloud Tasks and Cloud Scheduler wait half an hour at most.
        if value > 1800 and info.data.get("access") in ("tasks", "scheduler"):  # noqa: PLR2004
            raise ValueError("takes at most 1800s where Cloud Tasks or Cloud Scheduler calls")
        return value

    @field_validator("secrets", "enqueues")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("takes each name once")
        return value


class Retry(_Entry):
    """How a queue repeats a task that was not answered with 2xx; waits in seconds, ``max_attempts`` -1 without end."""

    max_attempts: kinds.Attempts
    min_backoff: kinds.Backoff
    max_backoff: kinds.Backoff
    max_doublings: kinds.Doublings

    @field_validator("max_attempts")
    @classmethod
    def _outlasts_the_alert(cls, value: int) -> int:
        if value not in (-1, *range(ALERT_ATTEMPTS, 1001)):
            raise ValueError(f"takes -1 or at least {ALERT_ATTEMPTS}: the queue must not give up before the alert does")
        return value

    @field_validator("max_backoff")
    @classmethod
    def _backoff_in_order(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("min_backoff", 0):
            raise ValueError(f"takes no less than min_backoff ({info.data['min_backoff']:g}s)")
        return value


class Queue(_Entry):
    """A Cloud Tasks queue: the pace of one destination, or without one what continues a function's work.

    Attributes:
        destination: the channel whose alerts it carries to a function that tasks call; None for other work.
        target: who gets its tasks; where that is a function of the scheduler's, they come with the scheduler's account.
        max_burst: for the local stand-in only, see the manifest.
    """

    destination: refs.Destination | None = None
    target: refs.TaskTarget
    max_dispatches_per_second: kinds.Dispatches
    max_burst: kinds.Burst
    max_concurrent_dispatches: kinds.Parallel
    retry: Retry


class Job(_Entry):
    """A Cloud Scheduler job: ``target`` is called by ``schedule`` (five cron fields) as read in ``time_zone``.

    ``path`` is added to the target's URL; the token's audience is the URL without it.
    """

    schedule: kinds.Cron
    time_zone: kinds.TimeZone
    target: refs.JobTarget
    path: kinds.UrlPath | None = None
    attempt_deadline: kinds.Deadline
    retry_count: kinds.JobRetries


class Invokers(_Entry):
    """The accounts that Cloud Tasks and Cloud Scheduler call with, without their domain."""

    tasks: kinds.Account
    scheduler: kinds.Account


class Manifest(_Entry):
    """The manifest, with the defaults filled in. Names are the keys.

    What is only of the cloud may be missing; ``infra.deploy`` insists on it.

    Attributes:
        apis: the services that a project must have enabled.
        deployer: who ``cloudbuild.yaml`` runs as.
        builder: who makes the functions' images.
    """

    runtime: kinds.Runtime
    apis: tuple[cloud.Api, ...] = ()
    deployer: cloud.Account | None = None
    builder: cloud.Account | None = None
    invokers: Invokers
    defaults: dict[refs.SharedKey, Any] = Field(default={}, exclude=True, repr=False)
    functions: dict[kinds.FunctionName, Function]
    queues: dict[kinds.QueueName, Queue]
    jobs: dict[kinds.JobName, Job]
    firestore: cloud.Firestore | None = None
    metrics: dict[cloud.Word, cloud.Metric] = {}
    alert_policies: cloud.AlertPolicies = {}
    budget: cloud.Budget | None = None

    @property
    def secrets(self) -> dict[str, tuple[str, ...]]:
        """Every secret with the functions that read it."""
        names = dict.fromkeys(name for entry in self.functions.values() for name in entry.secrets)
        return {
            secret: tuple(name for name, entry in self.functions.items() if secret in entry.secrets) for secret in names
        }

    @property
    def paces(self) -> str:
        """What each destination takes in messages a second, as ``DRAIN_PACES`` takes it."""
        return ",".join(
            f"{queue.destination}={queue.max_dispatches_per_second:g}"
            for queue in self.queues.values()
            if queue.destination is not None
        )

    def invoker(self, function: str) -> str:
        """The account that calls a function, without its domain; the tasks' own unless the scheduler calls it."""
        return self.invokers.scheduler if self.functions[function].access == "scheduler" else self.invokers.tasks

    def environment(self, function: str, places: Places, environ: Mapping[str, str]) -> dict[str, str]:
        """The settings of one function, without its secrets.

        Args:
            function: its name.
            places: what the placeholders stand for.
            environ: where settings without a value are taken from, if they are there and not empty.

        Raises:
            KeyError: there is no such function, or ``places`` lacks the URL of one that it names.
        """
        entry = self.functions[function]
        values = {
            name: environ.get(name, "") if text is None else places.fill(text, function, paces=self.paces)
            for name, text in entry.settings.items()
        }
        return {name: text for name, text in values.items() if text.strip()} | {"THREADS": str(entry.concurrency)}


def load(path: Path = DEFAULT, *, root: Path | None = None) -> Manifest:
    """Read a manifest and check all of it.

    Args:
        path: the file.
        root: the folder whose ``functions/`` holds the entry points, by default this repository.

    Raises:
        ManifestError: the file cannot be read, is not YAML, or holds mistakes; all of them are listed.
    """
    try:
        document = read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read: {error}") from error
    except YamlError as error:
        raise ManifestError(f"{path}: is not YAML: {error}") from error
    raw = document.data
    if not isinstance(raw, dict):
        raise ManifestError(f"{path}: takes a mapping at the top, with the keys {', '.join(Manifest.model_fields)}")
    mistakes: list[ErrorDetails] = []
    try:
        manifest = Manifest.model_validate(filled(raw), context=refs.Names.of(raw, root or ROOT))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    if mistakes or document.repeated:
        raise ManifestError(f"{path} has mistakes:\n{tell(mistakes, document, _keys())}")
    return manifest


def _keys() -> dict[Place, list[str]]:
    """What each kind of mapping may hold, for suggestions."""
    return {
        (): [*Manifest.model_fields, "defaults"],
        ("invokers",): list(Invokers.model_fields),
        ("defaults",): list(refs.SHARED_KEYS),
        ("functions",): list(Function.model_fields),
        ("queues",): list(Queue.model_fields),
        ("queues", "*", "retry"): list(Retry.model_fields),
        ("firestore",): list(cloud.Firestore.model_fields),
        ("budget",): list(cloud.Budget.model_fields),
        ("metrics",): list(cloud.Metric.model_fields),
        ("alert_policies",): list(cloud.AlertPolicy.model_fields),
        ("jobs",): list(Job.model_fields),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 and what the manifest says, or 1 and everything that is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m infra.manifest", description="Check a manifest and print it.")
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT, help="the manifest (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON, with the defaults filled in")
    options = parser.parse_args(arguments)
    try:
        manifest = load(options.path)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 1
    print(manifest.model_dump_json(indent=2) if options.json else summary(manifest))
    return 0


if __name__ == "__main__":
    sys.exit(main())
