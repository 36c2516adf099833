"""Whether a lead is in danger: one sentence for the person on call, and the reasons, each with its runbook.

In danger is a lead that may never be heard of unless somebody acts. What mends itself, or what somebody was told of, is
only watched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.breaker import AUTO, CLOSED, OPEN
from shared.domain.canary import Standing
from shared.domain.counts import Counts
from shared.domain.escalation import NAMES

WATCHED_AFTER = timedelta(minutes=15)
"""A channel whose oldest alert has been waiting for so long is watched."""

IN_DANGER_AFTER = timedelta(hours=2)
"""And after so long that lead is in danger: somebody else may have called by then."""

COUNTED_AFTER = timedelta(hours=3)
"""Everything is counted each hour; a count that is older says nothing of now."""

ESCALATION_PATIENCE = timedelta(minutes=10)
"""An escalation on its way for longer is one that no channel takes."""


class Level(StrEnum):
    """How bad it is."""

    NONE = "none"
    WATCH = "watch"
    DANGER = "danger"


CANARIES = {
    Standing.REFUSED: (Level.DANGER, "the chat did not take a made-up lead, and may take no real one"),
    Standing.LATE: (Level.WATCH, "a made-up lead did not arrive in time"),
    Standing.CUT_OFF: (Level.WATCH, "made-up leads are cut off, and nobody knows whether they arrive"),
    Standing.MISSING: (Level.WATCH, "no made-up lead was sent for too long"),
}


@dataclass(frozen=True)
class Reason:
    """Why a lead is in danger, or something has to be watched.

    Attributes:
        level: ``watch`` or ``danger``.
        what: a machine word.
        says: the same for a person, as a part of a sentence.
        runbook: the page that says what to do.
        count: of how many alerts, jobs or the like.
        channel: of which channel; None where it is about none.
    """

    level: Level
    what: str
    says: str
    runbook: str
    count: int
    channel: str | None = None


@dataclass(frozen=True)
class ChannelFacts:
    """What is known of a channel.

    Attributes:
        counts: its alerts.
        oldest_at: since when the oldest of those that wait has been waiting.
        shut_out: nothing is sent: its breaker is open.
        blocked: nothing is accepted there until a person repairs it.
        mode: of its breaker, what a person said.
    """

    counts: Counts
    oldest_at: datetime | None = None
    shut_out: bool = False
    blocked: bool = False
    mode: str = AUTO


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        now: when.
        channels: of each channel, by its name.
        late_escalations: escalations and notices that no channel took in time.
        stopped_jobs: jobs that have not succeeded for too long, are paused or missing; None where nobody knows.
        balanced: whether every alert is accounted for; None where nobody has counted yet.
        uncounted_for: since when nobody has counted, as far as is known.
        canary: what the made-up leads say of the way.
    """

    now: datetime
    channels: Mapping[str, ChannelFacts]
    late_escalations: int = 0
    stopped_jobs: tuple[str, ...] | None = ()
    balanced: bool | None = None
    uncounted_for: timedelta = timedelta(0)
    canary: Standing = Standing.QUIET


@dataclass(frozen=True)
class Danger:
    """The judgement: how bad, one sentence, and why, the worst first."""

    level: Level
    sentence: str
    reasons: tuple[Reason, ...] = ()


def judge(facts: Facts) -> Danger:
    """Say whether a lead is in danger."""
    found = [*_of_all(facts)]
    for name, channel in facts.channels.items():
        found += _of_channel(name, channel, facts.now)
    reasons = tuple(sorted(found, key=lambda reason: reason.level is not Level.DANGER))
    if not reasons:
        return Danger(Level.NONE, "No lead is in danger.")
    level = reasons[0].level
    others = len(reasons) - 1
    more = f", and {others} more {'reason' if others == 1 else 'reasons'}" if others else ""
    begins = "A lead is in danger" if level is Level.DANGER else "No lead is in danger, but"
    return Danger(level, f"{begins}{':' if level is Level.DANGER else ''} {reasons[0].says}{more}.", reasons)


