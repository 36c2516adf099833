"""Somebody deletes an alert by hand before it is sent: the hourly count tells of it, and it is brought back."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.gamedays.cloud_firestore import as_in_the_cloud, sample_again
from tests.support.local_system import eventually


def test_an_alert_that_was_deleted_is_named_and_brought_back(day):
    """It was waiting: once it is there again it is sent, and every alert is accounted for."""
    system = day.system
    day.leads()
    system.local("POST", "queues/slack/pause")
    [email] = day.leads()
    client = system.firestore()
    try:
        alert = eventually(lambda: system.alerts_of(email, client).get(("slack", "lead")))
        at = datetime.now(UTC)
        day.begins("an alert that waits is deleted by hand")
        client.document("alerts", alert["id"]).delete()
        system.local("POST", "queues/slack/resume")
        sample_again(system)
        day.fires("not-balanced")
    finally:
        client.close()
    as_in_the_cloud(day)
    day.given(ALERT_ID=alert["id"], CONVERSATION_ID=alert["conversation_id"], AT=at.isoformat())
    said = day.follows("How to see it", exits={"python -m infra.ops conservation": 1})
    assert alert["id"] in said
    assert email in said
    day.follows("Causes, likeliest first")
    said = day.follows("Recovery")
    assert f"alerts/{alert['id']}" in said
    day.recovers(lambda: system.received(email))
    assert "every alert is accounted for" in day.follows("How to know it worked")
    day.loses_nothing()
