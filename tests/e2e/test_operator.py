"""The operator's day on the running system: a lead fails, a person is told, and it is sent again or waived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import requests

from shared.adapters.firestore import Database
from shared.adapters.firestore_redrives import FirestoreRedrives
from shared.ports.operations import Action, Selection, Wanted
from tests.support.local_system import ROOT, eventually

REFUSED = "invalid_payload"  # Slack refuses this very message: failed at once, and escalated


def ops(system, *arguments):
    """Run a command as an operator does, without a key in the environment."""
    environ = {name: value for name, value in os.environ.items() if name != "ADMIN_API_KEY"}
    return subprocess.run(
        [sys.executable, "-m", "infra.ops", *arguments, "--url", system.url],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def answer_of(system, *arguments, status=0):
    """The JSON a command prints; a status of None is any."""
    done = ops(system, *arguments, "--json")
    assert status in (None, done.returncode), done.stdout + done.stderr
    return json.loads(done.stdout)


def failed_at_slack(system):
    """A lead whose alert failed at Slack; its address and the alert's id."""
    system.broken(REFUSED)
    email = system.lead()

    def found():
        alerts = answer_of(system, "alerts", "--email", email)["alerts"]
        return [alert for alert in alerts if (alert["channel"], alert["state"]) == ("slack", "failed")]

    [alert] = eventually(found)
    system.healed()
    return email, alert["id"]


def test_a_failed_alert_is_looked_up_and_redriven(system):
    """Found by the lead's address with its attempts and its escalation; sent again, it arrives once."""
    email, alert_id = failed_at_slack(system)
    eventually(lambda: answer_of(system, "alerts", "--id", alert_id)["alerts"][0]["escalated_at"])
    assert any(
        item["id"] == alert_id for item in answer_of(system, "dead-letters", "--status", "failed")["dead_letters"]
    )
    redrive = answer_of(system, "redrive", alert_id, "--reason", "mended")
    assert (redrive["state"], redrive["queued"], redrive["skipped"]) == ("done", 1, 0)
    eventually(lambda: system.received(email))
    [alert] = answer_of(system, "alerts", "--id", alert_id)["alerts"]
    assert (alert["epoch"], alert["dead_letter"]) == (2, None)
    assert len(system.received(email)) == 1
    answer_of(system, "redrive", alert_id, status=1)


def test_a_failed_alert_is_waived(system):
    """With its reason; it is not sent, and not waived twice."""
    email, alert_id = failed_at_slack(system)
    assert answer_of(system, "waive", alert_id, "--reason", "called the lead") == {"state": "waived"}
    assert ops(system, "waive", alert_id, "--reason", "again").returncode == 1
    [alert] = answer_of(system, "alerts", "--id", alert_id)["alerts"]
    assert (alert["state"], alert["dead_letter"]) == ("waived", "waived")
    assert system.received(email) == []


def test_conservation_balances_until_an_alert_is_lost(system):
    """Exit 1 with the alert's name, and balanced again once it is back."""
    email = system.lead()
    eventually(lambda: system.received(email))
    assert answer_of(system, "conservation")["balanced"]
    alerts = answer_of(system, "alerts", "--email", email)["alerts"]
    [alert_id] = [alert["id"] for alert in alerts if alert["channel"] == "slack"]
    client = system.firestore()
    try:
        document = client.collection("alerts").document(alert_id)
        kept = document.get().to_dict()
        document.delete()
        found = answer_of(system, "conservation", status=1)
        assert [alert["id"] for alert in found["alerts"]] == [alert_id]
        assert alert_id in ops(system, "conservation").stdout
        document.set(kept)
    finally:
        client.close()
    assert ops(system, "conservation").returncode == 0


def test_f34_without_the_key_the_console_tells_nothing(system):
    """Not even what there is."""
    for path in ("", "/conservation", "/nothing"):
        assert requests.get(f"{system.url}/admin_console{path}", timeout=10).status_code == 401
    key = {"X-ADMIN-API-KEY": system.info["admin_api_key"]}
    assert requests.get(f"{system.url}/admin_console/nothing", headers=key, timeout=10).status_code == 404
    wrong = requests.post(f"{system.url}/admin_console/dead_letters/redrive", headers=key, json={}, timeout=10)
    assert (wrong.status_code, wrong.json()["field"]) == (400, "ids")


def test_a_redrive_whose_process_died_is_finished_by_the_sweep(system, monkeypatch):
    """As the end of the process right after the redrive's first commit leaves it; its alert goes out once."""
    email, alert_id = failed_at_slack(system)
    info = system.info
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", info["firestore"])
    database = Database(info["project"])
    redrive_id = uuid.uuid4().hex
    selection = Selection((alert_id,), Wanted(("failed",)))
    FirestoreRedrives(database).begin(redrive_id, selection, Action(redrive_id, "redrive", {}, None, None))
    database.client.close()
    console, key = f"{system.url}/admin_console", {"X-ADMIN-API-KEY": info["admin_api_key"]}

    def done():
        system.local("POST", "jobs/retry_dead_letters/run")
        answer = requests.get(f"{console}/redrives/{redrive_id}", headers=key, timeout=30).json()
        return answer if answer["state"] == "done" else None

    assert eventually(done, seconds=60)["queued"] == 1
    eventually(lambda: system.received(email))
    assert len(system.received(email)) == 1
