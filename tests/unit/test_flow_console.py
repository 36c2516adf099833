"""What an operator does of the system as a whole, over fakes: conflicts, storage that fails, and what is on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.breaker import Breaker, opened
from shared.domain.conservation import WrongAlert
from shared.domain.counts import Counts
from shared.domain.destination import Destination
from shared.domain.samples import Sample, Verdict
from shared.errors import (
    Conflict,
    Contention,
    OutcomeUnknown,
    RequestError,
    SchedulerUnavailable,
    StorageUnavailable,
    Unavailable,
)
from shared.flows.canary_view import LookAtCanary
from shared.flows.operations_audit import OperatingAudit
from shared.flows.operations_breakers import MOVE_TRIES, MoveBreaker, OperatingBreakers
from shared.flows.operations_jobs import MoveJob, OperatingJobs
from shared.flows.operations_overview import Overviewing
from shared.flows.take_sample import TakeSample
from shared.ports.breakers import StoredBreaker
from shared.ports.operations import Action, Place
from shared.ports.operations_system import (
    BreakerControl,
    Done,
    Look,
    Oldest,
    OperatorAudit,
    Overseeing,
    Samples,
    ScheduledJob,
    Scheduler,
)
from tests.support.canary_stores import FakeRuns
from tests.support.documents import Documents
from tests.support.fakes import (
    NOW,
    FakeChance,
    FakeClock,
    FakeContinuation,
    RecordedEvents,
    RefusingContinuation,
)
from tests.unit.test_flow_operations import FakeCounting, UnreachableCounting

MINUTE = timedelta(minutes=1)
COUNTS = Counts(accepted=9, queued=1, parked=2, failed=1)


class FakeAudit(OperatorAudit):
    """What was done, in memory; ``refuses`` raises what it is given."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.actions: list[Action] = []
        self._refuses = refuses

    def note(self, action: Action) -> None:
        """See ``shared.ports.operations_system.OperatorAudit``."""
        if self._refuses is not None:
            raise self._refuses
        self.actions.append(action)

    def listed(self, limit: int, after: Place | None = None) -> list[Done]:
        """See ``shared.ports.operations_system.OperatorAudit``."""
        return [Done(action, NOW) for action in self.actions][:limit]


class FakeControl(BreakerControl):
    """Breakers in memory; each refusal is raised once, before a write."""

    def __init__(self, breaker: Breaker, *refusals: Exception) -> None:
        self.breakers = {breaker.name: breaker}
        self.actions: list[Action] = []
        self._refusals = list(refusals)

    def read(self, names: Sequence[str]) -> dict[str, StoredBreaker]:
        """See ``shared.ports.operations_system.BreakerControl``."""
        return {name: StoredBreaker(self.breakers.get(name, Breaker(name)), None, NOW) for name in names}

    def move(self, stored: StoredBreaker, action: Action) -> None:
        """See ``shared.ports.operations_system.BreakerControl``."""
        if self._refusals:
            raise self._refusals.pop(0)
        self.breakers[stored.breaker.name] = stored.breaker
        self.actions.append(action)


class FakeScheduler(Scheduler):
    """Jobs in memory."""

    def __init__(self, *jobs: ScheduledJob, refuses: bool = False) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._refuses = refuses
        self.ran: list[str] = []

    def jobs(self) -> list[ScheduledJob]:
        """See ``shared.ports.operations_system.Scheduler``."""
        if self._refuses:
            raise SchedulerUnavailable("DeadlineExceeded")
        return list(self._jobs.values())

    def pause(self, name: str) -> ScheduledJob | None:
        """See ``shared.ports.operations_system.Scheduler``."""
        return self._change(name, "paused")

    def resume(self, name: str) -> ScheduledJob | None:
        """See ``shared.ports.operations_system.Scheduler``."""
        return self._change(name, "enabled")

    def run(self, name: str) -> ScheduledJob | None:
        """See ``shared.ports.operations_system.Scheduler``."""
        self.ran.append(name)
        return self._jobs.get(name)

    def _change(self, name: str, state: str) -> ScheduledJob | None:
        self._jobs[name] = replace(self._jobs[name], state=state)
        return self._jobs[name]


