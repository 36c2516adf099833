"""Monday.com's calls of the day are spent, and then the plan is changed."""

from __future__ import annotations

from tests.support.local_system import eventually


def test_the_day(day):
    """Slack goes on; what waits for the board goes out once it can, each once, and the breaker is its own again."""
    system = day.system
    before = day.leads(2)
    eventually(lambda: all(system.received(email, "monday") for email in before))  # or they would wait, too
    day.begins("Monday.com takes no more calls today")
    system.broken("DAILY_LIMIT_EXCEEDED", "monday")
    emails = day.leads(6)
    day.fires("monday-quota")
    waits = day.follows("How to see it")
    assert waits.count("pending") == len(emails)
    assert [email for email in emails if system.received(email, "monday")] == []
    system.healed("monday")  # the larger plan
    day.follows("Recovery")
    day.recovers(lambda: all(system.received(email, "monday") for email in emails))
    [breaker] = [each for each in system.console("breakers")["breakers"] if each["channel"] == "monday"]
    assert (breaker["state"], breaker["mode"]) == ("closed", "auto")
    assert "pending" not in day.follows("How to know it worked")
    day.loses_nothing()
