"""gcloud as a program that is run: its output read as JSON, its failures told in its own words."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploy.failures import DeployFailed
from infra.manifest import ROOT

INSTALL = "gcloud is not on PATH: install the Google Cloud SDK, https://cloud.google.com/sdk/docs/install"


@dataclass(frozen=True)
class Ended:
    """How one command ended: its exit status, and what it wrote."""

    status: int
    out: str
    err: str


Runner = Callable[[Sequence[str], str | None], Ended]
"""Runs gcloud with these arguments and this standard input. A secret goes in there, never into an argument."""


class CommandFailed(Exception):  # noqa: N818 - it says what it is
    """gcloud refused; ``told`` is what it said, without its crash report."""

    def __init__(self, argv: Sequence[str], ended: Ended) -> None:
        self.told = _told(ended)
        super().__init__(f"{shown(argv)}\n  {self.told}")


def run_gcloud(environ: Mapping[str, str] = os.environ, cwd: Path = ROOT) -> Runner:
    """A runner of the installed gcloud, from the repository's root.

    Raises:
        DeployFailed: it is not installed.
    """
    program = shutil.which("gcloud", path=environ.get("PATH", ""))
    if program is None:
        raise DeployFailed(INSTALL)

    def run(argv: Sequence[str], stdin: str | None) -> Ended:
        done = subprocess.run(
            [program, *argv],
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            env={"CLOUDSDK_CORE_DISABLE_PROMPTS": "1", **environ},
            cwd=cwd,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@dataclass(frozen=True)
class Gcloud:
    """gcloud for one project.

    Attributes:
        run: what runs it.
        project: the project's id.
    """

    run: Runner
    project: str

    def read(self, *argv: str) -> Any:
        """What a command that changes nothing shows, as JSON.

        Raises:
            CommandFailed: it could not be read; what cannot be read is never taken for empty.
        """
        whole = [*argv, f"--project={self.project}", "--format=json"]
        ended = self.run(whole, None)
        if ended.status != 0:
            raise CommandFailed(whole, ended)
        try:
            return json.loads(ended.out or "[]")
        except ValueError:
            raise CommandFailed(whole, Ended(1, "", f"this is not JSON: {ended.out[:200]!r}")) from None

    def change(self, argv: Sequence[str], stdin: str | None = None) -> str:
        """Run a command that changes something; what it wrote.

        Raises:
            CommandFailed: it did not succeed; whether it took effect is not known.
        """
        whole = self.whole(argv)
        ended = self.run(whole, stdin)
        if ended.status != 0:
            raise CommandFailed(whole, ended)
        return ended.out

    def whole(self, argv: Sequence[str]) -> list[str]:
        """A command with the project it is for; what stands behind ``--`` stays at the end."""
        return [*argv, f"--project={self.project}", "--quiet"]


def shown(argv: Sequence[str]) -> str:
    """A command as it is typed into a shell."""
    return shlex.join(["gcloud", *argv])


def _told(ended: Ended) -> str:
    lines = [line.strip() for line in ended.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
    return " ".join(errors)[:2000] or f"gcloud ended with status {ended.status} and said nothing"
