"""The chat's contract over HTTP: bad input, limits, idempotency."""

import uuid

import pytest
import requests

JSON = {"Content-Type": "application/json"}

BAD_BODIES = [
    ("message missing", b"{}", JSON, 400, "message"),
    ("message empty", b'{"message": ""}', JSON, 400, "message"),
    ("message of spaces", b'{"message": "  \\n "}', JSON, 400, "message"),
    ("message too long", b'{"message": "' + b"x" * 2001 + b'"}', JSON, 400, "message"),
    ("message a number", b'{"message": 7}', JSON, 400, "message"),
    ("message null", b'{"message": null}', JSON, 400, "message"),
    ("not JSON", b"message=hi", JSON, 400, None),
    ("not UTF-8", b'{"message": "\xff"}', JSON, 400, None),
    ("NaN", b'{"message": NaN}', JSON, 400, None),
    ("a key twice", b'{"message": "a", "message": "b"}', JSON, 400, None),
    ("deep nesting", b'{"message": ' + b"[" * 10000 + b"]" * 10000 + b"}", JSON, 400, None),
    ("a lone surrogate", b'{"message": "\\ud800"}', JSON, 400, None),
    ("a list", b"[]", JSON, 400, None),
    ("no body", b"", JSON, 400, None),
    ("10 MB", b'{"message": "' + b"x" * 10_000_000 + b'"}', JSON, 413, None),
    ("another content type", b'{"message": "hi"}', {"Content-Type": "text/plain"}, 415, None),
    ("no content type", b'{"message": "hi"}', {"Content-Type": None}, 415, None),
    ("a malformed session", b'{"message": "hi", "session_id": "me"}', JSON, 400, "session_id"),
    ("no e-mail", b'{"message": "hi", "email": "nobody"}', JSON, 400, "email"),
    ("no telephone", b'{"message": "hi", "phone": "12"}', JSON, 400, "phone"),
    ("a wrong consent", b'{"message": "hi", "consent": {"marketing": "yes"}}', JSON, 400, "consent.marketing"),
    ("an empty key", b'{"message": "hi"}', JSON | {"Idempotency-Key": ""}, 400, "Idempotency-Key"),
    ("a long key", b'{"message": "hi"}', JSON | {"Idempotency-Key": "k" * 256}, 400, "Idempotency-Key"),
]


@pytest.mark.parametrize(
    ("body", "headers", "status", "field"), [bad[1:] for bad in BAD_BODIES], ids=[b[0] for b in BAD_BODIES]
)
def test_f31_bad_input_is_refused_in_words_and_writes_nothing(system, body, headers, status, field):
    """A problem-details answer names what was wrong; no document is written, nothing is counted."""
    client = system.client()
    answer = client.post(f"{system.url}/chat", data=body, headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert problem["field"] == field
        assert field in problem["detail"]
    assert answer.headers["RateLimit-Policy"] == '"chat";q=30;w=60'
    assert "RateLimit" not in answer.headers
    assert nothing_is_written(system, lambda: client.post(f"{system.url}/chat", data=body, headers=headers, timeout=30))


def nothing_is_written(system, ask):
    """Whether asking leaves no document; a canary or somebody who hung up may leave one meanwhile, not three times."""
    for _ in range(3):
        before = system.of_visitors()
        ask()
        if system.of_visitors() <= before:  # clean-up may have removed some meanwhile
            return True
    return False


def test_what_a_chat_writes_would_be_seen(system):
    """The look that found nothing above finds a visitor's message."""
    assert not nothing_is_written(system, lambda: system.write("How big is the flat?"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(system, method):
    """405 with the methods there are."""
    answer = system.client().request(method, f"{system.url}/chat", timeout=10)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_f25_f26_a_key_replays_and_is_not_reused(system):
    """The same key and body replay the first answer to the letter; another body is a 422."""
    client, headers = system.client(), {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post(f"{system.url}/chat", json={"message": "Prices?"}, headers=headers, timeout=30)
    again = client.post(f"{system.url}/chat", json={"message": "Prices?"}, headers=headers, timeout=30)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = client.post(f"{system.url}/chat", json={"message": "Hours?"}, headers=headers, timeout=30)
    assert other.status_code == 422


def test_f29_the_same_key_of_two_clients_is_two_keys(system):
    """Two addresses with one key are answered separately."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    one, other = (
        system.client().post(f"{system.url}/chat", json={"message": "Prices?"}, headers=headers, timeout=30)
        for _ in range(2)
    )
    assert one.json()["session_id"] != other.json()["session_id"]


def test_a_retried_lead_makes_one_alert(system):
    """The same request sent twice with a key: one conversation, one message in Slack."""
    email, headers = f"{uuid.uuid4().hex[:12]}@example.com", {"Idempotency-Key": uuid.uuid4().hex}
    client = system.client()
    answers = [
        client.post(f"{system.url}/chat", json={"message": f"I am at {email}"}, headers=headers, timeout=30)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    store = system.firestore()
    try:
        found = store.collection("conversations").where(filter=_equals("email", email)).get()
        assert [len(item.get("turns")) for item in found] == [1]
    finally:
        store.close()


def test_a_session_goes_on(system):
    """With the session id of the answer the same conversation grows; an unknown one begins anew."""
    client = system.client()
    first = system.write("Hello", client).json()
    second = system.write("Prices?", client, session_id=first["session_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    unknown = system.write("Hello", client, session_id="0123456789abcdef" * 2).json()
    assert unknown["conversation_id"] != first["conversation_id"]


def test_f32_a_forged_forwarded_address_is_the_same_client(system):
    """Thirty messages a minute whatever X-Forwarded-For claims; then 429 with what to wait."""
    client = system.client()
    seen = []
    for number in range(62):  # two windows at most: one of them is full
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        seen.append(client.post(f"{system.url}/chat", json={"message": "Hello"}, headers=headers, timeout=30))
    refused = [answer for answer in seen if answer.status_code == 429]
    assert refused
    assert sum(answer.status_code == 200 for answer in seen) <= 60
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert refused[0].headers["RateLimit"].startswith('"chat";r=0;t=')
    assert seen[0].headers["RateLimit"].startswith('"chat";r=29;t=')


def test_an_unknown_function_is_a_404(system):
    """The gateway says which functions there are."""
    answer = requests.get(f"{system.url}/nothing", timeout=10)
    assert answer.status_code == 404
    assert "/chat" in answer.json()["detail"]


def _equals(field, value):
    from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415 - heavy, one test needs it

    return FieldFilter(field, "==", value)
