"""Steps for functions: one ``gcloud functions deploy`` for whatever differs, with everything the manifest says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.deploy.names import Names, cloud_name
from infra.deploy.place import environment
from infra.deploy.plan_queues import differences
from infra.deploy.state import State
from infra.deploy.steps import Step
from infra.manifest import Function

LABEL = "bellhop-source"
"""The label that says which source a function runs."""
_INGRESS = {"all": "ALLOW_ALL", "internal-only": "ALLOW_INTERNAL_ONLY", "internal-and-gclb": "ALLOW_INTERNAL_AND_GCLB"}


def functions(names: Names, state: State, source: str, folder: Path) -> Iterator[Step]:
    """Functions that are not there or differ.

    Args:
        names: the place's.
        state: what there is.
        source: what the label says of the source that is here now.
        folder: where the files of settings are written.
    """
    for function, entry in names.manifest.functions.items():
        name = cloud_name(function)
        current = state.functions.get(name)
        settings = environment(names.manifest, names.place, function, entry, names.urls)
        secrets = {each: names.place.secrets[each] for each in entry.secrets if each in names.place.secrets}
        if current is None:
            differs = ["there is no such function"]
        else:
            differs = _differs(names, entry, current, settings) + _secrets_differ(secrets, current)
            differs += _source_differs(names, entry, current, source)
        if differs:
            path = str(folder / f"{function}.env.yaml")
            argv = (
                *("functions", "deploy", name, "--gen2", f"--region={names.place.region}"),
                *_flags(names, entry, path, secrets, source),
                *(() if current else ("--no-allow-unauthenticated",)),
            )
            files = {path: yaml.safe_dump(settings, allow_unicode=True, width=10_000)}
            yield Step("functions", function, argv, "; ".join(differs), files=files)


def traffic(names: Names, state: State) -> Iterator[Step]:
    """Functions whose traffic was led back to an older revision: what is deployed would not be reached."""
    for function in names.manifest.functions:
        current = state.functions.get(cloud_name(function))
        if current is not None and current.get("serviceConfig", {}).get("allTrafficOnLatestRevision") is False:
            argv = (
                *("run", "services", "update-traffic", cloud_name(function)),
                *(f"--region={names.place.region}", "--to-latest"),
            )
            yield Step("traffic", function, argv, "its traffic goes to an older revision")


def _flags(names: Names, entry: Function, path: str, secrets: Mapping[str, int], source: str) -> tuple[str, ...]:
    given = ",".join(f"{name}={name}:{version}" for name, version in secrets.items())
    builder = names.manifest.builder
    return (
        f"--runtime={names.manifest.runtime}",
        "--source=.",
        f"--entry-point={entry.entry_point}",
        "--trigger-http",
        f"--run-service-account={names.account(entry.service_account)}",
        *((f"--build-service-account={_builder(names)}",) if builder else ()),
        f"--memory={entry.memory}",
        f"--cpu={entry.cpu:g}",
        f"--concurrency={entry.concurrency}",
        f"--min-instances={entry.min_instances}",
        f"--max-instances={entry.max_instances}",
        f"--timeout={entry.timeout}s",
        f"--ingress-settings={entry.reached_from}",
        f"--env-vars-file={path}",
        f"--set-secrets={given}" if given else "--clear-secrets",
        f"--update-labels={LABEL}={source}",
    )


def _builder(names: Names) -> str:
    assert names.manifest.builder is not None  # noqa: S101 - only asked for where there is one
    return f"projects/{names.place.project}/serviceAccounts/{names.account(names.manifest.builder.account)}"


def _differs(names: Names, entry: Function, current: Mapping[str, Any], settings: Mapping[str, str]) -> list[str]:
    config = current.get("serviceConfig", {})
    there = config.get("environmentVariables", {})
    return differences(
        ("memory", config.get("availableMemory"), entry.memory),
        ("CPU", float(config.get("availableCpu", 0)), entry.cpu),
        ("requests at once", config.get("maxInstanceRequestConcurrency", 1), entry.concurrency),
        ("least instances", config.get("minInstanceCount", 0), entry.min_instances),
        ("most instances", config.get("maxInstanceCount", 0), entry.max_instances),
        ("timeout", config.get("timeoutSeconds", 0), entry.timeout),
        ("ingress", config.get("ingressSettings", "ALLOW_ALL"), _INGRESS[entry.reached_from]),
        ("account", config.get("serviceAccountEmail"), names.account(entry.service_account)),
        *(
            (f"setting {name}", there.get(name), settings.get(name))
            for name in sorted({*there, *settings} - {"LOG_EXECUTION_ID"})
        ),
    )


def _secrets_differ(secrets: Mapping[str, int], current: Mapping[str, Any]) -> list[str]:
    listed = current.get("serviceConfig", {}).get("secretEnvironmentVariables", ())
    there = {str(each["key"]): str(each.get("version", "")) for each in listed}
    return differences(
        *(
            (f"secret {name}, version", there.get(name), str(secrets[name]) if name in secrets else None)
            for name in sorted({*there, *secrets})
        )
    )


def _source_differs(names: Names, entry: Function, current: Mapping[str, Any], source: str) -> list[str]:
    build = current.get("buildConfig", {})
    return differences(
        ("runtime", build.get("runtime"), names.manifest.runtime),
        ("entry point", build.get("entryPoint"), entry.entry_point),
        ("builder", build.get("serviceAccount"), _builder(names) if names.manifest.builder else None),
        ("source", current.get("labels", {}).get(LABEL), source),
    )
