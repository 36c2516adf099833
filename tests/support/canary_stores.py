"""What a canary needs of the world, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.alert import Alert
from shared.domain.canary import Order, Run
from shared.errors import CanaryRefused, Conflict
from shared.ports.canary import CanaryOrders, CanaryRemains, CanaryRuns, CanaryVisitor, StoredRun
from shared.ports.rights import RemoteEraser, Removal
from tests.support.documents import Documents, Write


class FakeRuns(CanaryRuns):
    """The ledger."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def unsettled(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """See ``shared.ports.canary.CanaryRuns``."""
        return [stored for stored in self._all() if stored.run.open][:limit], self.documents.now

    def newest(self, limit: int) -> tuple[list[StoredRun], datetime]:
        """See ``shared.ports.canary.CanaryRuns``."""
        return self._all()[:limit], self.documents.now

    def begin(self, run: Run) -> StoredRun:
        """See ``shared.ports.canary.CanaryRuns``."""
        version, _ = self.documents.commit([Write(f"canary_runs/{run.id}", run, missing=True)])
        return StoredRun(run, version)

    def save(self, stored: StoredRun) -> StoredRun:
        """See ``shared.ports.canary.CanaryRuns``."""
        version, _ = self.documents.commit([Write(f"canary_runs/{stored.run.id}", stored.run, version=stored.version)])
        return replace(stored, version=version)

    def _all(self) -> list[StoredRun]:
        found = [StoredRun(each.value, each.version) for each in self.documents.under("canary_runs").values()]
        return sorted(found, key=lambda stored: stored.run.at, reverse=True)


class FakeRemains(CanaryRemains):
    """What runs left, among alerts and conversations in memory."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def alerts(self, run: Run) -> tuple[dict[str, Alert | None], datetime]:
        """See ``shared.ports.canary.CanaryRemains``."""
        found = {name: self.documents.get(f"alerts/{run.alert_id(name)}") for name in run.legs}
        return {name: stands.value if stands else None for name, stands in found.items()}, self.documents.now

    def remove(self, run: Run, alerts: Mapping[str, Alert | None]) -> None:
        """See ``shared.ports.canary.CanaryRemains``."""
        if self.alerts(run)[0] != dict(alerts):
            raise Conflict(run.id)
        paths = [f"alerts/{run.alert_id(name)}" for name in run.legs] + [f"conversations/{run.conversation_id}"]
        self.documents.commit([Write(path, None) for path in paths])


class FakeOrders(CanaryOrders):
    """Orders that are no secret: whoever knows the run's id has one."""

    def __init__(self) -> None:
        self.given: dict[str, Order] = {}

    def make(self, order: Order, now: datetime) -> str:
        """See ``shared.ports.canary.CanaryOrders``."""
        self.given[order.run_id] = order
        return order.run_id

    def read(self, token: str, now: datetime) -> Order:
        """See ``shared.ports.canary.CanaryOrders``."""
        if token not in self.given:
            raise CanaryRefused
        return self.given[token]


class FakeVisitor(CanaryVisitor):
    """A chat that does what it is told with each message: given the token, it says what it answers."""

    def __init__(self, chat: Callable[[str, str], str]) -> None:
        self._chat = chat
        self.said: list[tuple[str, str]] = []

    def write(self, message: str, name: str, token: str) -> str:
        """See ``shared.ports.canary.CanaryVisitor``."""
        self.said.append((message, name))
        return self._chat(message, token)


class FakeBoard(RemoteEraser):
    """Monday.com, where so many items are found each time, or something is in the way."""

    def __init__(self, deleted: int = 1, problem: str | None = None) -> None:
        self.deleted, self.problem = deleted, problem
        self.asked: list[str] = []

    def erase(self, alert_ids: Sequence[str], *, deadline: float) -> Removal:
        """See ``shared.ports.rights.RemoteEraser``."""
        self.asked += alert_ids
        return Removal(0 if self.problem else self.deleted, self.problem)
