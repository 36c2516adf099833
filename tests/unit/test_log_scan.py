"""The scan of a run's logs (fault 45) finds what was planted, says where, and never what."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.manifest import ROOT
from tests.support.log_scan import LogScan

SECRET = "a-key-" + "of-this-test"
WORDS = "the kitchen of my aunt"


@pytest.fixture
def scan(tmp_path: Path) -> LogScan:
    """A scan that looks for a visitor's words and for a setting."""
    made = LogScan(tmp_path)
    body = json.dumps({"message": WORDS, "name": "Ana Nowakowska", "phone": "+48 600 100 200", "other": "elsewhere"})
    made.holds_request("http://127.0.0.1:1/chat", {}, body.encode())
    made.holds_settings({"ADMIN_API_KEYS": f"{SECRET},another-{SECRET}", "REGION": "europe-west1", "PORT": "8080"})
    made.holds_settings({"SMTP_URL": "smtps://bellhop:very-secret-word@mail.example.com"})
    return made


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (f"topic {WORDS.upper()}!", "a visitor's message"),
        ("Ana Nowakowska", "a visitor's name"),
        ("call +48 600 100 200", "a visitor's number"),
        ("ana.n+1@mail.example.com", "an e-mail address"),
        (f"refused {SECRET}", "the secret ADMIN_API_KEYS"),
        ("535 very-secret-word", "the secret SMTP_URL"),
    ],
)
def test_f45_a_planted_leak_is_told_by_its_event_and_kind(scan: LogScan, value: str, kind: str) -> None:
    """The value itself is in no line of the report."""
    scan.hears("chat", {"event": "turn_answered", "conversation_id": "0123456789abcdef"})
    scan.hears("chat", {"event": "enqueue_failed", "count": 3, "error": value})
    assert scan.leaks() == [f"chat: enqueue_failed, field error: {kind}"]
    assert value.lower() not in " ".join(scan.leaks()).lower()


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (f"  raise ValueError('{WORDS}')", "a line that is no event"),
        (json.dumps({"event": "request_failed", "reason": WORDS}), "request_failed, field reason"),
        (json.dumps([WORDS]), "a line that is no event"),
    ],
)
def test_f45_every_line_of_a_local_system_is_heard(scan: LogScan, tmp_path: Path, said: str, where: str) -> None:
    """A traceback as well as an event."""
    (tmp_path / "system").write_text(f"cleanup: starting\nunsubscribe: {said}\n")
    assert scan.leaks() == [f"unsubscribe: {where}: a visitor's message"]


@pytest.mark.parametrize(
    ("url", "headers", "kind"),
    [
        ("http://127.0.0.1:1/unsubscribe?t=token-of-a-link", {}, "a link's token"),
        (
            "http://127.0.0.1:1/admin_console/alerts",
            {"X-ADMIN-API-KEY": "token-of-a-link"},
            "the header X-ADMIN-API-KEY",
        ),
        ("http://127.0.0.1:1/deliver_alert", {"Authorization": b"Bearer token-of-a-link"}, "the header Authorization"),
    ],
)
def test_f45_what_a_request_shows_is_looked_for(url: str, headers: dict[str, str], kind: str) -> None:
    """Links, keys and tokens."""
    scan = LogScan()
    scan.holds_request(url, headers, None)
    scan.hears("unsubscribe", {"event": "request_failed", "error": "no token-of-a-link here"})
    assert scan.leaks() == [f"unsubscribe: request_failed, field error: {kind}"]


def test_f45_what_is_no_message_is_a_message_all_the_same() -> None:
    """A body that cannot be parsed must not be logged either."""
    scan = LogScan()
    scan.holds_request("http://127.0.0.1:1/chat", {}, '{"message": "half of a')
    scan.hears("chat", {"event": "request_failed", "error": 'cannot parse {"message": "half of a'})
    assert scan.leaks() == ["chat: request_failed, field error: a visitor's message"]


def test_what_may_be_logged_is_no_leak(scan: LogScan) -> None:
    """Ids, machine words, short words, the platform's accounts."""
    scan.holds("a visitor's message", "slack")
    scan.hears("chat", {"event": "alert_delivered", "channel": "slack", "alert_id": "0123456789abcdef", "attempts": 1})
    scan.hears("chat", {"event": "config_invalid", "error": "takes x@project.iam.gserviceaccount.com, europe-west1"})
    assert scan.leaks() == []


LEAKING = """
from shared import events

def test_that_passes():
    events.log("enqueue_failed", error="queue of ana@example.com")

def test_without():
    events.log("enqueue_failed", error="queue")
"""


@pytest.mark.parametrize(("chosen", "status"), [("that_passes", 1), ("without", 0)])
def test_f45_a_run_in_which_something_leaks_fails(tmp_path: Path, chosen: str, status: int) -> None:
    """Though each of its tests passes; the report says which event it was."""
    (tmp_path / "test_planted.py").write_text(LEAKING)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
    ]
    command += ["-c", str(ROOT / "pyproject.toml"), "-k", chosen, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout
    assert done.returncode == status, done.stdout + done.stderr
    said = "a log holds what it must not: in the tests' process: enqueue_failed, field error: an e-mail address"
    assert (said in done.stdout) == bool(status)
    assert "ana@" not in done.stdout
