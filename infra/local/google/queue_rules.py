"""A queue's settings: defaults, limits, changes.

Source: ``google.cloud.tasks.v2.Queue`` with ``RateLimits`` and ``RetryConfig``, and
https://cloud.google.com/tasks/docs/quotas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.cloud import tasks_v2

from infra.local.google import wire
from infra.local.google.backoff import UNLIMITED, RetryPolicy
from infra.local.google.errors import invalid_argument, unimplemented

QUEUE: Any = tasks_v2.Queue.pb()
"""The protobuf class of a queue."""

_RATE = 500.0
_MOST_RATE = 500.0
_CONCURRENT = 1000
_MOST_CONCURRENT = 5000
_LEAST_BURST = 10
_ATTEMPTS = 100
_MIN_BACKOFF = timedelta(milliseconds=100)
_MAX_BACKOFF = timedelta(hours=1)
_DOUBLINGS = 16
_SETTABLE = ("rate_limits", "retry_config", "stackdriver_logging_config")
_UNSUPPORTED = ("app_engine_routing_override", "http_target")


def new_queue(body: dict[str, Any], *, burst_is_settable: bool) -> Any:
    """A queue message with every default filled in.

    Args:
        body: the queue as JSON.
        burst_is_settable: whether ``maxBurstSize`` is taken from it; to the API it is output only.

    Raises:
        ApiError: INVALID_ARGUMENT, for settings Google refuses; UNIMPLEMENTED, for App Engine and queue-level targets.
    """
    given = wire.parse(QUEUE, body)
    _check_supported(given)
    queue = QUEUE(name=given.name, state=QUEUE.RUNNING)
    for name in _SETTABLE:
        if given.HasField(name):
            getattr(queue, name).CopyFrom(getattr(given, name))
    if not burst_is_settable:
        queue.rate_limits.max_burst_size = 0
    return _completed(queue, keep_doublings=_names(body, "retryConfig", "maxDoublings"))


def changed_queue(queue: Any, body: dict[str, Any], paths: Sequence[str]) -> Any:
    """A copy of a queue message with what the paths name taken from ``body``; everything settable for no paths.

    What they name and the body lacks goes back to its default; output-only fields are left alone.

    Raises:
        ApiError: as ``new_queue`` does.
    """
    given = wire.parse(QUEUE, body)
    _check_supported(given)
    wanted = [path for path in paths or _SETTABLE if path.split(".")[0] in _SETTABLE]
    changed = QUEUE()
    changed.CopyFrom(queue)
    wire.merge(source=given, into=changed, paths=wanted)
    changed.rate_limits.max_burst_size = 0
    named = "retry_config.max_doublings" in wanted or "retry_config" not in wanted
    return _completed(changed, keep_doublings=named or _names(body, "retryConfig", "maxDoublings"))


def retry_policy(queue: Any) -> RetryPolicy:
    """The retry settings of a complete queue message."""
    retry = queue.retry_config
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        max_retry_duration=retry.max_retry_duration.ToTimedelta(),
        min_backoff=retry.min_backoff.ToTimedelta(),
        max_backoff=retry.max_backoff.ToTimedelta(),
        max_doublings=retry.max_doublings,
    )


def _completed(queue: Any, *, keep_doublings: bool) -> Any:
    limits, retry = queue.rate_limits, queue.retry_config
    limits.max_dispatches_per_second = limits.max_dispatches_per_second or _RATE
    limits.max_concurrent_dispatches = limits.max_concurrent_dispatches or _CONCURRENT
    retry.max_attempts = retry.max_attempts or _ATTEMPTS
    if not keep_doublings:
        retry.max_doublings = retry.max_doublings or _DOUBLINGS
    if not retry.HasField("min_backoff"):
        retry.min_backoff.FromTimedelta(_MIN_BACKOFF)
    if not retry.HasField("max_backoff"):
        retry.max_backoff.FromTimedelta(_MAX_BACKOFF)
    _check_limits(limits)
    _check_retry(queue)
    limits.max_burst_size = limits.max_burst_size or max(_LEAST_BURST, math.ceil(limits.max_dispatches_per_second))
    return queue


def _check_supported(queue: Any) -> None:
    for name in _UNSUPPORTED:
        if queue.HasField(name):
            raise unimplemented(f"The stand-in does not support {name}.")


def _check_limits(limits: Any) -> None:
    if not 0 < limits.max_dispatches_per_second <= _MOST_RATE:  # NaN compares false to everything
        raise invalid_argument("Queue.rate_limits.max_dispatches_per_second must be between 0 and 500.")
    if not 0 < limits.max_concurrent_dispatches <= _MOST_CONCURRENT:
        raise invalid_argument("Queue.rate_limits.max_concurrent_dispatches must be between 0 and 5000.")
    if limits.max_burst_size < 0:
        raise invalid_argument("Queue.rate_limits.max_burst_size must not be negative.")


def _check_retry(queue: Any) -> None:
    retry = retry_policy(queue)
    if retry.max_attempts < UNLIMITED:
        raise invalid_argument("Queue.retry_config.max_attempts must be -1 or more.")
    if retry.max_doublings < 0:
        raise invalid_argument("Queue.retry_config.max_doublings must not be negative.")
    if min(retry.min_backoff, retry.max_backoff, retry.max_retry_duration) < timedelta(0):
        raise invalid_argument("The durations of Queue.retry_config must not be negative.")
    if retry.min_backoff > retry.max_backoff:
        raise invalid_argument("Queue.retry_config.min_backoff must not be more than max_backoff.")


def _names(body: dict[str, Any], outer: str, inner: str) -> bool:
    """Whether a JSON body names a field: protobuf does not tell a zero from nothing."""
    part = body.get(outer)
    return isinstance(part, dict) and inner in part