class FakeOverseeing(Overseeing):
    """A look as it is given."""

    def __init__(self, seen: Look) -> None:
        self.seen = seen

    def look(self, *, parked_most: timedelta, patience: timedelta) -> Look:
        """See ``shared.ports.operations_system.Overseeing``."""
        return self.seen

    def counts(self) -> Look:
        """See ``shared.ports.operations_system.Overseeing``."""
        return self.seen


class FakeSamples(Samples):
    """Samples in memory; ``down`` refuses everything."""

    def __init__(self, *, sampled: bool = False, judged: bool = False, down: bool = False) -> None:
        self.sampled, self.judged, self.down = sampled, judged, down
        self.kept: list[tuple[Sample, Verdict | None]] = []

    def taken(self, at: datetime) -> tuple[bool, bool]:
        """See ``shared.ports.operations_system.Samples``."""
        if self.down:
            raise StorageUnavailable
        return self.sampled, self.judged

    def keep(self, sample: Sample, verdict: Verdict | None) -> None:
        """See ``shared.ports.operations_system.Samples``."""
        self.kept.append((sample, verdict))

    def since(self, at: datetime, until: datetime) -> tuple[list[Sample], Verdict | None]:
        """See ``shared.ports.operations_system.Samples``."""
        verdicts = [verdict for _, verdict in self.kept if verdict is not None]
        return [sample for sample, _ in self.kept], verdicts[-1] if verdicts else None


def job(name: str, **changes: Any) -> ScheduledJob:
    """A job that ran a minute ago."""
    ran, comes = NOW - MINUTE, NOW + 4 * MINUTE
    made = ScheduledJob(name, "*/5 * * * *", "Etc/UTC", "enabled", ran, "succeeded", comes, NOW - timedelta(days=9))
    return replace(made, **changes)


JOBS = [job(name) for name in ("cleanup", "cleanup_daily", "retry_dead_letters", "send_followups")]


def seen(**changes: Any) -> Look:
    """Slack with some alerts."""
    look = Look(
        at=NOW,
        channels={"slack": COUNTS},
        oldest={"slack": Oldest("a", "slack", "lead", "queued", NOW - MINUTE)},
        breakers={"slack": Breaker("slack")},
        destinations={"slack": Destination("slack")},
    )
    return replace(look, **changes)


class Breakers:
    """The flow over fakes."""

    def __init__(self, *refusals: Exception, sweep: FakeContinuation | None = None) -> None:
        failing = opened(Breaker("slack"), "http_500", now=NOW, wait=MINUTE, nonce="n")
        self.control, self.events = FakeControl(failing, *refusals), RecordedEvents()
        self.sweep = sweep or FakeContinuation()
        self.flow = OperatingBreakers(self.control, ("slack", "email"), self.sweep, FakeChance(), self.events)

    def move(self, mode: str, channel: str = "slack") -> dict[str, Any]:
        """Move it."""
        return self.flow.move(MoveBreaker(channel, mode, "because", "ana"))


def test_every_channel_has_a_breaker_also_one_that_nobody_wrote() -> None:
    """Closed, and left to itself."""
    shown = Breakers().flow.listed()["breakers"]
    assert [(each["channel"], each["state"], each["mode"]) for each in shown] == [
        ("slack", "open", "auto"),
        ("email", "closed", "auto"),
    ]


@pytest.mark.parametrize(
    ("mode", "state", "asked"), [("open", "open", 0), ("closed", "closed", 1), ("auto", "closed", 1)]
)
def test_what_a_breaker_held_up_is_let_out_at_once(mode: str, state: str, asked: int) -> None:
    """The sweep is asked, once it is closed; who said so is on record with what it was before."""
    system = Breakers()
    shown = system.move(mode)
    assert (shown["state"], shown["mode"], shown["draining"]) == (state, mode, bool(asked))
    assert len(system.sweep.asked) == asked
    [action] = system.control.actions
    assert (action.name, action.reason, action.by) == ("breaker", "because", "ana")
    assert action.subject == {"channel": "slack", "mode": mode, "from": "auto"}


