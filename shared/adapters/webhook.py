"""A webhook of the team's own as a channel, signed so that the receiver can tell it from anybody else's.

Source: the Standard Webhooks specification (https://github.com/standard-webhooks/standard-webhooks, spec): three
headers, HMAC-SHA256 over ``id.timestamp.body``, success is any 2xx, 410 means never again. The id is the same for every
attempt at one epoch of an alert, so a receiver that remembers ids takes a repeat once; the timestamp and the signature
are the attempt's.

Redirects are not followed, and every address the URL's name resolves to is checked just before one of those very
addresses is connected to, so that no name can lead inside (OWASP, Server-Side Request Forgery Prevention).
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from standardwebhooks import Webhook as Signer

from shared.adapters.alert_text import headline
from shared.adapters.deadline import AddressRefused, CheckAddress
from shared.adapters.http import AGENT, HttpAnswer, NotSent, Unanswered, post
from shared.domain.outcome import Blocked, Delivered, Outcome, Rejected, Retry, Unknown
from shared.ports import Message
from shared.public_address import is_public
from shared.webhook_settings import Pairs, WebhookUrl

TYPES = {
    "lead": "lead.captured",
    "hot": "lead.hot",
    "handoff": "lead.handoff",
    "update": "lead.updated",
    "canary": "canary",
    "escalation": "alert.escalated",
    "notice": "destination.blocked",
    "overdue": "alert.overdue",
}

SUCCESSES, REDIRECTS, FAILURES = range(200, 300), range(300, 400), range(500, 1000)
REJECTED = frozenset({400, 413, 422})
BLOCKED = frozenset({401, 403, 404, 405, 410})

LONGEST_WAIT = timedelta(days=1)
DEFAULT_WAIT = timedelta(seconds=1)
SECONDS_TO_CONNECT = 0.2
BLOCKED_BEFORE_SENDING = frozenset({"private_address", "certificate"})


class Webhook:
    """``shared.ports.Channel`` for one receiver."""

    def __init__(
        self, url: WebhookUrl, *, secret: str, allowed_private: Pairs = frozenset(), agent: str = AGENT
    ) -> None:
        """Args: url, secret, allowed_private: as ``shared.webhook_settings`` parsed them; agent: see ``http``."""
        self._url = url
        self._agent = agent
        self._signer = Signer(secret)
        self._check = None if url.private else refuse_private(allowed_private)

    def send(self, message: Message, *, deadline: float) -> Outcome:
        """Post one message; see ``shared.ports.Channel``."""
        body = webhook_body(message)
        if deadline - time.monotonic() < SECONDS_TO_CONNECT:
            return Retry("no_time_left")
        now = datetime.now(UTC)  # the receiver compares it with its own clock
        number = webhook_id(message)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "webhook-id": number,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(number, now, body),
        }
        try:
            answer = post(
                self._url.url, body=body.encode(), headers=headers, deadline=deadline, check_address=self._check
            )
        except NotSent as error:
            cause = str(error)
            return Blocked(cause) if cause in BLOCKED_BEFORE_SENDING else Retry(cause)
        except Unanswered as error:
            return Unknown(str(error))
        return classify(answer, now)


def refuse_private(allowed: Pairs) -> CheckAddress:
    """A check that lets through public addresses, and the allowed pairs of address and port."""

    def check(address: str, port: int) -> None:
        if not is_public(address) and (address.lower(), port) not in allowed:
            raise AddressRefused("private_address")

    return check


def webhook_id(message: Message) -> str:
    """The same for every attempt at one epoch of an alert; without a full stop, as the specification asks."""
    return f"msg_{message.alert_id}_{message.epoch}".replace(".", "_")


def webhook_body(message: Message) -> str:
    """The JSON that is signed and sent, ASCII; ``timestamp`` is when the alert was made.

    ``alert_id`` is the id of what is delivered; the id of the alert that an escalation is about is ``failed_alert_id``.
    A plain one has a title in the place of the payload.
    """
    said = {"title": headline(message)} if message.plain else dict(message.payload)
    if "alert_id" in said and message.kind == "escalation":
        said["failed_alert_id"] = said["alert_id"]
    data = {**said, "alert_id": message.alert_id, "epoch": message.epoch, "maybe_duplicate": message.maybe_shown}
    event = {
        "type": TYPES.get(message.kind, f"alert.{message.kind}"),
        "timestamp": message.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(event, default=str)


def classify(answer: HttpAnswer, now: datetime) -> Outcome:
    """What a receiver's answer means: the one table of it.

    Args:
        answer: whole.
        now: for a ``Retry-After`` that names a date.
    """
    status, cause = answer.status, f"http_{answer.status}"
    if status in SUCCESSES:
        return Delivered()
    if status in REJECTED:
        return Rejected(cause)
    if status in BLOCKED or status in REDIRECTS:
        return Blocked(cause)
    wait = _retry_after(answer, now)
    if wait is None:
        wait = DEFAULT_WAIT if status == HTTPStatus.TOO_MANY_REQUESTS else timedelta(0)
        return Retry(cause, wait, maybe_shown=status in FAILURES)
    # with 503 it says that it did not take it, and when it will
    return Retry(cause, wait, maybe_shown=status in FAILURES and status != HTTPStatus.SERVICE_UNAVAILABLE)


def _retry_after(answer: HttpAnswer, now: datetime) -> timedelta | None:
    """How long it asks to wait (RFC 9110, 10.2.3: seconds or a date), at most a day; None where it does not say."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=min(int(value[:9]), 10**6)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a number too large for a date
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WAIT)
