"""Whether a lead is in danger: each reason with its level, its sentence and a page that is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.canary import Standing
from shared.domain.counts import Counts
from shared.domain.danger import ChannelFacts, Danger, Facts, Level, Reason, judge
from tests.support.fakes import NOW

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def slack(**counts: Any) -> ChannelFacts:
    """A channel with these counts."""
    return ChannelFacts(Counts(accepted=100, **counts))


def known(channel: ChannelFacts | None = None, *, name: str = "slack", **how: Any) -> Facts:
    """What is known of one channel, and of the whole."""
    return Facts(NOW, {name: channel or slack()}, **how)


def judged(channel: ChannelFacts | None = None, **how: Any) -> Danger:
    """What is said of that."""
    return judge(known(channel, **how))


def waiting(age: timedelta, count: int = 2, **how: Any) -> ChannelFacts:
    """A channel with two alerts waiting, the older one for so long."""
    return ChannelFacts(Counts(accepted=100, queued=count), NOW - age, **how)


MINUTE, HOUR, MOMENT = timedelta(minutes=1), timedelta(hours=1), timedelta(microseconds=1)
IDLE = ChannelFacts(Counts(1))
LEFT_ALONE = "Slack is left alone for a while, and"
UNCOUNTED = "nobody has counted whether every alert is accounted for, for"
JOBS = "job-not-succeeded.md"

DANGERS: list[tuple[Facts, str, str, str, int, str | None]] = [
    (
        known(slack(failed=2, untold=2)),
        "failed_untold",
        "2 alerts for Slack failed and nobody was told",
        "alert-failed.md",
        2,
        "slack",
    ),
    (
        known(slack(parked=1, overdue=1)),
        "overdue",
        "1 alert for Slack has been waiting for longer than is allowed",
        "alerts-overdue.md",
        1,
        "slack",
    ),
    (
        known(slack(parked=2, overdue=2)),
        "overdue",
        "2 alerts for Slack have been waiting for longer than is allowed",
        "alerts-overdue.md",
        2,
        "slack",
    ),
    (
        known(late_escalations=1),
        "escalation_undelivered",
        "1 message to the team was taken by no channel",
        "escalation-undelivered.md",
        1,
        None,
    ),
    (
        known(late_escalations=1_200),
        "escalation_undelivered",
        "1,200 messages to the team were taken by no channel",
        "escalation-undelivered.md",
        1_200,
        None,
    ),
    (
        known(waiting(MINUTE, blocked=True)),
        "blocked",
        "Slack takes nothing until somebody repairs it, and 2 alerts wait",
        "destination-blocked.md",
        2,
        "slack",
    ),
    (
        known(waiting(MINUTE, 1, blocked=True)),
        "blocked",
        "Slack takes nothing until somebody repairs it, and 1 alert waits",
        "destination-blocked.md",
        1,
        "slack",
    ),
    (
        known(waiting(2 * HOUR + MOMENT, shut_out=True)),
        "breaker_open",
        f"{LEFT_ALONE} 2 alerts wait",
        "breaker-open.md",
        2,
        "slack",
    ),
    (
        known(waiting(2 * HOUR + MOMENT)),
        "waiting_long",
        "an alert for Slack has been waiting for 2 hours",
        "dead-letters-growing.md",
        2,
        "slack",
    ),
    (
        known(waiting(51.9 * HOUR), name="pager"),
        "waiting_long",
        "an alert for pager has been waiting for 51 hours",
        "dead-letters-growing.md",
        2,
        "pager",
    ),
    (
        known(balanced=False),
        "not_balanced",
        "not every alert that was accepted is accounted for",
        "not-balanced.md",
        1,
        None,
    ),
    (
        known(canary=Standing.REFUSED),
        "canary_refused",
        "the chat did not take a made-up lead, and may take no real one",
        "canary-late.md",
        1,
        None,
    ),
    (
        known(waiting(MINUTE, mode="open", shut_out=True)),
        "breaker_forced",
        "Slack gets nothing, as a person said, and 2 alerts wait",
        "breaker-open.md",
        2,
        "slack",
    ),
    (
        known(waiting(MINUTE), stopped_jobs=("retry_dead_letters",)),
        "job_stopped",
        "the job retry_dead_letters does not run",
        JOBS,
        1,
        None,
    ),
]
WATCHED: list[tuple[Facts, str, str, str, int, str | None]] = [
    (
        known(slack(failed=2)),
        "failed",
        "2 alerts for Slack failed; the team was told another way",
        "alert-failed.md",
        2,
        "slack",
    ),
    (known(replace(IDLE, blocked=True)), "blocked", "Slack takes nothing", "destination-blocked.md", 0, "slack"),
    (
        known(waiting(2 * HOUR, shut_out=True)),
        "breaker_open",
        f"{LEFT_ALONE} 2 alerts wait",
        "breaker-open.md",
        2,
        "slack",
    ),
    (known(replace(IDLE, shut_out=True)), "breaker_open", f"{LEFT_ALONE} 0 alerts wait", "breaker-open.md", 0, "slack"),
    (
        known(replace(IDLE, oldest_at=NOW - 3 * HOUR, shut_out=True)),
        "breaker_open",
        f"{LEFT_ALONE} 0 alerts wait",
        "breaker-open.md",
        0,
        "slack",
    ),
    (
        known(waiting(15 * MINUTE + MOMENT)),
        "waiting_long",
        "an alert for Slack has been waiting for 15 minutes",
        "dead-letters-growing.md",
        2,
        "slack",
    ),
    (
        known(waiting(120 * MINUTE - MOMENT)),
        "waiting_long",
        "an alert for Slack has been waiting for 119 minutes",
        "dead-letters-growing.md",
        2,
        "slack",
    ),
    (
        known(waiting(2 * HOUR)),
        "waiting_long",
        "an alert for Slack has been waiting for 2 hours",
        "dead-letters-growing.md",
        2,
        "slack",
    ),
    (known(uncounted_for=3 * HOUR + MOMENT), "not_counted", f"{UNCOUNTED} 3 hours", "not-balanced.md", 1, None),
    (known(canary=Standing.LATE), "canary_late", "a made-up lead did not arrive in time", "canary-late.md", 1, None),
    (
        known(canary=Standing.CUT_OFF),
        "canary_cut_off",
        "made-up leads are cut off, and nobody knows whether they arrive",
        "canary-late.md",
        1,
        None,
    ),
    (
        known(canary=Standing.MISSING),
        "canary_missing",
        "no made-up lead was sent for too long",
        "canary-late.md",
        1,
        None,
    ),
    (
        known(replace(IDLE, mode="closed")),
        "breaker_forced",
        "the breaker of Slack was forced closed by a person, and stays so until it is given back",
        "breaker-open.md",
        1,
        "slack",
    ),
    (
        known(replace(IDLE, mode="open")),
        "breaker_forced",
        "Slack gets nothing, as a person said, and 0 alerts wait",
        "breaker-open.md",
        0,
        "slack",
    ),
    (known(stopped_jobs=None), "jobs_unknown", "nobody knows whether the jobs run", JOBS, 1, None),
    (known(stopped_jobs=("cleanup",)), "job_stopped", "the job cleanup does not run", JOBS, 1, None),
    (known(waiting(MINUTE), stopped_jobs=("cleanup",)), "job_stopped", "the job cleanup does not run", JOBS, 1, None),
    (
        known(stopped_jobs=("retry_dead_letters",)),
        "job_stopped",
        "the job retry_dead_letters does not run",
        JOBS,
        1,
        None,
    ),
]


@pytest.mark.parametrize(("facts", "what", "says", "runbook", "count", "channel"), DANGERS)
def test_a_lead_is_in_danger(facts: Facts, what: str, says: str, runbook: str, count: int, channel: str | None) -> None:
    """Whatever will not mend by itself, and nobody was told of; alone, it makes the sentence."""
    reason = Reason(Level.DANGER, what, says, runbook, count, channel)
    assert judge(facts) == Danger(Level.DANGER, f"A lead is in danger: {says}.", (reason,))


@pytest.mark.parametrize(("facts", "what", "says", "runbook", "count", "channel"), WATCHED)
def test_what_mends_itself_is_watched(
    facts: Facts, what: str, says: str, runbook: str, count: int, channel: str | None
) -> None:
    """Or what somebody was told of."""
    reason = Reason(Level.WATCH, what, says, runbook, count, channel)
    assert judge(facts) == Danger(Level.WATCH, f"No lead is in danger, but {says}.", (reason,))


def test_each_reason_has_a_page() -> None:
    """It is there."""
    for name in {case[3] for case in DANGERS + WATCHED}:
        assert (RUNBOOKS / name).is_file()


def test_one_that_fails_between_two_counts_is_no_negative_number() -> None:
    """It is among those nobody was told of and not yet among the failed."""
    assert [reason.what for reason in judged(slack(failed=0, untold=1)).reasons] == ["failed_untold"]


@pytest.mark.parametrize(
    "facts",
    [
        known(),
        known(canary=Standing.ARRIVES),
        known(uncounted_for=3 * HOUR),
        known(waiting(15 * MINUTE)),
        known(balanced=True),
        known(replace(IDLE, oldest_at=NOW - 3 * HOUR)),
        known(slack(queued=5, sending=1, parked=2, ended=3)),
    ],
)
def test_what_goes_its_way_is_no_reason(facts: Facts) -> None:
    """Alerts that wait for a moment, those that ended, and a count that balances."""
    assert judge(facts) == Danger(Level.NONE, "No lead is in danger.")


def test_the_worst_comes_first_and_the_others_are_counted() -> None:
    """One sentence, however many reasons."""
    danger = judged(slack(failed=3, untold=1, overdue=1, parked=1), stopped_jobs=None)
    assert danger.level is Level.DANGER
    assert [reason.what for reason in danger.reasons] == ["failed_untold", "overdue", "jobs_unknown", "failed"]
    assert danger.sentence == "A lead is in danger: 1 alert for Slack failed and nobody was told, and 3 more reasons."
    two = judged(slack(failed=2, untold=1))
    assert two.sentence == "A lead is in danger: 1 alert for Slack failed and nobody was told, and 1 more reason."


def test_an_alert_is_a_reason_once() -> None:
    """What is overdue, blocked or shut out is not also told as waiting for long."""
    for channel in (
        ChannelFacts(Counts(9, parked=1, overdue=1), NOW - 30 * HOUR),
        waiting(3 * HOUR, blocked=True),
        waiting(3 * HOUR, shut_out=True),
    ):
        assert len(judged(channel).reasons) == 1


def test_what_was_delivered_is_all_but_the_others() -> None:
    """And never less than none, where a tally is lost."""
    counts = Counts(accepted=20, queued=1, sending=2, parked=3, failed=4, ended=5)
    assert (counts.waiting, counts.delivered) == (6, 5)
    assert Counts(accepted=1, queued=3).delivered == 0
