"""What the functions log in a run of the tests, held against what visitors, operators and settings kept secret (f45).

Heard are events of flows and functions in the tests' own process and in the fault harness's workers, and every line
that the functions of local systems print. Looked for are the fields of every message to ``chat`` that the tests send,
tokens of links, keys and tokens in headers, settings that are declared secret, and whatever looks like an e-mail
address. What is found is told by its kind and by the event's field, never by what it is.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from shared import events
from shared.config import Settings

SECRETS = {item.metadata["name"] for item in Settings.__dataclass_fields__.values() if item.metadata["secret"]}
KINDS = {"message": "a visitor's message", "name": "a visitor's name", "phone": "a visitor's number"}
ADDRESS = re.compile(r"[a-z0-9][a-z0-9.+_-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
TOO_COMMON = 8
"""Shorter texts are words that logs may have for another reason; secrets are never shorter."""

ACCOUNTS = ".gserviceaccount.com"


@dataclass
class LogScan:
    """What was heard, and what it is held against.

    Attributes:
        folder: where local systems write what their functions print.
        values: a text that was logged → where.
        looked_for: a text that must not be → its kind.
    """

    folder: Path | None = None
    values: dict[str, str] = field(default_factory=dict)
    looked_for: dict[str, str] = field(default_factory=dict)

    def hears(self, source: str, event: Mapping[str, Any]) -> None:
        """An event was logged."""
        name = str(event.get("event", "a line that is no event"))
        for key, value in event.items():
            if isinstance(value, str):
                self.values.setdefault(value.lower(), f"{source}: {name}, field {key}")

    def hears_line(self, line: str) -> None:
        """A function of a local system printed a line; its name stands before it."""
        source, _, said = line.partition(": ")
        try:
            event = json.loads(said)
        except ValueError:
            event = None
        if isinstance(event, dict):
            self.hears(source, event)
        else:
            self.values.setdefault(said.lower(), f"{source}: a line that is no event")

    def holds(self, kind: str, value: object) -> None:
        """Nothing may log this."""
        if isinstance(value, str) and len(value.strip()) >= TOO_COMMON:
            self.looked_for.setdefault(value.strip().lower(), kind)

    def holds_settings(self, environ: Mapping[str, str]) -> None:
        """Nothing may log the settings among these that are declared secret."""
        for name in SECRETS & set(environ):
            for value in {environ[name], *environ[name].split(","), *re.findall(r"://[^:/]*:([^@/]+)@", environ[name])}:
                self.holds(f"the secret {name}", value)

    def holds_request(self, url: str, headers: Mapping[str, str | bytes], body: object) -> None:
        """Nothing may log what a request brings: a visitor's words, a token, a key."""
        parts = urlsplit(url)
        for value in parse_qs(parts.query).get("t", []):
            self.holds("a link's token", value)
        for name in ("X-ADMIN-API-KEY", "Authorization"):
            shown = headers.get(name) or ""
            text = shown.decode("latin-1") if isinstance(shown, bytes) else shown
            self.holds(f"the header {name}", text.removeprefix("Bearer "))
        if parts.path.rstrip("/").endswith("/chat"):
            self._holds_message(body)

    def leaks(self) -> list[str]:
        """What was logged and must not be: the source, the event, its field, and the kind, each once."""
        for path in sorted(self.folder.iterdir()) if self.folder else []:
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                self.hears_line(line)
        return sorted(dict.fromkeys(self._leaks()))

    def _leaks(self) -> Iterator[str]:
        texts = list(self.values)
        whole = "\n".join(texts)
        starts = [0, *accumulate(len(text) + 1 for text in texts)]

        def told(at: int, kind: str) -> str:
            return f"{self.values[texts[bisect_right(starts, at) - 1]]}: {kind}"

        for value, kind in self.looked_for.items():
            if (at := whole.find(value)) >= 0:
                yield told(at, kind)
        for found in ADDRESS.finditer(whole):
            if not found[0].endswith(ACCOUNTS):
                yield told(found.start(), "an e-mail address")

    def _holds_message(self, body: object) -> None:
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        if not isinstance(text, str):
            return
        try:
            sent = json.loads(text)
        except (ValueError, RecursionError):
            sent = {"message": text}
        for name, kind in KINDS.items() if isinstance(sent, dict) else ():
            self.holds(kind, sent.get(name))


class Watching:
    """Lets a scan hear what is logged and sent in this process, until it ends.

    Attributes:
        scan: what is heard, and held against.
    """

    def __init__(self) -> None:
        self.scan = LogScan()
        self._ending = ExitStack()

    def begin(self) -> None:
        """From now on."""
        self.scan.folder = Path(self._ending.enter_context(TemporaryDirectory(prefix="bellhop-logs-")))
        log, send = events.log, HTTPAdapter.send

        def logged(event: str, /, **values: str | float | None) -> None:
            log(event, **values)
            self.scan.hears("in the tests' process", {"event": event, **values})

        def sent(adapter: HTTPAdapter, request: PreparedRequest, *how: Any, **more: Any) -> Response:
            self.scan.holds_request(request.url or "", request.headers, request.body)
            return send(adapter, request, *how, **more)

        self._replace(events, "log", logged)
        self._replace(HTTPAdapter, "send", sent)

    def end(self) -> list[str]:
        """No more; what leaked."""
        leaks = self.scan.leaks()
        self._ending.close()
        return leaks

    def _replace(self, owner: Any, name: str, by: object) -> None:
        self._ending.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, by)


WATCHING = Watching()
