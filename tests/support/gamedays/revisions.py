"""Revisions of a local system's functions: what Cloud Run leads the traffic to is what runs here.

A revision differs from the one that the day began with by its settings and secrets, or by its source. The local system
starts the function again as the one that is reached: ``PUT /_local/functions/NAME/settings``, `start/sitecustomize.py`.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.support.gamedays.start.sitecustomize import FILE
from tests.support.google_apis.run import reached
from tests.support.google_apis.state import State
from tests.support.local_system import LocalSystem

START = Path(__file__).with_name("start")
READY_SECONDS = 8.0

Served = tuple[Mapping[str, str | None], Path | None]
"""What a function runs as: the settings that are not as at first, None for what is gone, and the source if another."""


def environment(folder: Path) -> dict[str, str]:
    """What a local system is started with, so that its functions can have other sources; ``folder`` keeps which."""
    return {"PYTHONPATH": str(START), FILE: str(folder / "sources.json")}


class Revisions:
    """Those of one system in the project of one day."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._first: dict[str, Mapping[str, str]] = {}
        self._served: dict[str, Served] = {}
        self._sources: dict[str, Path] = {}

    def begin(self, state: State) -> None:
        """What is reached now is what runs."""
        for name, service in state.resources.items():
            if "/services/" in name and "traffic" in service:
                [revision] = reached(service)
                self._first[name.rsplit("/", 1)[1]] = state.revisions[revision].settings

    def built_from(self, revision: str, source: Path) -> None:
        """This revision has another source than the repository."""
        self._sources[revision] = source

    def serves(self, service: str, revision: str, settings: Mapping[str, str]) -> None:
        """Have the function run as this revision, once it is another one than it runs as."""
        first = self._first.get(service, {})
        names = {**first, **settings}
        changed = {name: settings.get(name) for name in names if first.get(name) != settings.get(name)}
        self._become(service, (changed, self._sources.get(revision)))

    def end(self) -> None:
        """All as it was before the day."""
        for service in list(self._served):
            self._become(service, ({}, None))

    def _become(self, service: str, wanted: Served) -> None:
        """A function that does not start as what it is to be is not waited for."""
        if wanted == self._served.get(service, ({}, None)):
            return
        self._served[service] = wanted
        function = service.replace("-", "_")
        sources = {name.replace("-", "_"): str(source) for name, (_, source) in self._served.items() if source}
        Path(self._system.environ[FILE]).write_text(json.dumps(sources), encoding="utf-8")
        self._system.local("PUT", f"functions/{function}/settings", json=wanted[0])
        url, end = self._system.info["functions"][function]["url"], time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException):
                requests.get(url, timeout=1)
                return
            time.sleep(0.1)
