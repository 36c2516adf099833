"""Slack is down, and somebody paused the job that tries again: what waits stays where it is."""

from __future__ import annotations


def test_what_is_not_retried_goes_out_after_the_job_goes_on(day):
    """The leads of an outage wait, none of them tried again, until somebody follows the page."""
    system = day.system
    day.leads(2)
    day.begins("Slack is down and the retry job paused: dead letters grow")
    system.broken("500")
    day.session.run("python -m infra.ops job retry_dead_letters pause --reason 'too much noise'")
    day.leads(25)
    day.fires("dead-letters-growing")
    day.given(CAUSE="breaker_open")
    said = day.follows("How to see it")
    assert "paused" in said
    assert "breaker_open" in said
    assert "too much noise" in day.follows("Causes, likeliest first")
    system.healed()
    day.follows("Recovery")
    day.recovers(lambda: not system.console("dead_letters?status=pending")["dead_letters"])
    assert "no dead letters" in day.follows("How to know it worked")
    day.loses_nothing()
