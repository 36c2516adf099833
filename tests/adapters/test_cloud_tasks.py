"""The Cloud Tasks adapter against the stand-in that speaks its REST API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions

from infra.local.google.clock import SystemClock
from infra.local.google.standin import GoogleStandIn
from shared.adapters.cloud_tasks import CloudTasks, TaskContinuation
from shared.domain.alert import Alert
from shared.domain.ids import continuation_name, task_name
from shared.errors import QueueError
from tests.support.delivery_flow import queued

LOCATION = "projects/demo/locations/europe-west1"
QUEUE = f"{LOCATION}/queues/slack"
URL = "http://127.0.0.1:9/deliver_alert"
INVOKER = "tasks@demo.iam.gserviceaccount.com"
ALERT = queued()


@dataclass
class Google:
    """The stand-in, served on a loop of its own thread, and adapters to it.

    Attributes:
        port: where it is served.
    """

    loop: asyncio.AbstractEventLoop
    standin: GoogleStandIn
    port: int
    opened: list[CloudTasks] = field(default_factory=list)

    def tasks(self, port: int | None = None) -> CloudTasks:
        """An adapter."""
        made = CloudTasks(
            project="demo",
            region="europe-west1",
            target_url=URL,
            invoker_email=INVOKER,
            emulator_host=f"127.0.0.1:{port or self.port}",
        )
        self.opened.append(made)
        return made

    def close(self) -> None:
        """Let go of every connection."""
        for each in self.opened:
            if each._connected is not None:
                each._connected.transport.close()

    def depth(self) -> int:
        """How many tasks wait."""
        return self.on_loop(lambda: self.standin.queue_depth(QUEUE))

    def on_loop(self, action: Any) -> Any:
        """Do something where the stand-in lives."""

        async def act() -> Any:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self.loop).result(10)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[asyncio.AbstractEventLoop, GoogleStandIn, int]]:
    """One stand-in for all tests here, with a queue that dispatches nothing."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    standin = GoogleStandIn(clock=SystemClock())
    standin.create_queue(LOCATION, {"name": QUEUE})
    standin.pause_queue(QUEUE)
    port = asyncio.run_coroutine_threadsafe(standin.start(), loop).result(10)
    yield loop, standin, port
    asyncio.run_coroutine_threadsafe(standin.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def google(served: tuple[asyncio.AbstractEventLoop, GoogleStandIn, int]) -> Iterator[Google]:
    """The stand-in with its queue empty."""
    google = Google(*served)
    google.on_loop(lambda: google.standin.purge_queue(QUEUE))
    yield google
    google.close()


def new() -> Alert:
    """An alert whose names are free."""
    return queued(datetime.now(UTC).isoformat())


def task_of(google: Google, alert: Alert) -> Any:
    """The task as Cloud Tasks shows it, with its body."""
    client = google.tasks()._client()
    name = f"{QUEUE}/tasks/{task_name(alert.id, alert.generation)}"
    return client.get_task(request={"name": name, "response_view": "FULL"})


def test_a_task_is_named_by_its_alert_and_generation_and_carries_only_them(google: Google) -> None:
    """Ids only: no visitor's text leaves Firestore this way."""
    alert = new()
    google.tasks().enqueue(alert)
    task = task_of(google, alert)
    assert (task.http_request.url, task.http_request.http_method.name) == (URL, "POST")
    assert json.loads(task.http_request.body) == {"alert_id": alert.id, "generation": 1, "channel": "slack"}
    assert task.http_request.headers["Content-Type"] == "application/json"
    assert (task.http_request.oidc_token.service_account_email, task.http_request.oidc_token.audience) == (INVOKER, URL)


def test_another_run_is_asked_for_once_a_key_at_its_path_and_for_the_functions_audience(google: Google) -> None:
    """A path is part of the URL, not of the audience; the key names the task."""
    again = TaskContinuation(google.tasks(), "slack", path="/daily")
    at = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(2):
        again.ask(key := f"run {at.isoformat()}", at)
    assert google.depth() == 1
    name = f"{QUEUE}/tasks/{continuation_name(key)}"
    task = google.tasks()._client().get_task(request={"name": name, "response_view": "FULL"})
    assert (task.http_request.url, task.http_request.oidc_token.audience) == (f"{URL}/daily", URL)
    assert (json.loads(task.http_request.body), task.schedule_time) == ({}, at)


def test_f04_a_task_that_exists_already_is_success(google: Google) -> None:
    """Created, answer lost, asked again: one task."""
    alert, tasks = new(), google.tasks()
    tasks.enqueue(alert)
    tasks.enqueue(alert)
    assert google.depth() == 1


def test_f23_a_purged_task_needs_a_new_generation(google: Google) -> None:
    """Its name stays taken; the next generation has another."""
    alert, tasks = new(), google.tasks()
    tasks.enqueue(alert)
    google.on_loop(lambda: google.standin.purge_queue(QUEUE))
    tasks.enqueue(alert)
    assert google.depth() == 0
    tasks.enqueue(replace(alert, generation=2))
    assert google.depth() == 1


def test_a_task_runs_at_the_time_given(google: Google) -> None:
    """To the microsecond, in any zone; without one, at once."""
    alert = new()
    zone = datetime.now().astimezone().tzinfo
    at = datetime.now(UTC) + timedelta(hours=3)
    google.tasks().enqueue(alert, at.astimezone(zone))
    assert task_of(google, alert).schedule_time == at
    soon = replace(alert, generation=2)
    google.tasks().enqueue(soon)
    assert task_of(google, soon).schedule_time <= datetime.now(UTC)


def test_a_time_that_has_passed_is_at_once(google: Google) -> None:
    """An outcome saved late does not lose its task."""
    alert = new()
    google.tasks().enqueue(alert, datetime.now(UTC) - timedelta(hours=1))
    assert google.tasks().holds(alert)


def test_holds_tells_whether_the_generations_task_waits(google: Google) -> None:
    """Not another generation's, and not one that was purged."""
    alert, tasks = new(), google.tasks()
    assert not tasks.holds(alert)
    tasks.enqueue(alert)
    assert tasks.holds(alert)
    assert not tasks.holds(replace(alert, generation=2))
    google.on_loop(lambda: google.standin.purge_queue(QUEUE))
    assert not tasks.holds(alert)


def test_forget_removes_the_generations_task(google: Google) -> None:
    """Not another generation's; that there is none is success."""
    alert, tasks = new(), google.tasks()
    later = datetime.now(UTC) + timedelta(hours=1)
    tasks.enqueue(alert, later)
    tasks.enqueue(replace(alert, generation=2), later)
    tasks.forget(alert)
    tasks.forget(alert)
    assert not tasks.holds(alert)
    assert tasks.holds(replace(alert, generation=2))


def test_a_queue_that_is_missing_is_an_error_of_ours(google: Google) -> None:
    """The channel's queue was not deployed: the sweep will find the alert."""
    with pytest.raises(QueueError) as error:
        google.tasks().enqueue(queued(channel="nowhere"))
    assert str(error.value) in ("NotFound", "FailedPrecondition")


def test_a_refused_connection_is_an_error_of_ours(google: Google) -> None:
    """For both operations, without the text of the library's error."""
    tasks = google.tasks(port=1)
    with pytest.raises(QueueError) as error:
        tasks.enqueue(ALERT)
    assert str(error.value).isidentifier()
    with pytest.raises(QueueError):
        tasks.holds(ALERT)


@pytest.mark.parametrize("kind", [exceptions.PermissionDenied, exceptions.Unauthenticated, ValueError, OSError])
def test_f45_no_other_error_gets_out(kind: type[Exception]) -> None:
    """A chat must never fail for its task: whatever is raised is a QueueError that names its kind only."""

    class Failing:
        """A client of which every call fails."""

        def create_task(self, **_: object) -> None:
            raise kind("ana@example.com")

        get_task = delete_task = create_task

    tasks = CloudTasks(project="p", region="r", target_url=URL, invoker_email=INVOKER, emulator_host=None)
    tasks._connected = Failing()
    for ask in (tasks.enqueue, tasks.holds, tasks.forget):
        with pytest.raises(QueueError) as error:
            ask(ALERT)
        assert str(error.value) == kind.__name__


def test_an_unavailable_moment_is_tried_again() -> None:
    """A named task may be asked for twice."""
    calls = []

    class Recovering:
        """A client whose first call fails."""

        def create_task(self, *, retry: Any, **_: object) -> None:
            def once() -> None:
                calls.append(1)
                if len(calls) == 1:
                    raise exceptions.ServiceUnavailable("down")

            retry(once)()

    tasks = CloudTasks(project="p", region="r", target_url=URL, invoker_email=INVOKER, emulator_host=None)
    tasks._connected = Recovering()
    tasks.enqueue(ALERT)
    assert len(calls) == 2


def test_it_connects_once_and_only_when_used(google: Google) -> None:
    """A chat without a lead pays nothing; threads share one client."""
    tasks = google.tasks()
    assert tasks._connected is None
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(tasks._client())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in found}) == 1
