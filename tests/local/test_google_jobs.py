"""Jobs on a clock moved by hand: when they run, what they carry, and what follows a failure."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.google.attempt import Outcome
from infra.local.google.errors import ApiError
from tests.local.google_support import HANG, JOB, LOCATION, SECOND, in_world

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def refused(call, *arguments):
    """The error with which a call is refused."""
    with pytest.raises(ApiError) as error:
        call(*arguments)
    return error.value


def test_a_job_runs_at_its_times_with_the_headers_of_cloud_scheduler():
    """On the hour, saying which run it is."""

    async def scenario(world):
        world.job(httpTarget={"uri": "http://t/", "headers": {"X-Mine": "1"}, "body": "e30="})
        await world.clock.advance(HOUR * 2)
        assert world.send.times == [3600, 7200]
        return world.send.calls[0]

    call = in_world(scenario)
    assert (call.method, call.body, call.deadline) == ("POST", b"{}", 3 * MINUTE)
    assert dict(call.headers) == {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": "sweep",
        "X-CloudScheduler-ScheduleTime": "2026-03-02T13:00:00Z",
        "Content-Type": "application/octet-stream",
        "X-Mine": "1",
    }


def test_a_job_keeps_its_time_on_the_wall_through_a_clock_change():
    """Daily at 09:00 in Warsaw, across 29 March 2026."""

    async def scenario(world):
        world.job(schedule="0 9 * * *", timeZone="Europe/Warsaw")
        await world.clock.advance(timedelta(days=2))
        return [call.headers["X-CloudScheduler-ScheduleTime"] for call in world.send.calls]

    start = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    assert in_world(scenario, start=start) == ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"]


def test_a_job_shows_its_times_state_and_last_status():
    """As the API does: what comes, what was, how it ended."""

    async def scenario(world):
        fresh = world.job()
        world.send.answers.append(500)
        await world.clock.advance(HOUR + MINUTE)
        return fresh, world.jobs.get_job(JOB)

    fresh, later = in_world(scenario)
    assert (fresh["state"], fresh["timeZone"], fresh["attemptDeadline"]) == ("ENABLED", "Etc/UTC", "180s")
    assert (fresh["scheduleTime"], fresh["userUpdateTime"]) == ("2026-03-02T13:00:00Z", "2026-03-02T12:00:00Z")
    assert fresh["retryConfig"] == {
        "minBackoffDuration": "5s",
        "maxBackoffDuration": "3600s",
        "maxDoublings": 5,
    }
    assert "lastAttemptTime" not in fresh
    assert (later["scheduleTime"], later["lastAttemptTime"]) == ("2026-03-02T14:00:00Z", "2026-03-02T13:00:00Z")
    assert later["status"]["code"] == 13


def test_a_failed_run_is_retried_with_backoff_as_often_as_was_set():
    """The same scheduled time on every attempt of the run."""

    async def scenario(world):
        retry = {"retryCount": 3, "minBackoffDuration": "10s", "maxDoublings": 1}
        world.job(retryConfig=retry)
        world.send.then = 500
        await world.clock.advance(HOUR + MINUTE * 30)
        assert world.send.times == [3600, 3610, 3630, 3670]
        assert {call.headers["X-CloudScheduler-ScheduleTime"] for call in world.send.calls} == {"2026-03-02T13:00:00Z"}

    in_world(scenario)


def test_without_retries_a_failed_run_waits_for_the_next():
    """A count of 0 is the default; a retry duration alone changes nothing."""

    async def scenario(world):
        world.job(retryConfig={"maxRetryDuration": "1000s"})
        world.send.then = 500
        await world.clock.advance(HOUR * 2)
        assert world.send.times == [3600, 7200]

    in_world(scenario)


@pytest.mark.parametrize(("answer", "attempts"), [(200, 1), (204, 1), (302, 2), (404, 2), (Outcome(None), 2)])
def test_any_2xx_ends_a_run(answer, attempts):
    """Everything else is retried."""

    async def scenario(world):
        world.job(retryConfig={"retryCount": 1})
        world.send.answers.append(answer)
        await world.clock.advance(HOUR + MINUTE)
        assert len(world.send.calls) == attempts

    in_world(scenario)


def test_a_run_still_under_way_delays_the_next_one():
    """At most one outstanding; the delayed one follows at once, those between fall together."""

    async def scenario(world):
        world.job(schedule="*/5 * * * *", attemptDeadline="1800s")
        world.send.answers.append(HANG)
        await world.clock.advance(MINUTE * 17)
        assert len(world.send.calls) == 1
        world.send.released.set()
        await world.clock.advance(MINUTE * 4)
        return world.send.times, [call.headers["X-CloudScheduler-ScheduleTime"] for call in world.send.calls]

    times, scheduled = in_world(scenario)
    assert times == [300, 1020, 1200]
    assert [time[11:16] for time in scheduled] == ["12:05", "12:10", "12:20"]


def test_an_attempt_is_cut_off_at_its_deadline():
    """Three minutes unless the job says otherwise."""

    async def scenario(world):
        world.job()
        world.send.then = HANG
        await world.clock.advance(HOUR + 3 * MINUTE - SECOND)
        assert world.send.open == 1
        await world.clock.advance(SECOND)
        assert (world.send.open, world.send.cancelled) == (0, 1)
        assert world.jobs.get_job(JOB)["status"]["code"] == 4

    in_world(scenario)


def test_running_by_hand_answers_with_the_status():
    """At once, with the present as its scheduled time, and without a retry."""

    async def scenario(world):
        world.job(retryConfig={"retryCount": 5})
        world.send.answers.extend([500, Outcome(None)])
        assert await world.jobs.run_and_wait(JOB) == 500
        assert await world.jobs.run_and_wait(JOB) is None
        assert await world.jobs.run_and_wait(JOB) == 200
        assert world.send.calls[0].headers["X-CloudScheduler-ScheduleTime"] == "2026-03-02T12:00:00Z"
        await world.clock.advance(MINUTE * 10)
        assert len(world.send.calls) == 3

    in_world(scenario)


def test_a_run_by_hand_waits_for_the_one_outstanding():
    """Two calls at once are made one after the other."""

    async def scenario(world):
        world.job()
        world.send.answers.append(HANG)
        first = asyncio.ensure_future(world.jobs.run_and_wait(JOB))
        await world.clock.settle()
        second = asyncio.ensure_future(world.jobs.run_and_wait(JOB))
        world.jobs.run_job(JOB)
        await world.clock.settle()
        assert (len(world.send.calls), second.done()) == (1, False)
        world.send.released.set()
        assert await asyncio.gather(first, second) == [200, 200]
        await world.clock.settle()
        assert len(world.send.calls) == 3

    in_world(scenario)


def test_a_scheduled_run_waits_for_one_by_hand():
    """At most one outstanding, whoever started it."""

    async def scenario(world):
        world.job(attemptDeadline="1800s")
        await world.clock.advance(HOUR - MINUTE)
        world.send.answers.append(HANG)
        by_hand = asyncio.ensure_future(world.jobs.run_and_wait(JOB))
        await world.clock.advance(MINUTE * 5)
        assert len(world.send.calls) == 1
        world.send.released.set()
        await by_hand
        await world.clock.settle()
        assert world.send.times == [3540, 3840]

    in_world(scenario)


def test_a_paused_job_rests_and_can_be_run_by_hand():
    """Resumed, it goes on with the next time that comes."""

    async def scenario(world):
        world.job()
        assert world.jobs.pause_job(JOB)["state"] == "PAUSED"
        await world.clock.advance(HOUR * 2 + MINUTE)
        assert world.send.calls == []
        assert await world.jobs.run_and_wait(JOB) == 200
        shown = world.jobs.resume_job(JOB)
        assert (shown["state"], shown["scheduleTime"]) == ("ENABLED", "2026-03-02T15:00:00Z")
        await world.clock.advance(HOUR)
        assert world.send.times == [7260, 10800]

    in_world(scenario)


def test_pausing_twice_and_resuming_what_runs_are_refused():
    """FAILED_PRECONDITION, as the job is in the wrong state."""

    async def scenario(world):
        world.job()
        assert refused(world.jobs.resume_job, JOB).status == "FAILED_PRECONDITION"
        world.jobs.pause_job(JOB)
        assert refused(world.jobs.pause_job, JOB).status == "FAILED_PRECONDITION"

    in_world(scenario)


def test_the_job_rhythm_takes_the_place_of_the_cron_line():
    """The local system's fast mode; the retry backoff is capped with it."""

    async def scenario(world):
        world.job(retryConfig={"retryCount": 1})
        world.send.answers.append(500)
        await world.clock.advance(SECOND * 15)
        assert world.send.times == [5, 6, 10, 15]

    in_world(scenario, job_rhythm=SECOND * 5, backoff_cap=SECOND)


