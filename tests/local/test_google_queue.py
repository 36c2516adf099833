"""Queues on a clock moved by hand: when tasks go, how often, and what ends them."""

from datetime import timedelta

import pytest

from infra.local.google.attempt import Outcome
from infra.local.google.errors import ApiError
from tests.local.google_support import HANG, LOCATION, QUEUE, SECOND, START, in_world

HOUR = timedelta(hours=1)
WIDE = {"maxDispatchesPerSecond": 500, "maxBurstSize": 500}


def refused(call, *arguments):
    """The status and message with which a call is refused."""
    with pytest.raises(ApiError) as error:
        call(*arguments)
    return error.value.status


def test_retries_follow_the_backoff_sequence_and_end_silently():
    """Ten seconds, doubled thrice, then linear, capped; after maxAttempts the task is gone."""

    async def scenario(world):
        retry = {"maxAttempts": 9, "minBackoff": "10s", "maxBackoff": "300s", "maxDoublings": 3}
        world.queue(retry=retry)
        world.send.then = 500
        world.task("a")
        await world.clock.advance(HOUR * 3)
        assert world.send.times == [0, 10, 30, 70, 150, 310, 550, 850, 1150]
        assert world.tasks.depth(QUEUE) == 0
        assert refused(world.tasks.get_task, f"{QUEUE}/tasks/a") == "NOT_FOUND"

    in_world(scenario)


def test_both_limits_must_be_reached_before_a_task_is_given_up():
    """Two attempts and 100 seconds: the attempts alone do not end it."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": 2, "maxRetryDuration": "100s", "minBackoff": "30s", "maxBackoff": "30s"})
        world.send.then = 500
        world.task()
        await world.clock.advance(HOUR)
        assert world.send.times == [0, 30, 60, 90, 120]
        assert world.tasks.depth(QUEUE) == 0

    in_world(scenario)


def test_the_duration_alone_does_not_end_a_task_with_attempts_left():
    """Four attempts and one second."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": 4, "maxRetryDuration": "1s", "minBackoff": "30s", "maxBackoff": "30s"})
        world.send.then = 500
        world.task()
        await world.clock.advance(HOUR)
        assert world.send.times == [0, 30, 60, 90]

    in_world(scenario)


def test_unlimited_attempts_end_with_the_retention():
    """A task that never succeeds is gone after 31 days."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": -1, "minBackoff": "86400s", "maxBackoff": "86400s"})
        world.send.then = 500
        world.task()
        await world.clock.advance(timedelta(days=60))
        assert len(world.send.calls) == 32
        assert world.tasks.depth(QUEUE) == 0

    in_world(scenario)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_ends_a_task(status):
    """One attempt, and the task is gone."""

    async def scenario(world):
        world.queue()
        world.send.then = status
        world.task()
        await world.clock.advance(HOUR)
        assert (len(world.send.calls), world.tasks.depth(QUEUE)) == (1, 0)

    in_world(scenario)


@pytest.mark.parametrize("answer", [199, 301, 302, 304, 400, 404, 410, 429, 500, 503, Outcome(None)])
def test_everything_else_is_retried(answer):
    """Redirects, client errors and silence too."""

    async def scenario(world):
        world.queue()
        world.send.answers.append(answer)
        world.task()
        await world.clock.advance(HOUR)
        assert (len(world.send.calls), world.tasks.depth(QUEUE)) == (2, 0)

    in_world(scenario)


def test_the_backoff_cap_holds_for_every_queue():
    """The local system's fast mode."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": 4, "minBackoff": "60s", "maxBackoff": "600s"})
        world.send.then = 500
        world.task()
        await world.clock.advance(HOUR)
        assert world.send.times == [0, 1, 2, 3]

    in_world(scenario, backoff_cap=SECOND)


def test_retry_after_is_considered():
    """The next attempt comes no earlier than the target asked for."""

    async def scenario(world):
        world.queue()
        world.send.answers.append(Outcome(503, retry_after=timedelta(seconds=90)))
        world.task()
        await world.clock.advance(HOUR)
        assert world.send.times == [0, 90]

    in_world(scenario)


def test_a_scheduled_task_waits_for_its_time():
    """And overtakes none that is due earlier."""

    async def scenario(world):
        world.queue()
        world.task("later", scheduleTime="2026-03-02T12:01:00Z")
        world.task("sooner", scheduleTime="2026-03-02T12:00:30.5Z")
        past = world.task("past", scheduleTime="2020-01-01T00:00:00Z")
        assert past["scheduleTime"] == "2026-03-02T12:00:00Z"
        await world.clock.advance(HOUR)
        assert world.send.times == [0, 30.5, 60]

    in_world(scenario)


