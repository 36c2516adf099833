"""The way back: which revision is reached before a deployment, after it, after a smoke test that failed, and again."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from infra.deploy.arguments import parse
from infra.manifest import ROOT, load
from tests.support import full_place
from tests.support.cloud_project import PROJECT, Cloud
from tests.support.google_apis import run
from tests.support.google_apis.state import Revision

pytestmark = pytest.mark.timeout(900)
CHAT = f"projects/{PROJECT}/locations/europe-west1/services/chat"


def larger(folder: Path) -> str:
    """A place that has ``chat`` otherwise than it is deployed."""
    return full_place.write(folder, ("chat: {min_instances: 1}", "chat: {min_instances: 1, memory: 1Gi}"))


def reached(cloud: Cloud) -> dict[str, int]:
    """What of ``chat`` visitors reach: revision → percent."""
    return run.reached(cloud.state.resources[CHAT])


def test_after_a_smoke_test_that_failed_the_traffic_is_where_it_was(project, tmp_path, capsys) -> None:
    """Nobody answers there; or gcloud gives no identity token, so that nobody can even ask. Then it comes again."""
    saved, before = tmp_path / "revisions.json", reached(project)
    assert project.deploy("revisions", "--save", str(saved)) == 0
    names = {name.replace("_", "-") for name in load().functions}
    assert set(json.loads(saved.read_text("utf-8"))) == names
    made = project.mutations("apply", "--place", larger(tmp_path), "--only", "functions,traffic")
    assert [seen.method for seen in made] == ["POST", "PUT", "PATCH"]
    after = reached(project)
    assert after != before
    assert set(after.values()) == {100}

    for address in (["--url=http://127.0.0.1:1"], []):
        project.state.resources[CHAT]["traffic"] = run.LATEST
        capsys.readouterr()
        assert project.deploy("smoke", "--wait=1", f"--rollback-to={saved}", *address) == 1
        assert reached(project) == before
        assert len(project.state.resources[CHAT]["revisions"]) == 2
        told = capsys.readouterr().out
        assert "smoke test failed:" in told
        assert f"chat: traffic goes to {next(iter(before))}=100" in told

    made = project.mutations("apply", "--place", larger(tmp_path))
    assert "traffic chat: its traffic goes to an older revision" in capsys.readouterr().out
    assert [seen.method for seen in made] == ["PUT"] * len(names)
    assert reached(project) == after


def test_a_later_deployment_brings_the_traffic_to_what_it_deploys(project, tmp_path) -> None:
    """Also where the traffic had been led back: the new revision would not be reached otherwise."""
    saved = tmp_path / "revisions.json"
    assert project.deploy("revisions", "--save", str(saved)) == 0
    assert project.deploy("rollback", "--to", str(saved)) == 0
    first = reached(project)
    assert project.deploy("apply", "--place", larger(tmp_path), "--only", "chat") == 0
    assert reached(project) != first
    assert reached(project) == {project.state.resources[CHAT]["revisions"][-1]: 100}


def test_without_a_file_the_revisions_of_before_a_moment_are_found(project, tmp_path, capsys) -> None:
    """The newest that starts; where there is none of before then, nothing is led anywhere."""
    before, service = reached(project), project.state.resources[CHAT]
    moment = datetime.now(UTC)
    assert project.deploy("apply", "--place", larger(tmp_path), "--only", "functions,traffic") == 0
    assert reached(project) != before
    service["revisions"].insert(1, "chat-99999-abc")
    project.state.revisions["chat-99999-abc"] = Revision(moment - timedelta(microseconds=1), {}, starts=False)
    capsys.readouterr()
    [led] = project.mutations("rollback", "--before", moment.isoformat())
    assert led.path.endswith("/services/chat")
    assert reached(project) == before
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(load().functions)
    assert f"chat: traffic goes to {next(iter(before))}=100" in told
    project.state.forget()
    assert project.deploy("rollback", "--before", "2020-01-05T09:00:00Z") == 1
    assert project.state.mutations() == []
    assert "no function has a revision that was made before 2020-01-05" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--before", "yesterday"], ["--before", "2026-01-05T09:00:00"]])
def test_a_moment_has_its_zone(arguments: list[str], capsys) -> None:
    """And one of the two has to be said."""
    with pytest.raises(SystemExit):
        parse(["rollback", *arguments])
    assert "2026-01-05T02:40:00Z" in (said := capsys.readouterr().err) or "--to --before is required" in said


def test_a_split_is_written_down_as_it_is(project, tmp_path) -> None:
    """Somebody tries a revision with a part of the visitors: a rollback brings the same parts."""
    service, saved = project.state.resources[CHAT], tmp_path / "revisions.json"
    service["revisions"].append("chat-99999-abc")
    old, new = service["revisions"]
    service["traffic"] = [{"revisionName": old, "percent": 90}, {"revisionName": new, "percent": 10}]
    assert project.deploy("revisions", "--save", str(saved)) == 0
    assert json.loads(saved.read_text("utf-8"))["chat"] == f"{old}=90,{new}=10"
    service["traffic"] = run.LATEST
    assert project.deploy("rollback", "--to", str(saved)) == 0
    assert reached(project) == {old: 90, new: 10}


def test_a_revision_that_is_gone_is_told_and_the_others_are_led_back(project, tmp_path, capsys) -> None:
    """One function's trouble keeps no other from its way back."""
    saved = tmp_path / "revisions.json"
    other = project.state.resources[CHAT.replace("chat", "cleanup")]["revisions"][0]
    saved.write_text(json.dumps({"chat": "chat-00000-gone", "cleanup": f"{other}=100"}), encoding="utf-8")
    assert project.deploy("rollback", "--to", str(saved)) == 1
    told = capsys.readouterr()
    assert "chat-00000-gone" in told.err
    assert f"cleanup: traffic goes to {other}=100" in told.out


@pytest.mark.parametrize("step", ["functions", "queues-jobs-indexes"])
def test_a_step_of_cloud_build_that_fails_leads_the_traffic_back_and_fails(step: str, tmp_path) -> None:
    """The script of ``cloudbuild.yaml`` as bash runs it, with an apply that fails."""
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text(encoding="utf-8"))
    script = next(each["args"][1] for each in build["steps"] if each["id"] == step).replace("$$", "$")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" >> asked\ncase "$*" in *" apply "*) exit 1;; esac\n', encoding="utf-8")
    python.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "_PLACE": "staging", "PROJECT_ID": "demo-project"}
    assert subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environ, check=False).returncode == 1
    apply, rollback = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert apply.startswith("-m infra.deploy apply --place=staging --project=demo-project")
    where = "--place=staging --project=demo-project --to=/workspace/revisions.json"
    assert rollback == f"-m infra.deploy rollback {where}"
