"""The smoke test of a deployment, against the running local system: a canary arrives, or the traffic goes back."""

from __future__ import annotations

import json

import pytest

from infra.deploy.__main__ import main
from infra.deploy.gcloud import Ended
from tests.support.local_system import eventually


class Gcloud:
    """Records what the traffic is led back with."""

    def __init__(self):
        self.commands = []

    def __call__(self, argv, stdin):
        """Everything works."""
        self.commands.append(tuple(argv))
        return Ended(0, "", "")


@pytest.fixture
def revisions(tmp_path):
    """What had the traffic before the deployment."""
    path = tmp_path / "revisions.json"
    path.write_text(
        json.dumps({"chat": "chat-00001-abc", "deliver-alert": "deliver-alert-00004-xyz"}), encoding="utf-8"
    )
    return path


def smoke(system, revisions, *arguments):
    """The command, and what it asked of gcloud."""
    gcloud = Gcloud()
    where = ["--url", system.url, "--project", "demo-project", "--rollback-to", str(revisions)]
    return main(["smoke", *where, *arguments], {}, gcloud), gcloud.commands


def test_a_canary_goes_through_chat_and_is_waited_for(system, revisions, capsys):
    """Delivered through every channel that it goes to; the traffic stays."""
    assert smoke(system, revisions, "--lead") == (0, [])
    said = capsys.readouterr().out
    assert "a lead was taken by" in said
    assert "delivered through monday, slack" in said
    assert len([each for each in system.received("@canary.example.com") if "Canary" in json.dumps(each)]) >= 1


def test_where_there_are_canaries_it_is_one(system, revisions, capsys):
    """The team sees nothing of it; where it does not arrive, the traffic goes back."""
    before = {name: len(system.local("GET", f"{name}/received")) for name in ("slack", "monday")}
    eventually(lambda: smoke(system, revisions) == (0, []), seconds=90)
    said = capsys.readouterr().out
    assert "the canary's job was run" in said
    assert "the canary arrived through monday, slack" in said
    assert {name: len(system.local("GET", f"{name}/received")) for name in before} == before
    system.broken("invalid_payload")
    status, commands = smoke(system, revisions, "--channel", "slack")
    assert (status, len(commands)) == (1, 2)
    assert "the canary did not arrive: {'slack': 'invalid_payload'}" in capsys.readouterr().err


def test_where_it_does_not_arrive_the_traffic_goes_back(system, revisions, capsys):
    """Slack refuses the message: each function's traffic is led back to the revision that was written down."""
    system.broken("invalid_payload")
    status, commands = smoke(system, revisions, "--lead", "--channel", "slack")
    assert status == 1
    assert [command[:4] for command in commands] == [
        ("run", "services", "update-traffic", "chat"),
        ("run", "services", "update-traffic", "deliver-alert"),
    ]
    assert "--to-revisions=chat-00001-abc=100" in commands[0]
    assert "will not be delivered: {'slack': 'failed'}" in capsys.readouterr().err


def test_a_system_that_does_not_answer_is_a_failure_too(system, revisions, capsys):
    """And so is one that takes too long."""
    gcloud = Gcloud()
    where = ["--url", "http://127.0.0.1:1", "--project", "demo-project", "--rollback-to", str(revisions)]
    assert main(["smoke", *where], {}, gcloud) == 1
    assert len(gcloud.commands) == 2
    system.broken("down")
    assert smoke(system, revisions, "--lead", "--wait", "1", "--channel", "slack")[0] == 1
    assert "was not delivered within 1 s" in capsys.readouterr().err