def names_after(end):
    """Whether a task's name can be used again before, and after, an hour from its end."""

    async def scenario(world):
        world.queue()
        world.task("once", scheduleTime="2026-03-02T12:10:00Z")
        assert refused(world.task, "once") == "ALREADY_EXISTS"
        await end(world)
        assert world.tasks.depth(QUEUE) == 0
        early = refused(world.task, "once")
        await world.clock.advance(HOUR - SECOND)
        late = refused(world.task, "once")
        await world.clock.advance(SECOND)
        world.task("once")
        return early, late

    return in_world(scenario)


async def _completed(world):
    await world.clock.advance(timedelta(minutes=10))


async def _deleted(world):
    world.tasks.delete_task(f"{QUEUE}/tasks/once")


async def _purged(world):
    world.tasks.purge_queue(QUEUE)


async def _run_by_hand(world):
    world.tasks.run_task(f"{QUEUE}/tasks/once", {})
    await world.clock.settle()


@pytest.mark.parametrize("end", [_completed, _deleted, _purged, _run_by_hand])
def test_a_name_stays_taken_for_an_hour_after_its_task_ended(end):
    """Completed, deleted, purged or run by hand: the purge does not free it either."""
    assert names_after(end) == ("ALREADY_EXISTS", "ALREADY_EXISTS")


def test_an_exhausted_task_keeps_its_name_taken_too():
    """Deleted silently, and yet not to be repeated."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": 1})
        world.send.then = 500
        world.task("once")
        await world.clock.advance(SECOND)
        assert world.tasks.depth(QUEUE) == 0
        assert refused(world.task, "once") == "ALREADY_EXISTS"

    in_world(scenario)


def test_unnamed_tasks_are_never_duplicates():
    """Each gets a name of its own."""

    async def scenario(world):
        world.queue()
        names = {world.task()["name"] for _ in range(100)}
        assert len(names) == 100
        await world.clock.advance(SECOND * 60)
        assert len(world.send.calls) == 100

    in_world(scenario)


def test_dispatch_rate_is_honoured():
    """Two a second after a burst of three."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 2, "maxBurstSize": 3})
        for _ in range(7):
            world.task()
        await world.clock.advance(SECOND * 10)
        assert world.send.times == [0, 0, 0, 0.5, 1, 1.5, 2]

    in_world(scenario)


def test_retries_count_against_the_rate():
    """A failing task takes its turn like any other."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 1, "maxBurstSize": 1}, retry={"maxAttempts": 3})
        world.send.then = 500
        world.task()
        await world.clock.advance(SECOND * 10)
        assert world.send.times == [0, 1, 2]

    in_world(scenario)


def test_concurrency_is_honoured():
    """No more than two under way; the third goes when one has ended."""

    async def scenario(world):
        world.queue(limits={**WIDE, "maxConcurrentDispatches": 2})
        world.send.answers.extend([HANG] * 5)
        for _ in range(5):
            world.task()
        await world.clock.advance(SECOND)
        assert (world.send.open, len(world.send.calls)) == (2, 2)
        world.send.then = HANG
        world.send.released.set()
        await world.clock.settle()
        assert len(world.send.calls) == 5

    in_world(scenario)


def test_a_busy_answer_slows_the_whole_queue():
    """After a 503, another task waits longer than its rate alone would have it."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 1, "maxBurstSize": 1}, retry={"minBackoff": "1000s"})
        world.send.answers.append(503)
        world.task()
        await world.clock.advance(SECOND / 2)
        for _ in range(3):
            world.task()
        await world.clock.advance(SECOND * 20)
        assert world.send.times == [0, 2, 3, 4]

    in_world(scenario)


