"""What is uploaded for the functions, as gcloud itself chooses it by ``.gcloudignore``."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.deploy.failures import DeployFailed
from infra.deploy.gcloud import CommandFailed, Runner
from infra.manifest import ROOT


@dataclass(frozen=True)
class Upload:
    """The files of one upload.

    Attributes:
        files: relative to the root, sorted.
        label: what a function's label says of it: the beginning of the hash over names and contents.
        zipped: bytes of the archive, about as gcloud makes it.
    """

    files: tuple[str, ...]
    label: str
    zipped: int

    def __str__(self) -> str:
        return f"{len(self.files)} files, {self.zipped / 1024:.0f} KiB zipped, source {self.label}"


def upload_of(run: Runner, root: Path = ROOT) -> Upload:
    """Look at what would be uploaded.

    Raises:
        CommandFailed: gcloud could not list it.
        DeployFailed: what a function needs is not among it.
    """
    argv = ("meta", "list-files-for-upload", ".")
    ended = run(argv, None)
    if ended.status != 0:
        raise CommandFailed(argv, ended)
    files = tuple(sorted(line for line in ended.out.splitlines() if line.strip()))
    if missing := {"main.py", "requirements.txt"} - set(files):
        raise DeployFailed(f".gcloudignore leaves out {', '.join(sorted(missing))}: no function could be built")
    digest, archive = hashlib.sha256(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in files:
            content = (root / name).read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            packed.writestr(name, content)
    return Upload(files, digest.hexdigest()[:40], archive.tell())
