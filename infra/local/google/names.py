"""Resource names: what they may look like and how they hang together.

Source: the ``name`` fields of ``google.cloud.tasks.v2.Queue``, ``….Task`` and ``google.cloud.scheduler.v1.Job``.
"""

from __future__ import annotations

import re

from infra.local.google.errors import invalid_argument

_LOCATION = r"projects/[A-Za-z0-9:.-]+/locations/[a-z0-9-]+"
_QUEUE = _LOCATION + r"/queues/[A-Za-z0-9-]{1,100}"
_KINDS = {
    "location": re.compile(_LOCATION),
    "queue": re.compile(_QUEUE),
    "task": re.compile(_QUEUE + r"/tasks/[A-Za-z0-9_-]{1,500}"),
    "job": re.compile(_LOCATION + r"/jobs/[A-Za-z0-9_-]{1,500}"),
}
_SHAPES = {
    "location": "projects/PROJECT_ID/locations/LOCATION_ID",
    "queue": "projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID (letters, digits, hyphens, at most 100)",
    "task": "projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID/tasks/TASK_ID"
    " (letters, digits, hyphens, underscores, at most 500)",
    "job": "projects/PROJECT_ID/locations/LOCATION_ID/jobs/JOB_ID (letters, digits, hyphens, underscores, at most 500)",
}


def checked(kind: str, name: str, parent: str | None = None) -> str:
    """The name, if it is one.

    Args:
        kind: ``location``, ``queue``, ``task`` or ``job``.
        name: the full resource name.
        parent: what it must lie in, where that is known.

    Raises:
        ApiError: INVALID_ARGUMENT, for a name of another form or under another parent.
    """
    if _KINDS[kind].fullmatch(name) is None:
        raise invalid_argument(f'Invalid {kind} name "{name[:200]}": it must match "{_SHAPES[kind]}".')
    if parent is not None and parent_of(name) != parent:
        raise invalid_argument(f'The {kind} name "{name}" must start with the parent "{parent}".')
    return name


def parent_of(name: str) -> str:
    """What a queue, task or job lies in: its name without the last two segments."""
    return name.rsplit("/", 2)[0]


def short(name: str) -> str:
    """The last segment: how a queue, task or job is called in the headers of a dispatch."""
    return name.rsplit("/", 1)[-1]
