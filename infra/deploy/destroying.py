"""Remove what a deployment can make again. The database, its backups, secrets and accounts stay in any case."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from infra.deploy.failures import NOT_DONE, DeployFailed
from infra.deploy.gcloud import CommandFailed, shown
from infra.deploy.names import Names, cloud_name
from infra.deploy.plan_monitoring import LABEL
from infra.deploy.planning import Planner
from infra.deploy.state import State

STAYS = (
    "what stays: the database with its backups, secrets, service accounts and their roles. Leads that wait are in the "
    "database; an apply delivers them."
)


def destroy(planner: Planner, say: Callable[[str], None], *, dry_run: bool) -> int:
    """Ask twice, then remove functions, jobs, queues, alert policies and metrics of the manifest.

    Raises:
        DeployFailed: nobody said yes twice, or a command did not succeed.
    """
    state = planner.state()
    commands = list(_commands(planner.names(state), state))
    for argv in commands:
        say(shown(planner.gcloud.whole(argv)))
    say(STAYS)
    if dry_run or not commands:
        return 0
    project = planner.place.project
    _asked(f"Visitors will get no answer any more. Type the project's id to go on ({project}): ", project)
    _asked("Type 'destroy' to remove all of the above: ", "destroy")
    failed = []
    for argv in commands:
        try:
            planner.gcloud.change(argv)
        except CommandFailed as error:
            failed.append(str(error))
        else:
            say(f"removed: {' '.join(argv[:6])}")
    if failed:
        raise DeployFailed("\n".join([*failed, "run the same command again"]))
    return 0


def _asked(question: str, wanted: str) -> None:
    if not sys.stdin.isatty():
        raise DeployFailed(
            "destroy asks a person, and there is no terminal; --dry-run shows what it would do", NOT_DONE
        )
    if input(question).strip() != wanted:
        raise DeployFailed("nothing was removed")


def _commands(names: Names, state: State) -> Iterator[tuple[str, ...]]:
    """Jobs first, so that nothing calls what is gone; what is not in the manifest is left alone."""
    at, region = f"--location={names.place.region}", f"--region={names.place.region}"
    manifest = names.manifest
    functions = map(cloud_name, manifest.functions)
    policies = [
        str(policy["name"]).rsplit("/", 1)[1]
        for policy in state.alert_policies
        if policy.get("userLabels", {}).get(LABEL) in manifest.alert_policies
    ]
    yield from (("scheduler", "jobs", "delete", name, at) for name in manifest.jobs if name in state.jobs)
    yield from (("functions", "delete", name, "--gen2", region) for name in functions if name in state.functions)
    yield from (("tasks", "queues", "delete", name, at) for name in manifest.queues if name in state.queues)
    yield from (("alpha", "monitoring", "policies", "delete", name) for name in policies)
    yield from (("logging", "metrics", "delete", name) for name in manifest.metrics if name in state.metrics)
