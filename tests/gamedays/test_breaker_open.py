"""Slack answers every message with an error; a person holds its breaker open until it is well."""

from __future__ import annotations

import pytest

SLACK = "slack"


def play(day):
    """The whole day."""
    system = day.system
    day.leads()
    day.begins("Slack answers 500: its breaker opens, alerts wait")
    system.broken("500")
    day.leads(8)
    day.fires("breaker-open")
    day.given(CHANNEL=SLACK)
    assert "breaker_opened" in day.follows("How to see it")
    day.follows("Causes, likeliest first")
    system.healed()
    day.follows("Recovery")
    day.recovers(lambda: mode(system) == "closed" and not waiting(system))
    said = day.follows("How to know it worked")
    assert "breaker_forced" in said
    assert "no dead letters" in said
    day.loses_nothing()


def mode(system):
    """How Slack's breaker stands."""
    [found] = [each for each in system.console("breakers")["breakers"] if each["channel"] == SLACK]
    return found["state"]


def waiting(system):
    """What waits for a breaker."""
    return system.console("dead_letters?status=pending&cause=breaker_open")["dead_letters"]


def test_a_breaker_that_is_open_is_seen_held_and_left_to_itself(day):
    """Nothing uses up an attempt, everything goes out after it."""
    play(day)


def test_one_broken_command_in_the_page_fails_the_day(make_day, page, shared_system, tmp_path):
    """As any change of a program would that a page has not heard of."""
    broken = tmp_path / page.name
    broken.write_text(page.read_text(encoding="utf-8").replace('"$CHANNEL" auto', '"$CHANNEL" automatic'))
    day = make_day(broken, shared_system, kept=False)
    try:
        with pytest.raises(AssertionError, match="invalid choice: 'automatic'"):
            play(day)
    finally:
        shared_system.all_healed()
        day.session.run('python -m infra.ops breaker slack auto --reason "the end of the test"')
        day.loses_nothing()
