"""Every gcloud command in the documents, the runbooks and Cloud Build's file is one that gcloud knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.deploy import destroying, traffic
from infra.deploy import place as places
from infra.deploy.gcloud import Ended, Gcloud, shown
from infra.deploy.names import Names
from infra.deploy.state import State
from infra.manifest import ROOT, load
from tests.support.cloud_project import with_sdk

pytestmark = pytest.mark.timeout(900)
FILES = [
    ROOT / "cloudbuild.yaml",
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "runbooks").glob("*.md")),
]


def commands(path: Path) -> list[str]:
    """The gcloud commands of a text: in code blocks, in code spans, in a shell's substitution."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)) if path.suffix == ".md" else text
    found = re.findall(r"(?m)^[#\s]*(gcloud [a-z][^\n`]*)$", blocks)
    found += re.findall(r"\$\((gcloud (?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)", text)
    found += (
        re.findall(r": (gcloud builds [^\n]*)", text)
        if path.suffix == ".yaml"
        else re.findall(r"`(gcloud [a-z]+ [^`]*)`", text)
    )
    filled = [
        re.sub(r"( [|<>] |#).*$", "", each).strip().replace("EMAIL", "a@b-project.iam.gserviceaccount.com")
        for each in found
    ]
    return [
        each for each in dict.fromkeys(filled) if not each.startswith(("gcloud emulators", "gcloud functions deploy`"))
    ]


def ours(folder: Path) -> list[str]:
    """What ``rollback``, ``destroy`` and ``secret`` run: apply runs none of it."""
    asked: list[str] = []

    def record(argv, _) -> Ended:
        asked.append(shown(argv))
        return Ended(0, "", "")

    manifest = load()
    place = places.load("production", manifest, project="demo-project")
    gcloud = Gcloud(record, place.project)
    saved = folder / "revisions.json"
    saved.write_text(json.dumps({"chat": "chat-00001-abc"}), encoding="utf-8")
    traffic.restore(gcloud, place, saved, lambda _: None)
    policies = ({"name": "projects/p/alertPolicies/1", "userLabels": {"bellhop": "error-rate"}},)
    there = {name: {} for name in [*manifest.queues, *manifest.jobs, *manifest.metrics, "chat"]}
    state = State("1", frozenset(), queues=there, jobs=there, metrics=there, functions=there, alert_policies=policies)
    removing = list(destroying._commands(Names(manifest, place, "1"), state))
    assert len({argv[:2] for argv in removing}) == 5
    for argv in removing:
        gcloud.change(argv)
    return asked


def test_every_command_passes_gclouds_own_linter(stand_in, tmp_path) -> None:
    """One call for all of them; which text each is from is told."""
    known = {command: path.name for path in FILES for command in commands(path)}
    known |= dict.fromkeys(ours(tmp_path), "infra.deploy")
    assert len(known) > 15
    wrong_one = "gcloud functions deploy chat --gen2 --memmory=1Gi"  # so that this test can fail
    known[wrong_one] = "nowhere"
    path = tmp_path / "commands.json"
    path.write_text(json.dumps([{"command_string": each} for each in known]), encoding="utf-8")
    ended = stand_in.gcloud(["meta", "lint-gcloud-commands", f"--commands-file={path}"], None)
    wrong = {
        each["command_string"]: (known.get(each["command_string"]), each["error_message"])
        for each in json.loads(ended.out)
        if not each["success"]
    }
    assert "memmory" in wrong.pop(wrong_one)[1]
    assert wrong == {}


def test_without_the_sdk_tests_are_skipped_and_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user is told what is not tested; where nothing may be skipped that is a failure."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("BELLHOP_SKIP_NOTHING", raising=False)
    with pytest.raises(pytest.skip.Exception, match="the Google Cloud SDK is not installed"):
        with_sdk()
    ci, _, then = (ROOT / ".ci" / "run").read_text(encoding="utf-8").partition("export BELLHOP_SKIP_NOTHING=1")
    assert "make setup" in ci
    assert "check test" in then
    monkeypatch.setenv("BELLHOP_SKIP_NOTHING", "1")
    with pytest.raises(pytest.fail.Exception, match="BELLHOP_SKIP_NOTHING is set"):
        with_sdk()
