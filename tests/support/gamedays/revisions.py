"""Revisions of a local system's functions: what Cloud Run leads the traffic to is what runs here.

A revision differs from the one that the day began with by its settings, or by its source. The function that serves another
one is killed, and the supervisor starts it as that (`start/sitecustomize.py`).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.support.gamedays.start.sitecustomize import FILE
from tests.support.google_apis.run import reached
from tests.support.google_apis.state import State
from tests.support.local_system import LocalSystem

START = Path(__file__).with_name("start")
READY_SECONDS = 8.0


def environment(folder: Path) -> dict[str, str]:
    """What a local system is started with, so that its functions can have revisions; ``folder`` keeps which."""
    return {"PYTHONPATH": str(START), FILE: str(folder / "revisions.json")}


class Revisions:
    """Those of one system in the project of one day."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._first: dict[str, Mapping[str, str]] = {}
        self._served: dict[str, dict[str, Any]] = {}
        self._sources: dict[str, Path] = {}

    def begin(self, state: State) -> None:
        """What is reached now is what runs."""
        for name, service in state.resources.items():
            if "/services/" in name:
                [revision] = reached(service)
                self._first[name.rsplit("/", 1)[1]] = state.revisions[revision].settings

    def built_from(self, revision: str, source: Path) -> None:
        """This revision has another source than the repository."""
        self._sources[revision] = source

    def serves(self, service: str, revision: str, settings: Mapping[str, str]) -> None:
        """Have the function run as this revision, once it is another one than it runs as."""
        first, source = self._first.get(service, {}), self._sources.get(revision)
        changed: dict[str, str | None] = {name: None for name in first if name not in settings}
        changed |= {name: value for name, value in settings.items() if first.get(name) != value}
        wanted = {"settings": changed, "source": str(source) if source is not None else None}
        if wanted != self._served.get(service, {"settings": {}, "source": None}):
            self._served[service] = wanted
            self._restart(service)

    def end(self) -> None:
        """All as it was before the day."""
        changed, self._served = list(self._served), {}
        for service in changed:
            self._restart(service)

    def _restart(self, service: str) -> None:
        """A function that does not start as its revision is not waited for."""
        file = self._system.environ.get(FILE)
        assert file is not None, "the system was started without revisions.environment"
        named = {name.replace("-", "_"): served for name, served in self._served.items()}
        Path(file).write_text(json.dumps(named), encoding="utf-8")
        function = service.replace("-", "_")
        self._system.local("POST", f"functions/{function}/kill")
        url, end = self._system.info["functions"][function]["url"], time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException):
                requests.get(url, timeout=1)
                return
            time.sleep(0.1)
