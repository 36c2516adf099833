"""One game day: a healthy system, a fault, the alert, the runbook's own commands, the recovery, the count of leads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sybil.example import Example

from tests.support.cloud_project import PROJECT, Cloud
from tests.support.gamedays.gcloud_on_path import gcloud_in
from tests.support.gamedays.page import RUNBOOKS, Page, pages
from tests.support.gamedays.policies import fires, policies_of
from tests.support.gamedays.running import Running
from tests.support.gamedays.session import Done, Session
from tests.support.local_system import LocalSystem, eventually

REGION = "europe-west1"
ACCOUNTED = ("waived", "suppressed", "superseded", "erased")
"""States in which nobody is to hear of a lead any more, by somebody's decision."""


@dataclass
class Figures:
    """A line of the table; times in seconds after the fault, None for what did not happen."""

    fault: str = ""
    detected: float | None = None
    recovered: float | None = None
    lost: int | None = None


@dataclass
class Day:
    """A game day on one system; `game_day` makes it.

    Attributes:
        page: the runbook.
        system: what is broken and mended.
        running: what it logs, as Cloud Logging has it.
        place: the file of the place that the page's commands deploy to; the day's own. Empty without a cloud.
        cloud: the project whose queues, jobs and logs are the system's, and whose functions are started with what is
            deployed there; None where the page asks Google for nothing.
        figures: what is measured.
    """

    page: Page
    system: LocalSystem
    running: Running
    session: Session
    place: Path
    cloud: Cloud | None = None
    figures: Figures = field(default_factory=Figures)
    _accepted: list[str] = field(default_factory=list)
    _began: datetime | None = None
    _ran: list[int] = field(default_factory=list)

    def leads(self, number: int = 1, **fields: Any) -> list[str]:
        """Visitors leave their addresses, each of which must reach the team; ``fields`` of the chat's body."""
        emails = [self.system.lead(**fields) for _ in range(number)]
        self._accepted += emails
        return emails

    def accepted(self, email: str) -> None:
        """A lead that was left in another way, and must reach the team."""
        self._accepted.append(email)

    def begins(self, fault: str) -> None:
        """The fault is put in right after this; until now no policy of the page has had a reason to fire."""
        entries, now = self.running.entries(), datetime.now(UTC)
        for policy in self._policies:
            assert not fires(policy, entries, datetime.min.replace(tzinfo=UTC), now), f"{policy} fires already"
        self.figures.fault, self._began = fault, datetime.now(UTC)

    def fires(self, policy: str, *, clock: float = 1.0, job: str = "", seconds: float = 60.0) -> None:
        """Wait until an alert policy would fire, by what was logged since the fault; see `policies.fires`."""
        assert policy in self._policies, f"{policy} does not lead to {self.page.name}.md"
        began = self._begun
        eventually(
            lambda: fires(policy, self.running.entries(), began, datetime.now(UTC), clock=clock, job=job), seconds
        )
        if self.figures.detected is None:
            self.figures.detected = self._since()

    def given(self, **values: str) -> None:
        """What the page tells its reader to set before, for this case."""
        unknown = sorted(set(values) - set(self.page.introduced))
        assert not unknown, f"{self.page.name}.md introduces no {', '.join(unknown)}: an sh block of exports does"
        self.session.sets(values)

    def follows(self, heading: str, *, exits: Mapping[str, int] | None = None) -> str:
        """Run the commands of a part of the page as they stand there; what they print.

        Args:
            heading: of the part. Parts are followed in the page's order.
            exits: the beginning of a command → the status other than 0 that it must end with.

        Raises:
            AssertionError: a command ended in another way, or the part stands before one that was followed.
        """
        wanted, said = dict(exits or {}), []
        for block in self.page.under(heading):
            assert block.line > max(self._ran, default=0), f"line {block.line} comes before what was done already"
            self._ran.append(block.line)
            block.example.namespace["exits"] = wanted
            block.example.evaluate()
            done: Done = block.example.namespace["done"]
            said.append(done.out + done.err)
        assert not wanted, f"these were to fail and did not: {wanted}"
        return "".join(said)

    def recovers(self, healthy: Callable[[], Any] = lambda: True, seconds: float = 60.0) -> None:
        """Wait until it is as it was before the fault."""
        eventually(healthy, seconds)
        self.figures.recovered = self._since()

    def loses_nothing(self, seconds: float = 60.0) -> None:
        """Wait until every lead has reached each channel once, or is accounted for; then look at the balance."""
        client = self.system.firestore()
        try:
            lost: dict[str, str] = {}

            def all_there() -> bool:
                lost.clear()
                lost.update({email: why for email in self._accepted if (why := self._missing(email, client))})
                return not lost

            end = time.monotonic() + seconds
            while not all_there() and time.monotonic() < end:
                time.sleep(0.2)
        finally:
            client.close()
        self.figures.lost = len(lost)
        assert not lost, lost
        assert self._accepted, "a game day without a lead shows nothing"
        assert self.system.console("conservation")["balanced"]

    def ends(self) -> None:
        """What belongs to a game day was done."""
        left = [block.line for block in self.page.blocks if block.line not in self._ran]
        assert not left, f"the commands of {self.page.name}.md at the lines {left} were not run"
        figures = self.figures
        assert figures.detected is not None or not self._policies, "no policy was seen to fire"
        assert figures.recovered is not None, "nobody looked whether it recovered"
        assert figures.lost == 0, "nobody looked whether something was lost"

    @property
    def _policies(self) -> list[str]:
        """The alert policies that lead to the page; where none does, those whose page does."""
        own = policies_of(self.page.name)
        leading = (each for each in pages() if f"]({self.page.name}.md" in each.read_text(encoding="utf-8"))
        return own or [policy for each in leading for policy in policies_of(each.stem)]

    @property
    def _begun(self) -> datetime:
        assert self._began is not None, "the fault begins first: day.begins(...)"
        return self._began

    def _since(self) -> float:
        return (datetime.now(UTC) - self._begun).total_seconds()

    def _told_of(self, alert_id: str, client: Any) -> bool:
        """Whether a person was told that an alert failed."""
        letter = client.document("dead_letters", alert_id).get().to_dict() or {}
        return letter.get("escalated_at") is not None

    def _missing(self, email: str, client: Any) -> str | None:
        """Why a lead is not accounted for; None where it is."""
        alerts = {key: each for key, each in self.system.alerts_of(email, client).items() if key[1] == "lead"}
        if not alerts:
            return "there is no alert"
        for (channel, _), alert in alerts.items():
            shown = len(self.system.received(email, _STANDIN.get(channel, channel)))
            match alert["state"]:
                case "delivered" if shown == 1:
                    continue
                case "failed" if self._told_of(alert["id"], client):
                    continue
                case state if state in ACCOUNTED:
                    continue
                case state:
                    return f"{channel}: {state}, and it shows {shown}"
        return None


