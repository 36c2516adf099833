"""Slack's webhook was revoked; somebody makes a new one."""

from __future__ import annotations

from tests.gamedays.test_secret_revoked import webhook_of
from tests.support.cloud_project import PROJECT

FUNCTION = f"projects/{PROJECT}/locations/europe-west1/functions/deliver-alert"


def test_what_waits_for_a_revoked_webhook_goes_out_after_the_repair(day):
    """No attempt is used up; the function has the new secret's version by the page's own command."""
    system = day.system
    day.leads()
    day.begins("Slack's webhook is revoked: its alerts wait for a repair")
    system.broken("no_active_hooks")
    emails = day.leads(6)
    day.fires("destination-blocked")
    day.given(CHANNEL="slack")
    assert "no_active_hooks" in day.follows("How to see it")
    new_version(day)
    system.healed()  # the new webhook's side
    day.follows("Recovery")
    assert version(day) == "2"
    day.recovers(lambda: all(system.received(email) for email in emails) and not waiting(system))
    said = day.follows("How to know it worked")
    assert "destination_repaired" in said
    assert "no dead letters" in said
    day.loses_nothing()


def waiting(system):
    """What waits for Slack."""
    return system.console("dead_letters?channel=slack&status=pending")["dead_letters"]


def new_version(day):
    """What the page about secrets tells to do: a version with the new value, and its number in the place's file."""
    line = f"SLACK_WEBHOOK_URL={webhook_of(day.system)}"
    done = day.session.run(
        f"printf '%s\\n' '{line}' | python -m infra.deploy secret SLACK_WEBHOOK_URL --secrets-stdin --place \"$PLACE\""
    )
    assert not done.failed, done
    text = day.place.read_text(encoding="utf-8")
    day.place.write_text(text.replace("SLACK_WEBHOOK_URL: 1", "SLACK_WEBHOOK_URL: 2"), encoding="utf-8")
    assert version(day) == "1"


def version(day):
    """Which version of Slack's secret the deployed function has."""
    secrets = day.cloud.state.resources[FUNCTION]["serviceConfig"]["secretEnvironmentVariables"]
    return next(each["version"] for each in secrets if each["key"] == "SLACK_WEBHOOK_URL")
