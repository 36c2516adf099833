"""Slack's webhook was revoked, and its version of the secret disabled: a new one is made and deployed."""

import psutil

from tests.support.cloud_project import PROJECT
from tests.support.gamedays.visitors import audit_entry
from tests.support.local_system import eventually

SECRET = "SLACK_WEBHOOK_URL"


def webhook_of(system):
    """The webhook that Slack's stand-in accepts."""
    [pid, *_] = system.info["functions"]["deliver_alert"]["pids"]
    return psutil.Process(pid).environ()[SECRET]


def waiting(system):
    """What waits for Slack."""
    return system.console("dead_letters?status=pending&channel=slack")["dead_letters"]


def test_the_day(day, tmp_path):
    """What waited goes out by itself after the change, and the old version is disabled for good."""
    system, lines = day.system, tmp_path / "new-secret"
    good = webhook_of(system)
    lines.write_text(f"{SECRET}={good}\n", encoding="utf-8")
    day.given(SECRET=SECRET, VERSION="1", FUNCTIONS="deliver_alert", LINES=str(lines))
    before = day.leads(2)
    eventually(lambda: all(system.received(email) for email in before))  # or they would wait, too
    version = f"projects/{PROJECT}/secrets/{SECRET}/versions/1"
    day.begins("Slack's webhook is revoked")
    system.local("PUT", "functions/deliver_alert/settings", json={SECRET: good.rpartition("/")[0] + "/revoked"})
    day.cloud.state.resources[version]["state"] = "DISABLED"
    method = "google.cloud.secretmanager.v1.SecretManagerService.DisableSecretVersion"
    day.running.says(audit_entry("audited_resource", method, version))
    emails = day.leads(4)
    day.fires("secret-revoked")
    eventually(lambda: len(waiting(system)) == len(emails))
    seen = day.follows("How to see it")
    assert "1\tdisabled" in seen
    assert seen.count("invalid_token") == len(emails)
    day.follows("Recovery")
    assert not lines.exists()
    day.recovers(lambda: all(system.received(email) for email in emails))
    day.follows("How to know it worked")
    assert day.cloud.state.resources[version]["state"] == "DISABLED"
    day.follows("How to undo it")
    day.loses_nothing()