def test_an_ordinary_failure_does_not_slow_the_queue():
    """A 500 concerns its own task only."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 1, "maxBurstSize": 1}, retry={"minBackoff": "1000s"})
        world.send.answers.append(500)
        for _ in range(3):
            world.task()
        await world.clock.advance(SECOND * 20)
        assert world.send.times == [0, 1, 2]

    in_world(scenario)


def test_a_paused_queue_dispatches_nothing_until_it_is_resumed():
    """Tasks can still be added."""

    async def scenario(world):
        world.queue()
        assert world.tasks.pause_queue(QUEUE)["state"] == "PAUSED"
        world.task()
        await world.clock.advance(HOUR)
        assert world.send.calls == []
        world.task()
        assert world.tasks.resume_queue(QUEUE)["state"] == "RUNNING"
        await world.clock.settle()
        assert world.send.times == [3600, 3600]

    in_world(scenario)


def test_pausing_lets_attempts_under_way_finish():
    """And their failures wait until the queue is resumed."""

    async def scenario(world):
        world.queue()
        world.send.answers.append(HANG)
        world.task()
        await world.clock.settle()
        world.tasks.pause_queue(QUEUE)
        world.send.released.set()
        await world.clock.settle()
        assert world.tasks.depth(QUEUE) == 0

    in_world(scenario)


def test_a_purge_ends_what_waits_and_what_is_under_way():
    """An answer that comes after counts for nothing; later tasks go."""

    async def scenario(world):
        world.queue()
        world.send.answers.extend([HANG])
        world.task("running")
        await world.clock.settle()
        world.task("waiting", scheduleTime="2026-03-02T12:10:00Z")
        assert world.tasks.purge_queue(QUEUE)["purgeTime"] == "2026-03-02T12:00:00Z"
        assert world.tasks.depth(QUEUE) == 0
        world.send.released.set()
        world.task("after")
        await world.clock.advance(HOUR)
        assert len(world.send.calls) == 2

    in_world(scenario)


def test_a_purged_task_that_fails_afterwards_is_not_retried():
    """Its failure counts for nothing."""

    async def scenario(world):
        world.queue(retry={"minBackoff": "1s"})
        world.send.answers.append(HANG)
        world.send.released_with = 500
        world.task()
        await world.clock.settle()
        world.tasks.purge_queue(QUEUE)
        world.send.released.set()
        await world.clock.advance(HOUR)
        assert len(world.send.calls) == 1

    in_world(scenario)


def test_a_task_run_twice_at_once_waits_for_its_last_failure():
    """It is retried once, counted from the call that ran it."""

    async def scenario(world):
        world.queue(retry={"minBackoff": "100s", "maxDoublings": 0})
        world.send.answers.extend([HANG, 500])
        world.send.released_with = 500
        world.task("a")
        await world.clock.settle()
        world.tasks.run_task(f"{QUEUE}/tasks/a", {})
        await world.clock.advance(SECOND * 300)
        assert len(world.send.calls) == 2
        world.send.released.set()
        await world.clock.advance(SECOND * 500)
        assert world.send.times == [0, 0, 500]

    in_world(scenario)


def test_a_forced_attempt_delays_the_retry_from_the_call_on():
    """However long the target took to fail."""

    async def scenario(world):
        world.queue(retry={"minBackoff": "100s"})
        world.tasks.pause_queue(QUEUE)
        world.send.answers.append(HANG)
        world.send.released_with = 500
        world.task("a")
        world.tasks.run_task(f"{QUEUE}/tasks/a", {})
        await world.clock.advance(SECOND * 60)
        world.send.released.set()
        await world.clock.settle()
        return world.tasks.get_task(f"{QUEUE}/tasks/a")["scheduleTime"]

    assert in_world(scenario) == "2026-03-02T12:01:40Z"


def test_running_a_task_ignores_time_pause_and_limits():
    """It is dispatched at once; a failure is retried with the delay counted from the call."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 1, "maxBurstSize": 1}, retry={"minBackoff": "10s"})
        world.tasks.pause_queue(QUEUE)
        world.task("a", scheduleTime="2026-03-02T20:00:00Z")
        world.send.answers.append(500)
        shown = world.tasks.run_task(f"{QUEUE}/tasks/a", {})
        assert shown["dispatchCount"] == 1
        await world.clock.advance(SECOND * 60)
        assert world.send.times == [0]
        assert world.tasks.get_task(f"{QUEUE}/tasks/a")["scheduleTime"] == "2026-03-02T12:00:10Z"
        world.tasks.resume_queue(QUEUE)
        await world.clock.settle()
        assert world.send.times == [0, 60]

    in_world(scenario)


