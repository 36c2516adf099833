"""From a visitor's message to Slack, through every part, and through the faults on the way."""

import uuid

import requests

from tests.support.local_system import eventually


def test_a_lead_reaches_slack_once(system):
    """The visitor gets an answer; Slack holds exactly one message naming them, within two seconds."""
    email = f"ana-{uuid.uuid4().hex[:8]}@example.com"
    answer = system.write(f"Hi, call me, {email}")
    assert answer.status_code == 200
    assert answer.json()["response"]
    assert answer.json()["session_id"]
    assert answer.json()["conversation_id"]
    eventually(lambda: system.received(email), seconds=2)
    assert len(system.received(email)) == 1


def test_a_lead_reaches_monday_beside_slack(system):
    """One alert for each channel of leads: one item on the board, and Slack's fault is none of its business."""
    system.broken("500")
    email = system.lead()
    items = eventually(lambda: system.received(email, "monday"))
    assert [item["column_values"]["email_lead"]["email"] for item in items] == [email]
    assert system.received(email) == []
    system.healed()
    eventually(lambda: system.received(email))


def test_slack_down_for_a_while_then_healed(system):
    """What Slack answered with 500 arrives once after it is healed."""
    system.broken("500")
    email = system.lead()
    eventually(lambda: any(alert["cause"] == "http_500" for alert in system.local("GET", "alerts")["alerts"]))
    system.healed()
    eventually(lambda: system.received(email))
    assert len(system.received(email)) == 1


def test_f23_a_purged_queue_is_rebuilt_by_the_job(system):
    """An alert whose task was purged is queued again by the next sweep."""
    system.local("POST", "queues/slack/pause")
    email = system.lead()
    system.local("POST", "queues/slack/purge")
    system.local("POST", "queues/slack/resume")

    def swept():
        system.local("POST", "jobs/retry_dead_letters/run")
        return system.received(email)

    eventually(swept)
    assert len(system.received(email)) == 1


def test_f05_killed_while_it_sends(system):
    """A delivery killed in mid-send arrives all the same; a repeat carries the alert's id and is marked."""
    system.broken("timeout")
    email = system.lead()

    def sending():
        alerts = system.local("GET", "alerts")["alerts"]
        return any((alert["channel"], alert["state"]) == ("slack", "sending") for alert in alerts)

    eventually(sending)
    system.local("POST", "functions/deliver_alert/kill")
    system.healed()
    messages = eventually(lambda: system.received(email))
    assert len(messages) == 1
    assert "ossible duplicate" in str(messages[0])


def test_slack_blocked_parks_without_hot_retries(system):
    """A revoked webhook parks the alert with its cause; after the repair it goes out by itself."""
    system.broken("no_active_hooks")
    email = system.lead()
    parked = eventually(
        lambda: [alert for alert in system.local("GET", "alerts")["alerts"] if alert["cause"] == "no_active_hooks"]
    )
    assert parked[0]["state"] == "parked"
    assert parked[0]["attempts"] == 0
    system.healed()
    eventually(lambda: system.received(email))
    assert len(system.received(email)) == 1


def test_a_kill_of_chat_does_not_lose_the_next_visitor(system):
    """A chat whose function was killed is answered by the one that starts in its place."""
    system.local("POST", "functions/chat/kill")
    assert system.write("What are your opening hours?").status_code == 200


def test_deliver_alert_lets_only_its_own_tasks_in(system):
    """Without a token, or with one for another audience: 401 or 403."""
    url = f"{system.url}/deliver_alert"
    body = {"alert_id": "0" * 32, "generation": 1}
    assert requests.post(url, json=body, timeout=10).status_code in {401, 403}
    forged = {"Authorization": "Bearer aaaa.bbbb.cccc", "X-CloudTasks-TaskName": "x", "X-CloudTasks-QueueName": "slack"}
    assert requests.post(url, json=body, headers=forged, timeout=10).status_code in {401, 403}
