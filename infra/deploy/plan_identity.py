"""Steps for services, accounts, roles and secrets."""

from __future__ import annotations

from collections.abc import Iterator

from infra.deploy.names import Names, cloud_name
from infra.deploy.state import State
from infra.deploy.steps import Step

ACTS_AS = "roles/iam.serviceAccountUser"
ENQUEUES = "roles/cloudtasks.enqueuer"
READS = "roles/secretmanager.secretAccessor"
INVOKES = "roles/run.invoker"


def apis(names: Names, state: State) -> Iterator[Step]:
    """The services that are not enabled yet, all in one command."""
    if missing := [name for name in names.manifest.apis if name not in state.apis]:
        yield Step("apis", "services", ("services", "enable", *missing), f"not enabled: {', '.join(missing)}")


def wanted_accounts(names: Names) -> dict[str, str]:
    """Every account with what it is for."""
    manifest = names.manifest
    wanted = {entry.service_account: f"Bellhop: {name}" for name, entry in manifest.functions.items()}
    wanted |= {
        manifest.invokers.tasks: "Bellhop: Cloud Tasks calls as",
        manifest.invokers.scheduler: "Bellhop: Cloud Scheduler calls as",
    }
    if manifest.builder is not None:
        wanted[manifest.builder.account] = "Bellhop: makes the images of functions"
    if manifest.deployer is not None:
        wanted[manifest.deployer.account] = "Bellhop: deploys"
    return wanted


def accounts(names: Names, state: State) -> Iterator[Step]:
    """The accounts that are not there."""
    for name, purpose in wanted_accounts(names).items():
        if name not in state.accounts:
            argv = ("iam", "service-accounts", "create", name, f"--display-name={purpose}")
            yield Step("accounts", name, argv, "there is no such account")


def secrets(names: Names, state: State) -> Iterator[Step]:
    """The secrets that the place names and that have no value; each is asked for when it is its step's turn."""
    for name, version in names.place.secrets.items():
        if name not in state.secrets:
            argv = ("secrets", "create", name, "--replication-policy=automatic", "--data-file=-")
            yield Step("secrets", name, argv, "there is no such secret", secret=name)
        elif not state.versions.get(name):
            argv = ("secrets", "versions", "add", name, "--data-file=-")
            yield Step("secrets", name, argv, f"it has no value; version {version} is wanted", secret=name)


def missing_versions(names: Names, state: State) -> tuple[str, ...]:
    """The secrets whose wanted version is neither there nor made by a step of the plan."""
    made = {step.name for step in secrets(names, state)}
    return tuple(
        f"{name} (version {version})"
        for name, version in names.place.secrets.items()
        if version not in state.versions.get(name, frozenset()) and (name not in made or version != 1)
    )


def project_roles(names: Names, state: State) -> Iterator[Step]:
    """What accounts may do in the project."""
    manifest = names.manifest
    wanted = [(entry.service_account, role) for entry in manifest.functions.values() for role in entry.roles]
    wanted += [(each.account, role) for each in (manifest.builder, manifest.deployer) if each for role in each.roles]
    for account, role in dict.fromkeys(wanted):
        if (role, names.member(account)) not in state.policies.get("project", frozenset()):
            argv = (
                *("projects", "add-iam-policy-binding", names.place.project),
                *(f"--member={names.member(account)}", f"--role={role}", "--condition=None"),
            )
            yield Step("roles", account, argv, f"it lacks {role} in the project", "project")


def acting_roles(names: Names, state: State) -> Iterator[Step]:
    """Who makes tasks must be allowed to have them carry the token of the account that calls."""
    manifest = names.manifest
    wanted = [
        (manifest.invoker(manifest.queues[queue].target), entry.service_account)
        for entry in manifest.functions.values()
        for queue in entry.enqueues
    ]
    for invoker, account in dict.fromkeys(wanted):
        if (ACTS_AS, names.member(account)) not in state.policies.get(f"accounts/{invoker}", frozenset()):
            argv = (
                *("iam", "service-accounts", "add-iam-policy-binding", names.account(invoker)),
                *(f"--member={names.member(account)}", f"--role={ACTS_AS}"),
            )
            yield Step("roles", account, argv, f"its tasks are to call as {invoker}", f"account {invoker}")


def secret_roles(names: Names, state: State) -> Iterator[Step]:
    """Who reads which secret."""
    deployer = names.manifest.deployer
    for secret in names.place.secrets:
        readers = [(each, names.manifest.functions[each].service_account) for each in names.manifest.secrets[secret]]
        if deployer is not None and secret in deployer.secrets:
            readers.append(("the smoke test", deployer.account))
        for reader, account in readers:
            member = names.member(account)
            if (READS, member) not in state.policies.get(f"secrets/{secret}", frozenset()):
                argv = ("secrets", "add-iam-policy-binding", secret, f"--member={member}", f"--role={READS}")
                yield Step("roles", secret, argv, f"{reader} cannot read it", f"secret {secret}")


def queue_roles(names: Names, state: State) -> Iterator[Step]:
    """Who creates tasks in which queue."""
    manifest = names.manifest
    for queue in manifest.queues:
        for function, entry in manifest.functions.items():
            member = names.member(entry.service_account)
            lacks = (ENQUEUES, member) not in state.policies.get(f"queues/{queue}", frozenset())
            if queue in entry.enqueues and lacks:
                argv = (
                    *("tasks", "queues", "add-iam-policy-binding", queue, f"--location={names.place.region}"),
                    *(f"--member={member}", f"--role={ENQUEUES}"),
                )
                yield Step("queue-roles", queue, argv, f"{function} creates tasks in it", f"queue {queue}")


def invokers(names: Names, state: State) -> Iterator[Step]:
    """Who calls which function."""
    for function in names.manifest.functions:
        name = cloud_name(function)
        for member in names.callers(function):
            if (INVOKES, member) not in state.policies.get(f"functions/{name}", frozenset()):
                argv = (
                    *("run", "services", "add-iam-policy-binding", name, f"--region={names.place.region}"),
                    *(f"--member={member}", f"--role={INVOKES}"),
                )
                yield Step("invokers", function, argv, f"{member} is to call it", f"function {function}")
