"""What differs is put right, and what is taken away is taken away: commands that a first apply does not need."""

from __future__ import annotations

import pytest

from tests.support.cloud_project import PROJECT, SECRETS
from tests.support.google_apis.comparing import differences

pytestmark = pytest.mark.timeout(900)
AT = f"projects/{PROJECT}/locations/europe-west1"


def the(project, part: str) -> dict[str, object]:
    """The first resource with this in its name, to be changed behind the deployment's back."""
    return next(body for name, body in sorted(project.state.resources.items()) if part in name)


def test_each_kind_of_thing_that_was_changed_by_hand_is_put_right_by_one_request(project) -> None:
    """Somebody turned knobs in the console; afterwards the project is as it was."""
    before = project.state.copied()
    database, backup = the(project, "/databases/(default)"), the(project, "/backupSchedules/")
    queue, job = the(project, f"{AT}/queues/slack"), the(project, f"{AT}/jobs/cleanup_daily")
    metric, policy = the(project, "/metrics/bellhop_error"), the(project, "/alertPolicies/")
    queue["rateLimits"] = {**queue["rateLimits"], "maxDispatchesPerSecond": 100.0}
    job["schedule"] = "0 0 1 1 *"
    metric["filter"] = "severity=ERROR"
    policy["severity"] = "WARNING" if policy["severity"] != "WARNING" else "ERROR"
    database["pointInTimeRecoveryEnablement"] = "POINT_IN_TIME_RECOVERY_DISABLED"
    backup["retention"] = "86400s"
    index = next(name for name in project.state.resources if "/alerts/indexes/" in name)
    del project.state.resources[index]
    made = project.mutations("apply")
    assert sorted((seen.method, seen.path.split("/")[-2]) for seen in made) == [
        ("PATCH", "alertPolicies"),
        ("PATCH", "backupSchedules"),
        ("PATCH", "databases"),
        ("PATCH", "jobs"),
        ("PATCH", "queues"),
        ("POST", "alerts"),
        ("PUT", "metrics"),
    ]
    assert differences(before, project.state) == []


def test_a_secret_gets_a_new_version_and_its_number_is_said(project, capsys) -> None:
    """The value goes to gcloud's standard input; the place's file is a person's to change."""
    name = "SLACK_WEBHOOK_URL"
    project.state.forget()
    assert project.deploy("secret", name, secrets=True) == 0
    made = [(seen.method, seen.path) for seen in project.state.mutations()]
    assert made == [("POST", f"/v1/projects/{PROJECT}/secrets/{name}:addVersion")]
    assert project.state.payloads[f"projects/{PROJECT}/secrets/{name}/versions/2"] == SECRETS[name]
    assert f"{name}: version 2." in capsys.readouterr().out


def test_destroy_takes_away_what_can_be_made_again_and_nothing_else(project, monkeypatch) -> None:
    """After two answers no function, queue, job, metric or policy is left; the database, secrets and accounts are."""
    answers = iter([PROJECT, "destroy"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    before = set(project.state.resources)
    assert project.deploy("destroy", terminal=True) == 0
    gone = {name.split("/")[-2] for name in before - set(project.state.resources)}
    assert gone == {"functions", "services", "queues", "jobs", "metrics", "alertPolicies"}
    left = [name for name in project.state.resources if name.split("/")[-2] in gone]
    assert left == []
