"""The rate headers of the function ``chat`` with several limits, on the real Firestore."""

from __future__ import annotations

import importlib
import re
import sys
import uuid
from collections.abc import Callable, Iterator

import flask
import pytest

ENVIRON = {
    "ADDRESS_HASH_KEY": "an-address-key-of-tests",
    "GOOGLE_CLOUD_PROJECT": f"test-{uuid.uuid4().hex[:20]}",
    "LEAD_CHANNELS": "slack",
    "DELIVER_ALERT_URL": "http://127.0.0.1:9/deliver_alert",
    "TASKS_INVOKER_EMAIL": "tasks@test.iam.gserviceaccount.com",
    "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:9",
    "CHAT_RATE_LIMIT": "100 per day; 3 per 366 days; 50 per hour",
}
POLICIES = '"chat";q=100;w=86400, "chat-31622400";q=3;w=31622400, "chat-3600";q=50;w=3600'

Post = Callable[[dict[str, object]], flask.Response]


@pytest.fixture
def post(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """Ask the function, loaded with these limits."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    monkeypatch.delitem(sys.modules, "functions.chat", raising=False)
    function = importlib.import_module("functions.chat")
    app = flask.Flask(__name__)

    def ask(body: dict[str, object]) -> flask.Response:
        with app.test_request_context("/", method="POST", json=body):
            answer: flask.Response = function.chat(flask.request)
            return answer

    yield ask
    sys.modules.pop("functions.chat", None)


def test_the_limit_that_binds_is_the_one_that_is_told(post: Post) -> None:
    """Every answer names all policies; what is left, and what refuses, is that of the limit that leaves least."""
    bad = post({"message": ""})
    assert (bad.status_code, bad.headers["RateLimit-Policy"], "RateLimit" in bad.headers) == (400, POLICIES, False)
    for left in (2, 1, 0):
        answer = post({"message": "Hello!"})
        assert (answer.status_code, answer.headers["RateLimit-Policy"]) == (200, POLICIES)
        assert re.fullmatch(rf'"chat-31622400";r={left};t=\d+', answer.headers["RateLimit"])
    for _ in range(2):
        refused = post({"message": "Hello!"})
        assert (refused.status_code, refused.headers["RateLimit-Policy"]) == (429, POLICIES)
        assert refused.headers["RateLimit"] == f'"chat-31622400";r=0;t={refused.headers["Retry-After"]}'
