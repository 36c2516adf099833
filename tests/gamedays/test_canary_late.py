"""The queue of Slack is paused: a canary does not arrive, and neither would a lead."""

from __future__ import annotations

from infra.local.wiring import FAST_RHYTHM_SECONDS
from tests.support.local_system import eventually

EVERY = 600
"""Seconds between two canaries, in the cloud."""


def test_a_canary_finds_a_paused_queue_before_a_visitor_does(day):
    """It is late, then none has arrived for too long; the leads behind it go out with it."""
    system = day.system
    eventually(lambda: arrives(system), seconds=90)
    day.begins("Slack's queue is paused: canaries are late")
    system.local("POST", "queues/slack/pause")
    waiting = day.leads(3)
    assert not arrives(system)
    day.fires("canary-late")
    # Those for Monday.com still arrive, so that canaries are not absent until its queue stands still too.
    day.given(CHANNEL="slack")
    said = day.follows("How to see it", exits={"python -m infra.ops canary": 1})
    assert "PAUSED" in said
    assert "queued" in said
    system.local("POST", "queues/monday/pause")
    waiting += day.leads()
    day.fires("canary-absent", clock=FAST_RHYTHM_SECONDS / EVERY)
    system.local("POST", "queues/monday/resume")
    day.follows("Causes, likeliest first")
    day.follows("Recovery")
    day.recovers(lambda: all(system.received(email) for email in waiting) and well(system))
    day.follows("How to know it worked")
    day.loses_nothing()


def arrives(system):
    """Send a canary; whether it arrived at every channel."""
    assert system.local("POST", "jobs/canary/run")["status"] == 200
    last = system.console("canary")["runs"][0]
    return {leg["state"] for leg in last["channels"].values()} == {"arrived"}


def well(system):
    """Whether no canary is late."""
    return not system.console("canary")["late"] and arrives(system)
