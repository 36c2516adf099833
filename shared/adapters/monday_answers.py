"""What Monday.com's answers mean: the one table of them.

Sources: https://developer.monday.com/api-reference/docs/errors (names and statuses; application errors arrive as HTTP
200 with ``errors[]``, sometimes beside partial data), .../docs/rate-limits, .../docs/idempotency, and the changelog for
the older form, an object with a top-level ``error_code``. Names are compared without regard to case and punctuation, as
the same error is ``RATE_LIMIT_EXCEEDED`` here and ``Rate Limit Exceeded`` there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Any

from shared.adapters.http import HttpAnswer
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown

LONGEST_WAIT = timedelta(days=1)
DEFAULT_WAIT = timedelta(seconds=1)
ITEM_GONE = "ResourceNotFoundException"


class Kind(IntEnum):
    """What an error comes to. Where an answer names several, the smallest decides: the one that gives least up."""

    TOMORROW = 0
    BLOCKED = 1
    RETRY = 2
    UNSURE = 3  # it may have happened before it failed
    REJECTED = 4


ERRORS = {
    Kind.TOMORROW: ("DAILY_LIMIT_EXCEEDED",),
    Kind.BLOCKED: (
        "Unauthorized",
        "NotAuthenticated",
        "IPRestrictedException",
        "UserUnauthorizedException",
        "USER_ACCESS_DENIED",
        "missingRequiredPermissions",
        "UNAUTHORIZED_FIELD_OR_TYPE",
        "InvalidBoardIdException",
        "ResourceNotFoundException",
        "ItemsLimitationException",
        "InvalidVersionException",
    ),
    Kind.RETRY: (
        "ResourceLocked",
        "COMPLEXITY_BUDGET_EXHAUSTED",
        "ComplexityException",
        "maxConcurrencyExceeded",
        "RATE_LIMIT_EXCEEDED",
        "IP_RATE_LIMIT_EXCEEDED",
        "FIELD_LIMIT_EXCEEDED",
        "API_TEMPORARILY_BLOCKED",
    ),
    Kind.UNSURE: ("IDEMPOTENCY_CONFLICT", "INTERNAL_SERVER_ERROR"),
    Kind.REJECTED: (
        "ColumnValueException",
        "CorrectedValueException",
        "InvalidArgumentException",
        "InvalidColumnIdException",
        "ItemNameTooLongException",
        "JsonParseException",
        "RecordInvalidException",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    ),
}
"""Every error with a name of its own (destinations.md, Monday.com); the others go by their status."""

BY_STATUS = (
    "IDEMPOTENCY_KEY_REUSED",
    "InvalidUserIdException",
    "InvalidInputException",
    "undefinedField",
)
"""Names that say no more than their status does, but are causes worth showing. No other text is ever a cause."""

REJECTED_STATUSES = frozenset({400, 413, 422})
BLOCKED_STATUSES = frozenset({401, 402, 403, 404, 405, 410})
LIMITED_STATUSES = frozenset({423, 429})
"""What a status means where the answer names no error of the table; the others may be tried again."""

PHRASES = {
    "Parse error on": "GRAPHQL_PARSE_FAILED",
    "Resource is currently locked": "ResourceLocked",
    "Your ip is restricted": "IPRestrictedException",
    "Minute limit rate exceeded": "RATE_LIMIT_EXCEEDED",
    "Rate Limit Exceeded": "RATE_LIMIT_EXCEEDED",
    "Daily limit exceeded": "DAILY_LIMIT_EXCEEDED",
    "Complexity budget exhausted": "ComplexityException",
    "Concurrency limit exceeded": "FIELD_LIMIT_EXCEEDED",
    "Not Authenticated": "NotAuthenticated",
    "User unauthorized": "UserUnauthorizedException",
    "Internal Server Error": "INTERNAL_SERVER_ERROR",
}
"""How the message of an error without a code begins, and the error it is."""


CHANGED = "change_multiple_column_values"
_LINK = re.compile(r"https://[a-z0-9.-]+\.monday\.com/[\x21-\x7e]{1,300}")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_NAMED = {_plain(name): (kind, name) for kind, names in ERRORS.items() for name in names}
_KNOWN: dict[str, tuple[Kind | None, str]] = {**{_plain(name): (None, name) for name in BY_STATUS}, **_NAMED}
_PHRASED = {_plain(phrase): name for phrase, name in PHRASES.items()}


@dataclass(frozen=True)
class Problem:
    """One error of an answer: its name as it is known here (or None), its own status and its own wait, if any."""

    name: str | None
    kind: Kind | None
    status: int | None
    wait: timedelta


@dataclass(frozen=True)
class Reading:
    """An answer, read: the data, the errors, and whether it is a copy of an earlier answer under the same key."""

    answer: HttpAnswer
    data: Mapping[str, Any]
    problems: tuple[Problem, ...]

    @property
    def replayed(self) -> bool:
        """Whether Monday.com had kept this answer of an earlier request with the same idempotency key."""
        return self.answer.headers.get("idempotency-replayed", "").strip().lower() == "true"


def read(answer: HttpAnswer) -> Reading:
    """The answer in parts; one that is not Monday.com's JSON has neither data nor errors."""
    try:
        said = json.loads(answer.text)
    except (ValueError, RecursionError):
        said = None
    body = said if isinstance(said, dict) else {}
    data = body.get("data")
    problems = tuple(_problem(error) for error in _errors(body))
    return Reading(answer, data if isinstance(data, dict) else {}, problems)


def made(reading: Reading, mutation: str = "create_item") -> bool:
    """Whether the mutation happened: the item's id is there, whatever errors stand beside it."""
    item = reading.data.get(mutation)
    return reading.answer.status == 200 and isinstance(item, dict) and bool(item.get("id"))  # noqa: PLR2004 - HTTP's own


