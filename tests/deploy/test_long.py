"""What takes minutes (``make deploy-faults``): failures under the real gcloud, the upload in a clean environment."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.deploy import place as places
from infra.manifest import load
from tests.deploy.conftest import PROJECT, SECRETS, Cloud

pytestmark = [pytest.mark.deploy_faults, pytest.mark.timeout(1500)]
MANIFEST = load()
EVERY = 14
"""An evenly spaced sample: every request is struck by tests/unit/test_deploy_faults.py, with a recorder as gcloud."""


def stands(cloud: Cloud) -> dict[str, object]:
    """What is there, without the numbers that Google gives."""
    numbered = r"/(indexes|alertPolicies|backupSchedules|notificationChannels)/[^/]+$"
    listed = [name for name in cloud.state.resources if "/operations/" not in name]
    return {"names": sorted(re.sub(numbered, r"/\1", name) for name in listed), **cloud.state.snapshot()["policies"]}


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_real_gcloud_cut_off_again_and_again_reaches_the_same_state(gcloud_on_stand_in, when, capsys) -> None:
    """Every apply is struck at its fourteenth mutating request, until one has nothing left to do."""
    cloud = gcloud_on_stand_in()
    assert cloud.deploy("apply", secrets=True) == 0
    wanted, cloud, struck = stands(cloud), gcloud_on_stand_in(), 0
    while True:
        cloud.state.strike = (EVERY, when)
        if cloud.deploy("apply", secrets=True) == 0:
            break
        struck += 1
        assert struck < 30, capsys.readouterr().err
    assert struck >= 8
    assert stands(cloud) == wanted


@pytest.fixture(scope="module")
def unpacked(gcloud_on_stand_in, tmp_path_factory) -> Path:
    """The archive that gcloud uploads, unpacked, beside an environment with requirements.txt and nothing else."""
    cloud = gcloud_on_stand_in()
    for name in MANIFEST.apis:
        cloud.state.resources[f"apis/{name}"] = {}
    account = f"projects/{PROJECT}/serviceAccounts/bellhop-chat@{PROJECT}.iam.gserviceaccount.com"
    cloud.state.resources[account] = {}
    deploy = ["functions", "deploy", "chat", "--gen2", "--region=europe-west1", "--runtime=python311", "--source=."]
    deploy += ["--trigger-http", "--no-allow-unauthenticated", f"--run-service-account={account.rsplit('/', 1)[1]}"]
    ended = cloud.gcloud([*deploy, f"--project={PROJECT}", "--quiet"], None)
    assert ended.status == 0, ended.err
    folder = tmp_path_factory.mktemp("upload")
    zipfile.ZipFile(io.BytesIO(cloud.state.uploads[-1])).extractall(folder / "source")
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(folder / "source" / "requirements.txt")], check=True)
    return folder


@pytest.fixture
def served(unpacked: Path, request) -> Iterator[tuple[str, str]]:
    """One entry point, served as the platform does; its name and its URL."""
    name = request.param
    entry = MANIFEST.functions[name]
    place = places.load("production", MANIFEST, project=PROJECT)
    urls = {each: f"https://{each.replace('_', '-')}.example.com" for each in MANIFEST.functions}
    settings = places.environment(MANIFEST, place, name, entry, urls)
    given = {each: SECRETS[each] for each in entry.secrets if each in SECRETS}
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
    process = subprocess.Popen(
        [str(unpacked / "venv" / "bin" / "functions-framework"), "--target", entry.entry_point, "--port", str(port)],
        cwd=unpacked / "source",
        env={"PATH": os.environ["PATH"], "HOME": str(unpacked), "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
        | settings
        | given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    yield name, f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=60)


@pytest.mark.parametrize("served", MANIFEST.functions, indirect=True)
def test_every_entry_point_of_the_upload_is_served(served) -> None:
    """It starts with the place's settings and answers in its own words to a call that nobody is allowed."""
    name, url = served
    end = time.monotonic() + 120
    while True:
        try:
            answer = requests.delete(url, timeout=30)
            break
        except requests.ConnectionError:
            assert time.monotonic() < end, f"{name} does not start"
            time.sleep(0.2)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text


def test_this_is_not_run_from_the_checkout(unpacked: Path) -> None:
    """No package of the development environment can be imported there."""
    python = str(unpacked / "venv" / "bin" / "python")
    ended = subprocess.run([python, "-c", "import pytest"], cwd=unpacked, capture_output=True, check=False)
    assert ended.returncode != 0
    assert str(unpacked) not in sys.path
