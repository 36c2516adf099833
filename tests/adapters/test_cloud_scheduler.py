"""The Cloud Scheduler adapter against the stand-in that speaks its REST API."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from infra.local.google.clock import SystemClock
from infra.local.google.standin import GoogleStandIn
from infra.manifest import ROOT
from shared.adapters.cloud_scheduler import CloudScheduler
from shared.errors import SchedulerUnavailable

LOCATION = "projects/demo/locations/europe-west1"


@dataclass
class Google:
    """The stand-in on a loop of its own thread, and an adapter to it."""

    loop: asyncio.AbstractEventLoop
    standin: GoogleStandIn
    scheduler: CloudScheduler

    def run_and_wait(self, name: str) -> int | None:
        """Run a job as its clock would, and wait for the answer."""
        running = self.standin.run_job(f"{LOCATION}/jobs/{name}")
        return asyncio.run_coroutine_threadsafe(running, self.loop).result(30)


def scheduler(port: int) -> CloudScheduler:
    """An adapter to what listens there."""
    return CloudScheduler(project="demo", region="europe-west1", emulator_host=f"127.0.0.1:{port}")


@pytest.fixture
def google() -> Iterator[Google]:
    """Two jobs, whose target does not answer."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    standin = GoogleStandIn(clock=SystemClock())
    port = asyncio.run_coroutine_threadsafe(standin.start(), loop).result(20)
    for name in ("retry_dead_letters", "cleanup"):
        body = {"schedule": "17 3 1 1 *", "timeZone": "Europe/Warsaw", "httpTarget": {"uri": "http://127.0.0.1:9/"}}
        asyncio.run_coroutine_threadsafe(_created(standin, {"name": f"{LOCATION}/jobs/{name}", **body}), loop).result(
            20
        )
    made = scheduler(port)
    yield Google(loop, standin, made)
    if made._connected is not None:
        made._connected.transport.close()
    asyncio.run_coroutine_threadsafe(standin.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _created(standin: GoogleStandIn, body: dict[str, object]) -> None:
    standin.create_job(LOCATION, body)


def test_jobs_are_listed_by_name_with_their_last_and_next_run(google: Google) -> None:
    """None of either has run yet; then one has, and failed."""
    jobs = google.scheduler.jobs()
    assert [job.name for job in jobs] == ["cleanup", "retry_dead_letters"]
    [cleanup, _] = jobs
    assert (cleanup.schedule, cleanup.time_zone, cleanup.state) == ("17 3 1 1 *", "Europe/Warsaw", "enabled")
    assert (cleanup.last_run_at, cleanup.last_outcome) == (None, None)
    assert cleanup.next_run_at is not None
    assert (cleanup.next_run_at.month, cleanup.next_run_at.day, cleanup.next_run_at.hour) == (1, 1, 2)
    assert cleanup.changed_at is not None
    google.run_and_wait("cleanup")
    ran = google.scheduler.jobs()[0]
    assert ran.last_outcome == "failed"
    assert ran.last_run_at is not None
    assert ran.last_run_at >= cleanup.changed_at


def test_a_job_is_as_it_was_asked_to_be_also_when_asked_again(google: Google) -> None:
    """Paused twice, resumed twice; the next run is gone and comes back."""
    for _ in range(2):
        paused = google.scheduler.pause("cleanup")
        assert paused is not None
        assert (paused.state, paused.next_run_at) == ("paused", None)
    assert [job.state for job in google.scheduler.jobs()] == ["paused", "enabled"]
    for _ in range(2):
        resumed = google.scheduler.resume("cleanup")
        assert resumed is not None
        assert resumed.state == "enabled"
    ran = google.scheduler.run("cleanup")
    assert ran is not None
    assert ran.name == "cleanup"


@pytest.mark.parametrize("verb", ["pause", "resume", "run"])
def test_a_job_that_is_not_there_is_none(google: Google, verb: str) -> None:
    """No error: the operator mistyped it."""
    move: Callable[[str], object] = getattr(google.scheduler, verb)
    assert move("nothing") is None


@pytest.mark.parametrize("verb", ["jobs", "pause", "run"])
def test_a_scheduler_that_does_not_answer_is_unavailable(verb: str) -> None:
    """Whatever its library raises."""
    nowhere = scheduler(9)
    ask: Callable[..., object] = getattr(nowhere, verb)
    with pytest.raises(SchedulerUnavailable):
        ask(*([] if verb == "jobs" else ["cleanup"]))
    nowhere._connected.transport.close()


def test_its_client_is_loaded_when_it_is_used() -> None:
    """A console that nobody asks for jobs does not pay for it."""
    said = "import sys, shared.adapters.cloud_scheduler; sys.exit('google.cloud.scheduler_v1' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], cwd=ROOT, check=False, timeout=60).returncode == 0
