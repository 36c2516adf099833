"""Each request of a first deployment fails once, before or after it took effect; the end is the same state."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from infra.deploy import applying, commands
from infra.deploy.__main__ import main
from infra.manifest import load
from tests.support import full_place
from tests.support.google_apis.comparing import differences
from tests.support.google_apis.routes import new_project
from tests.support.google_apis.state import State
from tests.support.pretend_gcloud import PretendGcloud

PROJECT = "demo-project"
SECRETS = """\
ADMIN_API_KEYS=key-for-operators-0123456789
SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/very-secret-word
SMTP_URL=smtp+starttls://bellhop:very-secret-word@mail.example.com:587
ADDRESS_HASH_KEY=hash-very-secret-word-0123
TOKEN_SIGNING_KEYS=signing-very-secret-word-0123
"""
FILES = ["main.py", "requirements.txt"]
MANIFEST = load()


class Project:
    """A project on the stand-in, in this process; ``place`` is a file with everything that a place can have."""

    place = ""

    def __init__(self) -> None:
        self.state = State(PROJECT)
        new_project(self.state)
        self.gcloud = PretendGcloud(self.state, FILES, commands.ROOT)

    def deploy(self, *arguments: str, secrets: bool = True) -> int:
        """One command; its exit status."""
        before, sys.stdin = sys.stdin, io.StringIO(SECRETS if secrets else "")
        try:
            how = ["--secrets-stdin"] if arguments[0] in ("apply", "bootstrap") else []
            place = [] if "--place" in arguments else ["--place", self.place]
            return main([*arguments, *how, *place, "--project", PROJECT], {}, self.gcloud, self.gcloud.send)
        finally:
            sys.stdin = before


@pytest.fixture(autouse=True)
def files_in_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands read is written beside the test, not into the checkout."""
    monkeypatch.setattr(Project, "place", full_place.write(tmp_path))
    monkeypatch.setattr(commands, "FOLDER", tmp_path)
    monkeypatch.setattr(applying, "WAITS", ())
    monkeypatch.setattr(commands, "load", lambda *_, **__: MANIFEST)  # hundreds of times the same file


def progress(state: State) -> tuple[int, str]:
    """Something that is another after every change."""
    return sum("/operations/" not in name for name in state.resources), str(state.policies)


def test_an_empty_project_is_deployed_and_then_nothing_is_left_to_do() -> None:
    """The recorder in gcloud's place: one apply makes everything, the next has no mutating request."""
    project = Project()
    assert project.deploy("apply") == 0
    project.state.forget()
    assert project.deploy("apply") == 0
    assert project.state.mutations() == []


