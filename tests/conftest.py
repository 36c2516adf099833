"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

from infra.local.emulator import Emulator, find_emulator
from tests.support.firestore_queries import Watch
from tests.support.log_scan import WATCHING

QUERIES = Watch()
LEAKS: list[str] = []

# An example's time says nothing on a machine that does other things beside.
hypothesis.settings.register_profile("bellhop", deadline=None)
hypothesis.settings.load_profile("bellhop")


@pytest.fixture(scope="session")
def firestore_host() -> Iterator[str]:
    """The ``host:port`` of one Firestore emulator for all tests; each takes a project of its own."""
    emulator = Emulator.start(find_emulator(os.environ, install=False, say=lambda _line: None))
    yield emulator.host
    emulator.stop()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Watch every query of the code, and what it logs."""
    QUERIES.begin()
    WATCHING.begin()


@pytest.fixture(autouse=True)
def every_query_has_its_index() -> Iterator[None]:
    """The emulator answers a query without its index, the cloud does not: the test that ran it fails."""
    known = len(QUERIES.seen)
    yield
    if len(QUERIES.seen) > known:
        assert QUERIES.wrong() == [], "declare an index under 'firestore' in infra/manifest.yaml"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """``infra.deploy lint`` knows the queries from a file: it has to know all. No log holds what is private (f45)."""
    QUERIES.end()
    LEAKS.extend(WATCHING.end())
    if LEAKS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if os.environ.get("BELLHOP_RECORD_QUERIES"):
        QUERIES.record()
    elif QUERIES.unrecorded() and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which queries those are, and which events; never what leaked."""
    for leak in LEAKS:
        terminalreporter.line(f"f45: a log holds what it must not: {leak}", red=True)
    for query in [] if os.environ.get("BELLHOP_RECORD_QUERIES") else QUERIES.unrecorded():
        terminalreporter.line(f"not in infra/firestore_queries.json (make queries): {query}", red=True)
