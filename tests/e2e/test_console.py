"""The console's data on the running system: an outage seen and ended by hand, jobs, a lead, and a bundle replayed."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.e2e.test_operator import REFUSED, answer_of, failed_at_slack, ops
from tests.support.local_system import LocalSystem, eventually

PHONE = "+48601234567"


@pytest.fixture
def breaker_left_alone(system):
    """The system, whose breaker of Slack is back to automatic afterwards."""
    yield system
    answer_of(system, "breaker", "slack", "auto")


def alert_at(system, email, channel, state):
    """The alert of an address at a channel once it is in a state."""

    def found():
        lines = answer_of(system, "leads", "--email", email)["conversations"][0]["alerts"]
        return [each for each in lines if (each["channel"], each["state"]) == (channel, state)]

    return eventually(found)[0]


def held_up(system):
    """A lead that waits for Slack, and its alert: for two seconds instances may still know a breaker as it was."""

    def found():
        email = system.lead()
        [alert] = eventually(lambda: [*at_rest(email)])
        return (email, alert) if alert["state"] == "parked" else None

    def at_rest(email):
        lines = answer_of(system, "leads", "--email", email)["conversations"][0]["alerts"]
        return (each for each in lines if each["channel"] == "slack" and each["state"] in ("parked", "delivered"))

    return eventually(found, 60)


def test_a_forced_breaker_holds_a_lead_up_and_lets_it_out(breaker_left_alone):
    """Parked while it is open, delivered once it is closed, without anybody redriving; and who said so is on record."""
    system, said = breaker_left_alone, ("--reason", f"drill {uuid.uuid4().hex}", "--by", "ana")
    assert answer_of(system, "breaker", "slack", "open", *said)["state"] == "open"
    email, parked = held_up(system)
    assert (parked["cause"], parked["runbook"]) == ("breaker_open", "breaker-open.md")
    assert system.received(email) == []
    overview = answer_of(system, "overview", status=1)
    assert ("breaker_forced", "slack") in [(each["what"], each["channel"]) for each in overview["danger"]["reasons"]]
    assert overview["danger"]["level"] == "danger"  # it will not end by itself
    assert "breaker-open.md" in ops(system, "overview").stdout
    assert answer_of(system, "breaker", "slack", "closed", *said)["draining"] is True
    eventually(lambda: system.received(email))
    alert_at(system, email, "slack", "delivered")
    actions = answer_of(system, "operator-audit", "--limit", "200")["actions"]
    mine = [each for each in actions if each["reason"] == said[1]]
    assert [(each["subject"]["mode"], each["by"]) for each in mine] == [("closed", "ana"), ("open", "ana")]


def test_jobs_are_seen_paused_resumed_and_run(system):
    """As Cloud Scheduler has them; a job that is paused is watched; what is asked again is as it is."""
    jobs = {job["name"]: job for job in answer_of(system, "jobs")["jobs"]}
    assert {"cleanup", "cleanup_daily", "retry_dead_letters", "send_followups"} <= set(jobs)
    assert jobs["retry_dead_letters"]["schedule"] == "*/5 * * * *"
    try:
        for _ in range(2):
            assert answer_of(system, "job", "send_followups", "pause", "--reason", "drill")["state"] == "paused"
        watched = answer_of(system, "overview", status=None)["danger"]["reasons"]  # other tests leave alerts
        assert [each["says"] for each in watched if each["what"] == "job_stopped"] == [
            "the job send_followups does not run"
        ]
    finally:
        for _ in range(2):
            assert answer_of(system, "job", "send_followups", "resume")["state"] == "enabled"
    before = jobs["cleanup_daily"]["last_run_at"]
    answer_of(system, "job", "cleanup_daily", "run", "--by", "ana")

    def ran():
        job = next(job for job in answer_of(system, "jobs")["jobs"] if job["name"] == "cleanup_daily")
        return job["last_run_at"] != before and job["last_outcome"] == "succeeded"

    eventually(ran)
    assert ops(system, "job", "no_such_job", "run").returncode == 1
    actions = answer_of(system, "operator-audit")["actions"]
    assert ("job_run", "ana") in [(each["action"], each["by"]) for each in actions]


def test_the_clean_up_samples_the_counts_for_the_charts(system):
    """A point a minute at most, with what every channel has; and a verdict of the whole."""
    email = system.lead()
    eventually(lambda: system.received(email))
    client = system.firestore()
    try:  # this minute may have its sample already, from before the lead
        for document in client.collection("samples").list_documents():
            document.delete()
    finally:
        client.close()
    system.local("POST", "jobs/cleanup/run")
    points = eventually(lambda: answer_of(system, "history")["points"])
    assert points[-1]["channels"]["slack"]["accepted"] >= points[-1]["channels"]["slack"]["delivered"] >= 0
    minutes = [point["at"][:16] for point in points]
    assert len(minutes) == len(set(minutes))
    overview = answer_of(system, "overview", status=None)
    assert overview["balanced_at"] is not None
    assert overview["channels"]["slack"]["accepted"] >= 1


def test_a_lead_is_found_with_the_link_to_its_item(system):
    """By number, address and the session's id; Monday.com's item is linked, of Slack it is said why not."""
    client = system.client()
    email = f"ana-{uuid.uuid4().hex[:12]}@example.com"
    answer = system.write(f"Call me please, {email}", client=client, name="Ana Kowalska", phone=PHONE).json()
    delivered = alert_at(system, email, "monday", "delivered")
    assert delivered["url"].startswith("https://local.monday.com/boards/")
    [found] = answer_of(system, "leads", "--id", answer["session_id"])["conversations"]
    assert (found["id"], found["monday_item_url"]) == (answer["conversation_id"], delivered["url"])
    by_phone = answer_of(system, "leads", "--phone", "601 234 567")["conversations"]
    assert answer["conversation_id"] in [each["id"] for each in by_phone]
    assert [each["email"] for each in answer_of(system, "leads", "--id", delivered["id"])["conversations"]] == [email]
    talk = answer_of(system, "conversation", answer["conversation_id"])
    assert [email in turn["question"] for turn in talk["turns"]] == [True]
    assert ops(system, "leads", "--email", "nobody@example.com").returncode == 1


@pytest.fixture(scope="module")
def clean_system():
    """Another system, which nobody has used."""
    system = LocalSystem(BELLHOP_FAST="1").wait()
    yield system
    assert system.stop() == 0, "\n".join(system.said)


def test_a_bundle_replays_on_a_clean_system(system, clean_system, tmp_path):
    """The same outcome appears; nothing personal is in it; a bundle that says another cause is told from it."""
    system.broken(REFUSED)
    personal = {
        "name": "Zofia Brzęczyszczykiewicz",
        "email": f"zofia-{uuid.uuid4().hex[:12]}@example.com",
        "phone": "+48602345678",
    }
    message = "Proszę o wycenę kuchni na ulicy Chmielnej 7"
    answer = system.write(message, **personal).json()
    alert_id = alert_at(system, personal["email"], "slack", "failed")["id"]
    system.healed()
    file = tmp_path / "bundle.json"
    taken = ops(system, "bundle", alert_id, "--output", str(file), "--reason", "to look into it")
    assert taken.returncode == 0, taken.stderr
    text = file.read_text(encoding="utf-8")
    for value in (*personal.values(), *message.split(), *personal["name"].split(), answer["conversation_id"], alert_id):
        assert len(value) < 3 or value not in text
    replayed = answer_of(clean_system, "replay", str(file))
    assert replayed["same"] is True
    assert (replayed["replay"]["cause"], replayed["state"]) == (REFUSED, "failed")
    told = json.loads(text)
    told["attempts"][-1]["cause"] = "http_500"
    file.write_text(json.dumps(told), encoding="utf-8")
    other = answer_of(clean_system, "replay", str(file), status=1)
    assert (other["same"], other["replay"]["attempt_cause"], other["state"]) == (False, "http_500", "parked")


def test_what_no_local_system_can_bring_about_is_said(clean_system, tmp_path):
    """A file that is none, another format, and a cause without a fault: one line each, and nothing is made."""
    file = tmp_path / "bundle.json"
    bundle = {"format": "bellhop-replay-1", "alert": {"channel": "slack", "cause": "lease_expired"}}
    bundle["attempts"] = [{"after_seconds": 1, "outcome": "unknown", "cause": "lease_expired"}]
    for text, said in (
        ("{", "is no bundle"),
        ("{}", "is no bundle of the format"),
        (json.dumps(bundle | {"alert": {"channel": "apprise"}}), "has no apprise"),
        (json.dumps(bundle), "cannot bring about lease_expired"),
    ):
        file.write_text(text, encoding="utf-8")
        refused = ops(clean_system, "replay", str(file))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert said in refused.stderr


def test_a_dead_letter_that_was_redriven_leaves_its_record(system):
    """Who, why and which; as the console lists it."""
    _, alert_id = failed_at_slack(system)
    answer_of(system, "redrive", alert_id, "--reason", "mended", "--by", "ana")
    actions = answer_of(system, "operator-audit")["actions"]
    assert ("redrive", "ana", "mended", [alert_id]) in [
        (each["action"], each["by"], each["reason"], each["subject"].get("ids")) for each in actions
    ]