@pytest.mark.timeout(900)  # some seconds, on a machine that does nothing else
@pytest.mark.parametrize(("nth", "when"), [(2, "before"), pytest.param(1, "after", marks=pytest.mark.crash_points)])
def test_every_request_fails_once_and_the_same_state_is_reached(
    nth: int, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every apply is cut off at its next request, or its answer is lost, until nothing is left to do."""
    undisturbed = Project()
    assert undisturbed.deploy("apply", "--parallel", "1") == 0
    number, project, struck = len(undisturbed.state.mutations()), Project(), 0
    assert number > 100
    later, before = 0, progress(project.state)
    while True:
        project.state.strike = (nth + later, when)
        if project.deploy("apply", "--parallel", "1") == 0:
            break
        assert "run the same command again" in capsys.readouterr().err
        struck += 1
        assert struck <= 2 * number, "it does not come to an end"
        # A function takes three requests of one command: where the first is lost, it is the second's turn, and so on.
        now = progress(project.state)
        later, before = (0 if now != before else later + 1), now
    assert struck >= number - 1
    assert differences(undisturbed.state, project.state) == []


@pytest.mark.deploy_faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_project_where_any_one_request_failed_is_the_same_after_the_next_apply(
    when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Request by request, each in a project of its own: everything else of that apply went well until there."""
    undisturbed = Project()
    assert undisturbed.deploy("apply") == 0
    number, differed = len(undisturbed.state.mutations()), {}
    for nth in range(1, number + 1):
        project = Project()
        project.state.strike = (nth, when)
        assert project.deploy("apply", "--parallel", "1") == 1
        assert project.deploy("apply") == 0
        if found := differences(undisturbed.state, project.state):
            differed[nth] = found
    with capsys.disabled():
        told = f"{number} projects, in each of which one request failed {when} it took effect"
        sys.stdout.write(f"\nrecorder: {told}; {len(differed)} differed after the next apply\n")
    assert differed == {}


def test_the_same_settings_after_a_lost_answer_make_no_second_policy() -> None:
    """An answer lost after a policy was made: the next run finds it by its label."""
    project = Project()
    assert project.deploy("apply") == 0
    made = sum("/alertPolicies/" in name for name in project.state.resources)
    assert project.deploy("apply") == 0
    assert sum("/alertPolicies/" in name for name in project.state.resources) == made


def test_other_rules_are_released_instead_and_the_plan_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody opened the database in Firebase's console: the plan shows the requests, and apply makes them."""
    project = Project()
    assert project.deploy("apply") == 0
    release = f"projects/{PROJECT}/releases/cloud.firestore"
    ours, opened = project.state.resources[release]["rulesetName"], f"projects/{PROJECT}/rulesets/opened"
    text = "service cloud.firestore { match /{all=**} { allow read; } }"
    files = {"files": [{"name": "firestore.rules", "content": text}]}
    project.state.resources[opened] = {"name": opened, "createTime": "2026-02-01T00:00:00Z", "source": files}
    project.state.resources[release]["rulesetName"] = opened
    project.state.forget()
    assert project.deploy("plan") == 0
    assert project.state.mutations() == []
    told = capsys.readouterr().out
    assert "# rules (default): those in force are not those of firestore.rules" in told
    assert f"PATCH https://firebaserules.googleapis.com/v1/projects/{PROJECT}/releases/cloud.firestore" in told
    assert project.deploy("apply") == 0
    assert [seen.method for seen in project.state.mutations()] == ["POST", "PATCH"]
    made = project.state.resources[project.state.resources[release]["rulesetName"]]
    assert made["name"] not in {ours, opened}
    assert "allow read, write: if false;" in made["source"]["files"][0]["content"]


def test_a_billing_account_that_may_not_be_seen_is_told_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Cloud Build's account has no right to it: apply goes on; bootstrap, by an owner, says that it is not done."""
    project = Project()
    project.state.denied = "/v1/billingAccounts/"
    assert project.deploy("bootstrap") == 1  # on an empty project the service is not even on: it is tried
    assert "budget budget:" in capsys.readouterr().err
    assert project.deploy("bootstrap") == 1
    assert "not looked at: the budget of the billing account" in capsys.readouterr().out
    assert project.deploy("apply", secrets=False) == 0
    assert "not looked at: the budget of the billing account" in capsys.readouterr().out
    assert not any("/budgets/" in name for name in project.state.resources)
    project.state.denied = ""
    assert project.deploy("bootstrap", secrets=False) == 0
    assert sum("/budgets/" in name for name in project.state.resources) == 1


def test_bootstrap_lays_the_foundation_and_apply_the_rest() -> None:
    """Together they are what apply is alone."""
    alone, both = Project(), Project()
    assert alone.deploy("apply") == 0
    assert both.deploy("bootstrap") == 0
    assert not any("/functions/" in name or "/queues/" in name for name in both.state.resources)
    assert both.deploy("apply", secrets=False) == 0
    assert differences(alone.state, both.state) == []


def test_no_secret_is_in_the_plan_in_an_argument_or_in_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor in the files that commands read."""
    project = Project()
    assert project.deploy("plan") == 0
    assert project.deploy("apply") == 0
    assert "very-secret-word" in str(project.state.payloads)
    said = capsys.readouterr()
    written = "".join(path.read_text(encoding="utf-8") for path in commands.FOLDER.rglob("*") if path.is_file())
    for text in (said.out, said.err, repr(project.gcloud.commands), written):
        assert "very-secret-word" not in text
        assert "key-for-operators" not in text


def test_a_wrong_secret_is_refused_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """With what it takes, without what it was."""
    project = Project()
    before, sys.stdin = sys.stdin, io.StringIO(SECRETS.replace("key-for-operators-0123456789", "short-secret"))
    try:
        assert main(["apply", "--secrets-stdin", "--project", PROJECT], {}, project.gcloud, project.gcloud.send) == 2
    finally:
        sys.stdin = before
    told = capsys.readouterr().err
    assert "ADMIN_API_KEYS: takes keys separated by commas" in told
    assert "short-secret" not in told
    assert project.state.mutations() == []


def test_a_secret_without_a_terminal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of waiting for ever, or reading what was not meant."""
    project = Project()
    before, sys.stdin = sys.stdin, io.StringIO("")
    try:
        assert main(["apply", "--project", PROJECT], {}, project.gcloud, project.gcloud.send) == 2
    finally:
        sys.stdin = before
    assert "there is no terminal: use --secrets-stdin" in capsys.readouterr().err


def test_only_a_part_is_done() -> None:
    """Of kinds and of names; an unknown word is refused."""
    project = Project()
    assert project.deploy("bootstrap") == 0
    assert project.deploy("apply", "--only", "queues") == 0
    names = project.state.resources
    assert any("/queues/" in name for name in names)
    assert not any("/functions/" in name for name in names)
    assert project.deploy("apply", "--only", "chat") == 0
    assert [name.rsplit("/", 1)[1] for name in names if "/functions/" in name] == ["chat"]
    assert project.deploy("apply", "--only", "chatt") == 2


def test_a_pinned_version_that_is_not_there_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is changed, with the command that adds it."""
    project = Project()
    assert project.deploy("apply") == 0
    text = Path("infra/places/production.yaml").read_text(encoding="utf-8")
    place = tmp_path / "next.yaml"
    place.write_text(text.replace("SLACK_WEBHOOK_URL: 1", "SLACK_WEBHOOK_URL: 2"), encoding="utf-8")
    project.state.forget()
    assert project.deploy("apply", "--place", str(place)) == 1
    assert "python -m infra.deploy secret SLACK_WEBHOOK_URL" in capsys.readouterr().err
    assert project.state.mutations() == []


def test_destroy_asks_a_person_and_leaves_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal, after one wrong answer, nothing is removed; --dry-run only shows."""
    project = Project()
    assert project.deploy("apply") == 0
    project.state.forget()
    assert project.deploy("destroy") == 1
    assert project.deploy("destroy", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "gcloud functions delete chat" in told
    assert "databases delete" not in told
    answers = iter([PROJECT, "no"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    terminal = io.StringIO("")
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    assert main(["destroy", "--project", PROJECT], {}, project.gcloud, project.gcloud.send) == 1
    assert project.state.mutations() == []
