"""The error tree.

BellhopError
├── ConfigError            a setting is wrong: the function does not start
├── RequestError           what the caller sent is refused; knows its HTTP status (shared.edge.problems)
│   ├── RateLimited        429: over the limit
│   ├── KeyReused          422: the idempotency key was used for another request
│   ├── KeyInProgress      409: the first request with this idempotency key is still running
│   ├── Outlived           409: it took longer than its idempotency key's claim; nothing was written
│   ├── Unavailable        503: storage cannot be reached; nothing was written
│   ├── LeaseLive          500: the alert is being sent; the task must come back
│   ├── MigrationRunning   409: somebody works at this step of a migration
│   ├── MigrationRefused   409: the step cannot be run, or taken back, as things stand
│   ├── SliceLive          500: somebody works at this slice; the task must come back
│   ├── SlotRunning        409: this run of a job is under way; the scheduler must come back
│   ├── TokenRefused       400: a link's token is not one of ours
│   ├── CanaryRefused      403: a message says it is a canary, and is none of ours, or too old
│   └── TokenExpired       410: a link's token was ours, too long ago
├── StorageError           Firestore did not do what was asked
│   ├── Conflict           a precondition failed: somebody else was first; nothing was written
│   ├── Contention         too many writers at once; nothing was written, trying again may help
│   ├── OutcomeUnknown     no answer came: it may have been written or not
│   ├── StorageUnavailable Firestore cannot be reached; nothing was written
│   └── Unreadable         a document is not what this version of the code takes it for
├── BreakerOpen            a destination's breaker is open: the attempt was not made
├── QueueError             a task could not be created; its alert is found by the sweep
└── SchedulerUnavailable   Cloud Scheduler did not do what was asked, or may not be asked
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


class Unreadable(StorageError):  # noqa: N818 - it says what it is
    """A document is not what this version of the code takes it for; a person has to look at it."""


class BreakerOpen(BellhopError):  # noqa: N818 - the field's word
    """A destination's circuit breaker is open: the attempt was not made."""


class QueueError(BellhopError):
    """A task could not be created; its alert is found by the sweep."""


class RateLimited(RequestError):  # noqa: N818 - the field's word
    """The client is over its limit, or asks too much at once; nothing was written.

    Attributes:
        limit: the name of the limit that is reached; None where it is only too much at once.
    """

    def __init__(self, retry_after: int, limit: str | None = None) -> None:
        detail = f"Too many requests; the next one is accepted in {retry_after} seconds."
        super().__init__(429, detail, slug="rate-limited", title="Too many requests", retry_after=retry_after)
        self.limit = limit


class KeyReused(RequestError):  # noqa: N818 - the field's word
    """The idempotency key was used before, for another request."""

    def __init__(self) -> None:
        detail = "This Idempotency-Key was used for another request; send a new key with a new request."
        super().__init__(422, detail, slug="key-reused", title="Idempotency key reused", field="Idempotency-Key")


class KeyInProgress(RequestError):  # noqa: N818 - the field's word
    """The first request with this idempotency key is still running."""

    def __init__(self, retry_after: int) -> None:
        detail = "The first request with this Idempotency-Key is still running; ask again for its answer."
        super().__init__(
            409,
            detail,
            slug="key-in-progress",
            title="Request in progress",
            field="Idempotency-Key",
            retry_after=retry_after,
        )


class Outlived(RequestError):  # noqa: N818 - the field's word
    """The request took longer than its idempotency key's claim; it wrote nothing."""

    def __init__(self) -> None:
        detail = "The request took too long and wrote nothing; send it again with the same Idempotency-Key."
        super().__init__(409, detail, slug="claim-outlived", title="Request took too long", retry_after=1)


class Unavailable(RequestError):  # noqa: N818 - the field's word
    """Storage cannot be reached or is too busy; what was asked did not happen or can safely be asked again."""

    def __init__(self, retry_after: int = 2) -> None:
        detail = "The request could not be stored just now; please send it again."
        super().__init__(503, detail, slug="unavailable", title="Temporarily unavailable", retry_after=retry_after)


class LeaseLive(RequestError):  # noqa: N818 - the field's word
    """Another holder is sending the alert. Not 429 or 503: those would slow the whole queue down."""

    def __init__(self) -> None:
        detail = "The alert is being sent by another holder; the task comes back."
        super().__init__(500, detail, slug="lease-live", title="Alert is being sent")


class SlotRunning(RequestError):  # noqa: N818 - the field's word
    """Another run of the same slot is under way; it may die, so the scheduler comes back."""

    def __init__(self) -> None:
        detail = "Another run of this job's slot is under way."
        super().__init__(409, detail, slug="slot-running", title="Run under way", retry_after=10)


class TokenRefused(RequestError):  # noqa: N818 - the field's word
    """A token is not as one of ours was given out: cut off, changed, or signed with a key that is not accepted."""

    def __init__(self) -> None:
        detail = "The link is not complete or not valid; use the whole link of the e-mail."
        super().__init__(400, detail, slug="token-refused", title="The link is not valid", field="t")


class CanaryRefused(RequestError):  # noqa: N818 - the field's word
    """A message carries a canary's order that is forged, changed, or older than a minute; nothing was written."""

    def __init__(self) -> None:
        detail = "X-Bellhop-Canary takes an order of the function canary, at most a minute old; visitors send none."
        super().__init__(403, detail, slug="canary-refused", title="Not a canary", field="X-Bellhop-Canary")


class TokenExpired(RequestError):  # noqa: N818 - the field's word
    """A token was given out longer ago than it holds."""

    def __init__(self) -> None:
        detail = "The link is too old; use the link of a newer e-mail, or opt out with the e-mail address."
        super().__init__(410, detail, slug="token-expired", title="The link has expired", field="t")


class MigrationRunning(RequestError):  # noqa: N818 - the field's word
    """Somebody works at this step; a run that stands still can be taken over once its lease is over."""

    def __init__(self, retry_after: int) -> None:
        detail = "This step is being worked at; look at its counts, or ask again later."
        super().__init__(409, detail, slug="migration-running", title="Migration under way", retry_after=retry_after)


class MigrationRefused(RequestError):  # noqa: N818 - the field's word
    """The step cannot be run, or taken back, as things stand; the sentence says what has to be done first."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, detail, slug="migration-refused", title="Not as things stand")


class SliceLive(RequestError):  # noqa: N818 - the field's word
    """Somebody works at this slice of a migration, and may die: the task comes back."""

    def __init__(self) -> None:
        detail = "This slice is being worked at by another holder; the task comes back."
        super().__init__(500, detail, slug="slice-live", title="Slice under way")


class SchedulerUnavailable(BellhopError):  # noqa: N818 - the field's word
    """Cloud Scheduler did not do what was asked, or may not be asked."""
