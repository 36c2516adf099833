"""The operator's command line: what it takes, what it refuses, and where the key may go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.ops import system_tables
from infra.ops.__main__ import main
from infra.ops.arguments import parse
from infra.ops.replay_faults import mode_for
from infra.ops.tables import COUNTS
from shared.domain.conservation import STATES

KEY = {"ADMIN_API_KEY": "a-key-0123456789abcdef"}


class Answering(ThreadingHTTPServer):
    """A server that answers everything alike, and keeps what it was shown."""

    def __init__(self, status: int, body: str, kind: str = "application/json", location: str = "") -> None:
        self.seen: list[tuple[str, str | None]] = []
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answering.seen.append((self.path, self.headers["X-ADMIN-API-KEY"]))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def end(self) -> None:
        """Stop."""
        self.shutdown()
        self._thread.join()
        self.server_close()


@pytest.fixture
def servers() -> Iterator[list[Answering]]:
    """Servers that are ended with the test."""
    started: list[Answering] = []
    yield started
    for server in started:
        server.end()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["alerts"],
        ["alerts", "--email", "a@b", "--id", "a"],
        ["redrive"],
        ["redrive", "a", "--cause", "x"],
        ["redrive", "--from", "2026-01-05T09:00:00Z"],
        ["redrive", "--cause", "x", "--to", "2026-01-05T09:00:00Z"],
        ["redrive", "a/b"],
        ["waive", "a"],
        ["breaker", "slack"],
        ["breaker", "slack", "ajar"],
        ["breaker", "../x", "open"],
        ["job", "cleanup", "stop"],
        ["job", "Clean/up", "run"],
        ["leads"],
        ["leads", "--email", "a@b", "--phone", "1"],
        ["conversation", "a/b"],
        ["export"],
        ["bundle", "a b"],
        ["replay"],
        ["waive", "../x", "--reason", "x"],
        ["dead-letters", "--status", "dead"],
        ["dead-letters", "--limit", "many"],
        ["conservation", "--key", "secret"],
        ["conservation", "--ur", "http://127.0.0.1"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And says what is right, on standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments, KEY)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


COMMANDS = [
    [],
    ["conservation"],
    ["alerts"],
    ["dead-letters"],
    ["redrive"],
    ["waive"],
    ["overview"],
    ["history"],
    ["breakers"],
    ["breaker"],
    ["jobs"],
    ["job"],
    ["leads"],
    ["conversation"],
    ["export"],
    ["operator-audit"],
    ["bundle"],
    ["replay"],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of the whole and of each command."""
    with pytest.raises(SystemExit) as caught:
        parse([*command, "--help"])
    assert caught.value.code == 0
    assert "python -m infra.ops" in capsys.readouterr().out.split("\nexample")[1]


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "told"),
    [
        (["--url", "http://example.com"], KEY, 2, "not https"),
        (["--url", "https://user:x@example.com"], KEY, 2, "no URL"),
        (["--url", "example.com"], KEY, 2, "no URL"),
        (["--url", "http://127.0.0.1:99999"], KEY, 2, "no URL"),
        (["--url", "https://example.com"], {}, 2, "ADMIN_API_KEY is not set"),
        (["--console-url", "http://127.0.0.1:9"], {}, 2, "ADMIN_API_KEY is not set"),
        (["--url", "https://example.com"], {"ADMIN_API_KEY": "ż"}, 2, "no key has"),
        (["--url", "http://127.0.0.1:9"], KEY, 1, "not reachable"),
        (["--url", "http://127.0.0.1:9"], {}, 1, "not reachable"),
    ],
)
def test_what_cannot_be_called_is_one_line(
    arguments: list[str], environ: dict[str, str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never a traceback; nothing on standard output."""
    assert main(["conservation", *arguments], environ) == status
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert said.err.startswith("infra.ops: ")
    assert told in said.err


@pytest.mark.parametrize(
    ("status", "body", "kind", "exits", "told"),
    [
        (401, '{"detail": "no"}', "application/problem+json", 1, "ADMIN_API_KEY"),
        (404, "nothing", "text/html", 1, "no operator's console"),
        (404, '{"detail": "It does not exist."}', "application/problem+json", 1, "404: It does not exist."),
        (400, '{"detail": "limit: must be\\nless."}', "application/problem+json", 2, "400: limit: must be less."),
        (503, "oops", "text/plain", 1, "503: "),
        (500, "[]", "application/json", 1, "500: "),
        (200, "<html>", "text/html", 1, "something else"),
        (200, '{"hello": 1}', "application/json", 1, "something else"),
    ],
)
def test_an_answer_that_is_none_is_one_line(
    servers: list[Answering],
    capsys: pytest.CaptureFixture[str],
    *,
    status: int,
    body: str,
    kind: str,
    exits: int,
    told: str,
) -> None:
    """With the console's own words where it has any."""
    servers.append(Answering(status, body, kind))
    assert main(["conservation", "--url", servers[0].url], KEY) == exits
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert told in said.err
    assert KEY["ADMIN_API_KEY"] not in said.err


def test_f45_the_key_does_not_follow_a_redirect(servers: list[Answering]) -> None:
    """Not to another server."""
    servers.append(Answering(200, "{}"))
    servers.append(Answering(302, "", location=servers[0].url))
    assert main(["conservation", "--url", servers[1].url], KEY) == 1
    assert servers[0].seen == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["--url", "{}"], "/admin_console/conservation"),
        (["--url", "{}/"], "/admin_console/conservation"),
        (["--url", "{}/admin_console"], "/admin_console/conservation"),
        (["--console-url", "{}"], "/conservation"),
        (["--console-url", "{}/x/"], "/x/conservation"),
    ],
)
def test_the_console_is_found_where_it_is_said_to_be(servers: list[Answering], arguments: list[str], path: str) -> None:
    """Under the system's address, or at its own."""
    servers.append(Answering(200, '{"balanced": true, "channels": {}, "alerts": []}'))
    assert main(["conservation", *(each.format(servers[0].url) for each in arguments)], KEY) == 0
    assert servers[0].seen == [(path, KEY["ADMIN_API_KEY"])]


