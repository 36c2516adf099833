"""Which revision of each function has the traffic, and the way back to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.deploy.failures import DeployFailed
from infra.deploy.gcloud import CommandFailed, Gcloud
from infra.deploy.names import cloud_name
from infra.deploy.place import Place
from infra.manifest import Manifest

_SERVICE = "serving.knative.dev/service"


def save(gcloud: Gcloud, manifest: Manifest, place: Place, path: Path, say: Callable[[str], None]) -> int:
    """Write the revisions that are reached, of the functions that are there, to a file, before a deployment."""
    revisions = {name: found for name, found in sorted(_reached(gcloud, manifest, place).items()) if found}
    path.write_text(json.dumps(revisions, indent=2) + "\n", encoding="utf-8")
    for name, revision in revisions.items():
        say(f"{name}: {revision}")
    say(f"{len(revisions)} function(s) written to {path}")
    return 0


def _reached(gcloud: Gcloud, manifest: Manifest, place: Place) -> dict[str, str]:
    """What each function's traffic goes to, see `_parts`; of those that are there."""
    listed = gcloud.read("run", "services", "list", f"--region={place.region}")
    ours = {cloud_name(name) for name in manifest.functions}
    return {str(each["metadata"]["name"]): _parts(each) for each in listed if each["metadata"]["name"] in ours}


def _parts(service: Mapping[str, Any]) -> str:
    """What a service's traffic goes to, as ``--to-revisions`` takes it: ``REVISION=PERCENT``, several with commas."""
    parts: Counter[str] = Counter()
    for each in service.get("status", {}).get("traffic", ()):
        parts[str(each["revisionName"])] += int(each.get("percent", 0))
    return ",".join(f"{revision}={percent}" for revision, percent in parts.items() if percent)


def restore(gcloud: Gcloud, place: Place, path: Path, say: Callable[[str], None]) -> int:
    """Lead the traffic of each function back to the revision written down; one after the other, all of them.

    Raises:
        DeployFailed: the file cannot be read, or some function could not be led back.
    """
    try:
        revisions = {str(name): str(revision) for name, revision in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DeployFailed(f"{path}: is not what 'revisions --save' writes: {error}") from error
    if not revisions:
        say("nothing to lead back to: this was the first deployment")
    return _lead(gcloud, place, revisions, say)


def restore_before(
    gcloud: Gcloud, manifest: Manifest, place: Place, moment: datetime, say: Callable[[str], None]
) -> int:
    """Lead the traffic of each function back to its newest revision that was made before a moment and starts.

    One that is there already is left alone.

    Raises:
        DeployFailed: no function has one, or some function could not be led back.
    """
    listed = gcloud.read("run", "revisions", "list", f"--region={place.region}")
    ours = {cloud_name(name) for name in manifest.functions}
    newest: dict[str, tuple[datetime, str]] = {}
    for each in listed:
        service, made = str(each["metadata"]["labels"][_SERVICE]), _moment(each["metadata"]["creationTimestamp"])
        if service in ours and made < moment and _starts(each):
            newest[service] = max((made, str(each["metadata"]["name"])), newest.get(service, (made, "")))
    if not newest:
        raise DeployFailed(f"no function has a revision that was made before {moment.isoformat()} and starts")
    for name in sorted(ours - set(newest)):
        say(f"{name}: has no revision of before that, and is left as it is")
    there = _reached(gcloud, manifest, place)
    wanted = {name: revision for name, (_, revision) in sorted(newest.items())}
    for name in [name for name, revision in wanted.items() if there.get(name) == f"{revision}=100"]:
        say(f"{name}: its traffic goes to {wanted.pop(name)}=100 already")
    return _lead(gcloud, place, wanted, say)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _starts(revision: Mapping[str, Any]) -> bool:
    conditions = revision.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _lead(gcloud: Gcloud, place: Place, revisions: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Lead the traffic of functions to these revisions; raises DeployFailed after all were tried."""
    failed = []
    for name, revision in revisions.items():
        to = revision if "=" in revision else f"{revision}=100"
        argv = ("run", "services", "update-traffic", name, f"--region={place.region}", f"--to-revisions={to}")
        try:
            gcloud.change(argv)
        except CommandFailed as error:
            failed.append(str(error))
        else:
            say(f"{name}: traffic goes to {to}")
    if failed:
        raise DeployFailed("\n".join(failed))
    return 0