def _of_all(facts: Facts) -> Iterator[Reason]:
    waiting = any(channel.counts.waiting for channel in facts.channels.values())
    if facts.balanced is False:
        says = "not every alert that was accepted is accounted for"
        yield Reason(Level.DANGER, "not_balanced", says, "not-balanced.md", 1)
    if facts.uncounted_for > COUNTED_AFTER:
        says = f"nobody has counted whether every alert is accounted for, for {_for(facts.uncounted_for)}"
        yield Reason(Level.WATCH, "not_counted", says, "not-balanced.md", 1)
    if facts.canary in CANARIES:
        level, says = CANARIES[facts.canary]
        yield Reason(level, f"canary_{facts.canary.value}", says, "canary-late.md", 1)
    if late := facts.late_escalations:
        says = f"{_alerts(late, 'message')} to the team {'was' if late == 1 else 'were'} taken by no channel"
        yield Reason(Level.DANGER, "escalation_undelivered", says, "escalation-undelivered.md", late)
    if facts.stopped_jobs is None:
        yield Reason(Level.WATCH, "jobs_unknown", "nobody knows whether the jobs run", "job-not-succeeded.md", 1)
    for name in facts.stopped_jobs or ():
        level = Level.DANGER if waiting and name == "retry_dead_letters" else Level.WATCH
        yield Reason(level, "job_stopped", f"the job {name} does not run", "job-not-succeeded.md", 1)


def _of_channel(name: str, channel: ChannelFacts, now: datetime) -> Iterator[Reason]:
    counts, said = channel.counts, NAMES.get(name, name)
    waited = now - channel.oldest_at if channel.oldest_at is not None else timedelta(0)
    if counts.untold:
        says = f"{_alerts(counts.untold)} for {said} failed and nobody was told"
        yield Reason(Level.DANGER, "failed_untold", says, "alert-failed.md", counts.untold, name)
    if counts.overdue:
        says = f"{_alerts(counts.overdue)} for {said} {_have(counts.overdue)} been waiting for longer than is allowed"
        yield Reason(Level.DANGER, "overdue", says, "alerts-overdue.md", counts.overdue, name)
    if channel.blocked and counts.waiting:
        says = f"{said} takes nothing until somebody repairs it, and {_alerts(counts.waiting)} {_wait(counts.waiting)}"
        yield Reason(Level.DANGER, "blocked", says, "destination-blocked.md", counts.waiting, name)
    elif channel.blocked:
        yield Reason(Level.WATCH, "blocked", f"{said} takes nothing", "destination-blocked.md", 0, name)
    if channel.mode == CLOSED:
        says = f"the breaker of {said} was forced closed by a person, and stays so until it is given back"
        yield Reason(Level.WATCH, "breaker_forced", says, "breaker-open.md", 1, name)
    if channel.mode == OPEN:
        says = f"{said} gets nothing, as a person said, and {_alerts(counts.waiting)} {_wait(counts.waiting)}"
        level = Level.DANGER if counts.waiting else Level.WATCH
        yield Reason(level, "breaker_forced", says, "breaker-open.md", counts.waiting, name)
    elif channel.shut_out:
        says = f"{said} is left alone for a while, and {_alerts(counts.waiting)} {_wait(counts.waiting)}"
        level = Level.DANGER if counts.waiting and waited > IN_DANGER_AFTER else Level.WATCH
        yield Reason(level, "breaker_open", says, "breaker-open.md", counts.waiting, name)
    elif counts.waiting and waited > WATCHED_AFTER and not channel.blocked and not counts.overdue:
        says = f"an alert for {said} has been waiting for {_for(waited)}"
        level = Level.DANGER if waited > IN_DANGER_AFTER else Level.WATCH
        yield Reason(level, "waiting_long", says, "dead-letters-growing.md", counts.waiting, name)
    if (told := counts.failed - counts.untold) > 0:
        says = f"{_alerts(told)} for {said} failed; the team was told another way"
        yield Reason(Level.WATCH, "failed", says, "alert-failed.md", told, name)


def _alerts(count: int, what: str = "alert") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _for(waited: timedelta) -> str:
    minutes = int(waited.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"  # noqa: PLR2004 - two hours
