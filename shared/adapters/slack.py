"""Slack's incoming webhook as a channel.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (answers),
https://docs.slack.dev/apis/web-api/rate-limits (one message a second a channel).
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

from shared.adapters.http import AGENT, HttpAnswer, NotSent, Unanswered, post
from shared.adapters.slack_digest import slack_digest
from shared.adapters.slack_message import slack_message
from shared.domain.alert import DIGEST
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.ports import Message

REJECTED = frozenset(
    {
        "invalid_payload",
        "user_not_found",
        "no_text",
        "too_many_attachments",
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_blocks",
        "invalid_blocks_format",
    }
)
BLOCKED = frozenset(
    {
        "action_prohibited",
        "invalid_token",
        "channel_not_found",
        "no_service",
        "no_active_hooks",
        "channel_is_archived",
        "no_service_id",
        "no_team",
        "team_disabled",
        "posting_to_general_channel_denied",
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "missing_scope",
        "not_in_channel",
        "is_archived",
    }
)
RETRY = frozenset({"rate_limited", "ratelimited", "rollup_error"})
UNKNOWN = frozenset({"internal_error", "fatal_error"})
NAMES = REJECTED | BLOCKED | RETRY | UNKNOWN
"""Every error that becomes a cause: nothing else that an answer says is kept."""

LONGEST_WAIT = timedelta(days=1)
DEFAULT_WAIT = timedelta(seconds=1)
SECONDS_TO_CONNECT = 0.2


class Slack:
    """``shared.ports.Channel`` for one Slack webhook."""

    def __init__(self, webhook_url: str, *, agent: str = AGENT) -> None:
        self._url = webhook_url
        self._headers = {"Content-Type": "application/json", "User-Agent": agent}

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Post one message; see ``shared.ports.Channel``."""
        render = slack_digest if message.kind == DIGEST else slack_message
        body = json.dumps(render(message)).encode()
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Retry("no_time_left")
        try:
            answer = post(self._url, body=body, headers=self._headers, deadline=deadline)
        except NotSent as error:
            # A certificate that is not theirs has to be looked into by a person.
            return Blocked("certificate") if str(error) == "certificate" else Retry(str(error))
        except Unanswered as error:
            return Unknown(str(error))
        return classify(answer)


def classify(answer: HttpAnswer) -> Outcome:
    """What Slack's answer means: the one table of it.

    Delivered is status 200 with the body ``ok`` and nothing else; the Web API's answers (200 with ``"ok": false``) are
    understood too, as some gateways pass them on.
    """
    error = _error_name(answer)
    if answer.status == 200 and error is None:  # noqa: PLR2004 - HTTP's own number
        return Delivered()
    if error in REJECTED:
        return Rejected(str(error))
    if error in BLOCKED:
        return Blocked(str(error))
    if answer.status == 429 or error in RETRY:  # noqa: PLR2004 - HTTP's own number
        return Retry(error or "rate_limited", _retry_after(answer), maybe_shown=answer.status >= 500)  # noqa: PLR2004
    if error in UNKNOWN:
        return Unknown(str(error))
    return _by_status(answer.status)


def _by_status(status: int) -> Outcome:
    match status:
        case 400 | 413 | 422:
            return Rejected(f"http_{status}")
        case 401 | 403 | 404 | 410:
            return Blocked(f"http_{status}")
        case _ if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own number
            return Blocked(f"http_{status}")
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's own number
            return Retry(f"http_{status}", maybe_shown=True)
        case _ if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            return Unknown("unexpected_answer")
        case _:
            return Retry(f"http_{status}")


def _error_name(answer: HttpAnswer) -> str | None:
    """The error Slack names, None for its ``ok``; empty when it says something else."""
    text = answer.text.strip()
    if text == "ok":
        return None
    if not text.startswith("{"):
        return text if text in NAMES else ""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if said.get("ok") is True:
        return None
    name = said.get("error")
    return name if isinstance(name, str) and name in NAMES else ""


def _retry_after(answer: HttpAnswer) -> timedelta:
    value = answer.headers.get("retry-after", "").strip()
    if not value.isascii() or not value.isdigit():
        return DEFAULT_WAIT
    return min(timedelta(seconds=min(int(value[:9]), 10**6)), LONGEST_WAIT)
