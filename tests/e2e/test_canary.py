"""The canary on the running system: it arrives, nobody else sees it, it is removed, and its alarms ring."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import requests
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.e2e.test_operator import ops
from tests.support.local_system import eventually

OTHERS = ("slack", "monday", "smtp", "webhook")


@pytest.fixture
def firestore(system):
    """A client of the system's Firestore."""
    client = system.firestore()
    yield client
    client.close()


def run(system):
    """Run the job; its run as the console shows it."""
    assert system.local("POST", "jobs/canary/run")["status"] == 200
    return system.console("canary")["runs"][0]


def arrived(system):
    """Run the job until its canary arrives everywhere: a breaker or a block of another test may hold it up."""

    def fine():
        last = run(system)
        return last if {leg["state"] for leg in last["channels"].values()} == {"arrived"} else None

    return eventually(fine, seconds=90)


def told(system, event, run_id, function="canary"):
    """The events of this name that a function logged of a run."""
    lines = [json.loads(line) for line in system.log(function).splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event and line["run_id"] == run_id]


def left(firestore, run_id):
    """What there still is of a run: documents with its address, by collection."""
    found = {}
    for name in ("alerts", "conversations", "dead_letters", "admissions", "receipts", "tallies"):
        texts = [json.dumps(each.to_dict(), default=str) for each in firestore.collection(name).stream()]
        found[name] = sum(run_id in text for text in texts)
    found["messages"] = sum(run_id in each.get("question") for each in firestore.collection_group("messages").stream())
    return found


def of_kind(firestore, collection):
    """What a collection holds of canaries."""
    found = firestore.collection(collection).where(filter=FieldFilter("kind", "==", "canary")).stream()
    return [each.to_dict() for each in found]


def test_it_arrives_is_shown_to_nobody_else_and_is_removed(system, firestore):
    """Through chat and the queues, with a latency; the books balance with it; the next run leaves nothing of it."""
    last = arrived(system)
    assert set(last["channels"]) == {"slack", "monday"}
    assert all(0 < leg["latency_ms"] < 60_000 for leg in last["channels"].values())
    assert {line["channel"] for line in told(system, "canary_arrived", last["id"])} == {"slack", "monday"}
    shown = [each for each in system.local("GET", "canary/received") if last["id"] in json.dumps(each)]
    assert sorted(each["destination"] for each in shown) == ["monday", "slack"]
    assert left(firestore, last["id"]) == {
        "alerts": 2,
        "admissions": 1,
        "conversations": 1,
        "messages": 1,
        **dict.fromkeys(("dead_letters", "receipts", "tallies"), 0),
    }
    assert of_kind(firestore, "tallies") == []
    assert not any(alert["kind"] == "canary" for alert in system.local("GET", "alerts")["alerts"])
    counts = system.console("conservation")
    assert (counts["balanced"], counts["alerts"]) == (True, [])
    following = arrived(system)
    assert following["id"] != last["id"]
    assert set(left(firestore, last["id"]).values()) == {0}
    items = [each for each in system.local("GET", "canary/received") if each["destination"] == "monday"]
    assert not any(last["id"] in json.dumps(each) for each in items)
    for name in OTHERS:
        assert system.received(last["id"], name) == []
    assert system.console("conservation")["balanced"]


def test_a_paused_queue_rings(system):
    """Its alert is queued and no task comes; it is gone afterwards, and the next one arrives."""
    arrived(system)
    system.local("POST", "queues/slack/pause")
    last = run(system)
    assert last["channels"]["slack"] | {"cause": None} == {
        "state": "late",
        "latency_ms": None,
        "reached": "queued",
        "cause": None,
    }
    assert last["channels"]["monday"]["state"] == "arrived"
    [line] = told(system, "canary_late", last["id"])
    assert (line["severity"], line["channel"], line["state"]) == ("ERROR", "slack", "queued")
    assert system.console("canary")["late"]
    assert ops(system, "canary").returncode == 1
    system.local("POST", "queues/slack/resume")
    arrived(system)
    assert not system.console("canary")["late"]
    shown = ops(system, "canary")
    assert (shown.returncode, "canaries arrive" in shown.stdout) == (0, True)


def test_a_revoked_slack_rings_and_a_canary_blocks_nothing(system, firestore):
    """Found by the canary alone, the leads' destination stays as it was; found by a lead, it waits with the lead."""

    def block():
        return firestore.document("destinations", "slack").get().to_dict() or {}

    arrived(system)
    eventually(lambda: not block().get("draining"))  # what an earlier test had blocked
    blocks = block()
    mails = len(system.local("GET", "smtp/received"))
    system.broken("no_active_hooks")
    last = run(system)
    assert (last["channels"]["slack"]["state"], last["channels"]["slack"]["cause"]) == ("late", "no_active_hooks")
    assert block() == blocks
    assert len(system.local("GET", "smtp/received")) == mails
    email = system.lead()
    eventually(lambda: block().get("cause"))
    sent = len(system.local("GET", "canary/received"))
    last = run(system)
    assert (last["channels"]["slack"]["reached"], last["channels"]["slack"]["cause"]) == ("parked", "no_active_hooks")
    assert [line["channel"] for line in told(system, "canary_late", last["id"])] == ["slack"]
    assert {each["attempts"] for each in of_kind(firestore, "alerts") if each["channel"] == "slack"} == {0}
    # One item more, and the one before deleted, unless Monday.com's index was behind: then it is the next run's.
    assert len(system.local("GET", "canary/received")) in (sent, sent + 1)
    system.healed()
    eventually(lambda: system.received(email), seconds=60)
    arrived(system)


def test_a_job_that_is_gone_rings_by_the_sweep(system, firestore):
    """Half an hour after its last run, once."""
    arrived(system)
    ledger = firestore.collection("canary_runs")

    def half_an_hour_later():
        """As if nothing had run since: what was told. None where the job ran meanwhile, as another test asked it to."""
        last = system.console("canary")["runs"][0]
        for each in ledger.stream():
            ledger.document(each.id).update({"at": each.get("at") - timedelta(minutes=31)})
        for _ in range(2):
            system.local("POST", "jobs/retry_dead_letters/run")
        late = system.console("canary")["late"]
        return told(system, "canary_missing", last["id"], "retry_dead_letters") if late else None

    [line] = eventually(half_an_hour_later)
    assert (line["severity"], line["count"] >= 31) == ("ERROR", True)
    arrived(system)
    assert not system.console("canary")["late"]


def test_who_is_no_canary_is_refused(system, firestore):
    """Before anything is written, whatever they send; nobody but the scheduler runs the job."""
    said = {"message": "Hi, call me, forger@example.com"}
    for order in ("forged", "WyJhIl0.aaaa.bbbb", "x" * 600):
        answer = system.client().post(f"{system.url}/chat", json=said, headers={"X-Bellhop-Canary": order}, timeout=30)
        assert answer.status_code == 403
        assert answer.json()["field"] == "X-Bellhop-Canary"
        assert "RateLimit" not in answer.headers
    assert left(firestore, "forger@example.com")["conversations"] == 0
    assert requests.post(f"{system.url}/canary", timeout=30).status_code == 401
