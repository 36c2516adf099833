"""Slack refuses a lead's message, and the mail server refuses everybody whom it could be escalated to."""

from __future__ import annotations

from tests.gamedays.test_alert_failed import REFUSED, failed


def test_leads_that_nobody_was_told_of_are_told_after_a_channel_is_mended(day):
    """One is sent where it belongs by hand; the other's escalation goes out by itself."""
    system = day.system
    day.leads()
    day.begins("Slack refuses messages, the mail server every recipient: nobody is told")
    system.broken(REFUSED)
    system.broken("reject_recipient", "smtp")
    first, second = day.leads(2)
    day.fires("escalation-undelivered")
    again, _ = failed(system, first), failed(system, second)
    day.given(ALERT_ID=again)
    said = day.follows("How to see it")
    assert first in said
    assert "smtp_550" in said
    assert system.received(first, "smtp") == system.received(second, "smtp") == []
    system.all_healed()
    day.follows("Recovery")
    day.recovers(lambda: system.received(first) and system.received(second, "smtp") and told(system))
    day.follows("How to know it worked")
    day.loses_nothing()


def told(system):
    """Whether a person was told of everything that has failed."""
    return all(each["escalated_at"] for each in system.console("dead_letters?status=failed")["dead_letters"])