def test_a_task_under_way_can_be_run_once_more():
    """Both attempts happen; the first success ends it."""

    async def scenario(world):
        world.queue()
        world.send.answers.append(HANG)
        world.task("a")
        await world.clock.settle()
        world.tasks.run_task(f"{QUEUE}/tasks/a", {})
        await world.clock.settle()
        assert (len(world.send.calls), world.tasks.depth(QUEUE)) == (2, 0)
        world.send.released.set()
        await world.clock.advance(HOUR)
        assert len(world.send.calls) == 2

    in_world(scenario)


@pytest.mark.parametrize(("fields", "seconds"), [({}, 600), ({"dispatchDeadline": "15s"}, 15)])
def test_an_attempt_is_cut_off_at_its_deadline_and_retried(fields, seconds):
    """Ten minutes unless the task says otherwise."""

    async def scenario(world):
        world.queue(retry={"minBackoff": "1s"})
        world.send.answers.append(HANG)
        world.task("a", **fields)
        await world.clock.advance(SECOND * seconds - SECOND / 2)
        assert world.send.cancelled == 0
        await world.clock.advance(SECOND / 2)
        assert world.send.cancelled == 1
        last = world.tasks.get_task(f"{QUEUE}/tasks/a")
        assert last["lastAttempt"]["responseStatus"]["code"] == 4
        assert last["responseCount"] == 0
        await world.clock.advance(SECOND)
        assert world.tasks.depth(QUEUE) == 0

    in_world(scenario)


def test_dispatches_carry_the_headers_of_cloud_tasks():
    """Counts, times and reasons, attempt by attempt."""

    async def scenario(world):
        world.queue(retry={"minBackoff": "1s", "maxDoublings": 0})
        world.send.answers.extend([500, 404, Outcome(None), 200])
        world.task("a", httpRequest={"url": "http://t/", "headers": {"X-Mine": "1", "Content-Type": "text/x"}})
        await world.clock.advance(SECOND * 10)
        return [dict(call.headers) for call in world.send.calls]

    first, second, third, fourth = in_world(scenario)
    assert first == {
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": "slack",
        "X-CloudTasks-TaskName": "a",
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
        "X-CloudTasks-TaskETA": f"{START.timestamp():.6f}",
        "X-Mine": "1",
        "Content-Type": "text/x",
    }
    picked = [
        [
            headers.get(f"X-CloudTasks-Task{name}")
            for name in ("RetryCount", "ExecutionCount", "PreviousResponse", "RetryReason")
        ]
        for headers in (second, third, fourth)
    ]
    assert picked == [
        ["1", "0", "500", "INTERNAL"],  # a 5xx is no execution
        ["2", "1", "404", "NOT_FOUND"],
        ["3", "1", None, "UNAVAILABLE"],
    ]
    assert float(second["X-CloudTasks-TaskETA"]) == START.timestamp() + 1


def test_headers_that_belong_to_google_cannot_be_set():
    """A task cannot pretend to be another's retry, nor another host."""

    async def scenario(world):
        world.queue()
        mine = {"X-CloudTasks-TaskName": "other", "host": "evil", "x-google-foo": "1", "USER-AGENT": "me", "X-Ok": "1"}
        world.task("a", httpRequest={"url": "http://t/", "headers": mine})
        await world.clock.settle()
        return world.send.calls[0].headers

    headers = in_world(scenario)
    assert headers["X-CloudTasks-TaskName"] == "a"
    assert {name.lower() for name in headers} & {"host", "x-google-foo"} == set()
    assert [value for name, value in headers.items() if name.lower() == "user-agent"] == ["Google-Cloud-Tasks"]
    assert headers["X-Ok"] == "1"


def test_a_token_is_made_for_the_audience_or_else_the_url():
    """The audience is the URL where none is given; the user's Authorization gives way."""

    async def scenario(world):
        world.queue()
        token = {"serviceAccountEmail": "me@x.iam"}
        world.task("a", httpRequest={"url": "http://t/p", "headers": {"authorization": "x"}, "oidcToken": token})
        world.task("b", httpRequest={"url": "http://t/p", "oidcToken": {**token, "audience": "http://svc"}})
        await world.clock.settle()
        return [call.headers for call in world.send.calls]

    first, second = in_world(scenario)
    assert first["Authorization"] == "Bearer me@x.iam@http://t/p"
    assert "authorization" not in first
    assert second["Authorization"] == "Bearer me@x.iam@http://svc"


