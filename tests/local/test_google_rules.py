"""The pure rules of the Google stand-in: backoff, token bucket, cron lines, names, pages, the next run."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.google.backoff import UNLIMITED, RetryPolicy
from infra.local.google.errors import ApiError
from infra.local.google.job_plan import Plan, first_plan, plan_after
from infra.local.google.names import checked
from infra.local.google.paging import one_page
from infra.local.google.schedule import Rhythm, parse_cron
from infra.local.google.throttle import Throttle

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WARSAW = "Europe/Warsaw"


def policy(attempts=100, duration=0.0, shortest=0.1, longest=3600.0, doublings=16):
    """A retry policy, in seconds."""
    return RetryPolicy(
        attempts,
        timedelta(seconds=duration),
        timedelta(seconds=shortest),
        timedelta(seconds=longest),
        doublings,
    )


def waits(retry, count):
    """The first waits, in seconds."""
    return [retry.delay(failures).total_seconds() for failures in range(1, count + 1)]


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (policy(shortest=10, longest=300, doublings=3), [10, 20, 40, 80, 160, 240, 300, 300]),  # Google's own example
        (policy(shortest=1, longest=60, doublings=5), [1, 2, 4, 8, 16, 32, 60, 60]),
        (policy(shortest=2, longest=100, doublings=0), [2, 4, 6, 8, 10]),
        (policy(shortest=1, longest=100, doublings=1), [1, 2, 4, 6, 8, 10]),
        (policy(shortest=5, longest=5, doublings=16), [5, 5, 5]),
        (policy(shortest=0, longest=10, doublings=3), [0, 0, 0, 0, 0, 0]),
        (policy(), [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]),
    ],
)
def test_backoff_doubles_then_grows_by_equal_steps_then_stays(retry, expected):
    """Doublings, then the last step again and again, then the maximum."""
    assert waits(retry, len(expected)) == pytest.approx(expected)


def test_backoff_of_the_defaults_reaches_the_maximum():
    """0.1 s doubled sixteen times is beyond an hour."""
    assert waits(policy(), 17)[14:] == pytest.approx([1638.4, 3276.8, 3600])


@given(
    failures=st.integers(1, 10_000),
    shortest=st.floats(0, 1e5),
    longest=st.floats(0, 1e6),
    doublings=st.integers(0, 2**31 - 1),
)
def test_backoff_is_never_beyond_the_maximum_nor_shrinks(failures, shortest, longest, doublings):
    """Whatever the settings, waits grow and stay below the maximum."""
    retry = policy(shortest=min(shortest, longest), longest=longest, doublings=doublings)
    assert retry.min_backoff <= retry.delay(failures) <= retry.delay(failures + 1) <= retry.max_backoff


def test_backoff_cap_shortens_every_wait():
    """The local system's cap holds for the shortest backoff too."""
    assert waits(policy(shortest=10, longest=300, doublings=3).capped(SECOND), 3) == [1, 1, 1]
    assert policy().capped(None) == policy()


@pytest.mark.parametrize(
    ("attempts", "duration", "made", "passed", "over"),
    [
        (3, 0, 2, 9999, False),
        (3, 0, 3, 0, True),
        (3, 60, 3, 59, False),  # both limits must be reached
        (3, 60, 2, 61, False),
        (3, 60, 3, 60, True),
        (UNLIMITED, 60, 99, 59, False),
        (UNLIMITED, 60, 1, 60, True),
        (UNLIMITED, 0, 10**6, 10**6, False),
    ],
)
def test_retrying_stops_when_every_limit_set_is_reached(attempts, duration, made, passed, over):
    """Attempts and time both count where both are set."""
    retry = policy(attempts=attempts, duration=duration)
    assert retry.is_exhausted(attempts=made, since_first=timedelta(seconds=passed)) is over


def dispatches(throttle, count, now=NOW):
    """When that many would go, in seconds from ``NOW``."""
    times = []
    for _ in range(count):
        now = throttle.ready_at(now)
        throttle.take(now)
        times.append((now - NOW).total_seconds())
    return times


def test_bucket_lets_a_burst_go_and_then_keeps_the_rate():
    """A full bucket at once, then one a token."""
    assert dispatches(Throttle(rate=2, burst=3, now=NOW), 6) == pytest.approx([0, 0, 0, 0.5, 1, 1.5], abs=1e-5)


def test_bucket_holds_no_more_than_its_burst():
    """A long pause earns no more than the burst."""
    throttle = Throttle(rate=10, burst=2, now=NOW)
    dispatches(throttle, 2)
    later = NOW + 100 * SECOND
    assert dispatches(throttle, 3, now=later) == pytest.approx([100, 100, 100.1])


