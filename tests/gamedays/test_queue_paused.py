"""Slack's queue is paused and purged: nothing goes out, and nobody would know before the next day."""

from tests.support.cloud_project import PROJECT
from tests.support.gamedays.day import REGION
from tests.support.gamedays.visitors import audit_entry


def stopped(day, verb):
    """Somebody does it with gcloud, and Cloud Tasks says so in the audit log."""
    ended = day.cloud.gcloud(("tasks", "queues", verb, "slack", f"--location={REGION}", f"--project={PROJECT}"), None)
    assert ended.status == 0, ended.err
    queue = f"projects/{PROJECT}/locations/{REGION}/queues/slack"
    day.running.says(audit_entry("cloud_tasks_queue", f"google.cloud.tasks.v2.CloudTasks.{verb.title()}Queue", queue))


def test_the_day(day):
    """What came while it stood still arrives after it is resumed, once, and what was purged too."""
    try:
        play(day)
    finally:
        day.system.local("POST", "queues/slack/resume")


def play(day):
    """The whole day."""
    day.leads(2)
    day.given(QUEUE="slack")
    day.begins("a queue is paused and purged")
    stopped(day, "pause")
    emails = day.leads(4)
    stopped(day, "purge")
    emails += day.leads(2)
    day.fires("queue-paused")
    assert "slack\tPAUSED" in day.follows("How to see it")
    assert [email for email in emails if day.system.received(email)] == []
    day.follows("Recovery")
    day.recovers(lambda: all(day.system.received(email) for email in emails))
    day.follows("How to know it worked")
    day.loses_nothing()