def test_an_update_changes_the_schedule_from_now_on():
    """The old next time is forgotten."""

    async def scenario(world):
        world.job(description="old")
        shown = world.jobs.update_job(JOB, {"schedule": "30 * * * *"}, "schedule")
        assert (shown["description"], shown["scheduleTime"]) == ("old", "2026-03-02T12:30:00Z")
        await world.clock.advance(HOUR)
        assert world.send.times == [1800]

    in_world(scenario)


def test_what_is_changed_during_an_attempt_counts_from_then_on():
    """Neither its failure nor its end brings the old schedule back."""

    async def scenario(world):
        world.job(retryConfig={"retryCount": 5})
        world.send.answers.append(HANG)
        world.send.released_with = 500
        await world.clock.advance(HOUR)
        world.jobs.pause_job(JOB)
        world.send.released.set()
        await world.clock.advance(HOUR)
        assert world.jobs.get_job(JOB)["state"] == "PAUSED"
        assert world.send.times == [3600]

    in_world(scenario)


def test_an_update_without_a_mask_keeps_the_target_that_is_not_given():
    """Everything else goes back to its default."""

    async def scenario(world):
        world.job(description="old", attemptDeadline="60s")
        return world.jobs.update_job(JOB, {"schedule": "30 * * * *"}, "")

    shown = in_world(scenario)
    assert shown["httpTarget"]["uri"] == "http://target/sweep"
    assert ("description" in shown, shown["attemptDeadline"]) == (False, "180s")


