"""The operator's console and commands over HTTP, on the real Firestore; nothing here runs its tasks."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import pytest
import requests
from werkzeug.serving import make_server

from infra.ops.__main__ import main
from shared.adapters.firestore_canary import FirestoreCanaryRuns
from shared.domain.alert import Attempt, State
from shared.domain.canary import Leg, Mark, Run
from shared.domain.contact import ContactDetails
from shared.ports import Step
from tests.adapters.conftest import FirestoreWorld
from tests.support.turns import alert, commit, conversation, now, unique

OLD, NEW = "the-old-key-0123456789", "the-new-key-0123456789"
ENVIRON = {
    "ADDRESS_HASH_KEY": "an-address-key-of-tests",
    "ADMIN_API_KEYS": f"{OLD}, {NEW}",
    "DELIVER_ALERT_URL": "http://127.0.0.1:9/deliver_alert",
    "TASKS_INVOKER_EMAIL": "tasks@demo.iam.gserviceaccount.com",
    "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:9",
    "CLOUD_SCHEDULER_EMULATOR_HOST": "127.0.0.1:9",
    "SWEEP_URL": "http://127.0.0.1:9/retry_dead_letters",
    "SCHEDULER_INVOKER_EMAIL": "scheduler@demo.iam.gserviceaccount.com",
    "ESCALATION_CHANNELS": "email, slack",
    "DRAIN_PACES": "slack=1000,email=1000",
}


@dataclass(frozen=True)
class Served:
    """A console that answers."""

    url: str

    def call(self, method: str, path: str, *, key: str | None = NEW, **how: Any) -> requests.Response:
        """Call it."""
        headers = {"X-ADMIN-API-KEY": key} if key is not None else {}
        return requests.request(method, f"{self.url}/admin_console{path}", headers=headers, timeout=30, **how)

    def ops(self, *arguments: str, key: str | None = NEW) -> int:
        """Run a command against it; the exit status."""
        return main([*arguments, "--url", self.url], {"ADMIN_API_KEY": key} if key is not None else {})


@pytest.fixture
def served(firestore_world: FirestoreWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The function as the platform serves it, under its name, and the local system's info beside it."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_world.database.client.project)
    monkeypatch.delitem(sys.modules, "functions.admin_console", raising=False)
    function = importlib.import_module("functions.admin_console")
    app = flask.Flask("console")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def serve(path: str) -> flask.Response:
        answer: flask.Response = function.admin_console(flask.request)
        return answer

    def gateway(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] == "/_local/info":
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"admin_api_key": OLD}).encode()]
        if not environ["PATH_INFO"].startswith("/admin_console"):
            start("404 NOT FOUND", [("Content-Type", "text/plain")])
            return [b"nothing"]
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/admin_console") or "/"
        return app(environ, start)

    server = make_server("127.0.0.1", 0, gateway, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    sys.modules.pop("functions.admin_console", None)
    function.CONSOLE.flow.store._database.client._firestore_api.transport.close()


def lead(world: FirestoreWorld, name: str, state: State = State.QUEUED, cause: str = "http_500") -> None:
    """A lead of ana's with the alert of this name, in a state."""
    made = alert(name, conversation_id=f"c-{name}")
    about = conversation(id=f"c-{name}", details=ContactDetails(email="ana@example.com"))
    world.chat.commit_turn(commit(about, None, made))
    stored = world.alerts.read(name)
    assert stored is not None
    if state is not State.QUEUED:
        ended = None if state is State.PARKED else now()
        wake = now() if state is State.PARKED else None
        line = Attempt(now(), "retry", cause)
        after = replace(
            made, state=state, cause=cause, ended_at=ended, wake_at=wake, nonce=unique(), history=(line,), attempts=3
        )
        world.alerts.write(Step(made, after, stored.version))


