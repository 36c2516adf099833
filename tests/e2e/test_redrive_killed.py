"""A redrive of very many dead letters, whose function is killed on the way: each is queued once, and none forgotten.

``BELLHOP_REDRIVES=5000`` makes it as large as an outage of a day; a few hundred show the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from shared.adapters.firestore_documents import alert_document, dead_letter_document, tally_id
from shared.domain.alert import Attempt, State
from tests.support.local_system import LocalSystem
from tests.support.turns import alert

NUMBER = int(os.environ.get("BELLHOP_REDRIVES", "400"))
BATCH = 200
SECONDS = 120 + NUMBER * 0.4
REASON = "Slack was down"


@pytest.fixture
def own_system():
    """A system of its own, whose queue of Slack stands still: what is queued stays to be counted."""
    system = LocalSystem(BELLHOP_FAST="1").wait()
    system.local("POST", "queues/slack/pause")
    yield system
    assert system.stop() == 0, "\n".join(system.said)


def failed_alerts(client):
    """So many alerts that failed, with their dead letters, counted as accepted; their ids."""
    now = datetime.now(UTC) - timedelta(minutes=10)
    names = [f"dead{number:06}" for number in range(NUMBER)]
    for start in range(0, NUMBER, BATCH):
        batch = client.batch()
        for name in names[start : start + BATCH]:
            made = alert(name, conversation_id=f"c-{name}", channel="slack", kind="lead", created_at=now)
            line = Attempt(now, "retry", "http_500")
            after = replace(made, state=State.FAILED, wake_at=None, cause="http_500", ended_at=now, history=(line,))
            batch.set(client.document(f"alerts/{name}"), alert_document(after))
            letter = dead_letter_document(after) | {"entered_at": now, "escalated_at": now}
            batch.set(client.document(f"dead_letters/{name}"), letter)
        batch.commit()
    tally = {"channel": "slack", "kind": "lead", "accepted": NUMBER, "archived": 0}
    client.document(f"tallies/{tally_id('slack', 'lead', names[0])}").set(tally, merge=True)
    return names


@pytest.mark.timeout(int(SECONDS) + 300)
def test_a_redrive_whose_function_is_killed_halfway_queues_each_once(own_system):
    """The function that began it and the one that goes on are killed; progress ends at all; who and why are kept."""
    client = own_system.firestore()
    try:
        names = failed_alerts(client)
        key = {"X-ADMIN-API-KEY": own_system.info["admin_api_key"]}
        body = {"cause": "http_500", "reason": REASON, "by": "ana"}

        def ask():
            with contextlib.suppress(requests.RequestException):  # it is killed while it answers
                url = f"{own_system.url}/admin_console/dead_letters/redrive"
                requests.post(url, headers=key, json=body, timeout=60)

        def stands():
            return [each.to_dict() for each in client.collection("redrives").stream()]

        def reached(count):
            ends = time.monotonic() + SECONDS
            while time.monotonic() < ends:
                if any(each["selected"] >= count or each["state"] == "done" for each in stands()):
                    return
                time.sleep(0.1)
            pytest.fail(f"{count} were not reached: {stands()}")

        asking = threading.Thread(target=ask)
        asking.start()
        reached(1)
        own_system.local("POST", "functions/admin_console/kill")
        asking.join()
        [begun] = stands()
        assert begun["state"] == "running", "it was done before it was killed: take more"
        reached(NUMBER // 2)
        own_system.local("POST", "functions/retry_dead_letters/kill")
        reached(NUMBER + 1)  # until it is done

        [action] = own_system.console("operator_audit")["actions"]
        assert (action["action"], action["by"], action["reason"]) == ("redrive", "ana", REASON)
        progress = own_system.console(f"redrives/{action['id']}")
        assert {name: progress[name] for name in ("state", "total", "selected", "queued", "skipped")} == {
            "state": "done",
            "total": NUMBER,
            "selected": NUMBER,
            "queued": NUMBER,
            "skipped": 0,
        }
        alerts = {each.id: each.to_dict() for each in client.collection("alerts").stream()}
        assert set(alerts) == set(names)
        assert {(each["state"], each["epoch"], each["attempts"]) for each in alerts.values()} == {("queued", 2, 0)}
        assert list(client.collection("dead_letters").limit(1).stream()) == []
        assert own_system.console("conservation")["balanced"]
    finally:
        client.close()
