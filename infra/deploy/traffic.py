"""Which revision of each function has the traffic, and the way back to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from infra.deploy.failures import DeployFailed
from infra.deploy.gcloud import CommandFailed, Gcloud
from infra.deploy.names import cloud_name
from infra.deploy.place import Place
from infra.manifest import Manifest


def save(gcloud: Gcloud, manifest: Manifest, place: Place, path: Path, say: Callable[[str], None]) -> int:
    """Write the revisions of the functions that are there to a file, before a deployment."""
    listed = gcloud.read("functions", "list", "--v2", f"--regions={place.region}")
    ours = {cloud_name(name) for name in manifest.functions}
    revisions = {
        name: str(each["serviceConfig"]["revision"])
        for each in listed
        if (name := str(each["name"]).rsplit("/", 1)[1]) in ours and "revision" in each.get("serviceConfig", {})
    }
    path.write_text(json.dumps(revisions, indent=2) + "\n", encoding="utf-8")
    for name, revision in revisions.items():
        say(f"{name}: {revision}")
    say(f"{len(revisions)} function(s) written to {path}")
    return 0


def restore(gcloud: Gcloud, place: Place, path: Path, say: Callable[[str], None]) -> int:
    """Lead the traffic of each function back to the revision written down; one after the other, all of them.

    Raises:
        DeployFailed: the file cannot be read, or some function could not be led back.
    """
    try:
        revisions = {str(name): str(revision) for name, revision in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DeployFailed(f"{path}: is not what 'revisions --save' writes: {error}") from error
    failed = []
    for name, revision in revisions.items():
        argv = ("run", "services", "update-traffic", name, f"--region={place.region}", f"--to-revisions={revision}=100")
        try:
            gcloud.change(argv)
        except CommandFailed as error:
            failed.append(str(error))
        else:
            say(f"{name}: traffic goes to {revision}")
    if failed:
        raise DeployFailed("\n".join(failed))
    if not revisions:
        say("nothing to lead back to: this was the first deployment")
    return 0
