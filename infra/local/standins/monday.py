"""Monday.com's API, as it behaves towards us (destinations.md, Monday.com, every row).

Well, it takes ``POST /v2`` with a GraphQL request, checks the token (401), the ``API-Version``
(``InvalidVersionException``) and the document (400), runs it against one board (``monday_board``) and keeps the items
in ``received``: as they stand, so a changed item shows its new values and a deleted one is gone.

``Idempotency-Key`` on a mutation: what it answered is kept for 30 minutes and comes back with ``Idempotency-Replayed:
true``; while an answer is on its way (in ``slow``) a duplicate gets 409 ``IDEMPOTENCY_CONFLICT``. What Monday.com says
to the same key with another body is not documented: here 422 ``IDEMPOTENCY_KEY_REUSED``.

Broken, it does one of these, and makes no item except in ``slow`` and ``unanswered``:

* a status, ``400`` to ``599``, in the shape Monday.com gives it; 409, 423 and 429 say ``Retry-After``.
* an error's name (``monday_errors.ERRORS``): with its own status and form, most as HTTP 200 with ``errors[]``.
  ``DAILY_LIMIT_EXCEEDED`` says how long it is until 00:00 UTC.
* ``partial_data``: HTTP 200 with an error and some data beside it, the item not among it.
* ``timeout``, ``reset``, ``unanswered``, ``slow``, ``down``: see ``http_standin``.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web
from graphql import (
    DocumentNode,
    GraphQLError,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution import ExecutionResult

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES
from infra.local.standins.http_standin import Answer, HttpStandIn, phrase, strict_json
from infra.local.standins.monday_board import Board
from infra.local.standins.monday_errors import ERRORS, PARTIAL_DATA, as_json, of_name, of_status, partial

KEPT = timedelta(minutes=30)
"""How long an answer is kept under its idempotency key."""

_COMMON_STATUSES = ("500", "503", "429", "400", "401", "403", "404", "423")
_MAX_KEY = 255


@dataclass(frozen=True)
class _Kept:
    """An answer under an idempotency key: since when, to which body."""

    at: datetime
    asked: str
    answer: Answer


@dataclass(frozen=True)
class _Asked:
    """A request's document, ready to run."""

    document: DocumentNode
    variables: dict[str, Any]
    operation: str | None
    mutation: bool


