"""Where a secret could be seen while a deployment runs: the process list, environments, logs, files, the plan."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.deploy import commands as of_deploy
from infra.manifest import ROOT
from tests.support.cloud_project import PROJECT, SECRETS

pytestmark = pytest.mark.timeout(900)
PLAIN = "a-word-that-is-no-secret"
"""Stands in an argument and in the environment: what looks for secrets must find it."""


@dataclass
class Watch:
    """What was seen of this process's descendants.

    Attributes:
        before: children that other tests started; functions among them have secrets in their environment.
        texts: command lines and environments, each once.
    """

    before: frozenset[str]
    texts: set[bytes] = field(default_factory=set)

    def look(self, pid: str) -> None:
        """Read the command line and the environment of everything that a process started."""
        try:
            below = b" ".join(path.read_bytes() for path in Path(f"/proc/{pid}/task").glob("*/children"))
            for child in set(below.decode().split()) - self.before:
                for name in ("cmdline", "environ"):
                    self.texts.add(Path(f"/proc/{child}/{name}").read_bytes())
                self.look(child)
        except OSError:  # it has just ended
            return

    def found(self, word: str) -> bool:
        """Whether a word stood anywhere."""
        return any(word.encode() in text for text in tuple(self.texts))


@contextmanager
def watching() -> Iterator[Watch]:
    """Look again and again: a command of gcloud's takes many times as long as from one look to the next."""
    children = b" ".join(path.read_bytes() for path in Path("/proc/self/task").glob("*/children"))
    watch, over = Watch(frozenset(children.decode().split())), threading.Event()

    def run() -> None:
        while not over.wait(0.02):
            watch.look(str(os.getpid()))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def words(secret: str) -> list[str]:
    """A secret, and each part of it that says something by itself."""
    return [secret, *(part for part in secret.replace(":", "/").split("/") if "secret" in part)]


def anywhere(texts: dict[str, str]) -> list[str]:
    """Which secrets stand in which texts."""
    return [
        f"{name} in {where}"
        for name, secret in SECRETS.items()
        for word in words(secret)
        for where, text in texts.items()
        if word in text
    ]


def test_no_secret_is_in_a_process_list_an_environment_a_log_or_a_file(project, tmp_path) -> None:
    """The step that has them, in processes of their own with the installed gcloud, watched all the time."""
    project.apis.reset(PROJECT)
    environ = {**project.gcloud.environment, "BELLHOP_PLAIN": PLAIN, "CLOUDSDK_CONFIG": str(tmp_path / "gcloud")}
    lines = "".join(f"{name}={value}\n" for name, value in SECRETS.items())
    called = [sys.executable, "-m", "infra.deploy", "apply", "--only", "apis,secrets", "--secrets-stdin"]
    with watching() as watch:
        ended = subprocess.run(
            [*called, "--project", PROJECT],
            input=lines,
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    assert {name.split("/")[3]: value for name, value in project.state.payloads.items()} == SECRETS

    # It was looked often enough to see the very commands that had the secrets on their standard input.
    seen = b"\0".join(watch.texts)
    assert [name for name in SECRETS if f"secrets\0create\0{name}\0".encode() not in seen] == []
    assert watch.found(PLAIN)
    assert [name for name, secret in SECRETS.items() if any(map(watch.found, words(secret)))] == []

    logs = sorted((tmp_path / "gcloud" / "logs").rglob("*.log"))
    assert len(logs) > len(SECRETS)
    texts = {path.name: path.read_text(encoding="utf-8") for path in logs} | {
        "what it said": ended.stdout + ended.stderr
    }
    assert "".join(texts.values()).count("Running [gcloud.secrets.create]") == len(SECRETS)
    assert anywhere(texts) == []


def test_no_secret_is_in_what_a_whole_deployment_says_logs_and_writes(deployed, capsys) -> None:
    """Nor in its plan, nor in an argument of any of its commands."""
    cloud, _, commands = deployed
    assert cloud.deploy("plan") == 0
    logs = list((cloud.gcloud.folder / "config" / "logs").rglob("*.log"))
    written = [*logs, *(path for path in (of_deploy.FOLDER / PROJECT).iterdir() if path.is_file())]
    texts = {path.name: path.read_text(encoding="utf-8") for path in written}
    assert "Running [gcloud.functions.deploy]" in "".join(texts.values())
    texts |= {"the plan": "".join(capsys.readouterr()), "the arguments": repr(commands)}
    assert anywhere(texts) == []


def test_a_secret_in_an_argument_would_be_seen() -> None:
    """So that the test above can fail: one process that shows one, for a moment."""
    name, secret = next(iter(SECRETS.items()))
    with watching() as watch:
        shows = [sys.executable, "-c", "import sys; sys.stdin.read(1)", secret]
        with subprocess.Popen(shows, stdin=subprocess.PIPE):  # it ends when its standard input does
            while not watch.found(secret):
                time.sleep(0.01)
    assert anywhere({"a log": f"... {secret} ..."})[0] == f"{name} in a log"
