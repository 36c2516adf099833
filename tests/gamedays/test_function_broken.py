"""``deliver_alert`` is deployed with a file that was never uploaded: it does not start, and nothing is sent."""

from __future__ import annotations

from tests.support.cloud_project import PROJECT
from tests.support.gamedays.deploying import deploys, names
from tests.support.gamedays.editor import editor
from tests.support.google_apis import run

SERVICE = f"projects/{PROJECT}/locations/europe-west1/services/deliver-alert"
WRONG = "  SMTP_CA_FILE: certs/mail.pem\n"


def test_a_function_that_does_not_start_is_led_back_corrected_and_deployed(day, tmp_path):
    """What was taken meanwhile goes out as soon as the traffic is back."""
    system, state = day.system, day.cloud.state
    day.leads()
    [before] = run.reached(state.resources[SERVICE])
    day.begins("deliver_alert lacks a file that a setting names")
    names(day, "settings", "SMTP_CA_FILE", "certs/mail.pem")
    deploys(day, "deliver_alert")
    emails = day.leads(2)
    day.fires("function-broken")
    day.given(FUNCTION="deliver-alert", REVISION=before, EDITOR=editor(tmp_path, WRONG, ""))
    said = day.follows("How to see it")
    assert "SMTP_CA_FILE: was 'certs/mail.pem'" in said
    assert before in said
    assert "nothing dangerous found" in day.follows("Causes, likeliest first")
    assert not any(system.received(email) for email in emails)
    said = day.follows("Recovery")
    assert "functions deliver_alert" in said
    day.recovers(lambda: all(system.received(email) for email in emails))
    day.follows("How to know it worked")
    day.follows("How to undo it")
    [after] = run.reached(state.resources[SERVICE])
    assert after not in (before, "")
    day.loses_nothing()
