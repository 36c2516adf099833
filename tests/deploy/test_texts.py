"""Every gcloud command in the documents, the runbooks and Cloud Build's file is one that gcloud knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.manifest import ROOT

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
    found += re.findall(r"\$\((gcloud [^)]*)\)", text)
    found += (
        re.findall(r": (gcloud builds [^\n]*)", text)
        if path.suffix == ".yaml"
        else re.findall(r"`(gcloud [a-z]+ [^`]*)`", text)
    )
    filled = [
        re.sub(r"#.*$", "", each).strip().replace("EMAIL", "a@b-project.iam.gserviceaccount.com") for each in found
    ]
    return [
        each for each in dict.fromkeys(filled) if not each.startswith(("gcloud emulators", "gcloud functions deploy`"))
    ]


def test_every_command_passes_gclouds_own_linter(gcloud_on_stand_in, tmp_path) -> None:
    """One call for all of them; which text each is from is told."""
    cloud = gcloud_on_stand_in()
    known = {command: path.name for path in FILES for command in commands(path)}
    assert len(known) > 15
    path = tmp_path / "commands.json"
    path.write_text(json.dumps([{"command_string": each} for each in known]), encoding="utf-8")
    ended = cloud.gcloud(["meta", "lint-gcloud-commands", f"--commands-file={path}"], None)
    wrong = [
        (known.get(each["command_string"]), each["command_string"], each["error_message"])
        for each in json.loads(ended.out)
        if not each["success"]
    ]
    assert wrong == []