def test_a_sweep_that_cannot_be_asked_comes_anyway() -> None:
    """The breaker stands as it was said; it is reported."""
    system = Breakers(sweep=RefusingContinuation())
    assert system.move("closed")["state"] == "closed"
    assert "enqueue_failed" in system.events.names


def test_whoever_is_slower_decides_anew() -> None:
    """As often as there are tries, and then says that it could not."""
    system = Breakers(Conflict("slack"), Contention("slack"), OutcomeUnknown("slack"))
    assert system.move("open")["mode"] == "open"
    assert len(system.control.actions) == 1
    with pytest.raises(Unavailable):
        Breakers(*[Conflict("slack")] * MOVE_TRIES).move("open")


def test_a_breaker_of_no_channel_is_not_there() -> None:
    """404, and nothing is written."""
    system = Breakers()
    with pytest.raises(RequestError) as refused:
        system.move("open", "fax")
    assert (refused.value.status, system.control.actions) == (404, [])


def jobs(
    *found: ScheduledJob, refuses: bool = False, audit: FakeAudit | None = None
) -> tuple[OperatingJobs, FakeAudit]:
    """The flow and its record."""
    noted, events = audit or FakeAudit(), RecordedEvents()
    return OperatingJobs(
        FakeScheduler(*found, refuses=refuses), OperatingAudit(noted, FakeChance(), events), events
    ), noted


def test_a_job_is_moved_after_it_is_on_record() -> None:
    """And without the record it is not moved."""
    flow, audit = jobs(*JOBS)
    assert flow.move(MoveJob("cleanup", "pause", "a drill", "ana"))["state"] == "paused"
    assert flow.move(MoveJob("cleanup", "resume"))["state"] == "enabled"
    assert [(each.name, each.subject, each.by) for each in audit.actions] == [
        ("job_pause", {"job": "cleanup"}, "ana"),
        ("job_resume", {"job": "cleanup"}, None),
    ]
    flow, _ = jobs(*JOBS, audit=FakeAudit(StorageUnavailable()))
    with pytest.raises(Unavailable):
        flow.move(MoveJob("cleanup", "run"))
    assert flow.scheduler.ran == []  # type: ignore[attr-defined]


def test_no_job_and_no_scheduler_are_answers() -> None:
    """404 and 503; nothing is on record."""
    for flow, audit, status in ((*jobs(*JOBS), 404), (*jobs(refuses=True), 503)):
        with pytest.raises(RequestError) as refused:
            flow.move(MoveJob("canary_of_nobody", "run"))
        assert (refused.value.status, audit.actions) == (status, [])


def overview(look: Look, *found: ScheduledJob, refuses: bool = False, **how: Any) -> dict[str, Any]:
    """What is answered."""
    samples = how.get("samples", FakeSamples())
    scheduler = FakeScheduler(*(found or JOBS), refuses=refuses)
    canary = LookAtCanary(FakeRuns(Documents()), timedelta(minutes=30), RecordedEvents())
    day, clock, events = timedelta(days=1), FakeClock(), RecordedEvents()
    flow = Overviewing(FakeOverseeing(look), samples, scheduler, canary, day, clock, events)
    return flow.overview()