@pytest.mark.parametrize("key", [None, "", "short", "x" * 5000, NEW + "x", NEW[:-1], "kłucz-zażółć-gęślą", NEW.upper()])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/alerts?id=a"), ("POST", "/dead_letters/redrive"), ("PUT", "/no")]
)
def test_f34_without_a_key_nothing_is_told(
    served: Served, firestore_world: FirestoreWorld, key: str | None, method: str, path: str
) -> None:
    """The same 401 for none and for a wrong one of any length and any characters, whatever was asked for."""
    lead(firestore_world, "a")
    shown: Any = key.encode() if key is not None else None
    refused = served.call(method, path, key=shown, data=b"{" if method == "POST" else None)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("ApiKey")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["detail"] == "A valid key is needed in the header X-ADMIN-API-KEY."


def test_f35_during_rotation_both_keys_are_good(served: Served) -> None:
    """Each of the keys in the setting."""
    assert [served.call("GET", "/conservation", key=key).status_code for key in (OLD, NEW)] == [200, 200]


def test_an_address_finds_its_alerts(served: Served, firestore_world: FirestoreWorld) -> None:
    """However it is written; with attempts, and nothing of what was written."""
    lead(firestore_world, "a", State.FAILED)
    answer = served.call("GET", "/alerts", params={"email": " Ana@Example.COM".strip()})
    assert answer.status_code == 200
    [found] = answer.json()["alerts"]
    assert found["attempts"][0] | {"at": None} == {"at": None, "outcome": "retry", "cause": "http_500"}
    at = found.pop("attempts")[0]["at"]
    assert at.endswith("+00:00")
    created, ended = found.pop("created_at"), found.pop("ended_at")
    assert created <= ended
    assert found == {
        "id": "a",
        "channel": "slack",
        "kind": "lead",
        "state": "failed",
        "epoch": 1,
        "attempts_used": 3,
        "cause": "http_500",
        "wake_at": found["wake_at"],
        "conversation_id": "c-a",
        "escalated_at": None,
        "dead_letter": "failed",
    }
    assert "payload" not in answer.text
    assert served.call("GET", "/alerts?id=a").json()["alerts"][0]["id"] == "a"
    assert served.call("GET", "/alerts?id=b").json() == {"alerts": []}
    assert served.call("GET", "/alerts?email=nobody@nowhere").json() == {"alerts": []}


def test_an_alert_that_cannot_be_read_is_told(served: Served, firestore_world: FirestoreWorld) -> None:
    """Not a 500: the operator learns where to look."""
    firestore_world.database.document("alerts", "broken").set({"state": "queued"})
    for answer in (
        served.call("GET", "/alerts?id=broken"),
        served.call("POST", "/dead_letters/broken/waive", json={"reason": "x"}),
    ):
        assert answer.status_code == 409
        assert "cannot be read" in answer.json()["detail"]


def test_dead_letters_are_paged_through_with_next(served: Served, firestore_world: FirestoreWorld) -> None:
    """Every one once; the last page says that it is."""
    for number in range(5):
        lead(firestore_world, f"a{number}", State.FAILED if number else State.PARKED)
    pages, after = [], None
    while True:
        answer = served.call("GET", "/dead_letters", params={"limit": 2, "after": after}).json()
        pages.append([item["id"] for item in answer["dead_letters"]])
        after = answer["next"]
        if after is None:
            break
    assert pages == [["a4", "a3"], ["a2", "a1"], ["a0"]]
    assert [item["status"] for item in answer["dead_letters"]] == ["pending"]
    assert served.call("GET", "/dead_letters?status=waived").json() == {"dead_letters": [], "next": None}


