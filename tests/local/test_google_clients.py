"""The contract with Google's own Python clients: what they send is understood, what they get is what they expect."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import scheduler_v1, tasks_v2
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import CloudSchedulerRestTransport
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2

from tests.local.google_support import JOB, LOCATION, QUEUE, recorder, stand_in

PAUSED_BODY = b'{"alert":"a1"}'
TASK = f"{QUEUE}/tasks/abc"


def with_clients(scenario, url="http://127.0.0.1:9/never"):
    """Run ``scenario(tasks, jobs, url)`` in a thread, the clients connected to a stand-in that runs beside it."""

    def connected(port, target):
        with contextlib.ExitStack() as stack:
            plain = {"host": f"127.0.0.1:{port}", "url_scheme": "http", "credentials": AnonymousCredentials()}
            tasks = tasks_v2.CloudTasksClient(transport=CloudTasksRestTransport(**plain))
            jobs = scheduler_v1.CloudSchedulerClient(transport=CloudSchedulerRestTransport(**plain))
            return scenario(stack.enter_context(tasks), stack.enter_context(jobs), target)

    async def run():
        async with recorder() as target, stand_in() as (_, port):
            result = await asyncio.to_thread(connected, port, target.url)
            return result, target.received

    return asyncio.run(run())


def seconds(value):
    """A protobuf duration."""
    return duration_pb2.Duration(seconds=value)


def paused_queue(tasks):
    """A queue that dispatches nothing."""
    tasks.create_queue(parent=LOCATION, queue=tasks_v2.Queue(name=QUEUE))
    tasks.pause_queue(name=QUEUE)


def a_task(url, **fields):
    """A task for that URL."""
    request = tasks_v2.HttpRequest(url=url, http_method=tasks_v2.HttpMethod.POST, body=PAUSED_BODY)
    return tasks_v2.Task(http_request=request, **fields)


def test_client_creates_reads_changes_and_deletes_a_queue():
    """With the settings it gave and the defaults it did not."""

    def scenario(tasks, _jobs, _url):
        queue = tasks_v2.Queue(
            name=QUEUE,
            rate_limits=tasks_v2.RateLimits(max_dispatches_per_second=2.5, max_concurrent_dispatches=7),
            retry_config=tasks_v2.RetryConfig(max_attempts=-1, min_backoff=seconds(3), max_retry_duration=seconds(90)),
        )
        created = tasks.create_queue(parent=LOCATION, queue=queue)
        assert created == tasks.get_queue(name=QUEUE)
        assert (created.rate_limits.max_dispatches_per_second, created.rate_limits.max_concurrent_dispatches) == (
            2.5,
            7,
        )
        retry = created.retry_config
        assert (retry.max_attempts, retry.max_doublings) == (-1, 16)
        assert (retry.min_backoff, retry.max_backoff) == (timedelta(seconds=3), timedelta(hours=1))
        assert retry.max_retry_duration == timedelta(seconds=90)
        change = tasks_v2.Queue(name=QUEUE, retry_config=tasks_v2.RetryConfig(max_attempts=5))
        mask = field_mask_pb2.FieldMask(paths=["retry_config.max_attempts"])
        changed = tasks.update_queue(queue=change, update_mask=mask)
        assert (changed.retry_config.max_attempts, changed.retry_config.min_backoff) == (5, timedelta(seconds=3))
        tasks.delete_queue(name=QUEUE)
        with pytest.raises(exceptions.NotFound):
            tasks.get_queue(name=QUEUE)
        with pytest.raises(exceptions.BadRequest, match="too recently"):
            tasks.create_queue(parent=LOCATION, queue=queue)

    with_clients(scenario)


def test_client_creates_a_queue_by_updating_it():
    """As UpdateQueue promises."""

    def scenario(tasks, _jobs, _url):
        assert tasks.update_queue(queue=tasks_v2.Queue(name=QUEUE)).retry_config.max_attempts == 100
        assert tasks.get_queue(name=QUEUE).state == tasks_v2.Queue.State.RUNNING

    with_clients(scenario)


def test_client_pauses_resumes_and_purges_a_queue():
    """State and purge time show."""

    def scenario(tasks, _jobs, url):
        paused_queue(tasks)
        assert tasks.get_queue(name=QUEUE).state == tasks_v2.Queue.State.PAUSED
        tasks.create_task(parent=QUEUE, task=a_task(url, name=TASK))
        purged = tasks.purge_queue(name=QUEUE)
        assert abs(purged.purge_time - datetime.now(UTC)) < timedelta(minutes=1)
        assert list(tasks.list_tasks(parent=QUEUE)) == []
        with pytest.raises(exceptions.Conflict):
            tasks.create_task(parent=QUEUE, task=a_task(url, name=TASK))
        assert tasks.resume_queue(name=QUEUE).state == tasks_v2.Queue.State.RUNNING

    assert with_clients(scenario)[1] == []


def test_client_lists_queues_and_tasks_page_by_page():
    """Everything once, whatever the page size."""

    def scenario(tasks, _jobs, url):
        names = [f"{LOCATION}/queues/q{number}" for number in range(5)]
        for name in reversed(names):
            tasks.create_queue(parent=LOCATION, queue=tasks_v2.Queue(name=name))
            tasks.pause_queue(name=name)
        pages = list(tasks.list_queues(request={"parent": LOCATION, "page_size": 2}).pages)
        assert [len(page.queues) for page in pages] == [2, 2, 1]
        assert [queue.name for page in pages for queue in page.queues] == names
        created = sorted(tasks.create_task(parent=names[0], task=a_task(url)).name for _ in range(7))
        listed = tasks.list_tasks(request={"parent": names[0], "page_size": 3})
        assert [task.name for task in listed] == created

    with_clients(scenario)


def test_client_creates_and_reads_a_task():
    """The body shows in the full view only; times and deadline are kept."""

    def scenario(tasks, _jobs, url):
        paused_queue(tasks)
        due = datetime.now(UTC).replace(microsecond=250_000) + timedelta(hours=1)
        when = timestamp_pb2.Timestamp()
        when.FromDatetime(due)
        created = tasks.create_task(
            parent=QUEUE, task=a_task(url, name=TASK, schedule_time=when, dispatch_deadline=seconds(20))
        )
        assert (created.name, created.view) == (TASK, tasks_v2.Task.View.BASIC)
        assert created.http_request.body == b""
        full = tasks.get_task(request={"name": TASK, "response_view": tasks_v2.Task.View.FULL})
        assert (full.http_request.body, full.http_request.url) == (PAUSED_BODY, url)
        assert full.http_request.http_method == tasks_v2.HttpMethod.POST
        assert (full.schedule_time, full.dispatch_deadline) == (due, timedelta(seconds=20))
        assert full.dispatch_count == 0
        shown = next(iter(tasks.list_tasks(request={"parent": QUEUE, "response_view": tasks_v2.Task.View.FULL})))
        assert shown.http_request.body == PAUSED_BODY

    with_clients(scenario)


def test_client_sees_a_task_dispatched():
    """With the token it asked for."""

    def scenario(tasks, _jobs, url):
        tasks.create_queue(parent=LOCATION, queue=tasks_v2.Queue(name=QUEUE))
        task = a_task(url, name=TASK)
        task.http_request.headers = {"Content-Type": "application/json"}
        task.http_request.oidc_token = tasks_v2.OidcToken(service_account_email="me@x.iam", audience="http://svc")
        tasks.create_task(parent=QUEUE, task=task)
        for _ in range(2000):
            if not list(tasks.list_tasks(parent=QUEUE)):
                break
        with pytest.raises(exceptions.NotFound):
            tasks.get_task(name=TASK)

    _, [request] = with_clients(scenario)
    assert (request.body, request.headers["Content-Type"]) == (PAUSED_BODY, "application/json")
    assert request.headers["X-CloudTasks-TaskName"] == "abc"
    assert request.headers["Authorization"].startswith("Bearer ey")


def test_client_runs_and_deletes_a_task():
    """In a paused queue too; deleted, its name stays taken."""

    def scenario(tasks, _jobs, url):
        paused_queue(tasks)
        tasks.create_task(parent=QUEUE, task=a_task(url, name=TASK))
        tasks.create_task(parent=QUEUE, task=a_task(url, name=f"{TASK}-2"))
        assert tasks.run_task(name=TASK).dispatch_count == 1
        tasks.delete_task(name=f"{TASK}-2")
        for name in (f"{TASK}-2", f"{TASK}-none"):
            with pytest.raises(exceptions.NotFound):
                tasks.delete_task(name=name)
        with pytest.raises(exceptions.Conflict, match="too recently"):
            tasks.create_task(parent=QUEUE, task=a_task(url, name=f"{TASK}-2"))
        for _ in range(2000):
            if not list(tasks.list_tasks(parent=QUEUE)):
                return

    assert len(with_clients(scenario)[1]) == 1


def test_client_gets_googles_errors():
    """Over REST the clients raise by HTTP status: Conflict for ALREADY_EXISTS, BadRequest for INVALID_ARGUMENT."""

    def scenario(tasks, jobs, url):
        with pytest.raises(exceptions.NotFound):
            tasks.create_task(parent=QUEUE, task=a_task(url))
        paused_queue(tasks)
        with pytest.raises(exceptions.Conflict):
            tasks.create_queue(parent=LOCATION, queue=tasks_v2.Queue(name=QUEUE))
        too_late = timestamp_pb2.Timestamp()
        too_late.FromDatetime(datetime.now(UTC) + timedelta(days=31))
        for task in (
            a_task(url, schedule_time=too_late),
            a_task(url, dispatch_deadline=seconds(14)),
            a_task("gopher://x"),
            tasks_v2.Task(http_request=tasks_v2.HttpRequest(url=url, body=b"x" * 1_000_001)),
        ):
            with pytest.raises(exceptions.BadRequest):
                tasks.create_task(parent=QUEUE, task=task)
        tasks.create_task(parent=QUEUE, task=a_task(url, name=TASK))
        with pytest.raises(exceptions.Conflict):
            tasks.create_task(parent=QUEUE, task=a_task(url, name=TASK))
        too_fast = tasks_v2.RateLimits(max_dispatches_per_second=501)
        with pytest.raises(exceptions.BadRequest):
            tasks.update_queue(queue=tasks_v2.Queue(name=QUEUE, rate_limits=too_fast))
        with pytest.raises(exceptions.NotFound):
            jobs.get_job(name=JOB)

    with_clients(scenario)


def a_job(url, **fields):
    """A job for that URL, yearly unless said otherwise."""
    target = scheduler_v1.HttpTarget(
        uri=url,
        http_method=scheduler_v1.HttpMethod.POST,
        body=b"{}",
        headers={"Content-Type": "application/json"},
        oidc_token=scheduler_v1.OidcToken(service_account_email="me@x.iam", audience="http://svc"),
    )
    return scheduler_v1.Job(**{"name": JOB, "schedule": "0 0 1 1 *", "http_target": target, **fields})


def test_client_creates_reads_changes_and_deletes_a_job():
    """With the settings it gave and the defaults it did not."""

    def scenario(_tasks, jobs, url):
        created = jobs.create_job(parent=LOCATION, job=a_job(url, time_zone="Europe/Warsaw", description="yearly"))
        assert created == jobs.get_job(name=JOB)
        assert created.state == scheduler_v1.Job.State.ENABLED
        assert (created.schedule_time.month, created.schedule_time.day, created.schedule_time.hour) == (12, 31, 23)
        assert created.attempt_deadline == timedelta(minutes=3)
        assert created.http_target.body == b"{}"
        change = scheduler_v1.Job(name=JOB, retry_config=scheduler_v1.RetryConfig(retry_count=2))
        mask = field_mask_pb2.FieldMask(paths=["retry_config.retry_count"])
        changed = jobs.update_job(job=change, update_mask=mask)
        assert (changed.retry_config.retry_count, changed.description) == (2, "yearly")
        with pytest.raises(exceptions.Conflict):
            jobs.create_job(parent=LOCATION, job=a_job(url))
        jobs.delete_job(name=JOB)
        with pytest.raises(exceptions.NotFound):
            jobs.get_job(name=JOB)

    with_clients(scenario)


def test_client_pauses_resumes_and_lists_jobs():
    """Page by page."""

    def scenario(_tasks, jobs, url):
        names = [f"{LOCATION}/jobs/j_{number}" for number in range(3)]
        for name in names:
            jobs.create_job(parent=LOCATION, job=a_job(url, name=name))
        assert [job.name for job in jobs.list_jobs(request={"parent": LOCATION, "page_size": 2})] == names
        assert jobs.pause_job(name=names[0]).state == scheduler_v1.Job.State.PAUSED
        with pytest.raises(exceptions.BadRequest, match="ENABLED"):
            jobs.pause_job(name=names[0])
        assert jobs.resume_job(name=names[0]).state == scheduler_v1.Job.State.ENABLED

    with_clients(scenario)


def test_client_runs_a_job():
    """It reaches the target, and the attempt shows."""

    def scenario(_tasks, jobs, url):
        jobs.create_job(parent=LOCATION, job=a_job(url))
        jobs.run_job(name=JOB)
        for _ in range(2000):
            job = jobs.get_job(name=JOB)
            if job.last_attempt_time:
                return job
        return None

    job, [request] = with_clients(scenario)
    assert abs(job.last_attempt_time - datetime.now(UTC)) < timedelta(minutes=1)
    assert (request.body, request.headers["Content-Type"]) == (b"{}", "application/json")
    assert request.headers["X-CloudScheduler"] == "true"
    assert datetime.fromisoformat(request.headers["X-CloudScheduler-ScheduleTime"]).tzinfo is not None
    assert request.headers["Authorization"].startswith("Bearer ey")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"schedule": "99 * * * *"}, r"99 \* \* \* \*"),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"attempt_deadline": seconds(5)}, "attempt_deadline"),
    ],
)
def test_client_is_told_what_is_wrong_with_a_job(fields, named):
    """400, naming it."""

    def scenario(_tasks, jobs, url):
        with pytest.raises(exceptions.BadRequest, match=named):
            jobs.create_job(parent=LOCATION, job=a_job(url, **fields))

    with_clients(scenario)
