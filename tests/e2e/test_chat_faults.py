"""The faults of ``faults.md`` that concern the chat and the doors beside it, over HTTP on the whole system."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fuzz.run import shown_at
from tests.support.local_system import eventually

RIGHT_TO_LEFT = "\u202eevil\u202c"


@pytest.fixture(scope="module")
def shown(shared_system):
    """What each function's caller shows."""
    return shown_at(shared_system.url)


def called(system, path, headers=None, **how):
    """A POST of a caller of its own."""
    return system.client().post(f"{system.url}/{path}", headers=headers, timeout=30, **how)


def test_f27_the_same_key_at_once_is_answered_once(system):
    """Of many at the same time one is answered, the others wait or get its answer; all of them get it later."""
    client, headers = system.client(), {"Idempotency-Key": uuid.uuid4().hex}
    together = threading.Barrier(6)

    def ask(*, at_once):
        if at_once:
            together.wait()
        return client.post(f"{system.url}/chat", json={"message": "Prices?"}, headers=headers, timeout=30)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(at_once=True), range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    first = [answer for answer in answers if "Idempotent-Replayed" not in answer.headers and answer.ok]
    assert len(first) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert int(answer.headers["Retry-After"]) >= 0
            assert answer.json()["type"] == "urn:bellhop:problem:key-in-progress"
    assert ask(at_once=False).content == first[0].content


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"a b", b"a\tb", b"a\x01b", b"a\x7fb", "zażółć".encode(), b"a\xffb"])
def test_f30_a_key_that_is_none_is_refused(system, key):
    """400 naming the header."""
    refused = called(system, "chat", {"Idempotency-Key": key}, json={"message": "Prices?"})
    assert refused.status_code == 400
    if b"\x01" not in key and b"\x7f" not in key and b"\xff" not in key:  # those are no header, before any function
        assert refused.json()["field"] == "Idempotency-Key"


@pytest.mark.parametrize("name", ["deliver_alert", "retry_dead_letters", "cleanup"])
def test_f36_only_the_platform_gets_in(system, shown, name):
    """No token, a forged one, another function's, an operator's key, the platform's own headers: 401 or 403."""
    token = shown[name][1]
    head, _, signature = token.rpartition(".")
    others = [value for other, (header, value) in shown.items() if header == "Authorization" and other != name]
    tries = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"{head}.{signature[::-1]}"},
        *({"Authorization": other} for other in others),
        {"X-ADMIN-API-KEY": system.info["admin_api_key"]},
        {"X-CloudTasks-QueueName": "slack", "X-CloudTasks-TaskName": "a", "X-CloudScheduler": "true"},
    ]
    for headers in tries:
        refused = called(system, name, headers, json={"alert_id": "a", "generation": 1})
        assert refused.status_code in {401, 403}, headers
        assert ("WWW-Authenticate" in refused.headers) == (refused.status_code == 401)
    assert called(system, name, {"Authorization": token}, json={"alert_id": "a", "generation": 1}).status_code == 200


def test_f38_f39_what_a_visitor_writes_arrives_as_text(system):
    """No mention, no link in Slack; quotes, line ends, emoji and direction marks come back from Monday.com."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    hostile = f"<!channel> <https://evil.example|ok> \"quoted\" 'single' 🛎 {RIGHT_TO_LEFT}\nsecond line"
    assert called(system, "chat", json={"message": f"{hostile} {email}", "name": '"A" <!here>'}).status_code == 200
    [slack] = eventually(lambda: system.received(email))
    text = json.dumps(slack, ensure_ascii=False)
    assert "<!channel>" not in text
    assert "<!here>" not in text
    assert "<https://evil.example|ok>" not in text
    assert "&lt;!channel&gt;" in text
    [item] = eventually(lambda: system.received(email, "monday"))
    assert '\\"quoted\\"' in json.dumps(item, ensure_ascii=False)
    assert "🛎" in json.dumps(item, ensure_ascii=False)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85"])
def test_f40_a_line_end_in_a_name_or_an_address_is_refused(system, end):
    """400 naming the field, never a line or a header of its own."""
    for field in ("name", "email", "phone"):
        value = f"ana@example.com{end}Bcc: everybody@example.com"
        refused = called(system, "chat", json={"message": "Hello", field: value})
        assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert "Bcc" not in system.log("chat")


def test_f41_a_script_comes_back_as_text_in_json_only(system):
    """Answers are JSON that nobody sniffs into a page."""
    answered = called(system, "chat", json={"message": "<script>alert(1)</script>", "name": "<script>"})
    assert answered.headers["Content-Type"] == "application/json"
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answered.headers["Content-Security-Policy"]


def test_f45_no_log_holds_what_a_visitor_sent_or_a_key(system):
    """Good and bad requests, a refused key and a refused token: nothing of them is in any function's log."""
    secret = uuid.uuid4().hex
    email = f"{secret}@example.com"
    called(system, "chat", json={"message": f"Reach me at {email}", "name": secret})
    called(system, "chat", {"Idempotency-Key": f"{secret} x"}, json={"message": secret})
    called(system, "chat", data=f'{{"message": "{secret}'.encode(), headers={"Content-Type": "application/json"})
    called(system, f"chat/{secret}?{secret}", {"Origin": f"https://{secret}.example"}, json={secret: secret})
    called(system, "admin_console/alerts", {"X-ADMIN-API-KEY": secret})
    called(system, "deliver_alert", {"Authorization": f"Bearer {secret}.{secret}.{secret}"})
    eventually(lambda: system.received(email))
    for name in ("chat", "admin_console", "deliver_alert"):
        said = system.log(name)
        assert said
        assert secret not in said
        assert system.info["admin_api_key"] not in said