def whats(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The reasons, and what they say."""
    return [(each["what"], each["says"]) for each in answer["danger"]["reasons"]]


def test_the_overview_says_what_waits_and_why() -> None:
    """Counts, the oldest and its age, and whether it was balanced lately."""
    samples = FakeSamples()
    samples.keep(Sample(NOW, {"slack": {"accepted": 9}}, 60), Verdict(NOW, balanced=False, wrong=("lost",)))
    answer = overview(seen(), samples=samples)
    assert answer["channels"]["slack"]["delivered"] == 5
    assert (answer["oldest_waiting"]["id"], answer["oldest_waiting"]["age_seconds"]) == ("a", 60)
    assert (answer["balanced"], answer["wrong"], len(answer["history"])) == (False, ["lost"], 1)
    assert answer["danger"]["level"] == "danger"
    assert [what for what, _ in whats(answer)] == ["not_balanced", "failed"]


@pytest.mark.parametrize(
    ("changes", "slots", "stopped"),
    [
        ({}, {}, False),
        ({"state": "paused"}, {}, True),
        ({"last_run_at": NOW - 30 * MINUTE}, {}, True),
        ({"last_outcome": "failed"}, {}, True),
        ({"last_outcome": "failed"}, {"cleanup": NOW - 5 * MINUTE}, False),  # the run before that one succeeded
        ({"last_outcome": None, "last_run_at": None}, {}, True),
        ({"last_outcome": None, "last_run_at": None, "changed_at": NOW - MINUTE}, {}, False),  # it was just made
        ({"schedule": "whenever"}, {}, False),
    ],
)
def test_a_job_that_has_not_succeeded_for_long_is_told(
    changes: dict[str, Any], slots: dict[str, datetime], *, stopped: bool
) -> None:
    """Three of its intervals; paused at once; a new one has its time."""
    others = [each for each in JOBS if each.name != "cleanup"]
    answer = overview(seen(channels={}, oldest={}, slots=slots), *others, job("cleanup", **changes))
    assert whats(answer) == ([("job_stopped", "the job cleanup does not run")] if stopped else [])


def test_the_canarys_job_may_be_paused() -> None:
    """No lead depends on it."""
    answer = overview(seen(channels={}, oldest={}), *JOBS, job("canary", state="paused"))
    assert (answer["danger"]["level"], whats(answer)) == ("none", [])


def test_a_job_that_is_missing_and_jobs_nobody_knows_are_told() -> None:
    """The sweep's is danger while something waits."""
    answer = overview(seen(), *[each for each in JOBS if each.name != "retry_dead_letters"])
    assert ("job_stopped", "the job retry_dead_letters does not run") in whats(answer)
    assert answer["danger"]["level"] == "danger"
    unknown = overview(seen(channels={}, oldest={}), refuses=True)
    assert (unknown["jobs"], [what for what, _ in whats(unknown)]) == (None, ["jobs_unknown"])


def sampled(samples: FakeSamples, counting: Any = None, look: Callable[[], Look] = seen) -> tuple[bool, RecordedEvents]:
    """Whether a sample was taken, and what was reported."""
    events = RecordedEvents()
    flow = TakeSample(
        FakeOverseeing(look()), counting or FakeCounting(), samples, timedelta(days=30), FakeClock(), events
    )
    return flow(), events


@pytest.mark.parametrize(("wrong", "told"), [((), 0), ((WrongAlert("lost", "gone"),), 1)])
def test_a_count_that_does_not_balance_is_told_of(wrong: tuple[WrongAlert, ...], told: int) -> None:
    """With how many are named; an alert policy looks at it. A count that was taken this hour is not taken again."""
    _, events = sampled(FakeSamples(), FakeCounting(*wrong))
    assert [values for name, values in events.lines if name == "not_balanced"] == [{"count": 1}] * told
    _, events = sampled(FakeSamples(judged=True), FakeCounting(*wrong))
    assert events.names == []


def test_a_sample_holds_what_charts_show() -> None:
    """With the hour's verdict where it has none yet."""
    samples = FakeSamples()
    assert sampled(samples, FakeCounting(WrongAlert("lost", "gone")))[0] is True
    [(sample, verdict)] = samples.kept
    assert sample.channels == {"slack": {"accepted": 9, "delivered": 5, "waiting": 3, "parked": 2, "failed": 1}}
    assert (sample.at, sample.oldest_seconds) == (NOW, 60)
    assert verdict == Verdict(NOW, balanced=False, wrong=("lost",))
    judged = FakeSamples(judged=True)
    assert sampled(judged, UnreachableCounting())[0] is True
    assert judged.kept[0][1] is None


def test_a_minute_has_one_sample() -> None:
    """A run that comes twice leaves it at that."""
    samples = FakeSamples(sampled=True)
    assert (sampled(samples)[0], samples.kept) == (False, [])


def test_charts_hold_nothing_up() -> None:
    """Storage that fails, or a count that takes too long, is reported; the clean-up goes on."""
    taken, events = sampled(FakeSamples(down=True))
    assert (taken, events.names) == (False, ["sample_failed"])
    samples = FakeSamples()
    taken, events = sampled(samples, UnreachableCounting())
    assert (taken, events.names, samples.kept[0][1]) == (True, ["sample_failed"], None)


def test_a_breaker_is_told_with_all_that_is_known_of_it() -> None:
    """When it opened and why, when it is tried, and how many failures still count; a person's word is on record."""
    system = Breakers()
    found = {each["channel"]: each for each in system.flow.listed()["breakers"]}
    assert found["slack"] == {
        "channel": "slack",
        "state": "open",
        "mode": "auto",
        "failures": 0,
        "cause": "http_500",
        "opened_at": NOW.isoformat(),
        "probe_at": (NOW + MINUTE).isoformat(),
        "draining": False,
        "closed_at": None,
    }
    system.control.breakers["email"] = Breaker("email", failures=(NOW - timedelta(hours=1), NOW))
    assert system.move("open", "email")["mode"] == "open"
    assert system.events.lines == [("breaker_forced", {"channel": "email", "state": "open"})]
    shown = system.move("open")
    assert (shown["probe_at"], shown["opened_at"] is not None) == (None, True)


def test_a_sweep_that_cannot_be_asked_is_told_with_its_channel() -> None:
    """And which error it was."""
    system = Breakers(sweep=RefusingContinuation())
    system.move("closed")
    [told] = system.events.of("enqueue_failed")
    assert (told["channel"], bool(told["error"])) == ("slack", True)


def test_storage_that_does_not_answer_for_a_breaker_is_told() -> None:
    """Of what kind; how it stands can be looked up."""
    system = Breakers(StorageUnavailable())
    with pytest.raises(Unavailable):
        system.move("open")
    assert system.events.lines == [("storage_failed", {"error": "StorageUnavailable"})]


def test_a_job_is_told_with_when_it_ran_and_how_that_ended() -> None:
    """And when it runs next."""
    flow, _ = jobs(job("cleanup", last_outcome="failed"))
    assert flow.listed() == {
        "jobs": [
            {
                "name": "cleanup",
                "schedule": "*/5 * * * *",
                "time_zone": "Etc/UTC",
                "state": "enabled",
                "last_run_at": (NOW - MINUTE).isoformat(),
                "last_outcome": "failed",
                "next_run_at": (NOW + 4 * MINUTE).isoformat(),
            }
        ]
    }


def test_a_refusal_of_the_console_says_what_it_is_about() -> None:
    """Which thing is not there, and what to do when Cloud Scheduler does not answer, whose error is logged."""
    with pytest.raises(RequestError) as refused:
        Breakers().move("open", "fax")
    assert refused.value.detail == "A breaker of this channel does not exist."
    flow, _ = jobs(*JOBS)
    with pytest.raises(RequestError) as refused:
        flow.move(MoveJob("nobody", "run"))
    assert refused.value.detail == "A job of this name does not exist."
    flow, _ = jobs(refuses=True)
    with pytest.raises(RequestError) as refused:
        flow.listed()
    error = refused.value
    assert (error.status, error.slug, error.title, error.retry_after) == (
        503,
        "unavailable",
        "Temporarily unavailable",
        5,
    )
    assert error.detail == "Cloud Scheduler did not answer, or this function may not ask it; look at the log."
    assert flow.events.lines == [("scheduler_failed", {"error": "DeadlineExceeded"})]  # type: ignore[attr-defined]