@pytest.mark.parametrize(
    "fields",
    [
        {"scheduleTime": "2026-04-01T12:00:01Z"},
        {"scheduleTime": "tomorrow"},
        {"dispatchDeadline": "14.999s"},
        {"dispatchDeadline": "1801s"},
        {"dispatchDeadline": "10"},
        {"httpRequest": {"url": "ftp://x"}},
        {"httpRequest": {"url": "http://"}},
        {"httpRequest": {"url": "/relative"}},
        {"httpRequest": {"url": "http://x/" + "a" * 2083}},
        {"httpRequest": {"url": "http://x", "httpMethod": "GET", "body": "aGk="}},
        {"httpRequest": {"url": "http://x", "httpMethod": "FETCH"}},
        {"httpRequest": {"url": "http://x", "httpMethod": 99}},
        {"httpRequest": {"url": "http://x", "body": "not base64!"}},
        {"httpRequest": {"url": "http://x", "headers": {"A": "b\r\nX-Injected: 1"}}},
        {"httpRequest": {"url": "http://x", "headers": {"A": "b" * 81920}}},
        {"httpRequest": {"url": "http://x", "body": "A" * 1_400_000}},
        {"httpRequest": {"url": "http://x", "oidcToken": {"audience": "y"}}},
        {"httpRequest": []},
        {"surprise": 1},
        {"name": "tasks/a"},
        {"name": f"{LOCATION}/queues/other/tasks/a"},
        {"name": f"{QUEUE}/tasks/a.b"},
    ],
)
def test_tasks_google_would_refuse_are_refused(fields):
    """As INVALID_ARGUMENT, and nothing is queued."""

    async def scenario(world):
        world.queue()
        body = {"task": {"httpRequest": {"url": "http://target/x"}, **fields}}
        assert refused(world.tasks.create_task, QUEUE, body) == "INVALID_ARGUMENT"
        assert world.tasks.depth(QUEUE) == 0

    in_world(scenario)


@pytest.mark.parametrize(
    "fields",
    [
        {"scheduleTime": "2026-04-01T12:00:00Z"},
        {"dispatchDeadline": "15s"},
        {"dispatchDeadline": "1800s"},
        {"httpRequest": {"url": "https://x/y?z=1", "httpMethod": "PUT", "body": "aGk="}},
        {"httpRequest": {"url": "http://127.0.0.1:8080", "httpMethod": 6}},
    ],
)
def test_tasks_at_the_limits_are_taken(fields):
    """Thirty days, 15 seconds, 30 minutes."""

    async def scenario(world):
        world.queue()
        world.tasks.create_task(QUEUE, {"task": {"httpRequest": {"url": "http://target/x"}, **fields}})

    in_world(scenario)


@pytest.mark.parametrize(
    "settings",
    [
        {"limits": {"maxDispatchesPerSecond": 500.1}},
        {"limits": {"maxDispatchesPerSecond": -1}},
        {"limits": {"maxConcurrentDispatches": 5001}},
        {"limits": {"maxConcurrentDispatches": "many"}},
        {"retry": {"maxAttempts": -2}},
        {"retry": {"minBackoff": "10s", "maxBackoff": "5s"}},
        {"retry": {"maxBackoff": "-5s"}},
        {"retry": {"maxDoublings": -1}},
    ],
)
def test_queue_settings_beyond_the_limits_are_refused(settings):
    """As INVALID_ARGUMENT, and no queue is made."""

    async def scenario(world):
        with pytest.raises(ApiError) as error:
            world.queue(**settings)
        assert error.value.status == "INVALID_ARGUMENT"
        assert world.tasks.list_queues(LOCATION) == {}

    in_world(scenario)


def test_what_is_not_built_is_said_to_be_so():
    """UNIMPLEMENTED, never silence."""

    async def scenario(world):
        world.queue()
        for fields in (
            {"appEngineHttpRequest": {"relativeUri": "/"}},
            {"httpRequest": {"url": "http://x", "oauthToken": {"serviceAccountEmail": "a@b"}}},
            {"httpRequest": {"url": "http://x"}, "retryConfig": {"maxAttempts": 3}},
        ):
            assert refused(world.tasks.create_task, QUEUE, {"task": fields}) == "UNIMPLEMENTED"

    in_world(scenario)


def test_a_queue_shows_the_real_defaults():
    """As Google fills them in."""

    async def scenario(world):
        return world.queue()

    shown = in_world(scenario)
    assert shown["state"] == "RUNNING"
    assert shown["retryConfig"] == {
        "maxAttempts": 100,
        "minBackoff": "0.100s",
        "maxBackoff": "3600s",
        "maxDoublings": 16,
    }
    assert shown["rateLimits"] == {
        "maxDispatchesPerSecond": 500.0,
        "maxBurstSize": 500,
        "maxConcurrentDispatches": 1000,
    }