def _url(reading: Reading, mutation: str) -> str:
    """Where a person sees the item; empty where the answer has no address that can be linked to."""
    url = reading.data[mutation].get("url")
    return url if isinstance(url, str) and _LINK.fullmatch(url) else ""


def found(reading: Reading) -> list[str] | None:
    """The ids of the items that the look-up found; None where it failed."""
    page = reading.data.get("items_page_by_column_values")
    items = page.get("items") if isinstance(page, dict) else None
    if reading.answer.status != 200 or not isinstance(items, list):  # noqa: PLR2004 - HTTP's own number
        return None
    found = [str(item["id"]) for item in items if isinstance(item, dict) and item.get("id")]
    return found if found or not (items or reading.problems) else None


def classify(reading: Reading, now: datetime) -> Outcome:
    """What a create's answer comes to.

    Args:
        reading: the answer.
        now: aware; from it the waits for a time of day are counted.
    """
    return Delivered(_url(reading, "create_item")) if made(reading) else refusal(reading, now)


def classify_change(reading: Reading, now: datetime) -> Outcome:
    """What a change's answer comes to; an item that is gone by then blocks nobody else: it is looked up again."""
    if made(reading, CHANGED):
        return Delivered(_url(reading, CHANGED))
    outcome = refusal(reading, now)
    gone = isinstance(outcome, Blocked) and outcome.cause == ITEM_GONE
    return Retry(ITEM_GONE, DEFAULT_WAIT) if gone else outcome


def refusal(reading: Reading, now: datetime) -> Outcome:
    """What an answer comes to that confirmed nothing."""
    status, wait = reading.answer.status, _wait(reading, now)
    known = [problem for problem in reading.problems if problem.kind is not None]
    if known and (status == 200 or 400 <= status < 500):  # noqa: PLR2004 - HTTP's own numbers
        return _by_name(min(known, key=lambda problem: problem.kind or 0), wait, now)
    if status == 200 and not reading.problems:  # noqa: PLR2004 - HTTP's own number
        return Unknown("unexpected_answer")
    hinted = [problem.status for problem in reading.problems if problem.status is not None]
    outcome = _by_status(hinted[0] if status == 200 and hinted else status, wait)  # noqa: PLR2004 - HTTP's own number
    named = next((problem.name for problem in reading.problems if problem.name), None)
    return replace(outcome, cause=named) if named else outcome


def _by_name(problem: Problem, wait: timedelta, now: datetime) -> Outcome:
    cause = str(problem.name)
    match problem.kind:
        case Kind.TOMORROW:
            return Retry(cause, _next_midnight(now) - now)
        case Kind.BLOCKED:
            return Blocked(cause)
        case Kind.REJECTED:
            return Rejected(cause)
        case kind:
            return Retry(cause, max(wait, DEFAULT_WAIT), maybe_shown=kind is Kind.UNSURE)


def _by_status(status: int, wait: timedelta) -> Retry | Rejected | Blocked | Unknown:
    """What a status comes to; 200 here is an error without a name. What nobody has seen yet may have happened."""
    cause = "unexpected_error" if status == 200 else f"http_{status}"  # noqa: PLR2004 - HTTP's own number
    if status in REJECTED_STATUSES:
        return Rejected(cause)
    if status in BLOCKED_STATUSES or 300 <= status < 400:  # noqa: PLR2004 - HTTP's own numbers
        return Blocked(cause)
    if 200 < status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return Unknown("unexpected_answer")
    limited = status in LIMITED_STATUSES
    return Retry(cause, max(wait, DEFAULT_WAIT) if limited else wait, maybe_shown=not limited)


def _errors(body: Mapping[str, Any]) -> Iterator[object]:
    """The errors of an answer in any of its forms: the older one names its error at the top, beside ``errors``."""
    if body.get("error_code") or body.get("error_message"):
        extensions = {"code": body.get("error_code"), "status_code": body.get("status_code")}
        extensions["error_data"] = body.get("error_data")
        yield {"message": body.get("error_message"), "extensions": extensions}
    errors = body.get("errors")
    if isinstance(errors, list):
        yield from errors
    elif errors:
        yield errors


def _problem(error: object) -> Problem:
    said = error if isinstance(error, dict) else {"message": error}
    extensions = _mapping(said.get("extensions"))
    code, status = extensions.get("code"), extensions.get("status_code")
    kind, name = _named(code, said.get("message"))
    own = (extensions.get("retry_in_seconds"), _mapping(extensions.get("error_data")).get("retry_in_seconds"))
    return Problem(name, kind, status if type(status) is int else None, max(_seconds(value) for value in own))


def _named(code: object, message: object) -> tuple[Kind | None, str | None]:
    """An error's kind and its name in our tables; None for what stands in neither of them."""
    text = _plain(code[:80]) if isinstance(code, str) else ""
    if text in _KNOWN:
        return _KNOWN[text]
    start = _plain(message[:80]) if isinstance(message, str) else ""
    for phrase, name in _PHRASED.items():
        if start.startswith(phrase):
            return _NAMED[_plain(name)]
    return None, None


def _wait(reading: Reading, now: datetime) -> timedelta:
    """The larger of the header's wait and the errors' own."""
    own = max((problem.wait for problem in reading.problems), default=timedelta(0))
    return max(own, _retry_after(reading.answer, now))


def _retry_after(answer: HttpAnswer, now: datetime) -> timedelta:
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return _seconds(int(value[:9]))
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a number too large for a date
        return timedelta(0)
    return min(max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta(0)), LONGEST_WAIT)


def _seconds(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return timedelta(0)
    return min(timedelta(seconds=min(value, 10**6)), LONGEST_WAIT)


def _next_midnight(now: datetime) -> datetime:
    return (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