def test_a_redrive_by_cause_queues_all_of_it_once(
    served: Served, firestore_world: FirestoreWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """202 with its id; each alert has a new epoch and no dead letter; tasks that cannot be created do no harm."""
    for number in range(30):
        lead(firestore_world, f"a{number}", State.FAILED if number % 2 else State.PARKED)
    lead(firestore_world, "other", State.FAILED, cause="revoked")
    lead(firestore_world, "waived", State.WAIVED)
    asked = {"cause": "http_500", "reason": "Slack was down", "by": "ana"}
    answer = served.call("POST", "/dead_letters/redrive", json=asked)
    assert answer.status_code == 202
    redrive = served.call("GET", f"/redrives/{answer.json()['redrive']}").json()
    assert redrive["requested_at"] <= redrive["finished_at"]
    assert {name: redrive[name] for name in ("state", "selected", "queued", "skipped", "by", "reason")} == {
        "state": "done",
        "selected": 30,
        "queued": 30,
        "skipped": 0,
        "by": "ana",
        "reason": "Slack was down",
    }
    for number in range(30):
        document = firestore_world.document("alerts", f"a{number}")
        assert (document["state"], document["epoch"], document["attempts"]) == ("queued", 2, 0)
    assert firestore_world.names("dead_letters") == {"other", "waived"}
    said = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert (said.count("alert_requeued"), said.count("enqueue_failed")) == (30, 30)
    assert (said.count("redrive_requested"), said.count("redrive_finished")) == (1, 1)


def test_a_redrive_of_a_time_or_a_name_takes_only_these(served: Served, firestore_world: FirestoreWorld) -> None:
    """From then to then; by id; of one channel; of one status."""
    for name in ("a", "b", "c"):
        lead(firestore_world, name, State.FAILED)
    firestore_world.database.document("dead_letters", "a").update({"entered_at": datetime(2020, 1, 5, 9, tzinfo=UTC)})

    def redriven(**asked: Any) -> tuple[int, int, int]:
        answer = served.call("POST", "/dead_letters/redrive", json=asked)
        assert answer.status_code == 202, answer.text
        redrive = served.call("GET", f"/redrives/{answer.json()['redrive']}").json()
        return redrive["selected"], redrive["queued"], redrive["skipped"]

    assert redriven(ids=["a"], channel="monday") == (1, 0, 1)
    assert redriven(ids=["a"], status="pending") == (1, 0, 1)
    assert redriven(**{"from": "2020-01-05T00:00:00Z", "to": "2020-01-06T00:00:00+01:00"}) == (1, 1, 0)
    assert redriven(ids=["b", "a", "nobody", "b"]) == (3, 1, 2)
    assert firestore_world.names("dead_letters") == {"c"}
    assert redriven(cause="http_500", status="any") == (1, 1, 0)


def test_waiving_needs_an_alert_that_failed(served: Served, firestore_world: FirestoreWorld) -> None:
    """404 where there is none, 409 where it has not failed, 200 once."""
    for name, state in (("failed", State.FAILED), ("parked", State.PARKED)):
        lead(firestore_world, name, state)
    body = {"reason": "called the lead", "by": "ana"}
    asked = [("nobody", 404), ("parked", 409), ("failed", 200), ("failed", 409)]
    for name, status in asked:
        answer = served.call("POST", f"/dead_letters/{name}/waive", json=body)
        assert answer.status_code == status, answer.text
    assert firestore_world.document("alerts", "failed")["state"] == "waived"
    assert firestore_world.document("dead_letters", "failed")["status"] == "waived"
    assert len(firestore_world.names("operator_audit")) == 1


def test_conservation_is_json_in_the_order_of_the_guarantee(served: Served, firestore_world: FirestoreWorld) -> None:
    """And names the alert that was lost."""
    for name in ("kept", "lost"):
        lead(firestore_world, name)
    good = served.call("GET", "/conservation").json()
    assert list(good["channels"]["slack"])[:2] + list(good["channels"]["slack"])[-1:] == [
        "accepted",
        "queued",
        "archived",
    ]
    assert (good["balanced"], good["alerts"]) == (True, [])
    firestore_world.database.document("alerts", "lost").delete()
    bad = served.call("GET", "/conservation").json()
    assert (bad["balanced"], [item["id"] for item in bad["alerts"]]) == (False, ["lost"])


def test_the_command_conservation_fails_naming_the_alert(
    served: Served, firestore_world: FirestoreWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 while it balances, 1 afterwards."""
    for name in ("kept", "lost"):
        lead(firestore_world, name)
    assert served.ops("conservation") == 0
    assert "balanced: every alert is accounted for" in capsys.readouterr().out
    firestore_world.database.document("alerts", "lost").delete()
    assert served.ops("conservation") == 1
    said = capsys.readouterr().out
    assert "NOT balanced" in said
    assert "lost" in said
    assert served.ops("conservation", "--json") == 1
    assert not json.loads(capsys.readouterr().out)["balanced"]


def test_the_commands_walk_through_an_operators_day(
    served: Served, firestore_world: FirestoreWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Look up, list, redrive, waive; each says what it did, and fails where it could not."""
    for name in ("a", "b"):
        lead(firestore_world, name, State.FAILED)
    assert served.ops("alerts", "--email", "ana@example.com") == 0
    assert "http_500" in capsys.readouterr().out
    assert served.ops("alerts", "--id", "nobody") == 1
    assert capsys.readouterr().err == "infra.ops: there is no such alert\n"
    assert served.ops("dead-letters", "--status", "failed", "--limit", "1", "--json") == 0
    assert [item["id"] for item in json.loads(capsys.readouterr().out)["dead_letters"]] == ["b"]
    assert served.ops("dead-letters", "--limit", "1") == 0
    assert "--after" in capsys.readouterr().out
    assert served.ops("redrive", "a", "--reason", "mended") == 0
    assert "1 queued, 0 skipped of 1" in capsys.readouterr().out
    assert served.ops("redrive", "a") == 1
    assert "0 queued, 1 skipped of 1" in capsys.readouterr().out
    assert served.ops("waive", "b", "--reason", "called the lead", "--by", "ana") == 0
    assert "b is waived" in capsys.readouterr().out
    assert served.ops("waive", "b", "--reason", "again") == 1
    assert capsys.readouterr().err == "infra.ops: 409: The alert is waived; one that is failed can be waived.\n"
    assert served.ops("redrive", "--cause", "nothing") == 1
    assert served.ops("dead-letters", "--status", "pending") == 0


def test_on_this_machine_the_key_comes_from_the_local_system(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong one from the environment is not replaced by it; the console's own address works too."""
    assert served.ops("dead-letters", key=None) == 0
    assert main(["dead-letters", "--url", f"{served.url}/admin_console/"], {}) == 0
    assert main(["dead-letters", "--console-url", f"{served.url}/admin_console"], {"ADMIN_API_KEY": NEW}) == 0
    capsys.readouterr()
    assert served.ops("dead-letters", key="wrong") == 1
    said = capsys.readouterr()
    assert "401" in said.err
    assert len(said.err.splitlines()) == 1
    assert "wrong" not in said.err
    assert main(["dead-letters", "--console-url", f"{served.url}/elsewhere"], {"ADMIN_API_KEY": NEW}) == 1
    assert "there is no operator's console" in capsys.readouterr().err


def test_the_canaries_of_the_last_day_are_shown(
    served: Served, firestore_world: FirestoreWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON and as a table; a command ends with 1 where the last one is late."""
    nothing = {"configured": False, "last_run": None, "late": False, "without": [], "runs": []}
    assert served.call("GET", "/canary").json() == nothing
    assert (served.ops("canary"), capsys.readouterr().out.strip()) == (0, "no canary is configured")
    runs = FirestoreCanaryRuns(firestore_world.database)
    at = now()
    fine = Leg(Mark.ARRIVED, timedelta(milliseconds=1234), "delivered")
    late = Leg(Mark.LATE, None, "parked", "http_500")
    for minutes, leg in ((20, fine), (10, late)):
        begun = Run.begun(unique(), at - timedelta(minutes=minutes), ("slack",), ("email",))
        stored = runs.begin(begun)
        runs.save(replace(stored, run=replace(begun, legs={"slack": leg}, chat="ok")))
        firestore_world.wire.clear()
        answer = served.call("GET", "/canary").json()
        assert (answer["configured"], answer["late"], answer["without"]) == (True, leg is late, ["email"])
        assert answer["last_run"] == answer["runs"][0]["at"] == begun.at.isoformat()
        assert answer["runs"][0]["channels"]["slack"]["latency_ms"] == (None if leg is late else 1234)
        assert served.ops("canary") == (1 if leg is late else 0)
    shown = capsys.readouterr().out
    assert "1234" in shown
    assert "http_500" in shown
    assert "email has no target for canaries" in shown
    assert "LATE" in shown
    assert served.ops("canary", "--json") == 1
    assert json.loads(capsys.readouterr().out) == answer
    assert served.call("GET", "/canary", params={"limit": "1"}).status_code == 400
    assert served.call("GET", "/canary", key=None).status_code == 401
