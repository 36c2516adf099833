"""Somebody changes an alert by hand while it waits, so that no version can read it: it is mended, and goes out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.gamedays.cloud_firestore import as_in_the_cloud
from tests.support.local_system import eventually


@pytest.mark.parametrize("changed", [{"history": "none"}, {"attempts": "three"}], ids=["a list", "a number"])
def test_an_alert_that_cannot_be_read_takes_its_form_again(day, changed):
    """The others are not held up meanwhile; it is sent once."""
    system = day.system
    day.leads()
    system.local("POST", "queues/slack/pause")
    [email] = day.leads()
    client = system.firestore()
    try:
        alert = eventually(lambda: system.alerts_of(email, client).get(("slack", "lead")))
        at = datetime.now(UTC)
        day.begins(f"{next(iter(changed))} of an alert that waits is changed by hand")
        client.document("alerts", alert["id"]).update(changed)
    finally:
        client.close()
    system.local("POST", "queues/slack/resume")
    day.fires("poison-alert")
    [other] = day.leads()
    eventually(lambda: system.received(other))
    assert not system.received(email)
    as_in_the_cloud(day)
    day.given(ALERT_ID=alert["id"], AT=at.isoformat())
    said = day.follows("How to see it")
    assert alert["id"] in said
    assert email in said
    day.follows("Causes, likeliest first")
    assert "mended" in day.follows("Recovery")
    day.recovers(lambda: system.received(email))
    assert "every alert is accounted for" in day.follows("How to know it worked")
    day.loses_nothing()
