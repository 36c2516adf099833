"""The job that tries again is paused in the console, and its account may not call the function either."""

from __future__ import annotations

from tests.support.cloud_project import PROJECT
from tests.support.local_system import eventually

SERVICE = f"projects/{PROJECT}/locations/europe-west1/services/retry-dead-letters"
INVOKER = f"serviceAccount:bellhop-scheduler-invoker@{PROJECT}.iam.gserviceaccount.com"
JOB = "retry_dead_letters"


def test_a_job_that_stands_still_goes_on_and_what_waited_with_it(day):
    """Its right comes back by the deployment, the job by the console, its run by Cloud Scheduler."""
    system = day.system
    day.leads()
    eventually(lambda: any(is_run(entry) for entry in day.running.entries()))
    day.begins("the retry job is paused and its account lost its right")
    assert not day.session.run(f"python -m infra.ops job {JOB} pause --reason 'a noisy night'").failed
    day.cloud.state.policies[SERVICE]["bindings"] = []
    system.broken("no_active_hooks")  # what waits for a repair is tried by the job alone
    waiting = day.leads(6)
    eventually(lambda: len(system.console("dead_letters?status=pending")["dead_letters"]) == len(waiting))
    system.healed()
    day.fires("job-not-succeeded", job=JOB)
    day.given(JOB=JOB)
    assert "PAUSED" in day.follows("How to see it")
    causes = day.follows("Causes, likeliest first")
    assert "a noisy night" in causes
    assert "bellhop-scheduler-invoker" in causes
    assert not all(system.received(email) for email in waiting)
    day.follows("Recovery")
    day.recovers(lambda: all(system.received(email) for email in waiting))
    assert INVOKER in str(day.cloud.state.policies[SERVICE])
    assert "no dead letters" in day.follows("How to know it worked")
    day.loses_nothing()


def is_run(entry):
    """Whether Cloud Scheduler logged a success of the job."""
    job = entry["resource"]["labels"].get("job_id")
    return (job, entry.get("httpRequest")) == (JOB, {"status": 200})
