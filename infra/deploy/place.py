"""A place: one project with what it has beside the manifest, from ``infra/places/NAME.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from infra import manifest_fields as kinds
from infra.deploy.failures import WRONG_USAGE, DeployFailed
from infra.manifest import ROOT, Function, Manifest
from infra.manifest_fields import near
from infra.manifest_mistakes import tell
from infra.manifest_places import Places
from infra.strict_yaml import YamlError, read

PLACES = ROOT / "infra" / "places"
CHANGEABLE = ("memory", "cpu", "concurrency", "min_instances", "max_instances", "timeout")
"""What a place may have otherwise than the manifest, function by function."""

_project = kinds.pattern(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project's id: 6 to 30 of a-z, 0-9 and -")
_version = kinds.whole(1, 1_000_000, meaning=": a version, never 'latest', so that a deployment can be repeated")
_account = kinds.pattern(r"[0-9A-F]{6}(-[0-9A-F]{6}){2}", "a billing account: 0X0X0X-0X0X0X-0X0X0X")
_member = kinds.pattern(r"(user|group|serviceAccount|domain):[^\s:,]+", "user:, group:, serviceAccount: or domain: ...")


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "\n" in str(value):
        raise ValueError("takes one line of text (yes, no, true and false in quotes)")
    return str(value)


class Place(BaseModel):
    """Where Bellhop runs.

    Attributes:
        settings: values of the manifest's settings, which win over its own; ``${project}`` and ``${region}`` in them
            are filled in by `load`.
        secrets: a secret's name → its version. What is not named no function gets.
        functions: what a function has otherwise than in the manifest.
        operators: who may call the functions for operators.
        notify: e-mail addresses that alert policies write to.
        runbooks: where the runbooks can be read, without a slash at the end.
        billing_account: whose budget is kept; none where it is not named.
        monthly_budget: instead of the manifest's amount.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: Annotated[str, _project]
    region: Annotated[str, kinds.pattern(r"[a-z]+-[a-z]+[0-9]{1,2}", "a region, for example europe-west1")]
    firestore_location: Annotated[
        str, kinds.pattern(r"[a-z]+[a-z0-9-]*[0-9]", "a location of Firestore: eur3, nam5, ...")
    ]
    operators: tuple[Annotated[str, _member], ...] = ()
    notify: tuple[Annotated[str, kinds.pattern(r"[^@\s,]+@[^@\s,]+", "an e-mail address")], ...] = ()
    runbooks: Annotated[str, kinds.pattern(r"https://\S*[^/\s]", "an https URL without a slash at its end")]
    settings: dict[str, Annotated[str, BeforeValidator(_text)]] = {}
    secrets: dict[str, Annotated[int, _version]] = {}
    billing_account: Annotated[str, _account] | None = None
    monthly_budget: Annotated[int, kinds.whole(1, 1_000_000)] | None = None
    functions: dict[str, dict[str, Any]] = {}


def names() -> list[str]:
    """The places there are."""
    return sorted(path.stem for path in PLACES.glob("*.yaml"))


def load(name: str, manifest: Manifest, *, project: str | None = None, region: str | None = None) -> Place:
    """Read a place and check it against the manifest.

    Args:
        name: the name of a file in ``infra/places``, or a path.
        manifest: what it is a place of.
        project: instead of the file's.
        region: likewise.

    Raises:
        DeployFailed: there is no such place, or it has mistakes; all of them are listed.
    """
    path = Path(name) if name.endswith(".yaml") else PLACES / f"{name}.yaml"
    try:
        document = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeployFailed(f"--place: there is no {path}{near(name, names())}", WRONG_USAGE) from error
    except (YamlError, UnicodeDecodeError) as error:
        raise DeployFailed(f"{path}: is not YAML: {error}") from error
    raw = document.data if isinstance(document.data, dict) else {}
    given = {key: value for key, value in (("project", project), ("region", region)) if value}
    errors = []
    try:
        place = _filled(Place.model_validate(raw | given))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    if errors or document.repeated:
        raise DeployFailed(f"{path} has mistakes:\n{tell(errors, document, {(): list(Place.model_fields)})}")
    if wrong := _unknown(place, manifest):
        raise DeployFailed("\n".join([f"{path} has mistakes:", *wrong]))
    return place


def _filled(place: Place) -> Place:
    stands_for = {"${project}": place.project, "${region}": place.region}
    settings = dict(place.settings)
    for placeholder, value in stands_for.items():
        settings = {name: text.replace(placeholder, value) for name, text in settings.items()}
    return place.model_copy(update={"settings": settings})


def _unknown(place: Place, manifest: Manifest) -> list[str]:
    settings = {name for entry in manifest.functions.values() for name in entry.settings}
    pointing = {
        name
        for entry in manifest.functions.values()
        for name, text in entry.settings.items()
        if text is not None and "${" in text
    }
    wrong = []
    for name in place.settings:
        if name in manifest.secrets:
            wrong.append(f"settings.{name}: takes no secret in plain text; name its version under 'secrets'")
        elif name in pointing:
            wrong.append(f"settings.{name}: is filled in by the deployment")
        elif name not in settings:
            wrong.append(f"settings.{name}: takes a setting of the manifest{near(name, settings)}")
    wrong += [
        f"secrets.{name}: takes a secret of the manifest{near(name, manifest.secrets)}"
        for name in place.secrets
        if name not in manifest.secrets
    ]
    for name, changes in place.functions.items():
        if name not in manifest.functions:
            wrong.append(f"functions.{name}: takes a function of the manifest{near(name, manifest.functions)}")
        wrong += [
            f"functions.{name}.{key}: takes no such key{near(key, CHANGEABLE)}"
            for key in changes
            if key not in CHANGEABLE
        ]
    return wrong


def applied(manifest: Manifest, place: Place) -> Manifest:
    """The manifest with what the place has otherwise.

    Raises:
        DeployFailed: a value that a function cannot have.
    """
    functions = dict(manifest.functions)
    for name, changes in place.functions.items():
        raw = {key: value for key, value in functions[name].model_dump().items() if key in CHANGEABLE} | changes
        try:
            changed = _Changeable.model_validate(raw)
        except ValidationError as error:
            told = "\n".join(
                f"functions.{name}.{each['loc'][0] if each['loc'] else ''}: {each['msg'].removeprefix('Value error, ')}"
                for each in error.errors()
            )
            raise DeployFailed(f"the place has mistakes:\n{told}") from error
        functions[name] = functions[name].model_copy(update=changed.model_dump())
    return manifest.model_copy(update={"functions": functions})


class _Changeable(BaseModel):
    """The part of a function that a place may change, with the manifest's own checks."""

    memory: kinds.Memory
    concurrency: kinds.Concurrency
    cpu: kinds.Cpu
    min_instances: kinds.Instances
    max_instances: kinds.Instances
    timeout: kinds.Timeout


def environment(
    manifest: Manifest, place: Place, function: str, entry: Function, urls: Mapping[str, str]
) -> dict[str, str]:
    """The settings of one function in a place, without its secrets; ``urls`` as in `infra.manifest_places.Places`."""
    own = manifest.environment(function, Places(place.project, place.region, urls), place.settings)
    return own | {name: value for name, value in place.settings.items() if name in entry.settings and value.strip()}
