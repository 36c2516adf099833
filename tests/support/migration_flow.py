"""The flows of migrations over what is in memory, and a queue that brings a slice again until it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared.errors import QueueError, SliceLive, Unavailable
from shared.flows.migrate import Migrating
from shared.flows.migration_slice import MigrationSlice
from shared.migrations.ledger import Ledger
from shared.migrations.step import REMOVED, CannotTransform, Change, Document, NewDocument, Selection, Step, Tally
from tests.support.documents import Documents, Write
from tests.support.fakes import FakeChance, FakeClock, RecordedEvents
from tests.support.migration_stores import PACK_BYTES, FakeMigrations
from tests.support.slices import Slices

FAST = 1_000_000.0
LEASE = timedelta(seconds=30)
ONE_IMAGE = 600
"""Bytes of a pack that has room for one image of a small document, and for two of none."""

ENDLESS = 10_000
"""Points that no test's few documents need."""

OLD, LEAVES, NEW, BAD = {"old": 2}, {"old": 3}, {"new": 1}, {"bad": 1}
"""Documents: with a field to rename; that a removal takes away; of the new form; of which nothing can be made."""


class Cut(BaseException):
    """The process died here."""


def renamed(document: Document) -> Change | None:
    """``old`` becomes ``new``."""
    if "bad" in document.fields:
        raise CannotTransform("bad as it is")
    if "old" not in document.fields:
        return None
    return Change({"new": document.fields["old"], "old": REMOVED})


def thinned(document: Document) -> Change | None:
    """The same for even numbers, which come with another document and are counted; odd ones go."""
    change = renamed(document)
    if change is None:
        return None
    if document.fields["old"] % 2:
        return Change(removes=True)
    made = NewDocument("made", document.id, {"of": document.id})
    return Change(change.fields, creates=(made,), tallies=(Tally("tallies", "t", {"kind": "k"}, "accepted"),))


def named_back(document: Document) -> Change | None:
    """``new`` becomes ``old`` again."""
    if "bad" in document.fields:
        raise CannotTransform("bad as it is")
    return Change({"old": document.fields["new"], "new": REMOVED}) if "new" in document.fields else None


def a_step(step_id: str = "0001", transform: Callable[[Document], Change | None] = renamed, **changes: Any) -> Step:
    """A step over ``docs``."""
    standing: dict[str, Any] = {
        "title": f"Step {step_id}",
        "description": "Renames a field.",
        "checksum": "sum-1",
        "requires": (),
        "selection": Selection("docs"),
    }
    return Step(id=step_id, transform=transform, **(standing | changes))


class RefusingSlices(Slices):
    """So many questions are refused."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self._left = times

    def ask(self, step: str, run: int, number: int) -> None:
        """See ``shared.ports.migrations.Slices``."""
        self._left -= 1
        if self._left >= 0:
            raise QueueError("the queue does not answer")
        super().ask(step, run, number)


class MigrationFlow:
    """Documents, steps and the flows over them.

    Attributes:
        documents: all of Firestore.
        store: of the flows.
        slices: what they asked for.
        steps: by their ids.
        lease, slice_seconds, plan_seconds: of the flows; by default nobody's ledger is held, and there is time.
        tick: seconds that each point takes.
        strike: called with the number and word of each point; may raise.
        points: how many there were.
        paused: for how long it waited, each time.
    """

    def __init__(self, docs: Mapping[str, Mapping[str, Any]], *steps: Step, **room: Any) -> None:
        self.documents = Documents()
        self.store = FakeMigrations(self.documents, **({"pack_bytes": PACK_BYTES} | room))
        for name, fields in docs.items():
            self.put(name, fields)
        self.slices, self.steps = Slices(), {step.id: step for step in steps or (a_step(),)}
        self.clock, self.chance, self.events = FakeClock(), FakeChance(), RecordedEvents()
        self.lease, self.slice_seconds, self.plan_seconds = timedelta(0), 60.0, 60.0
        self.tick, self.points = 0.0, 0
        self.strike: Callable[[int, str], None] = lambda number, what: None
        self.store.point = self._point
        self.paused: list[float] = []

    def _point(self, what: str) -> None:
        self.clock.advance(self.tick)
        self.points += 1
        assert self.points < ENDLESS, "it does not come to an end"
        self.strike(self.points, what)

    def ask(self, step: str, run: int, number: int) -> None:
        """See ``shared.ports.migrations.Slices``."""
        self._point("ask")
        self.slices.ask(step, run, number)
        self._point("asked")

    @property
    def asking(self) -> Migrating:
        """What operators ask."""
        return Migrating(self.steps, self.store, self, self.lease, self.plan_seconds, self.clock, self.events, FAST)

    @property
    def working(self) -> MigrationSlice:
        """One slice."""
        return MigrationSlice(
            self.steps,
            self.store,
            self,
            self.lease,
            self.slice_seconds,
            self.clock,
            self.chance,
            self.events,
            FAST,
            self.paused.append,
        )

    def put(self, name: str, fields: Mapping[str, Any]) -> None:
        """Write a document, as a visitor does."""
        self.documents.put(f"docs/{name}", dict(fields))

    def remove(self, name: str) -> None:
        """Remove a document, as an erasure does."""
        self.documents.commit([Write(f"docs/{name}", None)])

    @property
    def docs(self) -> dict[str, dict[str, Any]]:
        """The documents that are migrated."""
        return {name: each.value for name, each in self.documents.under("docs").items()}

    @property
    def everything(self) -> dict[str, Any]:
        """Every document but the migrations' own."""
        return {
            f"{collection}/{name}": each.value
            for collection in ("docs", "made", "tallies")
            for name, each in self.documents.under(collection).items()
        }

    @property
    def packs(self) -> list[str]:
        """The names of what holds before-images."""
        return sorted(self.documents.under("before_images"))

    def ledger(self, step: str = "0001") -> Ledger:
        """A step's ledger as it stands."""
        stands = self.documents.get(f"migrations/{step}")
        return stands.value if stands is not None else Ledger(step)

    def work(self, most: int = 200) -> None:
        """Every slice that is asked for; one whose holder died, or that is not to be had, comes again."""
        for _ in range(most):
            if not self.slices.asked:
                return
            command = self.slices.asked[0]
            with suppress(Cut, SliceLive, Unavailable):
                self.working(command)
                self.slices.asked.remove(command)
        raise AssertionError("it does not come to an end")

    def run(self, step: str = "0001") -> Ledger:
        """Run a step to its end, asking again where the asking was cut off."""
        return self._ended(self.asking.run, step)

    def roll_back(self, step: str = "0001") -> Ledger:
        """Take a step back; likewise."""
        return self._ended(self.asking.roll_back, step)

    def _ended(self, ask: Callable[[str, str], object], step: str) -> Ledger:
        before, asked = self.ledger(step), False
        while not asked or self.ledger(step).working:
            with suppress(Cut):
                ask(step, "me")
            asked = self.ledger(step) != before
            self.work()
        return self.ledger(step)
