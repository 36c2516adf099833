"""What each command of ``infra.deploy`` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.deploy import applying, destroying, linting, place, secrets, smoke, traffic
from infra.deploy.failures import NOT_DONE, DeployFailed
from infra.deploy.gcloud import CommandFailed, Gcloud, Runner, run_gcloud, shown
from infra.deploy.plan_rules import URL, Rules
from infra.deploy.planning import Planner, write_files
from infra.deploy.rest import Rest, Send
from infra.deploy.steps import KINDS, Plan
from infra.deploy.upload import Upload, upload_of
from infra.manifest import DEFAULT, ROOT, Manifest, load

BOOTSTRAP = ("apis", "accounts", "roles", "secrets", "database", "rules", "channels", "budget")
RULES_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_FIREBASERULES"
"""Another address of the Firebase Rules API, named as gcloud names those of its own."""
FOLDER = Path(".local") / "deploy"


@dataclass(frozen=True)
class Context:
    """One call: what was asked for, and what it is done with; each part is made when it is needed."""

    options: argparse.Namespace
    environ: Mapping[str, str]
    runner: Runner | None
    send: Send

    @cached_property
    def plain(self) -> Manifest:
        """The manifest as it is written."""
        manifest = load(self.options.manifest or DEFAULT, root=ROOT)
        if lacking := [name for name in ("apis", "builder", "firestore") if not getattr(manifest, name)]:
            raise DeployFailed(f"the manifest says nothing of {', '.join(lacking)}: it cannot be deployed")
        return manifest

    @cached_property
    def place(self) -> place.Place:
        """Where."""
        return place.load(self.options.place, self.plain, project=self.options.project, region=self.options.region)

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest with what the place has otherwise."""
        return place.applied(self.plain, self.place)

    @cached_property
    def gcloud(self) -> Gcloud:
        """The place's project, by gcloud."""
        return Gcloud(self.runner or run_gcloud(self.environ), self.place.project)

    @cached_property
    def upload(self) -> Upload:
        """What would be uploaded."""
        return upload_of(self.gcloud.run)

    @cached_property
    def planner(self) -> Planner:
        """What makes plans."""
        folder = FOLDER / self.place.project
        return Planner(self.gcloud, self.manifest, self.place, self.upload.label, folder, self._rules())

    def _rules(self) -> Rules:
        assert self.manifest.firestore is not None  # noqa: S101 - `plain` insists on it
        url = self.environ.get(RULES_VARIABLE, URL).rstrip("/")
        return Rules(Rest(self.gcloud, url, self.send), self.manifest.firestore.database)

    def asks(self) -> Callable[[str], str]:
        """How secrets' values are got."""
        return secrets.from_lines(sys.stdin) if self.options.secrets_stdin else secrets.from_person


def _say(line: str) -> None:
    print(line, flush=True)


def _linted(context: Context) -> None:
    """Refuse to go on with dangerous settings."""
    if found := linting.findings(context.manifest, context.place):
        told = "\n".join(str(each) for each in found)
        raise DeployFailed(f"python -m infra.deploy lint finds:\n{told}")


def plan(context: Context) -> int:
    """Show what apply would do."""
    _linted(context)
    planned = _planned(context)
    write_files(planned.steps, ROOT)
    applying.show(planned, context.gcloud, str(context.upload), _say, shown)
    return NOT_DONE if planned.missing else 0


def _planned(context: Context) -> Plan:
    wanted = getattr(context.options, "only", [])
    planned = context.planner.plan()
    known = {name for step in planned.steps for name in (step.kind, step.name)}
    known |= {*KINDS, *context.manifest.functions, *context.manifest.queues, *context.manifest.jobs}
    if unknown := sorted(set(wanted) - known):
        raise DeployFailed(f"--only: there is nothing called {', '.join(unknown)}", 2)
    return planned.only(wanted)


def apply(context: Context) -> int:
    """Do it."""
    _linted(context)
    return _applied(context, _planned(context))


