"""Slack as a channel: one post, one outcome, whatever the network does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from infra.local.standins.slack_message import error_of
from shared.adapters.http import NotSent
from shared.adapters.slack import Slack
from shared.domain.outcome import Blocked, Delivered, Outcome, Retry, Unknown
from shared.ports import Message
from tests.support.raw_server import SOON, Connection, answering, refusing, serving

pytestmark = pytest.mark.usefixtures("nothing_is_left")

MESSAGE = Message("a" * 32, "lead", {"email": "ana@example.com", "message": "Hi"}, False, datetime.now(UTC))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\nno_active_hooks"


def send(url: str, seconds: float = 20) -> Outcome:
    """What one attempt comes to."""
    return Slack(url).send(MESSAGE, deadline=time.monotonic() + seconds)


def test_an_alert_is_posted_as_json_that_slack_takes() -> None:
    """One request with its content type."""
    requests: list[bytes] = []

    def behave(connection: Connection) -> None:
        requests.append(connection.read())
        connection.raw.sendall(OK)

    with serving(behave) as server:
        assert send(server.url) == Delivered()
    [request] = requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    assert error_of(json.loads(body)) is None


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (answering(GONE), Blocked("no_active_hooks")),
        (lambda connection: (connection.read(), connection.reset()), Unknown("connection_broken")),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"), Unknown("connection_broken")),
    ],
)
def test_f12_what_became_of_an_attempt(behave: Callable[[Connection], object], outcome: Outcome) -> None:
    """An answer is classified; none after the request left is Unknown, not failed."""
    with serving(behave) as server:
        assert send(server.url) == outcome


def test_f11_an_answer_that_does_not_come_is_unknown() -> None:
    """At the deadline."""
    with serving(lambda connection: (connection.read(), connection.hang())) as server:
        assert send(server.url, SOON) == Unknown("timeout")


def test_a_refused_connection_is_retried_unmarked() -> None:
    """It was certainly not shown."""
    with refusing() as url:
        assert send(url) == Retry("connection_failed")


@pytest.mark.parametrize("seconds", [0.1, 0, -5])
def test_with_no_time_left_nothing_is_sent(seconds: float) -> None:
    """An attempt begun now would end as Unknown."""
    with serving(answering(OK)) as server:
        assert send(server.url, seconds) == Retry("no_time_left")
        assert server.connections == 0


@pytest.mark.parametrize(
    ("cause", "outcome"), [("certificate", Blocked("certificate")), ("tls_failed", Retry("tls_failed"))]
)
def test_a_certificate_that_cannot_be_verified_blocks(
    monkeypatch: pytest.MonkeyPatch, cause: str, outcome: Outcome
) -> None:
    """Something else than Slack answers: a person must look. TLS that breaks off may be tried again."""

    def refuse(*_: object, **__: object) -> None:
        raise NotSent(cause)

    monkeypatch.setattr("shared.adapters.slack.post", refuse)
    assert send("https://hooks.slack.com/x") == outcome