class _Refused(Exception):  # noqa: N818 - it says what happened
    """The request does not get as far as being run; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class MondayStandIn(HttpStandIn):
    """Monday.com's end of one account with one board; ``received`` holds the items as they stand.

    Those of the group for canaries are in ``canaries`` instead.

    Args:
        now: tells the time, aware: for items' ages and kept answers.
        timing: ``hang_seconds`` and ``drip_seconds``, as every stand-in has them.

    Attributes:
        settings: what a function is configured with to send here; complete once it is started.
    """

    TOKEN: ClassVar[str] = "local-stand-in-token"  # noqa: S105 - made up, and of no use anywhere else
    BOARD_ID: ClassVar[str] = "1234567890"
    CANARIES: ClassVar[str] = "canaries"
    GROUPS: ClassVar[tuple[str, ...]] = ("topics", "archive", CANARIES)
    COLUMNS: ClassVar[dict[str, str]] = {
        "alert_id": "text_alert",
        "name": "text_name",
        "email": "email_lead",
        "phone": "phone_lead",
        "message": "long_text_message",
        "score": "numeric_score",
        "language": "text_language",
        "created_at": "date_created",
        "conversation_id": "text_conversation",
        "kind": "text_kind",
        "hot": "text_hot",
        "handoff": "text_handoff",
        "question": "long_text_question",
        "field_area": "text_area",
        "field_budget": "text_budget",
        "field_package": "text_package",
    }
    """Bellhop's field → the board's column."""
    COLUMN_TYPES: ClassVar[dict[str, str]] = {
        **dict.fromkeys(COLUMNS.values(), "text"),
        "email_lead": "email",
        "phone_lead": "phone",
        "long_text_message": "long_text",
        "long_text_question": "long_text",
        "numeric_score": "numbers",
        "date_created": "date",
        "status": "status",
        "dropdown_tags": "dropdown",
    }

    name: ClassVar[str] = "monday"
    path: ClassVar[str] = "/v2"
    modes: ClassVar[tuple[str, ...]] = (
        *_COMMON_STATUSES,
        *TRANSPORT_MODES,
        *ERRORS,
        PARTIAL_DATA,
        *(status for status in STATUS_MODES if status not in _COMMON_STATUSES),
    )

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), **timing: float) -> None:
        super().__init__(**timing)
        self.settings: dict[str, str] = {
            "MONDAY_API_KEY": self.TOKEN,
            "MONDAY_BOARD_ID": self.BOARD_ID,
            "MONDAY_COLUMNS": json.dumps(self.COLUMNS),
        }
        self._now = now
        self._board = Board(
            self.BOARD_ID, self.COLUMN_TYPES, self.GROUPS, now, self.received, {self.CANARIES: self.canaries}
        )
        self._answers: dict[str, _Kept] = {}
        self._in_flight: set[str] = set()

    async def start(self) -> str:
        """Listen; see ``HttpStandIn``."""
        url = await super().start()
        self.settings["MONDAY_API_URL"] = url
        return url

    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Check and run a request as Monday.com does."""
        try:
            _check_request(request, self.path, self.TOKEN)
            asked = self._asked(body)
        except _Refused as refused:
            return refused.answer
        key = request.headers.get("Idempotency-Key") if asked.mutation else None
        return self._run(asked) if key is None else self._once(key, body, asked)

    def refuse(self, mode: str) -> Answer:
        """The answer that carries an error's name, or a status."""
        if mode == PARTIAL_DATA:
            return partial()
        if mode == "DAILY_LIMIT_EXCEEDED":
            now = self._now().astimezone(UTC)
            midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            return of_name(mode, wait=int((midnight - now).total_seconds()) + 1)
        return of_name(mode) if mode in ERRORS else of_status(int(mode))

    async def _drip(self, request: web.BaseRequest, raw: bytes) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key", "")
        if key in self._in_flight:
            return await super()._drip(request, raw)
        self._in_flight.add(key)
        try:
            return await super()._drip(request, raw)
        finally:
            self._in_flight.discard(key)

    def _once(self, key: str, body: bytes, asked: _Asked) -> Answer:
        """Run a mutation unless its key has been used in the last 30 minutes."""
        if not 0 < len(key) <= _MAX_KEY:
            return of_status(400)
        if key in self._in_flight:
            return of_name("IDEMPOTENCY_CONFLICT")
        digest, now = hashlib.sha256(body).hexdigest(), self._now()
        kept = self._answers.get(key)
        if kept is not None and now - kept.at < KEPT:
            if kept.asked != digest:
                return of_name("IDEMPOTENCY_KEY_REUSED")
            return replace(kept.answer, headers={**kept.answer.headers, "Idempotency-Replayed": "true"})
        answer = self._run(asked)
        self._answers[key] = _Kept(now, digest, answer)
        return answer

    def _asked(self, body: bytes) -> _Asked:
        try:
            said = strict_json(body.decode())
        except ValueError:
            raise _Refused(of_name("JsonParseException")) from None
        if not isinstance(said, dict) or not isinstance(said.get("query"), str):
            raise _Refused(of_status(400))
        variables, operation = said.get("variables") or {}, said.get("operationName")
        try:
            document = parse(said["query"], no_location=False)
            problems = validate(self._board.schema, document)
        except (GraphQLError, RecursionError) as error:
            raise _Refused(_bad_document("GRAPHQL_PARSE_FAILED", str(error))) from None
        node = get_operation_ast(document, operation)
        if problems or node is None or not isinstance(variables, dict):
            why = problems[0].message if problems else "no such operation"
            raise _Refused(_bad_document("GRAPHQL_VALIDATION_FAILED", why))
        return _Asked(document, variables, operation, node.operation is OperationType.MUTATION)

    def _run(self, asked: _Asked) -> Answer:
        result = execute_sync(
            self._board.schema,
            asked.document,
            self._board.root,
            variable_values=asked.variables,
            operation_name=asked.operation,
        )
        return _answer(result)


def _check_request(request: web.BaseRequest, path: str, token: str) -> None:
    if request.path != path:
        raise _Refused(of_status(404))
    if request.method != "POST":
        raise _Refused(Answer(405, phrase(405), headers={"Allow": "POST"}))
    if request.headers.get("Authorization") != token:
        raise _Refused(of_name("Unauthorized"))
    if not re.fullmatch(r"20[2-9]\d-(01|04|07|10)", request.headers.get("API-Version", "2026-07")):
        raise _Refused(of_name("InvalidVersionException"))
    if request.content_type != "application/json":
        raise _Refused(of_status(400))


def _answer(result: ExecutionResult) -> Answer:
    """A result as Monday.com sends it; an error in our own code is an internal error there."""
    errors = result.errors or []
    if any(not isinstance(error.original_error, GraphQLError | None) for error in errors):
        return of_status(500)
    if result.data is None and not any(error.path for error in errors):
        return _bad_document("GRAPHQL_VALIDATION_FAILED", errors[0].message)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [error.formatted for error in errors]
    known = [ERRORS.get(str((error.extensions or {}).get("code"))) for error in errors]
    status = max((error.http for error in known if error), default=200)
    return as_json(status, {**body, "extensions": {"request_id": str(uuid.uuid4())}})


def _bad_document(code: str, why: str) -> Answer:
    error = {"message": why, "extensions": {"code": code, "status_code": 400}}
    return as_json(400, {"errors": [error]})
