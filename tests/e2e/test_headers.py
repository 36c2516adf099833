"""What every answer of every function lets a browser do: nothing. And no answer sets a cookie."""

import uuid

import pytest

from tests.support.local_system import eventually
from tests.support.log_scan import WATCHING

FOREIGN = "https://evil.example"
PAGE = {"Accept": "text/html"}
JSON = {"Content-Type": "application/json"}
ASKED = {
    "a reply": ("POST", "chat", {}, '{"message": "Hello!"}', 200),
    "a refused message": ("POST", "chat", JSON, '{"message": ""}', 400),
    "what is no JSON": ("POST", "chat", JSON, "{", 400),
    "a method of none": ("PUT", "chat", {}, "{}", 405),
    "a file of none": ("GET", "chat/widget.css", {}, None, 404),
    "the widget": ("GET", "chat/widget.js", {}, None, 200),
    "the widget's words": ("GET", "chat/widget.json", {}, None, 200),
    "the gallery": ("GET", "chat/gallery", {}, None, 200),
    "the opt-out page": ("GET", "unsubscribe", PAGE, None, 200),
    "the opt-out page of a forged link": ("GET", "unsubscribe?t=forged", PAGE, None, 400),
    "the same as JSON": ("GET", "unsubscribe/status?t=forged", {"Accept": "application/json"}, None, 400),
    "an opt-out": ("POST", "unsubscribe", JSON, '{"email": "nobody@example.com"}', 200),
    "a console without a key": ("GET", "admin_console/alerts", {}, None, 401),
    "a console's list": ("GET", "admin_console/dead_letters", "key", None, 200),
    "a console's refusal": ("GET", "admin_console/elsewhere", "key", None, 404),
    "migrations": ("GET", "admin_migration/", "key", None, 200),
    "a task of nobody": ("POST", "deliver_alert", JSON, "{}", 401),
    "a run of nobody": ("POST", "retry_dead_letters", {}, "", 401),
    "a daily run of nobody": ("POST", "cleanup/daily", {}, "", 401),
    "follow-ups of nobody": ("POST", "send_followups", {}, "", 401),
    "a canary's run of nobody": ("POST", "canary", {}, "", 401),
}
KEPT = {"the widget", "the widget's words", "the gallery"}


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_sniffed_framed_kept_or_given_to_strangers(system, name):
    """Also where a browser sends a cookie, and a page of another origin asks."""
    method, path, headers, body, status = ASKED[name]
    headers = {"X-ADMIN-API-KEY": system.info["admin_api_key"]} if headers == "key" else headers
    headers = {"Origin": FOREIGN, "Cookie": "session=1", **headers} | (JSON if name == "a reply" else {})
    answer = system.client().request(method, f"{system.url}/{path}", headers=headers, data=body, timeout=60)
    assert answer.status_code == status, answer.text
    given = answer.headers
    assert given["X-Content-Type-Options"] == "nosniff"
    assert given["Referrer-Policy"] == "no-referrer"
    policy = [part.strip() for part in given["Content-Security-Policy"].split(";")]
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in given["Content-Security-Policy"]
    assert given["Cache-Control"].startswith(("public, ", "no-cache") if name in KEPT else "no-store")
    assert not {"Set-Cookie", "X-Powered-By", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} & set(
        given
    )
    assert not any(letter.isdigit() for letter in given.get("Server", ""))


@pytest.mark.parametrize("path", ["chat", "chat/widget.json", "unsubscribe", "admin_console/alerts"])
def test_a_strangers_preflight_is_told_nothing(system, path):
    """So the browser does not send what it asked about."""
    headers = {
        "Origin": FOREIGN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "X-ADMIN-API-KEY",
    }
    answer = system.client().options(f"{system.url}/{path}", headers=headers, timeout=60)
    assert not {name for name in answer.headers if name.startswith(("Access-Control-", "Set-Cookie"))}


def test_every_function_is_asked(system):
    """A new one has headers too."""
    asked = {path.partition("?")[0].partition("/")[0] for _, path, _, _, _ in ASKED.values()}
    assert asked == set(system.info["functions"])


def test_f45_the_scan_of_the_runs_logs_hears_the_functions(system):
    """What they print as events, and what it is held against: the words of a visitor, the system's own secrets."""
    words = f"a sentence of nobody else {uuid.uuid4().hex}"
    assert system.write(words).status_code == 200

    def heard():
        lines = [line for path in WATCHING.scan.folder.iterdir() for line in path.read_text().splitlines()]
        return any(line.startswith("chat: {") and '"turn_answered"' in line for line in lines)

    assert eventually(heard)
    kinds = WATCHING.scan.looked_for
    assert kinds[words] == "a visitor's message"
    assert {"the secret ADMIN_API_KEYS", "the secret SLACK_WEBHOOK_URL", "the secret ADDRESS_HASH_KEY"} <= set(
        kinds.values()
    )
