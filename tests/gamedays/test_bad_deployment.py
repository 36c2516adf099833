"""A version of ``chat`` is deployed that fails at every visitor; the traffic goes back, and a good one is deployed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from infra.deploy.plan_functions import LABEL
from infra.manifest import ROOT
from tests.support.cloud_project import PROJECT
from tests.support.google_apis import run

AT = f"projects/{PROJECT}/locations/europe-west1"
BAD = "chat-00099-bad"
LINE = "        started, written, body = self._commit(command, started)\n"


def test_the_traffic_is_led_back_and_a_good_version_is_deployed(day, tmp_path):
    """Nobody who was refused is a lead, everybody who was answered is one."""
    system, state = day.system, day.cloud.state
    day.leads()
    [good] = run.reached(state.resources[f"{AT}/services/chat"])
    before = datetime.now(UTC)
    day.begins("a version of chat that fails at every message")
    deployed(day, with_a_bug(tmp_path / "bad"))
    refused = [system.write(f"Hi, call me, refused-{number}@example.com") for number in range(6)]
    assert {answer.status_code for answer in refused} == {500}
    day.fires("error-rate")
    day.given(BEFORE=before.isoformat())
    said = day.follows("How to see it")
    assert BAD in said
    assert "request_failed\tKeyError\tanswer_message.py" in said
    day.follows("Causes, likeliest first")
    said = day.follows("Recovery")
    assert f"chat: traffic goes to {good}=100" in said
    assert "canaries arrive" in said
    assert "functions chat" in said
    emails = day.leads(2)
    day.recovers(lambda: all(system.received(email) for email in emails))
    day.follows("How to know it worked")
    day.follows("How to undo it")
    [after] = run.reached(state.resources[f"{AT}/services/chat"])
    assert after not in (good, BAD)
    day.loses_nothing()
    assert not system.received("refused-")


def with_a_bug(folder):
    """The source of the functions, with a mistake in it that no test saw."""
    for name in ("functions", "shared", "runbooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "main.py", folder)
    path = folder / "shared" / "flows" / "answer_message.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(LINE) == 1
    path.write_text(text.replace(LINE, f"        dict[str, str]()['score']\n{LINE}"), encoding="utf-8")
    return folder


def deployed(day, source):
    """As ``apply`` would have done it from a checkout of that version."""
    state, name = day.cloud.state, f"{AT}/functions/chat"
    function = state.resources[name]
    day.running.revisions.built_from(BAD, source)
    state.resources[name] = {
        **function,
        "labels": {**function["labels"], LABEL: "another-version"},
        "serviceConfig": {**function["serviceConfig"], "revision": BAD},
    }
    [now] = run.reached(state.resources[f"{AT}/services/chat"])
    run.deployed(state, f"{AT}/services/chat", BAD, state.revisions[now].settings)
