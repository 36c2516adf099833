"""A person forces Slack's breaker open and forgets it; a day later a person is told, and the leads go out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from tests.support.local_system import eventually

DAY = timedelta(hours=25)


def test_alerts_that_waited_for_a_day_are_told_of_and_go_out(day):
    """Nobody is told twice of one; nothing that waits is lost meanwhile."""
    system = day.system
    day.leads()
    day.begins("Slack's breaker is forced open and forgotten for a day")
    forced(system, "open")
    client = system.firestore()
    try:
        waiting = held_up(day, client)
        for alert in waiting.values():
            client.document("alerts", alert["id"]).update({"created_at": datetime.now(UTC) - DAY})
    finally:
        client.close()
    emails = list(waiting)
    day.fires("alerts-overdue")
    told = eventually(lambda: [mail for mail in system.local("GET", "smtp/received") if emails[0] in mail["text"]])
    assert all(email in told[0]["text"] for email in emails)
    day.given(CHANNEL="slack")
    said = day.follows("How to see it", exits={"python -m infra.ops overview": 1})
    assert "3 alerts for Slack have been waiting for longer than is allowed" in said
    said = day.follows("Causes, likeliest first")
    assert "RUNNING" in said
    day.follows("Recovery")
    day.recovers(lambda: all(system.received(email) for email in emails))
    assert "no dead letters" in day.follows("How to know it worked")
    day.loses_nothing()
    assert len([mail for mail in system.local("GET", "smtp/received") if emails[0] in mail["text"]]) == 1


def forced(system, mode):
    """Somebody says how the breaker stands."""
    answer = requests.post(
        f"{system.url}/admin_console/breakers/slack",
        headers={"X-ADMIN-API-KEY": system.info["admin_api_key"]},
        json={"mode": mode, "by": "ana", "reason": "they do maintenance until noon"},
        timeout=30,
    )
    assert answer.ok, answer.text


def held_up(day, client):
    """Three leads that wait for the breaker; instances hear of it within two seconds, one may still be sent."""
    waiting = {}
    while len(waiting) < 3:
        [email] = day.leads()
        alert = eventually(lambda email=email: rests(day.system.alerts_of(email, client).get(("slack", "lead"))))
        if alert["state"] == "parked":
            waiting[email] = alert
    return waiting


def rests(alert):
    """An alert once it waits for a breaker, or was sent."""
    return alert if alert and alert["state"] in ("parked", "delivered") else None