def test_the_environment_says_where_the_console_is_unless_an_option_does(servers: list[Answering]) -> None:
    """So that a runbook's commands are the same everywhere. Migrations are another function's."""
    body = '{"balanced": true, "channels": {}, "alerts": []}'
    servers.append(Answering(200, body))
    servers.append(Answering(200, body))
    environ = KEY | {"CONSOLE_URL": f"{servers[0].url}/mine"}
    assert main(["conservation"], environ) == 0
    assert main(["conservation", "--url", servers[1].url], environ) == 0
    assert main(["conservation", "--console-url", f"{servers[1].url}/other"], environ) == 0
    assert [path for path, _ in servers[0].seen] == ["/mine/conservation"]
    assert [path for path, _ in servers[1].seen] == ["/admin_console/conservation", "/other/conservation"]


def test_what_a_terminal_would_obey_is_not_printed(
    servers: list[Answering], capsys: pytest.CaptureFixture[str]
) -> None:
    """A cause can hold what a destination answered; rich's markup stays text."""
    bad = r'{"balanced": false, "channels": {}, "alerts": [{"id": "a", "problem": "\u001b[2J [red]x[/red]"}]}'
    servers.append(Answering(200, bad))
    assert main(["conservation", "--url", servers[0].url], KEY) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "?[2J [red]x[/red]" in said


def test_the_table_shows_every_count_of_the_guarantee() -> None:
    """Accepted, each state, archived: none is forgotten."""
    assert ("accepted", *STATES, "archived") == COUNTS


OVERVIEW = {
    "danger": {
        "level": "danger",
        "sentence": "A lead is in danger: 1 alert for slack failed and nobody was told.",
        "reasons": [
            {
                "level": "danger",
                "what": "failed_untold",
                "says": "1 alert for slack failed and nobody was told",
                "channel": "slack",
                "count": 1,
                "runbook": "alert-failed.md",
            }
        ],
    },
    "at": "2026-01-05T09:00:00+00:00",
    "channels": {"slack": dict.fromkeys(system_tables.COUNTS, 3)},
    "oldest_waiting": None,
    "breakers": [],
    "blocks": [],
    "jobs": None,
    "balanced": False,
    "balanced_at": "2026-01-05T08:00:00+00:00",
    "wrong": ["lost-one"],
    "history": [
        {"at": "2026-01-05T08:00:00+00:00", "channels": {"slack": {"waiting": number}}, "oldest_seconds": None}
        for number in (0, 4, 8)
    ],
}


@pytest.mark.parametrize(("level", "status"), [("none", 0), ("watch", 0), ("danger", 1)])
def test_the_overview_fails_where_a_lead_is_in_danger(
    servers: list[Answering], capsys: pytest.CaptureFixture[str], *, level: str, status: int
) -> None:
    """It says the sentence, why with the runbook, what waited lately, and what did not balance."""
    told = OVERVIEW | {"danger": {**OVERVIEW["danger"], "level": level}}  # type: ignore[dict-item]
    servers.append(Answering(200, json.dumps(told)))
    assert main(["overview", "--url", servers[0].url], KEY) == status
    said = capsys.readouterr().out
    for each in ("A lead is in danger", "alert-failed.md", "\u2584\u2588", "NOT balanced", "lost-one"):
        assert each in said
    assert main(["overview", "--json", "--url", servers[0].url], KEY) == status
    assert json.loads(capsys.readouterr().out) == told


def test_a_bundle_is_written_to_a_new_file_only(
    servers: list[Answering], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What is there already is not overwritten; without a file it is printed."""
    servers.append(Answering(200, '{"format": "bellhop-replay-1"}'))
    file = tmp_path / "bundle.json"
    arguments = ["bundle", "a-1", "--by", "ana", "--url", servers[0].url]
    assert main([*arguments, "--output", str(file)], KEY) == 0
    assert json.loads(file.read_text()) == {"format": "bellhop-replay-1"}
    assert main([*arguments, "--output", str(file)], KEY) == 1
    assert "cannot be made" in capsys.readouterr().err
    assert main(arguments, KEY) == 0
    assert json.loads(capsys.readouterr().out) == {"format": "bellhop-replay-1"}
    assert servers[0].seen[0][0] == "/admin_console/dead_letters/a-1/bundle?by=ana"


@pytest.mark.parametrize(
    ("cause", "modes", "mode"),
    [
        ("http_500", ("500", "reset"), "500"),
        ("invalid_payload", ("invalid_payload",), "invalid_payload"),
        ("timeout", ("timeout",), "timeout"),
        ("connection_failed", ("down", "reset"), "down"),
        ("smtp_451", ("451",), "451"),
        ("bounced_550", ("550",), "550"),
        ("lease_expired", ("timeout", "500"), None),
        ("http_500", ("501",), None),
        (None, ("500",), None),
    ],
)
def test_a_cause_is_brought_about_by_a_mode_of_the_stand_in(
    cause: str | None, modes: tuple[str, ...], mode: str
) -> None:
    """Its own name, its status, or what goes wrong below; none where there is none."""
    assert mode_for(cause, modes) == mode
