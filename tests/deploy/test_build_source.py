"""What ``gcloud builds submit`` sends to Cloud Build: everything that its steps need, though functions get less."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from infra.manifest import ROOT
from tests.support.cloud_project import with_sdk
from tests.support.forked_gcloud import python_of, sdk

CHOOSE = """
import json, sys
sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]
from googlecloudsdk.command_lib.util import gcloudignore
chosen = gcloudignore.GetFileChooserForDir(sys.argv[2], write_on_disk=False, ignore_file=sys.argv[3])
print(json.dumps(sorted(chosen.GetIncludedFiles(sys.argv[2], include_dirs=False))))
"""
SUBMITS = [ROOT / "cloudbuild.yaml", ROOT / "README.md", ROOT / "docs/deploy.md"]


@pytest.mark.parametrize("path", SUBMITS, ids=lambda path: path.name)
def test_every_submit_says_what_is_sent(path):
    """Without a file of its own gcloud takes .gcloudignore, which leaves out the tests and the tools."""
    said = re.findall(r"gcloud builds submit [^\n`]*", path.read_text(encoding="utf-8"))
    assert said
    assert all("--ignore-file=.gitignore" in each for each in said)


def test_cloud_build_gets_the_whole_tree_and_nothing_of_this_machine():
    """As the installed gcloud chooses: what git has, without its own folder and what ``make`` installed."""
    with_sdk()
    root = sdk()
    assert root is not None
    done = subprocess.run(
        [python_of(root), "-S", "-c", CHOOSE, root, ROOT, ".gitignore"], capture_output=True, text=True, check=True
    )
    sent = set(json.loads(done.stdout))
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {path for path in tracked.split("\0") if path and (ROOT / path).is_file()} <= sent
    assert not [path for path in sent if path.startswith((".git/", ".venv/", ".local/", "mutants/"))]
