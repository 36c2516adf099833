"""What a job may be.

Source: ``google.cloud.scheduler.v1.Job`` with ``HttpTarget`` and ``RetryConfig``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.cloud import scheduler_v1

from infra.local.google import wire
from infra.local.google.backoff import RetryPolicy
from infra.local.google.errors import invalid_argument, unimplemented
from infra.local.google.schedule import Cron, parse_cron
from infra.local.google.target import Target, read_deadline, read_target

JOB: Any = scheduler_v1.Job.pb()
"""The protobuf class of a job."""

_DEADLINE = timedelta(minutes=3)
_MIN_BACKOFF = timedelta(seconds=5)
_MAX_BACKOFF = timedelta(hours=1)
_DOUBLINGS = 5
_MOST_RETRIES = 5
_LONGEST_DESCRIPTION = 500
_MOST_BYTES = 1_000_000
_OUTPUT_ONLY = ("name", "user_update_time", "state", "status", "schedule_time", "last_attempt_time")


@dataclass(frozen=True)
class JobSpec:
    """A job as it was asked for, checked.

    Attributes:
        target: the request.
        cron: when.
        retry: what follows a failure; ``max_attempts`` counts the first attempt.
        deadline: how long the target may take.
    """

    target: Target
    cron: Cron
    retry: RetryPolicy
    deadline: timedelta


def new_job(body: object) -> Any:
    """A job message with every default filled in, and nothing in it that only the API may say.

    Raises:
        ApiError: INVALID_ARGUMENT, for a body that is not a job's.
    """
    job = wire.parse(JOB, body)
    wire.check_base64(body, "httpTarget", "body")
    for name in _OUTPUT_ONLY[1:]:
        job.ClearField(name)
    return _completed(job)


def changed_job(job: Any, body: object, paths: Sequence[str]) -> Any:
    """A copy of a job message with what the paths name taken from ``body``; everything settable for no paths.

    Raises:
        ApiError: INVALID_ARGUMENT, for a body that is not a job's.
    """
    given = wire.parse(JOB, body)
    wire.check_base64(body, "httpTarget", "body")
    names = paths or [entry.name for entry in JOB.DESCRIPTOR.fields if _is_settable(given, entry)]
    changed = JOB()
    changed.CopyFrom(job)
    wire.merge(source=given, into=changed, paths=[path for path in names if path.split(".")[0] not in _OUTPUT_ONLY])
    return _completed(changed)


def read_job(job: Any) -> JobSpec:
    """What a complete job message asks for.

    Raises:
        ApiError: INVALID_ARGUMENT, for what Google refuses; UNIMPLEMENTED, for targets other than HTTP.
    """
    if job.HasField("pubsub_target") or job.HasField("app_engine_http_target"):
        raise unimplemented("The stand-in has HTTP targets only.")
    if not job.HasField("http_target"):
        raise invalid_argument("Job.http_target is required.")
    if not job.schedule:
        raise invalid_argument("Job.schedule is required.")
    if len(job.description) > _LONGEST_DESCRIPTION:
        raise invalid_argument(f"Job.description must have at most {_LONGEST_DESCRIPTION} characters.")
    if job.ByteSize() > _MOST_BYTES:
        raise invalid_argument(f"Job size too large: {job.ByteSize()} bytes, {_MOST_BYTES} are allowed.")
    return JobSpec(
        target=read_target(job.http_target.uri, job.http_target),
        cron=parse_cron(job.schedule, job.time_zone),
        retry=_retry_policy(job.retry_config),
        deadline=read_deadline("attempt_deadline", job, _DEADLINE),
    )


def _completed(job: Any) -> Any:
    job.time_zone = job.time_zone or "Etc/UTC"
    if not job.HasField("attempt_deadline"):
        job.attempt_deadline.FromTimedelta(_DEADLINE)
    retry = job.retry_config
    if not retry.HasField("min_backoff_duration"):
        retry.min_backoff_duration.FromTimedelta(_MIN_BACKOFF)
    if not retry.HasField("max_backoff_duration"):
        retry.max_backoff_duration.FromTimedelta(_MAX_BACKOFF)
    retry.max_doublings = retry.max_doublings or _DOUBLINGS
    if job.HasField("http_target"):
        job.http_target.http_method = job.http_target.http_method or 1  # POST
    return job


def _is_settable(given: Any, entry: Any) -> bool:
    """Whether an update without a mask sets a field: of the targets, the one that was given."""
    in_target = entry.containing_oneof is not None
    return entry.name not in _OUTPUT_ONLY and (not in_target or bool(given.HasField(entry.name)))


def _retry_policy(retry: Any) -> RetryPolicy:
    if not 0 <= retry.retry_count <= _MOST_RETRIES:
        raise invalid_argument(f"Job.retry_config.retry_count must be between 0 and {_MOST_RETRIES}.")
    if retry.max_doublings < 0:
        raise invalid_argument("Job.retry_config.max_doublings must not be negative.")
    policy = RetryPolicy(
        max_attempts=1 + retry.retry_count,
        max_retry_duration=retry.max_retry_duration.ToTimedelta() if retry.retry_count else timedelta(0),
        min_backoff=retry.min_backoff_duration.ToTimedelta(),
        max_backoff=retry.max_backoff_duration.ToTimedelta(),
        max_doublings=retry.max_doublings,
    )
    if min(policy.min_backoff, policy.max_backoff, policy.max_retry_duration) < timedelta(0):
        raise invalid_argument("The durations of Job.retry_config must not be negative.")
    if policy.min_backoff > policy.max_backoff:
        raise invalid_argument("Job.retry_config.min_backoff_duration must not be more than max_backoff_duration.")
    return policy