def test_an_update_that_is_refused_changes_nothing():
    """The job runs on as it was."""

    async def scenario(world):
        world.job()
        before = world.jobs.get_job(JOB)
        assert refused(world.jobs.update_job, JOB, {"schedule": "bad"}, "schedule").status == "INVALID_ARGUMENT"
        assert world.jobs.get_job(JOB) == before
        assert refused(world.jobs.update_job, f"{JOB}2", {}, "").status == "NOT_FOUND"

    in_world(scenario)


def test_a_deleted_job_runs_no_more():
    """And is not found; its name can be used again at once."""

    async def scenario(world):
        world.job()
        assert refused(world.job).status == "ALREADY_EXISTS"
        assert world.jobs.delete_job(JOB) == {}
        await world.clock.advance(HOUR * 2)
        assert world.send.calls == []
        assert refused(world.jobs.get_job, JOB).status == "NOT_FOUND"
        world.job()

    in_world(scenario)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"schedule": "every now and then"}, "every now and then"),
        ({"schedule": ""}, "schedule"),
        ({"timeZone": "Europe/Atlantis"}, "Europe/Atlantis"),
        ({"attemptDeadline": "14s"}, "attempt_deadline"),
        ({"attemptDeadline": "1801s"}, "attempt_deadline"),
        ({"retryConfig": {"retryCount": 6}}, "retry_count"),
        ({"retryConfig": {"retryCount": -1}}, "retry_count"),
        ({"retryConfig": {"minBackoffDuration": "10s", "maxBackoffDuration": "5s"}}, "min_backoff_duration"),
        ({"retryConfig": {"maxDoublings": -1}}, "max_doublings"),
        ({"httpTarget": {"uri": "nowhere"}}, "nowhere"),
        ({"httpTarget": {"uri": "http://x", "httpMethod": "GET", "body": "aGk="}}, "GET"),
        ({"description": "x" * 501}, "description"),
        ({"surprise": True}, "surprise"),
        ({"name": "jobs/x"}, "jobs/x"),
        ({"name": "projects/other/locations/l/jobs/x"}, "parent"),
    ],
)
def test_jobs_google_would_refuse_are_refused_by_name(fields, named):
    """As INVALID_ARGUMENT; the message says what is wrong."""

    async def scenario(world):
        with pytest.raises(ApiError) as error:
            world.job(**fields)
        assert error.value.status == "INVALID_ARGUMENT"
        assert named in error.value.message
        assert world.jobs.list_jobs(LOCATION) == {}

    in_world(scenario)


def test_a_token_is_attached_for_the_audience():
    """As tasks do."""

    async def scenario(world):
        token = {"serviceAccountEmail": "me@x.iam", "audience": "http://svc"}
        world.job(httpTarget={"uri": "http://t/p", "oidcToken": token})
        await world.jobs.run_and_wait(JOB)
        return world.send.calls[0].headers["Authorization"]

    assert in_world(scenario) == "Bearer me@x.iam@http://svc"
