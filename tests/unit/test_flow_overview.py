"""What an operator sees at a glance: every figure where it belongs, and how far back was looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.breaker import CLOSED, OPEN, Breaker, opened
from shared.domain.canary import Leg, Mark, Run
from shared.domain.counts import Counts
from shared.domain.danger import ESCALATION_PATIENCE
from shared.domain.destination import Destination
from shared.domain.samples import POINTS_MOST, Sample, Verdict
from shared.errors import StorageUnavailable, Unavailable
from shared.flows.canary_view import LookAtCanary
from shared.flows.operations_overview import Overviewing
from shared.ports.canary import StoredRun
from shared.ports.operations_system import Look, Oldest, ScheduledJob
from tests.support.canary_stores import FakeRuns
from tests.support.documents import Documents
from tests.support.fakes import NOW, FakeClock, RecordedEvents
from tests.unit.test_flow_console import JOBS, MINUTE, FakeOverseeing, FakeSamples, FakeScheduler, job, seen

HOUR = timedelta(hours=1)
PARKED_MOST = timedelta(days=3)


class LookedAt(FakeOverseeing):
    """Remembers after how long an alert is overdue, and an escalation late."""

    asked: tuple[timedelta, timedelta] | None = None

    def look(self, *, parked_most: timedelta, patience: timedelta) -> Look:
        """See ``shared.ports.operations_system.Overseeing``."""
        self.asked = (parked_most, patience)
        if self.seen.late < 0:
            raise StorageUnavailable
        return self.seen


class SampledBetween(FakeSamples):
    """Remembers between which times it was asked."""

    asked: tuple[datetime, datetime] | None = None

    def since(self, at: datetime, until: datetime) -> tuple[list[Sample], Verdict | None]:
        """See ``shared.ports.operations_system.Samples``."""
        self.asked = (at, until)
        if self.down:
            raise StorageUnavailable
        return super().since(at, until)


class Overview:
    """The flow over fakes."""

    def __init__(self, look: Look, *found: ScheduledJob, refuses: bool = False, down: bool = False) -> None:
        self.overseeing, self.samples = LookedAt(look), SampledBetween(down=down)
        self.runs, self.events, self.clock = FakeRuns(Documents()), RecordedEvents(), FakeClock()
        self.scheduler = FakeScheduler(*(found or JOBS), refuses=refuses)
        canary = LookAtCanary(self.runs, 30 * MINUTE, self.events)
        parts = (self.overseeing, self.samples, self.scheduler, canary, PARKED_MOST, self.clock, self.events)
        self.flow = Overviewing(*parts)

    def __call__(self) -> dict[str, Any]:
        """The answer."""
        return self.flow.overview()

    def whats(self) -> list[tuple[str, str | None, int]]:
        """Each reason's word, channel and count."""
        return [(each["what"], each["channel"], each["count"]) for each in self()["danger"]["reasons"]]


def test_every_figure_of_a_channel_is_told() -> None:
    """What waits in each way, what is over in each way, and what nobody was told of."""
    counts = Counts(accepted=40, queued=1, sending=2, parked=3, failed=5, ended=7, untold=4, overdue=6, capped=True)
    assert Overview(seen(channels={"slack": counts}))()["channels"] == {
        "slack": {
            "accepted": 40,
            "queued": 1,
            "sending": 2,
            "parked": 3,
            "delivered": 22,
            "failed": 5,
            "ended": 7,
            "waiting": 6,
            "untold": 4,
            "overdue": 6,
            "capped": True,
        }
    }


def test_the_oldest_of_all_channels_is_told() -> None:
    """With where it waits and for how long; never for less than nothing, whatever clocks say; none where none waits."""
    first = Oldest("a", "slack", "lead", "queued", NOW - MINUTE)
    older = Oldest("b", "email", "update", "parked", NOW - 2.5 * MINUTE)
    look = seen(oldest={"slack": first, "email": older})
    assert Overview(look)()["oldest_waiting"] == {
        "id": "b",
        "channel": "email",
        "kind": "update",
        "state": "parked",
        "created_at": older.created_at.isoformat(),
        "age_seconds": 150,
    }
    ahead = Overview(seen(oldest={"slack": replace(first, created_at=NOW + MINUTE)}))
    assert ahead()["oldest_waiting"]["age_seconds"] == 0
    assert Overview(seen(oldest={}))()["oldest_waiting"] is None


def test_breakers_blocks_and_jobs_are_told_as_they_stand() -> None:
    """A destination that is not blocked is no block; a block leads to the page of blocks, whatever its cause."""
    failed = NOW - MINUTE / 60
    blocked = Destination("slack", cause="a_word_of_nobody", since=NOW - HOUR, probe_at=NOW + MINUTE)
    look = seen(
        channels={"slack": Counts(1), "email": Counts(1)},
        breakers={
            "slack": opened(Breaker("slack"), "http_500", now=NOW, wait=MINUTE, nonce="n"),
            "email": Breaker("email", failures=(NOW - HOUR, failed, failed)),
        },
        destinations={"slack": blocked, "email": Destination("email")},
        oldest={},
    )
    answer = Overview(look)()
    assert [(each["channel"], each["state"], each["failures"]) for each in answer["breakers"]] == [
        ("slack", "open", 0),
        ("email", "closed", 2),
    ]
    assert answer["blocks"] == [
        {
            "channel": "slack",
            "cause": "a_word_of_nobody",
            "since": (NOW - HOUR).isoformat(),
            "probe_at": (NOW + MINUTE).isoformat(),
            "runbook": "destination-blocked.md",
        }
    ]
    assert [each["name"] for each in answer["jobs"]] == [each.name for each in JOBS]
    assert answer["at"] == NOW.isoformat()


