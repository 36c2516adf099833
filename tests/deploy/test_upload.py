"""What gcloud uploads, unpacked in a folder of its own, serves every function with requirements.txt alone."""

from __future__ import annotations

import io
import os
import re
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from infra.deploy import place as places
from infra.local.ports import HOST, Port
from infra.manifest import load
from tests.support import clean_environment
from tests.support.cloud_project import PROJECT, SECRETS

pytestmark = pytest.mark.timeout(900)
MANIFEST = load()


@dataclass
class Served:
    """One function as the platform serves it.

    Attributes:
        port: its own until it has ended.
        log: what it wrote.
    """

    process: subprocess.Popen[bytes]
    port: Port
    log: Path

    def asked(self) -> requests.Response:
        """The answer to a call that nobody is allowed; fails where the function ends instead of serving."""
        end = time.monotonic() + 240
        while True:
            try:
                return requests.delete(self.port.url, timeout=60)
            except requests.ConnectionError:
                assert self.process.poll() is None, self.log.read_text("utf-8")[-2000:]
                assert time.monotonic() < end, self.log.read_text("utf-8")[-2000:]
                time.sleep(0.1)

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        try:
            return self.process.wait(120)
        finally:
            self.port.release()


@pytest.fixture(scope="session")
def uploaded(deployed, tmp_path_factory) -> Path:
    """The archive that the real gcloud sent, unpacked."""
    cloud, _, _ = deployed
    folder = tmp_path_factory.mktemp("upload") / "source"
    zipfile.ZipFile(io.BytesIO(cloud.state.uploads[0])).extractall(folder)
    return folder


@pytest.fixture(scope="session")
def clean(uploaded) -> Path:
    """The Python of an environment with requirements.txt and nothing else."""
    return clean_environment.make(uploaded / "requirements.txt", uploaded.parent / "environment")


def serve(python: Path, source: Path, name: str, without: str = "") -> Served:
    """Start one function with the settings and secrets that production has, but for one secret."""
    entry = MANIFEST.functions[name]
    place = places.load("production", MANIFEST, project=PROJECT)
    urls = {each: f"https://{each.replace('_', '-')}.example.com" for each in MANIFEST.functions}
    settings = places.environment(MANIFEST, place, name, entry, urls)
    secrets = {each: SECRETS[each] for each in entry.secrets if each in place.secrets and each != without}
    home = source.parent / f"home-{name}{without}"
    home.mkdir()
    port = Port()
    # By default it listens at every address: who calls from another one of loopback, by that port, is in the way.
    listening = ("--host", HOST, "--port", str(port.number))
    log = home / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [python, "-P", "-m", "functions_framework", "--target", entry.entry_point, *listening],
            cwd=source,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
            | settings
            | secrets,
            stdout=written,
            stderr=written,
        )
    return Served(process, port, log)


@pytest.fixture(scope="session")
def served(clean, uploaded) -> Iterator[dict[str, Served]]:
    """Every function, started side by side."""
    started = {name: serve(clean, uploaded, name) for name in MANIFEST.functions}
    yield started
    for each in started.values():
        each.process.terminate()
    for each in started.values():
        each.ended()


@pytest.mark.parametrize("name", MANIFEST.functions)
def test_every_entry_point_of_the_upload_is_served(served, name: str) -> None:
    """It starts with what a place gives it, and answers in its own words to a call that nobody is allowed."""
    answer = served[name].asked()
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text


def test_a_function_without_what_it_needs_does_not_start(clean, uploaded) -> None:
    """So that the test above can fail: the reason is in what it wrote."""
    lacking = serve(clean, uploaded, "admin_migration", without="ADMIN_API_KEYS")
    assert lacking.ended() != 0
    assert "ADMIN_API_KEYS: is not set" in lacking.log.read_text("utf-8")


def test_this_is_not_the_environment_of_the_checkout(clean, uploaded) -> None:
    """What the tests need cannot be imported there, nor can what is not uploaded."""
    for name in ("pytest", "tests", "infra"):
        ended = subprocess.run([clean, "-c", f"import {name}"], cwd=uploaded, capture_output=True, check=False)
        assert b"ModuleNotFoundError" in ended.stderr


@pytest.mark.deploy_faults
def test_what_pip_installs_is_what_that_environment_has(uploaded, clean, tmp_path) -> None:
    """The build's own way, with hashes: the same packages, which fit together."""
    subprocess.run([clean, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--require-hashes", "-r", uploaded / "requirements.txt"], check=True)
    subprocess.run([*pip, "check"], check=True)
    frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout.split()
    linked = [f"{each.name}=={each.version}" for each in clean_environment.pinned(uploaded / "requirements.txt")]
    assert {normal(each) for each in frozen} == {normal(each) for each in linked}


def normal(pin: str) -> str:
    """``Name_x==1.2`` as PEP 503 has it."""
    name, _, version = pin.partition("==")
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version}"
