"""What the team hears of when a destination is down for good, blocked for a while, or everything dies at once."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.cloud.firestore_v1.base_query import And, FieldFilter

from tests.support.local_system import eventually


@pytest.fixture
def firestore(system):
    """A client of the system's Firestore."""
    client = system.firestore()
    yield client
    client.close()


def test_slack_down_for_good_is_told_by_mail(system, firestore):
    """Three quick attempts and five scheduled ones, then one mail that says what to do; within a minute."""
    system.broken("500")
    email = system.lead()
    [mail] = eventually(lambda: system.received(email, "smtp"), seconds=60)
    alert = system.alerts_of(email, firestore)["slack", "lead"]
    assert (alert["state"], alert["attempts"], len(alert["history"])) == ("failed", 8, 8)
    assert mail["subject"].startswith("Not delivered to Slack")
    assert f"python -m infra.ops redrive {alert['id']}" in mail["text"]
    letter = firestore.document("dead_letters", alert["id"]).get().to_dict()
    assert (letter["status"], letter["cause"]) == ("failed", "http_500")
    eventually(lambda: firestore.document("dead_letters", alert["id"]).get().get("escalated_at"))
    assert len(system.received(email, "monday")) == 1
    system.healed()
    system.local("POST", "jobs/retry_dead_letters/run")
    assert (len(system.received(email, "smtp")), len(system.received(email))) == (1, 0)


def test_f10_fifty_alerts_wait_for_a_repair_and_then_arrive(system, firestore):
    """No attempt used, one notice by mail, no hot retry; after the repair all of them, approximately oldest first."""
    first = system.lead()
    eventually(lambda: system.received(first), seconds=60)  # so that no earlier test's breaker is open any more
    before = len(system.received("Slack is blocked", "smtp"))
    system.broken("no_active_hooks")
    emails = [system.lead() for _ in range(50)]
    wanted = (FieldFilter("channel", "==", "slack"), FieldFilter("blocked", "==", True))
    blocked = firestore.collection("alerts").where(filter=And(wanted))
    waiting = [found.to_dict() for found in eventually(lambda: waiting_all(blocked))]
    assert {alert["attempts"] for alert in waiting} == {0}
    assert {alert["cause"] for alert in waiting} == {"no_active_hooks"}
    assert len(eventually(lambda: system.received("Slack is blocked", "smtp")[before:])) == 1
    system.healed()
    eventually(lambda: all(system.received(email) for email in emails), seconds=60)
    shown = [message["text"] for message in system.local("GET", "slack/received")]
    places = [next(place for place, text in enumerate(shown) if email in text) for email in emails]
    assert all(abs(place - sorted(places)[rank]) < 25 for rank, place in enumerate(places))
    assert all(len(system.received(email)) == 1 for email in emails)
    assert len(system.received("Slack is blocked", "smtp")[before:]) == 1


def waiting_all(query):
    """All fifty, or none yet."""
    found = list(query.stream())
    return found if len(found) == 50 else []


def test_f23_everything_purged_and_killed_in_the_middle_of_two_hundred_alerts(system, firestore):
    """Whoever got an answer is a lead that both channels show, Monday.com once; nothing is left over."""
    run = uuid.uuid4().hex[:8]
    clients = [system.client() for _ in range(200)]
    struck, accepted = threading.Event(), []

    def visit(number: int) -> None:
        for again in range(8):
            with contextlib.suppress(requests.RequestException):
                answer = clients[number].post(
                    f"{system.url}/chat",
                    json={"message": f"Hi, call me, {run}-{number}@example.com"},
                    headers={"Idempotency-Key": f"{run}-{number}"},
                    timeout=30,
                )
                if answer.status_code == 200:
                    accepted.append(f"{run}-{number}@example.com")
                    return
            struck.wait(0.3 * again)

    with ThreadPoolExecutor(8) as visitors:
        visits = [visitors.submit(visit, number) for number in range(200)]
        eventually(lambda: len(accepted) > 40)
        for _ in range(2):
            for name in ("deliver_alert", "chat", "retry_dead_letters"):
                system.local("POST", f"functions/{name}/kill")
            for name in ("slack", "monday", "email"):
                system.local("POST", f"queues/{name}/purge")
        for visited in visits:
            visited.result()
    assert len(accepted) > 180  # whoever was being answered by what was killed keeps a claim for a minute
    for destination in ("slack", "monday"):
        eventually(lambda name=destination: {*accepted} <= emails_in(system, name, run), seconds=90)
    shown = Counter(item["name"] for item in system.local("GET", "monday/received") if run in item["name"])
    assert set(shown.values()) == {1}
    eventually(lambda: not any(in_transit(firestore)))


def emails_in(system, destination, run):
    """The addresses of a run that a destination shows."""
    shown = system.local("GET", f"{destination}/received")
    words = " ".join(str(each) for each in shown).replace("'", " ").split()
    return {word for word in words if word.startswith(run) and word.endswith("@example.com")}


def in_transit(firestore):
    """Alerts that are not in a final state."""
    states = ("queued", "sending", "parked")
    return firestore.collection("alerts").where(filter=FieldFilter("state", "in", states)).limit(1).stream()