def test_each_channel_is_judged_by_its_own_facts() -> None:
    """Its breaker, its block, its oldest alert, and how long that has been waiting; late escalations are of all."""
    waiting = Counts(accepted=9, queued=2)
    names = ("slack", "email", "webhook", "monday", "sms")
    breakers: dict[str, Breaker] = {name: Breaker(name) for name in names}
    breakers["email"] = replace(breakers["email"], mode=OPEN)
    breakers["webhook"] = replace(breakers["webhook"], mode=CLOSED)
    breakers["monday"] = opened(Breaker("monday"), "http_500", now=NOW, wait=MINUTE, nonce="n")
    destinations = {name: Destination(name) for name in names}
    destinations["slack"] = Destination("slack", cause="no_active_hooks")
    oldest = {"sms": Oldest("a", "sms", "lead", "queued", NOW - HOUR)}
    look = seen(
        channels=dict.fromkeys(names, waiting), breakers=breakers, destinations=destinations, oldest=oldest, late=2
    )
    assert sorted(Overview(look).whats(), key=str) == [
        ("blocked", "slack", 2),
        ("breaker_forced", "email", 2),
        ("breaker_forced", "webhook", 1),
        ("breaker_open", "monday", 2),
        ("escalation_undelivered", None, 2),
        ("waiting_long", "sms", 2),
    ]


def test_a_judgement_is_told_with_all_of_its_reasons() -> None:
    """The worst first, each with its page."""
    look = seen(channels={"slack": Counts(accepted=3, failed=3, untold=1)}, oldest={})
    assert Overview(look)()["danger"] == {
        "level": "danger",
        "sentence": "A lead is in danger: 1 alert for Slack failed and nobody was told, and 1 more reason.",
        "reasons": [
            {
                "level": "danger",
                "what": "failed_untold",
                "says": "1 alert for Slack failed and nobody was told",
                "channel": "slack",
                "count": 1,
                "runbook": "alert-failed.md",
            },
            {
                "level": "watch",
                "what": "failed",
                "says": "2 alerts for Slack failed; the team was told another way",
                "channel": "slack",
                "count": 2,
                "runbook": "alert-failed.md",
            },
        ],
    }


def test_what_is_late_is_late_by_the_systems_own_times() -> None:
    """How long an alert may wait is a setting; charts go back a day from Firestore's now."""
    overview = Overview(seen(at=NOW + MINUTE))
    overview()
    assert overview.overseeing.asked == (PARKED_MOST, ESCALATION_PATIENCE)
    assert overview.samples.asked == (NOW + MINUTE - 24 * HOUR, NOW + MINUTE)


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([], False),  # nobody knows since when
        ([(4 * HOUR, None)], True),
        ([(5 * HOUR, None), (HOUR, None)], True),  # since the first sample there is
        ([(2 * HOUR, None)], False),
        ([(5 * HOUR, True), (HOUR, None)], True),
        ([(5 * HOUR, None), (HOUR, True)], False),
    ],
)
def test_a_count_that_is_old_says_nothing_of_now(samples: list[tuple[timedelta, bool | None]], *, told: bool) -> None:
    """More than three hours after the last one, or, where there was none, after the first sample: it is told."""
    overview = Overview(seen(channels={}, oldest={}))
    for ago, balanced in samples:
        verdict = None if balanced is None else Verdict(NOW - ago, balanced=balanced)
        overview.samples.keep(Sample(NOW - ago, {}), verdict)
    assert overview.whats() == ([("not_counted", None, 1)] if told else [])
    answer = overview()
    counted = [NOW - ago for ago, balanced in samples if balanced]
    assert (answer["balanced"], answer["balanced_at"], answer["wrong"]) == (
        (True, counted[-1].isoformat(), []) if counted else (None, None, [])
    )


def test_what_a_canary_found_is_told() -> None:
    """It is one of the reasons."""
    overview = Overview(seen(channels={}, oldest={}))
    overview.runs.begin(replace(Run.begun("r", NOW, ["slack"], []), legs={"slack": Leg(Mark.LATE)}))
    assert [what for what, *_ in overview.whats()] == ["canary_late"]


