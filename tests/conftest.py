"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_timeout
from xdist.scheduler import LoadScopeScheduling

from infra.local.emulator import Emulator, find_emulator
from tests.support.firestore_queries import Watch
from tests.support.log_scan import WATCHING

QUERIES = Watch()
RECORDING = bool(os.environ.get("BELLHOP_RECORD_QUERIES"))
LEAKS: list[str] = []

TOGETHER = ("e2e", "browser", "faults", "deploy")
"""The folders whose tests share something that takes long to start."""

SWEEPS = ("crash_points", "deploy_faults")
"""Markers of what must not fail once."""

# An example's time says nothing on a machine that does other things beside.
hypothesis.settings.register_profile("bellhop", deadline=None)
# Of a mutant it is enough to know that it was noticed: what noticed it need not be made shorter, which takes minutes.
hypothesis.settings.register_profile(
    "mutants", deadline=None, database=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
)
hypothesis.settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "bellhop")


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
    """The emulator answers a query without its index, the cloud does not: the test that ran it fails.

    So it does where ``infra.deploy lint`` would not know the query, which it has from a file.
    """
    known = frozenset(QUERIES.seen)
    yield
    if new := QUERIES.seen - known:
        wrong, unrecorded = QUERIES.wrong(), [] if RECORDING else QUERIES.unrecorded()
        if wrong or unrecorded:
            QUERIES.seen -= new  # so that a second attempt fails as well
        assert wrong == [], "declare an index under 'firestore' in infra/manifest.yaml"
        assert unrecorded == [], "not in infra/firestore_queries.json: make queries"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A second attempt has its own time: the timer of the first one is over, or has run for a while."""
    if getattr(item, "execution_count", 1) > 1:
        settings = pytest_timeout._get_item_settings(item)
        item.ihook.pytest_timeout_cancel_timer(item=item)
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs real processes by the real clock gets a second chance, and is named in the summary.

    See docs/decisions/0038. Where several processes divide the tests, what takes longest begins first.
    """
    for item in items:
        if item.path.parent.name in TOGETHER and not any(map(item.get_closest_marker, SWEEPS)):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: TOGETHER.index(folder) if (folder := item.path.parent.name) in TOGETHER else 99)


class ByWhatTheyShare(LoadScopeScheduling):
    """Several processes (``-n``) divide the tests by what these share: a folder that starts something once, or a file.

    The end-to-end tests wait more than they work: every other of their files has a system of its own. xdist's marker
    for groups does nothing with this version of pytest (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        *_, folder, name = path.split("/")
        if folder not in TOGETHER:
            return path
        if folder != TOGETHER[0]:
            return folder
        files = sorted(each.name for each in (Path(__file__).parent / folder).glob("test_*.py"))
        return f"{folder}-{files.index(name) % 2}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """The one way in which the tests are divided."""
    return ByWhatTheyShare(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """No log holds what is private (f45): not this process's, and not those of the others that run tests (``-n``)."""
    QUERIES.end()
    LEAKS.extend(WATCHING.end())
    if RECORDING:
        QUERIES.record()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = LEAKS
    if LEAKS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes has ended: what it found in the logs counts."""
    LEAKS.extend(getattr(node, "workeroutput", {}).get("leaks", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which events, never what leaked."""
    for leak in LEAKS:
        terminalreporter.line(f"f45: a log holds what it must not: {leak}", red=True)