_STANDIN = {"email": "smtp"}


def evaluated(example: Example) -> str | None:
    """Run a block in the document's session; what went wrong."""
    session, exits = example.namespace["session"], example.namespace["exits"]
    done = session.run(str(example.parsed))
    example.namespace["done"] = done
    wrong = []
    for status, command in done.failed:
        expected = next((each for each in exits if command.startswith(each)), None)
        if expected is None or exits.pop(expected) != status:
            wrong.append(f"{status}: {command}")
    return "\n".join([*wrong, done.out, done.err]) if wrong else None


@contextmanager
def game_day(path: Path, system: LocalSystem, cloud: Cloud | None, folder: Path) -> Iterator[Day]:
    """A day with the runbook in this file; ``folder`` is an empty one."""
    page, everywhere = Page(path, evaluated), Page(RUNBOOKS / "README.md")
    running = Running(system)
    place = _made(folder) / "place.yaml"
    place.write_text("" if cloud is None else Path(cloud.place).read_text(encoding="utf-8"), encoding="utf-8")
    values = {
        "ADMIN_API_KEY": system.info["admin_api_key"],
        "ADMIN_IDENTITY_TOKEN": "",
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CONSOLE_URL": f"{system.url}/admin_console",
        "PLACE": str(place),
        "PROJECT": PROJECT,
        "REGION": REGION,
    }
    assert values.keys() == everywhere.introduced.keys(), "runbooks/README.md says to set something else"
    with _own_settings_after(system), _reached(cloud, running, folder) as programs:
        session = Session(_made(folder / "here"), values | _google(cloud), programs)
        for block in page.blocks:
            block.example.namespace["session"] = session
        try:
            yield Day(page, system, running, session, place, cloud)
        finally:
            session.close()


@contextmanager
def _own_settings_after(system: LocalSystem) -> Iterator[None]:
    """Whatever settings a day gave a function, they are gone with it."""
    try:
        yield
    finally:
        system.own_settings()


def _google(cloud: Cloud | None) -> dict[str, str]:
    """What leads gcloud to the stand-in; `infra.deploy` passes it on."""
    return {} if cloud is None else cloud.apis.environment()


@contextmanager
def _reached(cloud: Cloud | None, running: Running, folder: Path) -> Iterator[Path | None]:
    """The project is the system's for as long as this lasts, and as it was afterwards."""
    if cloud is None:
        yield None
        return
    before = cloud.state
    cloud.apis.state = before.copied()
    cloud.apis.state.behind = running
    running.revisions.begin(cloud.state)
    try:
        with gcloud_in(_made(folder / "programs"), cloud.gcloud) as programs:
            yield programs
    finally:
        cloud.apis.state = before
        running.revisions.end()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
