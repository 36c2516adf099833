"""Slack refuses the messages themselves: they fail at once, and a person is told of each."""

from __future__ import annotations

from tests.support.local_system import eventually

REFUSED = "invalid_payload"


def test_a_failed_alert_is_sent_again_or_ended(day):
    """One by its id, one waived, the others by their cause."""
    system = day.system
    day.leads()
    day.begins("Slack refuses messages: their alerts fail at once")
    system.broken(REFUSED)
    emails = day.leads(4)
    day.fires("alert-failed")
    again, heard, *_ = [failed(system, email) for email in emails]
    eventually(lambda: all(system.received(email, "smtp") for email in emails))
    day.given(ALERT_ID=again, HEARD_ID=heard, CAUSE=REFUSED)
    said = day.follows("How to see it")
    assert again in said
    assert "alert_failed" not in said  # the table shows what the page asks for
    assert said.count(REFUSED) > 4
    system.healed()
    day.follows("Recovery")
    day.recovers(lambda: not system.console("dead_letters?status=failed")["dead_letters"])
    assert "no dead letters" in day.follows("How to know it worked")
    assert [len(system.received(email)) for email in emails] == [1, 0, 1, 1]
    day.loses_nothing()


def failed(system, email):
    """The id of a lead's alert to Slack, once it has failed."""

    def found():
        alerts = system.console(f"alerts?email={email}")["alerts"]
        return [each["id"] for each in alerts if (each["channel"], each["state"]) == ("slack", "failed")]

    return eventually(found)[0]