@given(rate=st.floats(0.001, 500), burst=st.integers(1, 20), count=st.integers(1, 60))
def test_bucket_never_exceeds_its_rate_nor_starves(rate, burst, count):
    """After the burst, the n-th dispatch goes at n/rate, not before and hardly after."""
    times = dispatches(Throttle(rate=rate, burst=burst, now=NOW), count)
    for index, time in enumerate(times):
        due = max(0, index + 1 - burst) / rate
        assert due - 1e-6 <= time <= due + 1e-3


@pytest.mark.parametrize("status", [429, 503])
def test_busy_answers_halve_the_rate_and_successes_restore_it(status):
    """The queue slows down and recovers step by step."""
    throttle = Throttle(rate=8, burst=8, now=NOW)
    throttle.answered(status, NOW)
    throttle.answered(status, NOW)
    assert throttle.rate == 2
    assert dispatches(throttle, 3) == pytest.approx([0.5, 1, 1.5], abs=1e-5)
    throttle.answered(200, NOW)
    assert throttle.rate == 4
    throttle.answered(204, NOW)
    throttle.answered(204, NOW)
    assert throttle.rate == 8


@pytest.mark.parametrize("status", [500, 404, 302, None])
def test_other_failures_do_not_slow_the_queue(status):
    """Only 429 and 503 ask for mercy."""
    throttle = Throttle(rate=8, burst=1, now=NOW)
    throttle.answered(status, NOW)
    assert throttle.rate == 8


def test_slowing_down_has_a_floor():
    """A 64th of the rate, or one in the longest gap."""
    fast = Throttle(rate=64, burst=1, now=NOW)
    slow = Throttle(rate=1, burst=1, now=NOW, longest_gap=2 * SECOND)
    for _ in range(20):
        fast.answered(503, NOW)
        slow.answered(503, NOW)
    assert (fast.rate, slow.rate) == (1, 0.5)


def runs(line, zone, start, count):
    """The next times, as the clock on the wall in that zone shows them."""
    cron, moment, shown = parse_cron(line, zone), start, []
    for _ in range(count):
        moment = cron.next_after(moment)
        assert moment.tzinfo is UTC
        shown.append(moment)
    return shown


def test_a_daily_time_stays_on_the_wall_when_clocks_go_forward():
    """09:00 in Warsaw is 08:00 UTC in winter and 07:00 UTC from 29 March 2026 on."""
    times = runs("0 9 * * *", WARSAW, datetime(2026, 3, 28, 0, 0, tzinfo=UTC), 3)
    assert [time.hour for time in times] == [8, 7, 7]
    assert [time.astimezone(ZoneInfo(WARSAW)).hour for time in times] == [9, 9, 9]


def test_a_daily_time_stays_on_the_wall_when_clocks_go_back():
    """And 08:00 UTC again from 25 October 2026 on."""
    times = runs("0 9 * * *", WARSAW, datetime(2026, 10, 24, 0, 0, tzinfo=UTC), 2)
    assert [time.hour for time in times] == [7, 8]


def test_a_time_skipped_in_spring_still_runs_that_day():
    """02:30 does not exist on 29 March 2026; the run comes at 03:00 on the wall."""
    times = runs("30 2 * * *", WARSAW, datetime(2026, 3, 28, 12, 0, tzinfo=UTC), 2)
    assert times == [datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]


def test_a_time_that_comes_twice_in_autumn_runs_once():
    """02:30 exists twice on 25 October 2026."""
    times = runs("30 2 * * *", WARSAW, datetime(2026, 10, 24, 12, 0, tzinfo=UTC), 2)
    assert [time.date().day for time in times] == [25, 26]


def test_every_five_minutes_keeps_its_rhythm_through_the_change():
    """No gap and no run twice, in either change."""
    for start in (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)):
        times = runs("*/5 * * * *", WARSAW, start, 30)
        assert {after - before for before, after in pairwise(times)} == {timedelta(minutes=5)}


def test_the_next_time_is_strictly_later():
    """A run at noon is not found again at noon."""
    assert parse_cron("0 12 * * *", "").next_after(NOW) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "line", ["", "* * * *", "* * * * * *", "60 * * * *", "every 5 minutes", "0 0 L * *", "0 0 * * 1#2", "0 0 30 2 *"]
)
def test_a_line_that_is_no_schedule_is_refused_by_name(line):
    """What Cloud Scheduler would refuse, and dates that never come."""
    with pytest.raises(ApiError) as refused:
        parse_cron(line, "")
    assert refused.value.status == "INVALID_ARGUMENT"
    assert f'"{line}"' in refused.value.message