def test_a_job_that_stopped_is_told_by_its_name() -> None:
    """Also several of them, in order; the sweep is a danger only where something waits."""
    quiet = seen(channels={"slack": Counts(accepted=1)}, oldest={})
    stopped = [job("retry_dead_letters", state="paused"), job("cleanup", last_outcome="failed"), *JOBS[1:2]]
    answer = Overview(quiet, *stopped)()
    assert [(each["level"], each["says"]) for each in answer["danger"]["reasons"]] == [
        ("watch", f"the job {name} does not run") for name in ("cleanup", "retry_dead_letters", "send_followups")
    ]


def test_a_scheduler_that_does_not_answer_is_told_and_hides_nothing_else() -> None:
    """With its error on record."""
    overview = Overview(seen(), refuses=True)
    answer = overview()
    assert (answer["jobs"], answer["channels"]["slack"]["accepted"]) == (None, 9)
    assert overview.events.lines == [("scheduler_failed", {"error": "DeadlineExceeded"})]


@pytest.mark.parametrize("look", [seen(late=-1), seen()])
def test_storage_that_does_not_answer_is_told(look: Look) -> None:
    """Half an overview would be taken for the whole."""
    overview = Overview(look, down=look.late == 0)
    with pytest.raises(Unavailable):
        overview()
    assert overview.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]


def test_charts_have_the_hours_that_are_asked_for() -> None:
    """By the instance's own clock, oldest first, no more points than a chart can show."""
    overview = Overview(seen())
    for ago in range(POINTS_MOST + 10, 0, -1):
        overview.samples.keep(Sample(NOW - ago * MINUTE, {"slack": {"accepted": ago}}, ago), None)
    points = overview.flow.history(7)["points"]
    assert overview.samples.asked == (NOW - 7 * HOUR, NOW)
    assert len(points) == POINTS_MOST
    assert points[-1] == {
        "at": (NOW - MINUTE).isoformat(),
        "channels": {"slack": {"accepted": 1}},
        "oldest_seconds": 1,
    }
    assert points == sorted(points, key=lambda point: point["at"])
    assert overview()["history"] == points
    down = Overview(seen(), down=True)
    with pytest.raises(Unavailable):
        down.flow.history(7)


class Newest(FakeRuns):
    """Remembers how many were asked for."""

    def __init__(self, documents: Documents) -> None:
        super().__init__(documents)
        self.asked: list[int] = []
        self.down = False

    def newest(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """See ``shared.ports.canary.CanaryRuns``."""
        self.asked.append(limit)
        if self.down:
            raise StorageUnavailable
        return super().newest(limit)


def test_a_canarys_runs_are_told_leg_by_leg() -> None:
    """The newest first, with how far each came and why no further; what has no target is told of the newest."""
    runs, events = Newest(Documents()), RecordedEvents()
    look = LookAtCanary(runs, 30 * MINUTE, events)
    legs = {
        "slack": Leg(Mark.ARRIVED, timedelta(milliseconds=1250), "delivered"),
        "email": Leg(Mark.LATE, None, "parked", "no_active_hooks"),
    }
    runs.begin(replace(Run.begun("older", NOW - 10 * MINUTE, legs, ()), legs=legs))
    runs.begin(Run.begun("newer", NOW, ["slack"], ["email", "webhook"]))
    assert look() == {
        "configured": True,
        "last_run": NOW.isoformat(),
        "late": True,
        "without": ["email", "webhook"],
        "runs": [
            {
                "id": "newer",
                "at": NOW.isoformat(),
                "channels": {"slack": {"state": "waiting", "latency_ms": None, "reached": None, "cause": None}},
            },
            {
                "id": "older",
                "at": (NOW - 10 * MINUTE).isoformat(),
                "channels": {
                    "slack": {"state": "arrived", "latency_ms": 1250, "reached": "delivered", "cause": None},
                    "email": {"state": "late", "latency_ms": None, "reached": "parked", "cause": "no_active_hooks"},
                },
            },
        ],
    }


def test_where_no_canary_has_a_target_that_is_told() -> None:
    """A run without channels is noted, and none is shown."""
    runs = Newest(Documents())
    runs.begin(Run.begun("empty", NOW, [], ["slack"]))
    shown = LookAtCanary(runs, 30 * MINUTE, RecordedEvents())()
    assert (shown["configured"], shown["last_run"], shown["without"], shown["runs"]) == (
        False,
        NOW.isoformat(),
        ["slack"],
        [],
    )


def test_a_day_of_canaries_is_shown_and_a_glance_reads_few() -> None:
    """One every ten minutes; a glance is a read a run, and is made with each overview."""
    runs = Newest(Documents())
    look = LookAtCanary(runs, 30 * MINUTE, RecordedEvents())
    look()
    assert runs.asked[0] * 10 * MINUTE == timedelta(days=1)
    look.standing()
    assert 2 <= runs.asked[1] <= 4


def test_a_ledger_of_canaries_that_does_not_answer_is_told() -> None:
    """With the error's name."""
    runs, events = Newest(Documents()), RecordedEvents()
    runs.down = True
    look = LookAtCanary(runs, 30 * MINUTE, events)
    for ask in (look, look.standing):
        with pytest.raises(Unavailable):
            ask()
    assert events.lines == [("storage_failed", {"error": "StorageUnavailable"})] * 2
