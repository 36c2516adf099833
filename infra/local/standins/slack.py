"""Slack's incoming webhook, as it behaves towards us (destinations.md, Slack, every row).

Well, it takes ``POST`` with a JSON object (or a form's ``payload`` holding one), checks what Slack checks
(``slack_message``), answers 200 ``ok`` as text/html and keeps the message in ``received``. It refuses another method
(405), a path that is not its own (404 ``no_team`` or ``no_service``, 403 ``invalid_token``) and a body that is no JSON
object (400 ``invalid_payload``).

Broken, it does one of these:

* a status, ``400`` to ``599``: that status, with its reason phrase as body; ``429`` is ``rate_limited``.
* an error of the webhook (``WEBHOOK_ERRORS``): its status, with its name as body. ``rate_limited`` says
  ``Retry-After: 1``. Slack documents the status of some names only (changelog 2016-05-17); the others have the one of
  their kind: 400 for the message, 403 for what is not allowed, 404 for what is not there.
* an error of the Web API (``WEB_API_ERRORS``): 200 with ``{"ok": false, "error": name}``, which is no success.
* ``timeout``, ``reset``, ``unanswered``, ``slow``, ``down``: see ``http_standin``.

In none of them is a message accepted, except in ``slow`` and ``unanswered``, where only the answer comes too slowly or
not at all, and where a rate below 1 spares the request. How fast messages come (Slack takes about one a second) is not
watched: ``429`` says when.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import parse_qs

from aiohttp import web

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES
from infra.local.standins.http_standin import Answer, HttpStandIn, phrase, strict_json
from infra.local.standins.slack_message import as_shown, error_of

WEBHOOK_ERRORS: dict[str, int] = {
    "no_active_hooks": 404,
    "channel_is_archived": 410,
    "invalid_token": 403,
    "rate_limited": 429,
    "channel_not_found": 404,
    "no_service": 404,
    "no_service_id": 404,
    "no_team": 404,
    "team_disabled": 403,
    "action_prohibited": 403,
    "posting_to_general_channel_denied": 403,
    "rollup_error": 500,
    "invalid_payload": 400,
    "user_not_found": 400,
    "no_text": 400,
    "too_many_attachments": 400,
    "msg_too_long": 400,
    "msg_blocks_too_long": 400,
    "invalid_blocks": 400,
    "invalid_blocks_format": 400,
}
"""The webhook's errors and the status each comes with."""

WEB_API_ERRORS: tuple[str, ...] = (
    "invalid_auth",
    "account_inactive",
    "missing_scope",
    "not_in_channel",
    "is_archived",
    "internal_error",
    "fatal_error",
)
"""The Web API's errors: they come with 200."""

_TEAM, _TOKEN = "T0BELLHOP", "local-stand-in"
_SERVICE, _CANARIES = "B0BELLHOP", "B0CANARIES"
_COMMON_STATUSES = ("500", "503", "429", "400", "403", "404")
_TOO_MANY = 429


class SlackStandIn(HttpStandIn):
    """Slack's end of two incoming webhooks, one of them for canaries.

    ``received`` and ``canaries`` hold the messages as they were posted.
    """

    name: ClassVar[str] = "slack"
    path: ClassVar[str] = f"/services/{_TEAM}/{_SERVICE}/{_TOKEN}"
    canary_path: ClassVar[str] = f"/services/{_TEAM}/{_CANARIES}/{_TOKEN}"
    modes: ClassVar[tuple[str, ...]] = (
        *_COMMON_STATUSES,
        *TRANSPORT_MODES,
        *WEBHOOK_ERRORS,
        *WEB_API_ERRORS,
        *(status for status in STATUS_MODES if status not in _COMMON_STATUSES),
    )

    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """Check the request as Slack does; ``ok`` and kept, or the error's name."""
        if request.method != "POST":
            return Answer(405, phrase(405), headers={"Allow": "POST"})
        error = _error_of_path(request.path)
        if error is not None:
            return self.refuse(error)
        try:
            message = _message(request.content_type, body)
        except ValueError:
            return self.refuse("invalid_payload")
        error = error_of(message)
        if error is not None:
            return self.refuse(error)
        (self.canaries if request.path == self.canary_path else self.received).append(as_shown(message))
        return Answer(200, "ok")

    def refuse(self, mode: str) -> Answer:
        """The answer that carries an error's name, or a bare status."""
        if mode in WEB_API_ERRORS:
            return Answer(200, json.dumps({"ok": False, "error": mode}), content_type="application/json")
        status = WEBHOOK_ERRORS[mode] if mode in WEBHOOK_ERRORS else int(mode)
        if status == _TOO_MANY:
            return Answer(status, "rate_limited", headers={"Retry-After": "1"})
        return Answer(status, mode if mode in WEBHOOK_ERRORS else phrase(status))


def _error_of_path(path: str) -> str | None:
    """What Slack says of a webhook path that is not this one; None for the right one."""
    match path.split("/"):
        case ["", "services", team, service, token] if team == _TEAM:
            if service not in (_SERVICE, _CANARIES):
                return "no_service"
            return None if token == _TOKEN else "invalid_token"
        case ["", "services", _, _, _]:
            return "no_team"
        case _:
            return "no_service"


def _message(content_type: str, body: bytes) -> dict[str, Any]:
    """The message in a request's body: a form's ``payload``, JSON under any other media type.

    Raises:
        ValueError: it holds no JSON object.
    """
    text = body.decode()
    if content_type == "application/x-www-form-urlencoded":
        text = parse_qs(text, strict_parsing=True).get("payload", [""])[0]
    message = strict_json(text)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004 - of the body's content, not of a caller's type
    return message