@pytest.mark.parametrize("line", ["0 12 * JUL WED", "*/15 8-18 * * 1-5", "0 0 1,15 * *", "5 4 * * sun"])
def test_ordinary_lines_are_taken(line):
    """Names, lists, ranges and steps."""
    assert parse_cron(line, WARSAW).next_after(NOW) > NOW


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../etc/passwd", "Europe", "\0"])
def test_a_zone_that_is_none_is_refused_by_name(zone):
    """The message names it."""
    with pytest.raises(ApiError) as refused:
        parse_cron("* * * * *", zone)
    assert refused.value.status == "INVALID_ARGUMENT"
    assert zone in refused.value.message


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("queue", "projects/p/locations/l/queues/with_underscore"),
        ("queue", "projects/p/locations/l/queues/" + "q" * 101),
        ("queue", "queues/q"),
        ("queue", "projects/p/locations/l/queues/q\n"),
        ("task", "projects/p/locations/l/queues/q/tasks/a.b"),
        ("task", "projects/p/locations/l/queues/q/tasks/" + "t" * 501),
        ("job", "projects/p/locations/l/jobs/a b"),
        ("location", "projects/p"),
    ],
)
def test_malformed_names_are_refused(kind, name):
    """As INVALID_ARGUMENT."""
    with pytest.raises(ApiError) as refused:
        checked(kind, name)
    assert refused.value.status == "INVALID_ARGUMENT"


def test_a_name_under_another_parent_is_refused():
    """A queue lies in the location it is created in."""
    with pytest.raises(ApiError):
        checked("queue", "projects/p/locations/l/queues/q", "projects/other/locations/l")


def test_pages_show_everything_once():
    """Following the tokens, in the order of the names."""
    items = {name: name.upper() for name in "edcba"}
    seen, token = [], ""
    while True:
        page, more = one_page(items, size="2", token=token, most=1000)
        seen += page
        if not more:
            break
        token = more["nextPageToken"]
    assert seen == list("ABCDE")


@pytest.mark.parametrize(("size", "token"), [("-1", ""), ("many", ""), ("1", "%%"), ("1", "é")])
def test_a_bad_page_size_or_token_is_refused(size, token):
    """As INVALID_ARGUMENT."""
    with pytest.raises(ApiError) as refused:
        one_page({"a": 1}, size=size, token=token, most=10)
    assert refused.value.status == "INVALID_ARGUMENT"


HOURLY = parse_cron("0 * * * *", "")
RETRYING = policy(attempts=3, shortest=60, longest=3600, doublings=5)


def after(plan, *, succeeded, took=SECOND, retry=RETRYING, times=HOURLY):
    """What follows an attempt that started on time."""
    return plan_after(plan, succeeded=succeeded, started=plan.moment, now=plan.moment + took, retry=retry, times=times)


def test_a_success_leads_to_the_next_time():
    """An hour later, a fresh run."""
    plan = first_plan(HOURLY, NOW)
    assert after(plan, succeeded=True) == Plan(NOW + timedelta(hours=2), NOW + timedelta(hours=2))


def test_a_failure_is_retried_under_the_same_scheduled_time():
    """With backoff, until the retries are spent."""
    run = NOW + timedelta(hours=1)
    first = after(Plan(run, run), succeeded=False)
    assert (first.run, first.moment) == (run, run + 61 * SECOND)
    second = after(first, succeeded=False)
    assert (second.run, second.moment) == (run, first.moment + 121 * SECOND)
    assert after(second, succeeded=False).run == run + timedelta(hours=1)


def test_a_retry_that_would_meet_the_next_run_is_left_out():
    """Retries end where the next run begins."""
    plan = first_plan(HOURLY, NOW)
    slow = policy(attempts=6, shortest=3600, longest=3600)
    assert after(plan, succeeded=False, retry=slow) == first_plan(HOURLY, plan.run)


def test_runs_missed_while_one_lasted_come_as_one():
    """An attempt of three and a half hours: one run right after, then the next hour."""
    plan = first_plan(HOURLY, NOW)  # 13:00
    late = after(plan, succeeded=True, took=timedelta(hours=3, minutes=30))
    assert (late.run.hour, late.moment.hour, late.moment.minute) == (14, 16, 30)
    assert after(late, succeeded=True).run.hour == 17


def test_a_rhythm_takes_the_place_of_the_cron_line():
    """The local system's jobs come every five seconds."""
    rhythm = Rhythm(5 * SECOND)
    plan = first_plan(rhythm, NOW)
    assert plan.run == NOW + 5 * SECOND
    assert after(plan, succeeded=True, times=rhythm).run == NOW + 10 * SECOND
