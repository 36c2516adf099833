"""Monday.com's errors, each in the shape it arrives in (destinations.md, Monday.com, every row).

Sources: developer.monday.com, "Error handling" (names and statuses; application errors come with HTTP 200 and
``errors[]``), "Rate limits", "Idempotency", and the changelog for the older form, an object with ``error_code`` at the
top (``ComplexityException``, ``FIELD_LIMIT_EXCEEDED``). Where there is no example the usual form is taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from infra.local.standins.http_standin import Answer, phrase

ACCOUNT_ID = 18888528
PARTIAL_DATA = "partial_data"
SECONDS_TO_WAIT = 1
SECONDS_TO_WAIT_INSIDE = 2
"""What ``Retry-After`` says, and what ``retry_in_seconds`` says: the larger one counts."""


@dataclass(frozen=True)
class Error:
    """How an error arrives: HTTP status, its own status, its text, whether it says when to come back, and its form."""

    http: int
    status: int
    message: str
    waits: bool = False
    older: bool = False


ERRORS: dict[str, Error] = {
    "DAILY_LIMIT_EXCEEDED": Error(429, 429, "Daily limit exceeded", waits=True),
    "COMPLEXITY_BUDGET_EXHAUSTED": Error(429, 429, "Complexity budget exhausted", waits=True),
    "ComplexityException": Error(
        200,
        429,
        "Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000 reset in 2 seconds",
        waits=True,
        older=True,
    ),
    "maxConcurrencyExceeded": Error(429, 429, "Max concurrency exceeded", waits=True),
    "RATE_LIMIT_EXCEEDED": Error(429, 429, "Minute limit rate exceeded", waits=True),
    "IP_RATE_LIMIT_EXCEEDED": Error(429, 429, "Your IP sent too many requests", waits=True),
    "FIELD_LIMIT_EXCEEDED": Error(200, 429, "Concurrency limit exceeded for the field", waits=True, older=True),
    "API_TEMPORARILY_BLOCKED": Error(200, 200, "API usage is temporarily blocked"),
    "IDEMPOTENCY_CONFLICT": Error(
        409, 409, "A request with this idempotency key is currently being processed", waits=True
    ),
    "INTERNAL_SERVER_ERROR": Error(200, 500, "Internal server error"),
    "Unauthorized": Error(401, 401, "Not Authenticated"),
    "IPRestrictedException": Error(401, 401, "Your ip is restricted"),
    "UserUnauthorizedException": Error(200, 403, "User unauthorized to perform action"),
    "USER_ACCESS_DENIED": Error(403, 403, "The user is unauthorized to use the API"),
    "missingRequiredPermissions": Error(200, 200, "The operation exceeds the permission scopes of the token"),
    "InvalidBoardIdException": Error(200, 200, "The board ID is invalid"),
    "ResourceNotFoundException": Error(200, 404, "Resource not found"),
    "ItemsLimitationException": Error(200, 200, "The board has reached its limit of 10,000 items"),
    "InvalidVersionException": Error(200, 200, "The requested API version is invalid"),
    "ColumnValueException": Error(
        200, 200, "invalid value, please check our API documentation for the correct data structure for this column"
    ),
    "CorrectedValueException": Error(200, 200, "The column does not take a value of this type"),
    "InvalidArgumentException": Error(200, 200, "Invalid argument"),
    "InvalidColumnIdException": Error(200, 200, "This column ID does not exist for the board"),
    "ItemNameTooLongException": Error(200, 200, "An item's name has 1 to 255 characters"),
    "JsonParseException": Error(400, 400, "The JSON could not be parsed"),
    "GRAPHQL_PARSE_FAILED": Error(400, 400, "Parse error on the query"),
    "GRAPHQL_VALIDATION_FAILED": Error(400, 400, "The query does not fit the schema"),
    "RecordInvalidException": Error(422, 422, "The board has too many subscribers"),
    "IDEMPOTENCY_KEY_REUSED": Error(422, 422, "This idempotency key was used for another request"),
}
"""Every error with a name."""

_FROM_THE_GATEWAY = (502, 503, 504)
_OF_STATUS = {
    401: ("Unauthorized", "Not Authenticated"),
    409: ("IDEMPOTENCY_CONFLICT", ERRORS["IDEMPOTENCY_CONFLICT"].message),
    423: (None, "Resource is currently locked, please try again later"),
    429: (None, "Rate Limit Exceeded"),
    500: ("INTERNAL_SERVER_ERROR", "Internal Server Error"),
}
_WAITING_STATUSES = (409, 423, 429)


def of_name(name: str, *, wait: int | None = None, data: object = (), **said: Any) -> Answer:
    """The answer that carries one error.

    Args:
        name: one of ``ERRORS``.
        wait: seconds that both waits say, instead of the usual ones.
        data: what stands beside the error; the documentation's own example has an empty list.
        said: further members of the error, for example ``path``.
    """
    error = ERRORS[name]
    inside = {"retry_in_seconds": wait or SECONDS_TO_WAIT_INSIDE} if error.waits else {}
    headers = {"Retry-After": str(wait or SECONDS_TO_WAIT)} if error.waits else {}
    if error.older:
        body: dict[str, Any] = {"error_code": name, "status_code": error.status, "error_message": error.message}
        body |= {"error_data": inside, "errors": [error.message]}
    else:
        extensions = {"code": name, "status_code": error.status, "error_data": {}, **inside}
        body = {"data": list(data) if data == () else data}
        body["errors"] = [{"message": error.message, **said, "extensions": extensions}]
    return as_json(error.http, body, headers)


def of_status(status: int) -> Answer:
    """The answer of a bare status: JSON from the API, a page where it comes from the gateway before it."""
    if status in _FROM_THE_GATEWAY:
        return Answer(status, f"<html><body><h1>{status} {phrase(status)}</h1></body></html>")
    code, message = _OF_STATUS.get(status, (None, phrase(status)))
    extensions = {"status_code": status} if code is None else {"code": code, "status_code": status}
    headers = {"Retry-After": str(SECONDS_TO_WAIT)} if status in _WAITING_STATUSES else {}
    return as_json(status, {"errors": [{"message": message, "extensions": extensions}]}, headers)


def partial() -> Answer:
    """HTTP 200 with an error and some data beside it; the item is not among it."""
    data = {"create_item": None, "complexity": {"query": 12}}
    return of_name("INTERNAL_SERVER_ERROR", data=data, path=["create_item"], locations=[{"line": 2, "column": 3}])


def as_json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    """An answer of the API."""
    whole = {**body, "account_id": ACCOUNT_ID}
    return Answer(status, json.dumps(whole), content_type="application/json", headers=headers or {})
