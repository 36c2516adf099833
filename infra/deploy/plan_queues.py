"""Steps for queues and scheduler jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.deploy.names import Names
from infra.deploy.state import State
from infra.deploy.steps import Step
from infra.manifest import Job, Queue


def queues(names: Names, state: State) -> Iterator[Step]:
    """Queues that are not there or have another pace."""
    for name, queue in names.manifest.queues.items():
        current = state.queues.get(name)
        differs = ["there is no such queue"] if current is None else _queue_differs(queue, current)
        if differs:
            verb = "create" if current is None else "update"
            argv = ("tasks", "queues", verb, name, f"--location={names.place.region}", *_queue_flags(queue))
            yield Step("queues", name, argv, "; ".join(differs))


def _queue_flags(queue: Queue) -> tuple[str, ...]:
    retry = queue.retry
    return (
        f"--max-dispatches-per-second={queue.max_dispatches_per_second:g}",
        f"--max-concurrent-dispatches={queue.max_concurrent_dispatches}",
        f"--max-attempts={retry.max_attempts if retry.max_attempts > 0 else 'unlimited'}",
        f"--min-backoff={retry.min_backoff:g}s",
        f"--max-backoff={retry.max_backoff:g}s",
        f"--max-doublings={retry.max_doublings}",
    )


def _queue_differs(queue: Queue, current: Mapping[str, Any]) -> list[str]:
    limits, retry = current.get("rateLimits", {}), current.get("retryConfig", {})
    return differences(
        ("dispatches a second", limits.get("maxDispatchesPerSecond", 0), queue.max_dispatches_per_second),
        ("dispatches at once", limits.get("maxConcurrentDispatches", 0), queue.max_concurrent_dispatches),
        ("attempts", retry.get("maxAttempts", 0), queue.retry.max_attempts),
        ("shortest backoff", seconds(retry.get("minBackoff")), queue.retry.min_backoff),
        ("longest backoff", seconds(retry.get("maxBackoff")), queue.retry.max_backoff),
        ("doublings", retry.get("maxDoublings", 0), queue.retry.max_doublings),
        ("most time of retries", seconds(retry.get("maxRetryDuration")), 0),
    )


def jobs(names: Names, state: State) -> Iterator[Step]:
    """Scheduler jobs that are not there or differ."""
    for name, job in names.manifest.jobs.items():
        current = state.jobs.get(name)
        differs = ["there is no such job"] if current is None else _job_differs(names, job, current)
        if differs:
            verb = "create" if current is None else "update"
            argv = ("scheduler", "jobs", verb, "http", name, f"--location={names.place.region}")
            yield Step("jobs", name, (*argv, *_job_flags(names, job)), "; ".join(differs))


def _job_flags(names: Names, job: Job) -> tuple[str, ...]:
    url = names.url(job.target)
    return (
        f"--schedule={job.schedule}",
        f"--time-zone={job.time_zone}",
        f"--uri={url}{job.path or ''}",
        "--http-method=POST",
        f"--oidc-service-account-email={names.account(names.manifest.invoker(job.target))}",
        f"--oidc-token-audience={url}",
        f"--attempt-deadline={job.attempt_deadline}s",
        f"--max-retry-attempts={job.retry_count}",
    )


def _job_differs(names: Names, job: Job, current: Mapping[str, Any]) -> list[str]:
    target = current.get("httpTarget", {})
    token, url = target.get("oidcToken", {}), names.url(job.target)
    return differences(
        ("schedule", current.get("schedule"), job.schedule),
        ("time zone", current.get("timeZone", "Etc/UTC"), job.time_zone),
        ("URL", target.get("uri"), f"{url}{job.path or ''}"),
        ("method", target.get("httpMethod", "POST"), "POST"),
        ("caller", token.get("serviceAccountEmail"), names.account(names.manifest.invoker(job.target))),
        ("audience", token.get("audience"), url),
        ("deadline", seconds(current.get("attemptDeadline")), job.attempt_deadline),
        ("retries", current.get("retryConfig", {}).get("retryCount", 0), job.retry_count),
    )


def differences(*compared: tuple[str, Any, Any]) -> list[str]:
    """A line for each ``(what, is, is to be)`` that is not as it is to be."""
    return [f"{what}: {_shown(now)} → {_shown(wanted)}" for what, now, wanted in compared if now != wanted]


def seconds(text: Any) -> float:
    """A duration of Google's APIs in seconds; 0 for none."""
    return float(str(text).removesuffix("s")) if text else 0.0


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "nothing" if value in (None, "") else str(value)
