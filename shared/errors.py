"""The error tree.

BellhopError
├── ConfigError            a setting is wrong: the function does not start
├── RequestError           what the caller sent is refused; knows its HTTP status (shared.edge.problems)
├── StorageError           Firestore did not do what was asked
│   ├── Conflict           a precondition failed: somebody else was first; nothing was written
│   ├── Contention         too many writers at once; nothing was written, trying again may help
│   ├── OutcomeUnknown     no answer came: it may have been written or not
│   └── StorageUnavailable Firestore cannot be reached; nothing was written
└── QueueError             a task could not be created; its alert is found by the sweep
"""

from __future__ import annotations


class BellhopError(Exception):
    """Any error that is ours."""


class ConfigError(BellhopError):
    """A setting is missing or wrong; the message names it, what it was and what it takes."""


class RequestError(BellhopError):
    """A request is refused with an HTTP status and a sentence for the caller.

    Attributes:
        status: HTTP status code, 4xx or 5xx.
        detail: what was wrong and what is accepted, for people; never holds what the caller sent.
        slug: the problem's kind, the last part of its ``type`` URI (RFC 9457), for example ``malformed-body``.
        title: the problem's kind for people, the same for every occurrence.
        field: the JSON field or header at fault, None where it is the request as a whole.
        retry_after: seconds to wait before the same request may succeed, None where waiting does not help.
        headers: further response headers, for example ``{"Allow": "POST"}``.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        slug: str,
        title: str,
        field: str | None = None,
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.slug = slug
        self.title = title
        self.field = field
        self.retry_after = retry_after
        self.headers = headers or {}


class StorageError(BellhopError):
    """Firestore did not do what was asked."""


class Conflict(StorageError):  # noqa: N818 - the field's word
    """A precondition failed: somebody else was first; nothing was written."""


class Contention(StorageError):  # noqa: N818 - the field's word
    """Too many writers at once; nothing was written, trying again may help."""


class OutcomeUnknown(StorageError):  # noqa: N818 - it is not known to be an error
    """No answer came: what was asked may have happened or not."""


class StorageUnavailable(StorageError):  # noqa: N818 - the field's word
    """Firestore cannot be reached; nothing was written."""


class QueueError(BellhopError):
    """A task could not be created; its alert is found by the sweep."""
