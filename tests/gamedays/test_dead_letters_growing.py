"""Slack is down, its breaker forced closed and the job that tries again paused: what waits stays where it is."""

from __future__ import annotations

from tests.support.local_system import eventually


def test_what_is_not_retried_goes_out_after_the_job_goes_on(day):
    """The leads of an outage wait, none of them tried again, until somebody follows the page."""
    system = day.system
    before = day.leads(2)
    eventually(lambda: all(system.received(email) for email in before))  # or they would wait, too
    day.begins("Slack is down and the retry job paused: dead letters grow")
    system.broken("500")
    day.session.run("python -m infra.ops job retry_dead_letters pause --reason 'too much noise'")
    day.session.run("python -m infra.ops breaker slack closed --reason 'they say they are well'")
    day.leads(25)
    day.fires("dead-letters-growing")
    day.given(CHANNEL="slack", CAUSE="http_500")
    said = day.follows("How to see it")
    assert "paused" in said
    assert "http_500" in said
    assert "too much noise" in day.follows("Causes, likeliest first")
    eventually(lambda: len(waiting(system)) == 25)
    system.healed()
    day.follows("Recovery")
    day.recovers(lambda: not waiting(system))
    assert "no dead letters" in day.follows("How to know it worked")
    day.loses_nothing()


def waiting(system):
    """What is to be tried again."""
    return system.console("dead_letters?status=pending&limit=200")["dead_letters"]