def test_an_update_changes_what_its_mask_names_only():
    """The rest stays, what is named and missing goes back to its default."""

    async def scenario(world):
        world.queue(
            retry={"maxAttempts": 7, "minBackoff": "3s"}, limits={"maxDispatchesPerSecond": 5, "maxBurstSize": 3}
        )
        body = {"retryConfig": {"maxAttempts": 9, "maxBackoff": "99s"}, "rateLimits": {"maxDispatchesPerSecond": 1}}
        mask = "retryConfig.maxAttempts,retryConfig.minBackoff,state"
        return world.tasks.update_queue(QUEUE, body, mask)

    shown = in_world(scenario)
    assert shown["retryConfig"] == {
        "maxAttempts": 9,
        "minBackoff": "0.100s",
        "maxBackoff": "3600s",
        "maxDoublings": 16,
    }
    assert (shown["rateLimits"]["maxDispatchesPerSecond"], shown["rateLimits"]["maxBurstSize"]) == (5, 10)
    assert shown["state"] == "RUNNING"


def test_an_update_without_a_mask_sets_everything():
    """What is missing goes back to its default."""

    async def scenario(world):
        world.queue(retry={"maxAttempts": 7}, limits={"maxDispatchesPerSecond": 5})
        return world.tasks.update_queue(QUEUE, {"rateLimits": {"maxConcurrentDispatches": 3}}, "")

    shown = in_world(scenario)
    assert shown["retryConfig"]["maxAttempts"] == 100
    assert (shown["rateLimits"]["maxDispatchesPerSecond"], shown["rateLimits"]["maxConcurrentDispatches"]) == (500, 3)


def test_new_limits_hold_for_the_tasks_that_are_waiting():
    """A queue that was too slow is made fast."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 0.001, "maxBurstSize": 1})
        world.task()
        world.task()
        await world.clock.advance(SECOND)
        assert len(world.send.calls) == 1
        world.tasks.update_queue(QUEUE, {"rateLimits": {"maxDispatchesPerSecond": 100}}, "rateLimits")
        await world.clock.advance(SECOND)
        assert len(world.send.calls) == 2

    in_world(scenario)


@pytest.mark.parametrize("mask", ["nonsense", "retryConfig.nonsense", "retry_config..max_attempts"])
def test_a_mask_that_names_no_field_is_refused(mask):
    """As INVALID_ARGUMENT."""

    async def scenario(world):
        world.queue()
        assert refused(world.tasks.update_queue, QUEUE, {}, mask) == "INVALID_ARGUMENT"

    in_world(scenario)


def test_a_deleted_queue_takes_its_tasks_along_and_its_name_rests():
    """NOT_FOUND afterwards; the name can be used again three days later."""

    async def scenario(world):
        world.queue()
        world.task("a", scheduleTime="2026-03-02T12:10:00Z")
        world.tasks.delete_queue(QUEUE)
        assert refused(world.task) == "NOT_FOUND"
        with pytest.raises(ApiError) as error:
            world.queue()
        assert error.value.status == "FAILED_PRECONDITION"
        await world.clock.advance(timedelta(days=3))
        world.queue()
        assert world.send.calls == []

    in_world(scenario)


def test_unknown_queues_and_tasks_are_not_found():
    """By whatever method."""

    async def scenario(world):
        for call in (world.tasks.get_queue, world.tasks.purge_queue, world.tasks.pause_queue, world.tasks.depth):
            assert refused(call, QUEUE) == "NOT_FOUND"
        assert refused(world.task) == "NOT_FOUND"
        world.queue()
        for call in (world.tasks.get_task, world.tasks.delete_task):
            assert refused(call, f"{QUEUE}/tasks/none") == "NOT_FOUND"

    in_world(scenario)


def test_hundreds_of_tasks_a_second_keep_their_pace():
    """Two thousand tasks at 500 a second are done in four seconds of the queue's time."""

    async def scenario(world):
        world.queue(limits={"maxDispatchesPerSecond": 500, "maxBurstSize": 1})
        for _ in range(2000):
            world.task()
        await world.clock.advance(SECOND * 4)
        assert len(world.send.calls) == 2000

    in_world(scenario)