def bootstrap(context: Context) -> int:
    """The first set-up, which only an owner of the project may do."""
    _linted(context)
    planned = context.planner.plan().only(BOOTSTRAP)
    done = _applied(context, planned) or (NOT_DONE if planned.unread else 0)
    _say(f"next: python -m infra.deploy apply --place {context.options.place}")
    return done


def _applied(context: Context, planned: Plan) -> int:
    if planned.missing:
        told = "\n".join(f"  python -m infra.deploy secret {each.split()[0]}" for each in planned.missing)
        raise DeployFailed(f"secrets lack the version that the place names: {', '.join(planned.missing)}\n{told}")
    for line in planned.unknown:
        _say(f"not in the manifest, left alone: {line}")
    for line in planned.unread:
        _say(f"not looked at: {line}")
    if not planned.steps:
        _say("nothing to change")
        return 0
    _say(f"upload: {context.upload}")
    applying.Applying(context.planner, context.asks(), _say, context.options.parallel)(planned)
    return 0


def lint(context: Context) -> int:
    """Dangerous settings, a line each."""
    found = linting.findings(context.manifest, context.place)
    for each in found:
        _say(str(each))
    _say(f"{len(found)} finding(s)" if found else "nothing dangerous found")
    return NOT_DONE if found else 0


def upload(context: Context) -> int:
    """What goes into the zip."""
    for name in context.upload.files:
        _say(name)
    _say(str(context.upload))
    return 0


def secret(context: Context) -> int:
    """A new version of a secret, and where to write its number."""
    name = context.options.name
    if name not in context.manifest.secrets:
        known = ", ".join(sorted(context.manifest.secrets))
        raise DeployFailed(f"{name}: takes a secret of the manifest: {known}", 2)
    there = {str(each["name"]).rsplit("/", 1)[1] for each in context.gcloud.read("secrets", "list")}
    value = context.asks()(name)
    if name in there:
        context.gcloud.change(("secrets", "versions", "add", name, "--data-file=-"), value)
    else:
        context.gcloud.change(("secrets", "create", name, "--replication-policy=automatic", "--data-file=-"), value)
    versions = context.gcloud.read("secrets", "versions", "list", name)
    newest = max(int(str(each["name"]).rsplit("/", 1)[1]) for each in versions)
    _say(f"{name}: version {newest}. Write it under 'secrets' of the place {context.options.place}, then apply.")
    return 0


def destroy(context: Context) -> int:
    """Remove what can be made again."""
    return destroying.destroy(context.planner, _say, dry_run=context.options.dry_run)


def revisions(context: Context) -> int:
    """Write down who has the traffic."""
    return traffic.save(context.gcloud, context.manifest, context.place, context.options.save, _say)


def rollback(context: Context) -> int:
    """Lead it back."""
    if (moment := context.options.before) is not None:
        return traffic.restore_before(context.gcloud, context.manifest, context.place, moment, _say)
    return traffic.restore(context.gcloud, context.place, context.options.to, _say)


def smoke_test(context: Context) -> int:
    """A canary; where it does not arrive, the traffic goes back."""
    where = (context.options.url, context.gcloud, context.manifest, context.place, context.environ)
    try:
        reached = smoke.target(*where, lead=context.options.lead)
        smoke.deliver(reached, context.options.channel, context.options.wait, _say)
    except (DeployFailed, CommandFailed) as error:
        if context.options.rollback_to is not None:
            _say(f"smoke test failed: {error}")
            traffic.restore(context.gcloud, context.place, context.options.rollback_to, _say)
        raise
    return 0


COMMANDS: Mapping[str, Callable[[Context], int]] = {
    "plan": plan,
    "apply": apply,
    "bootstrap": bootstrap,
    "lint": lint,
    "upload": upload,
    "secret": secret,
    "destroy": destroy,
    "revisions": revisions,
    "rollback": rollback,
    "smoke": smoke_test,
}
