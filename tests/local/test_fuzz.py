"""The fuzz runner finds what it is there for: answers that are not as ``docs/openapi.yaml`` says, and 5xx."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from shared.edge.answers import SAFE_HEADERS
from tests.fuzz.run import Fuzzed, fuzz

GOOD: dict[str, Any] = {
    "response": "Hello.",
    "session_id": "0" * 32,
    "conversation_id": "0" * 32,
    "lead_score": 5,
    "handoff": False,
}
POLICY = {"RateLimit-Policy": '"chat";q=30;w=60'}


@contextmanager
def answering(body: dict[str, Any], headers: dict[str, str], status: int) -> Iterator[str]:
    """The URL of a chat that always answers so."""

    @Request.application
    def application(_request: Request) -> Response:
        return Response(json.dumps(body), status, {**SAFE_HEADERS, **headers}, content_type="application/json")

    server = make_server("127.0.0.1", 0, application)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def tried(body: dict[str, Any], headers: dict[str, str], status: int = 200) -> Fuzzed:
    """The document's examples of a message, sent to that chat."""
    with answering(body, headers, status) as url:
        return fuzz(url, "--phases", "examples", "--include-operation-id", "chat", seed=1, shown={})


def test_an_answer_as_described_passes() -> None:
    """And is counted."""
    found = tried(GOOD, POLICY)
    assert found.passed, found.report
    assert (found.failures, found.server_errors) == (0, 0)
    assert found.answers["POST /chat 200"] == found.cases > 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "finding"),
    [
        (GOOD | {"lead_score": "5"}, POLICY, 200, "Response violates schema"),
        (GOOD | {"more": 1}, POLICY, 200, "Response violates schema"),
        (GOOD, {}, 200, "Missing required response headers"),
        (GOOD, POLICY, 201, "Undocumented status code"),
        (GOOD, POLICY, 503, "Server error"),
    ],
)
def test_another_answer_is_found(body: dict[str, Any], headers: dict[str, str], status: int, finding: str) -> None:
    """By what it is."""
    found = tried(body, headers, status)
    assert not found.passed
    assert found.failures > 0
    assert finding in found.report
    assert (found.server_errors > 0) == (status == 503)
