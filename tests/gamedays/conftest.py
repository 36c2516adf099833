"""Game days: one `test_NAME.py` for each `runbooks/NAME.md` (dashes are underscores here), run by `make gamedays`.

A test takes `day` (on the system that all days share; the fault must be healed in the end) or `day_with` (a factory:
`day_with(BREAKER_FAIL_MAX="2")` starts a system of its own with these settings, for as long as the test lasts):

    def test_the_day(day):
        day.leads(2)                                   # visitors, while all is well
        day.begins("Slack answers 500")                # the clock starts; the next line puts the fault in
        day.system.broken("500")                       # tests/support/local_system.py says what a system can do
        day.leads(6)
        day.fires("breaker-open")                      # waits until this policy of the manifest would fire
        day.given(ALERT_ID=...)                        # what an sh block of the page says to set
        day.follows("How to see it")                   # runs the bash blocks of a part of the page, in its order;
                                                       # answers what they print
        day.follows("Recovery", exits={"python -m infra.ops canary": 1})   # a command that has to end with another
                                                       # status: the beginning of the command as it stands in the page
        day.recovers(lambda: ...)                      # waits until it is healthy; the clock stops
        day.loses_nothing()                            # every lead at each channel once or accounted for; balance

After the test `Day.ends` checks that every bash block of the page was run, a policy of the page was seen to fire (where
one leads to it), the recovery and the leads were looked at. Each test adds a line to the table that is printed in the
end.

In a page, a block marked `bash` is run as it stands. What its commands take from the case is a variable that a block
marked `sh` introduces, with nothing but `export NAME=example # what it is` lines: in runbooks/README.md for all pages
(CONSOLE_URL, ADMIN_API_KEY, ADMIN_IDENTITY_TOKEN, PROJECT, CLOUDSDK_CORE_PROJECT, REGION, PLACE), at the page's
beginning for itself. All blocks of a page run in one bash that knows `python`; an unset variable ends it. `python -m
infra.ops COMMAND` finds the system by CONSOLE_URL. `gcloud` is the real one and talks to tests/support/google_apis,
where the manifest is deployed (`day.cloud.state`); its queues and jobs are the local system's of the same name (pause,
resume, purge, run, describe, list), and its log entries are what the local system's functions and scheduler really
logged since the day began, plus `day.running.says(entry)`. `python -m infra.deploy COMMAND --place "$PLACE"` runs with
that gcloud; the place is a file of the day's own, `day.place`. The revision of a function that has the traffic there is
what runs in the local system, with that revision's settings and secrets, or the source that
`day.running.revisions.built_from` named; the backup that `day.running.backup.takes()` took becomes a database of the
emulator by `gcloud firestore databases restore`. What the stand-in lacks is added there.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from rich.console import Console
from rich.table import Table

from tests.support.cloud_project import PROJECT, a_project
from tests.support.gamedays import revisions
from tests.support.gamedays.day import Figures, game_day
from tests.support.gamedays.page import RUNBOOKS
from tests.support.local_system import LocalSystem

FAST = {"BELLHOP_FAST": "1", "BELLHOP_PACES": "slack=20,monday=20,email=20"}
SECONDS = 300


def pytest_collection_modifyitems(items):
    """They are run when they are asked for, and may take their time."""
    for item in items:
        if item.path.parent.name == "gamedays":
            item.add_marker(pytest.mark.gamedays)
            item.add_marker(pytest.mark.timeout(SECONDS))


class Shared:
    """The system of all days that heal what they break: a new one after a day that did not end well."""

    def __init__(self, new_folder):
        self._new_folder, self._running, self.broken = new_folder, None, False

    def system(self):
        """A running one."""
        if self.broken:
            self.end()
        if self._running is None:
            self._running = LocalSystem(**FAST, **revisions.environment(self._new_folder("revisions"))).wait()
        return self._running

    def end(self):
        """End it, if it runs."""
        system, self._running, self.broken = self._running, None, False
        assert system is None or system.stop() == 0, "\n".join(system.said)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """The system of this run."""
    held = Shared(tmp_path_factory.mktemp)
    yield held
    held.end()


@pytest.fixture
def shared_system(request, shared):
    """The running system, which is thrown away where this day may have left it broken."""
    yield shared.system()
    shared.broken = not getattr(request.node, "went_well", False)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    """A project with everything that the manifest deploys, on the stand-in."""
    with a_project(tmp_path_factory.mktemp("gcloud"), ("your-project-id", PROJECT)) as project:
        assert project.deploy("apply", secrets=True) == 0
        yield project


@pytest.fixture
def page(request):
    """The runbook that a test's file is named after."""
    return RUNBOOKS / f"{request.path.stem.removeprefix('test_').replace('_', '-')}.md"


@pytest.fixture
def make_day(request, tmp_path):
    """A factory of days: of a page, on a system. They end with the test; a day that is kept has to be complete."""
    with ExitStack() as ending:

        def make(path, system, *, kept=True):
            text = path.read_text(encoding="utf-8")
            asks_google = "gcloud " in text or "infra.deploy" in text
            project = request.getfixturevalue("cloud") if asks_google else None
            folder = tmp_path / f"day-{len(request.node.days)}"
            day = ending.enter_context(game_day(path, system, project, folder))
            request.node.days.append(day if kept else None)
            return day

        request.node.days = []
        yield make
        request.node.user_properties += [("gameday", vars(day.figures)) for day in request.node.days if day]


@pytest.fixture
def day(make_day, page, shared_system):
    """A game day on the shared system, which is well before, and healed after."""
    shared_system.all_healed()
    yield make_day(page, shared_system)
    shared_system.all_healed()


@pytest.fixture
def day_with(make_day, page, tmp_path):
    """A factory of game days, each on a system of its own with other settings."""
    with ExitStack() as ending:

        def make(**environ):
            system = LocalSystem(**FAST, **revisions.environment(tmp_path), **environ).wait()
            ending.callback(system.stop)
            return make_day(page, system)

        yield make


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that went well has done everything that belongs to a game day."""
    result = yield
    for made in getattr(pyfuncitem, "days", []):
        if made is not None:
            made.ends()
    pyfuncitem.went_well = True
    return result


def pytest_terminal_summary(terminalreporter):
    """The table: every fault, how soon it was noticed and over, and what was lost."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "when")]
    kept = {id(report): dict(report.user_properties) for report in reports if report.when == "teardown"}
    figures = [Figures(**properties["gameday"]) for properties in kept.values() if "gameday" in properties]
    if not figures:
        return
    table = Table("fault", box=None, pad_edge=False)
    for name in ("detected after (s)", "recovered after (s)", "lost"):
        table.add_column(name, justify="right")
    for each in figures:
        table.add_row(each.fault, _seconds(each.detected), _seconds(each.recovered), _shown(each.lost))
    terminalreporter.section("game days")
    Console(file=terminalreporter._tw, width=120).print(table)


def _seconds(value):
    return "-" if value is None else f"{value:.1f}"


def _shown(value):
    return "not looked at" if value is None else str(value)
