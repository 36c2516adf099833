"""Whether a lead is in danger: each reason with its level, its sentence and a page that is there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.canary import Standing
from shared.domain.counts import Counts
from shared.domain.danger import ChannelFacts, Danger, Facts, Level, judge
from tests.support.fakes import NOW

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def slack(**counts: Any) -> ChannelFacts:
    """A channel with these counts."""
    return ChannelFacts(Counts(accepted=100, **counts))


def judged(channel: ChannelFacts | None = None, **how: Any) -> Danger:
    """What is said of one channel, and of the whole."""
    return judge(Facts(NOW, {"slack": channel or slack()}, **how))


def waiting(age: timedelta, **how: Any) -> ChannelFacts:
    """A channel with two alerts waiting, the older one for so long."""
    return ChannelFacts(Counts(accepted=100, queued=2), NOW - age, **how)


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

CASES: list[tuple[str, Danger, Level, str, str | None]] = [
    ("failed and nobody told", judged(slack(failed=2, untold=2)), Level.DANGER, "failed_untold", "slack"),
    ("failed and told", judged(slack(failed=2)), Level.WATCH, "failed", "slack"),
    ("overdue", judged(slack(parked=1, overdue=1)), Level.DANGER, "overdue", "slack"),
    ("no channel took it", judged(late_escalations=1), Level.DANGER, "escalation_undelivered", None),
    ("blocked, one waits", judged(waiting(MINUTE, blocked=True)), Level.DANGER, "blocked", "slack"),
    ("blocked, none waits", judged(ChannelFacts(Counts(1), blocked=True)), Level.WATCH, "blocked", "slack"),
    ("open, for a while", judged(waiting(MINUTE, shut_out=True)), Level.WATCH, "breaker_open", "slack"),
    ("open, for long", judged(waiting(3 * HOUR, shut_out=True)), Level.DANGER, "breaker_open", "slack"),
    ("open, none waits", judged(ChannelFacts(Counts(1), shut_out=True)), Level.WATCH, "breaker_open", "slack"),
    ("waits for a while", judged(waiting(20 * MINUTE)), Level.WATCH, "waiting_long", "slack"),
    ("waits for long", judged(waiting(3 * HOUR)), Level.DANGER, "waiting_long", "slack"),
    ("not balanced", judged(balanced=False), Level.DANGER, "not_balanced", None),
    ("not counted", judged(uncounted_for=4 * HOUR), Level.WATCH, "not_counted", None),
    ("chat takes no canary", judged(canary=Standing.REFUSED), Level.DANGER, "canary_refused", None),
    ("a canary is late", judged(canary=Standing.LATE), Level.WATCH, "canary_late", None),
    ("canaries are cut off", judged(canary=Standing.CUT_OFF), Level.WATCH, "canary_cut_off", None),
    ("no canary", judged(canary=Standing.MISSING), Level.WATCH, "canary_missing", None),
    ("forced closed", judged(ChannelFacts(Counts(1), mode="closed")), Level.WATCH, "breaker_forced", "slack"),
    ("forced open", judged(ChannelFacts(Counts(1), mode="open")), Level.WATCH, "breaker_forced", "slack"),
    (
        "forced open, one waits",
        judged(waiting(MINUTE, mode="open", shut_out=True)),
        Level.DANGER,
        "breaker_forced",
        "slack",
    ),
    ("jobs unknown", judged(stopped_jobs=None), Level.WATCH, "jobs_unknown", None),
    ("a job stopped", judged(stopped_jobs=("cleanup",)), Level.WATCH, "job_stopped", None),
    (
        "the sweep stopped, one waits",
        judged(waiting(MINUTE), stopped_jobs=("retry_dead_letters",)),
        Level.DANGER,
        "job_stopped",
        None,
    ),
    ("the sweep stopped", judged(stopped_jobs=("retry_dead_letters",)), Level.WATCH, "job_stopped", None),
]


@pytest.mark.parametrize(
    ("danger", "level", "what", "channel"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_reason_has_its_level_and_a_page(danger: Danger, level: Level, what: str, channel: str | None) -> None:
    """Alone, it makes the sentence; its page is there."""
    [reason] = danger.reasons
    assert (danger.level, reason.level, reason.what, reason.channel) == (level, level, what, channel)
    assert (RUNBOOKS / reason.runbook).is_file()
    assert reason.says in danger.sentence
    assert danger.sentence.startswith(
        "A lead is in danger: " if level is Level.DANGER else "No lead is in danger, but "
    )


def test_one_that_fails_between_two_counts_is_no_negative_number() -> None:
    """It is among those nobody was told of and not yet among the failed."""
    assert [reason.what for reason in judged(slack(failed=0, untold=1)).reasons] == ["failed_untold"]


@pytest.mark.parametrize(
    "quiet",
    [
        judged(),
        judged(canary=Standing.ARRIVES),
        judged(uncounted_for=HOUR),
        judged(waiting(MINUTE)),
        judged(balanced=True),
        judged(slack(queued=5, sending=1, parked=2, ended=3)),
    ],
)
def test_what_goes_its_way_is_no_reason(quiet: Danger) -> None:
    """Alerts that wait for a moment, those that ended, and a count that balances."""
    assert quiet == Danger(Level.NONE, "No lead is in danger.")


def test_the_worst_comes_first_and_the_others_are_counted() -> None:
    """One sentence, however many reasons."""
    danger = judged(slack(failed=3, untold=1, overdue=1, parked=1), stopped_jobs=None)
    assert danger.level is Level.DANGER
    assert [reason.what for reason in danger.reasons] == ["failed_untold", "overdue", "jobs_unknown", "failed"]
    assert danger.sentence == "A lead is in danger: 1 alert for Slack failed and nobody was told, and 3 more reasons."


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
