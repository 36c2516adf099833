"""A storm on the whole system: a breaker opens, leads wait without an attempt, and all are read of after the repair."""

from __future__ import annotations

import json

import pytest

from tests.support.local_system import LocalSystem, eventually

LEADS = 30


@pytest.fixture(scope="module")
def storm():
    """A system that tells of many in one message soon."""
    started = LocalSystem(BELLHOP_FAST="1", DIGEST_THRESHOLD="10", BELLHOP_PACES="slack=20", LEAD_CHANNELS="slack")
    yield started.wait()
    started.stop()


def alerts(client):
    """Every lead's alert."""
    return [found.to_dict() | {"id": found.id} for found in client.collection("alerts").stream()]


def test_f21_a_storm_ends_in_digests_and_nobody_is_lost(storm):
    """Slack is ill: few requests reach it. It is well again: everybody is read of, once, and the books balance."""
    client = storm.firestore()
    try:
        storm.broken("500")
        emails = [storm.lead() for _ in range(LEADS)]
        opened = eventually(lambda: client.document("breakers/slack").get().to_dict())
        eventually(lambda: client.document("breakers/slack").get().get("state") != "closed")
        assert opened["mode"] == "auto"
        waiting = eventually(lambda: held_up(client))
        assert {alert["cause"] for alert in waiting if alert["attempts"] == 0} == {"breaker_open"}
        storm.healed()
        eventually(lambda: all(storm.received(email) for email in emails), seconds=60)
        shown = storm.local("GET", "slack/received")
        digests = [message for message in shown if "leads that waited" in json.dumps(message)]
        assert digests
        for alert in alerts(client):
            of_it = [message for message in shown if alert["id"] in json.dumps(message)]
            assert len(of_it) == 1, alert
        eventually(lambda: {alert["state"] for alert in alerts(client)} == {"delivered"})
        assert client.document("breakers/slack").get().get("state") == "closed"
        assert not list(client.collection("dead_letters").limit(1).stream())
    finally:
        client.close()


def held_up(client):
    """The alerts that wait for the breaker, once most of them do."""
    found = [alert for alert in alerts(client) if alert.get("blocked")]
    return found if len(found) > LEADS // 2 else []
