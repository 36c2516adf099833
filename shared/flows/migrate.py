"""What an operator asks of migrations: status, plan, run, rollback, stamp, and to accept changed code.

Asking for a run writes it down and asks for its first slice; ``migration_slice`` does the work. Two who ask at the same
time meet at the ledger, whose write is conditional: one of them is told that the other is at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.errors import Conflict, MigrationRefused, MigrationRunning, QueueError, StorageError, Unavailable
from shared.flows.migration_views import ledger_view
from shared.flows.operations import answered
from shared.flows.operations_answers import missing
from shared.migrations import ledger as rules
from shared.migrations.decide import decide
from shared.migrations.ledger import APPLIED, Entry, Ledger, State
from shared.migrations.pace import FIRST_RATE
from shared.migrations.plan import Plan
from shared.migrations.step import Step
from shared.ports import Clock, Events
from shared.ports.migrations import MigrationStore, Slices, StoredLedger

PAGE = 1000


@dataclass(frozen=True)
class Migrating:
    """The flow with what it needs.

    Attributes:
        steps: by their ids, in their order.
        store: ledgers and documents.
        slices: where the next slice is asked for.
        lease: for how long a ledger that nobody writes is still somebody's.
        plan_seconds: a plan that takes longer is given in parts.
        first_rate: operations a second at the beginning of a run.
        clock: for that.
        events: where to report.
    """

    steps: Mapping[str, Step]
    store: MigrationStore
    slices: Slices
    lease: timedelta
    plan_seconds: float
    clock: Clock
    events: Events
    first_rate: float = FIRST_RATE

    def status(self) -> dict[str, Any]:
        """Every step with its ledger; raises Unavailable."""
        ledgers = self._ledgers()
        return {"steps": [self._view(step, ledgers[step.id]) for step in self.steps.values()]}

    def one(self, step_id: str) -> dict[str, Any]:
        """One step with its ledger; raises RequestError (404), Unavailable."""
        step = self._step(step_id)
        return self._view(step, self._ledgers()[step.id])

    def plan(self, step_id: str, after: str | None) -> dict[str, Any]:
        """What a run would do; nothing is written.

        Args:
            step_id: which step.
            after: where the part before this one ended; None for the first.

        Returns:
            The plan; ``next`` is where the next part begins, None where the plan is complete.

        Raises:
            RequestError: 404, there is no such step.
            Unavailable: storage did not answer.
        """
        step, ends = self._step(step_id), self.clock.monotonic() + self.plan_seconds
        plan, reached = Plan(), after
        with answered(self.events):
            ledgers = self.store.ledgers(list(self.steps))
            total = self.store.count(step.selection)
            complete = True
            for page in self.store.pages(step.selection, after, PAGE):
                documents = [found.document for found in page]
                plan.add(documents, decide(step, documents))
                reached = documents[-1].id
                if self.clock.monotonic() > ends:
                    complete = len(page) < PAGE
                    break
        self.events("migration_planned", step=step.id, count=plan.written)
        shown = plan.view(total=total, first_rate=self.first_rate, page=PAGE)
        about = {"step": step.id, "title": step.title, "description": step.description, "checksum": step.checksum}
        waits_for = self._not_done(step, ledgers)
        ends_at = {"complete": complete, "next": None if complete else reached}
        return {
            **about,
            "dry_run": True,
            "state": ledgers[step.id].ledger.state,
            "waits_for": waits_for,
            **ends_at,
            **shown,
        }

    def run(self, step_id: str, by: str | None) -> dict[str, Any]:
        """Begin a run, or go on with one that stands still; a step that is done stays so.

        Raises:
            RequestError: 404 no such step; 409 it is being worked at, another must be done first, or its code has
                changed since it was run.
            Unavailable: storage or the queue did not answer.
        """
        step, ledgers = self._step(step_id), self._ledgers()
        stored = ledgers[step.id]
        self._refuse_live(stored)
        self._refuse_changed(step, stored.ledger)
        if stored.ledger.state is State.ROLLING_BACK:
            raise MigrationRefused("A rollback of this step was begun; let it end first: ask for the rollback again.")
        if waits_for := self._not_done(step, ledgers):
            raise MigrationRefused(f"These steps must be done first: {', '.join(waits_for)}.")
        if stored.ledger.state is State.DONE:
            return self._view(step, stored)
        if stored.ledger.state is State.RUNNING:
            return self._ask(step, stored, rules.resumed(stored.ledger, self._entry("resume", by)))
        with answered(self.events):
            total = self.store.count(step.selection)
        return self._ask(step, stored, rules.begun(stored.ledger, step.checksum, total, self._entry("run", by)))

    def roll_back(self, step_id: str, by: str | None) -> dict[str, Any]:
        """Begin to take a step back, or go on with that.

        Raises:
            RequestError: 404 no such step; 409 it is being worked at, was not run, a later one must be taken back
                first, or its before-images are gone and it has no way back without them.
            Unavailable: storage or the queue did not answer.
        """
        step, ledgers = self._step(step_id), self._ledgers()
        stored = ledgers[step.id]
        self._refuse_live(stored)
        if stored.ledger.state not in APPLIED:
            raise MigrationRefused(f"The step is {stored.ledger.state}: there is nothing to take back.")
        later = [name for name in self.steps if name > step.id and ledgers[name].ledger.state in APPLIED]
        if later:
            raise MigrationRefused(f"These later steps must be rolled back first: {', '.join(later)}.")
        if stored.ledger.state is State.ROLLING_BACK:
            if stored.ledger.by_reverse and step.reverse is None:
                raise MigrationRefused(
                    "The rollback was begun by the step's own way back, which its code no longer has."
                )
            return self._ask(step, stored, rules.resumed(stored.ledger, self._entry("resume", by)))
        self._refuse_late(stored)
        with answered(self.events):
            changed = stored.ledger.standing + stored.ledger.counts.written
            gone = bool(changed) and self.store.newest_pack(step.id) is None
        if gone and step.reverse is None:
            raise MigrationRefused("The step's before-images are gone, and it has no way back without them.")
        entry = self._entry("rollback", by)
        return self._ask(step, stored, rules.rolling_back(stored.ledger, entry, by_reverse=gone))

    def stamp(self, step_id: str, state: str, by: str | None, reason: str | None) -> dict[str, Any]:
        """Say that a step is done, or pending, without touching a document.

        Raises:
            RequestError: 404 no such step; 409 it is being worked at.
            Unavailable: storage did not answer.
        """
        step = self._step(step_id)
        stored = self._ledgers()[step.id]
        self._refuse_live(stored)
        entry = self._entry(f"stamp {state}", by, reason)
        return self._view(step, self._save(stored, rules.stamped(stored.ledger, State(state), step.checksum, entry)))

    def accept(self, step_id: str, by: str | None, reason: str | None) -> dict[str, Any]:
        """Take a step's code as it is now for the code that was run.

        Raises:
            RequestError: 404 no such step; 409 it is being worked at, or was never run.
            Unavailable: storage did not answer.
        """
        step = self._step(step_id)
        stored = self._ledgers()[step.id]
        self._refuse_live(stored)
        if stored.ledger.checksum is None:
            raise MigrationRefused("The step was never run: there is nothing to accept.")
        accepted = rules.noted(replace(stored.ledger, checksum=step.checksum), self._entry("accept", by, reason))
        return self._view(step, self._save(stored, accepted))

    def _ask(self, step: Step, stored: StoredLedger, ledger: Ledger) -> dict[str, Any]:
        """Write down what is to be done, and ask for its first slice."""
        saved = self._save(stored, ledger)
        self.events("migration_begun", step=step.id, state=ledger.state)
        try:
            self.slices.ask(step.id, ledger.run, ledger.slice)
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
            self._take_back(stored, saved)
            raise Unavailable from error
        return self._view(step, saved)

    def _take_back(self, stored: StoredLedger, saved: StoredLedger) -> None:
        """What could not be queued is as if it had not been asked for; its numbers are not used again."""
        as_was = replace(stored.ledger, run=saved.ledger.run, slice=saved.ledger.slice)
        try:
            self.store.save(saved, as_was)
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)

    def _save(self, stored: StoredLedger, ledger: Ledger) -> StoredLedger:
        with answered(self.events):
            try:
                return self.store.save(stored, ledger)
            except Conflict:
                raise MigrationRunning(_seconds(self.lease)) from None

    def _ledgers(self) -> dict[str, StoredLedger]:
        with answered(self.events):
            return self.store.ledgers(list(self.steps))

    def _step(self, step_id: str) -> Step:
        if step_id not in self.steps:
            raise missing("A step of this number")
        return self.steps[step_id]

    def _refuse_live(self, stored: StoredLedger) -> None:
        if stored.ledger.working and stored.idle < self.lease:
            self.events("migration_refused", step=stored.ledger.step, reason="running")
            raise MigrationRunning(_seconds(self.lease - stored.idle))

    def _refuse_late(self, stored: StoredLedger) -> None:
        """What a run that stands still has sent may arrive for as long as its calls may take, which a lease covers."""
        if stored.ledger.state is State.RUNNING and stored.idle < 2 * self.lease:
            self.events("migration_refused", step=stored.ledger.step, reason="running")
            raise MigrationRunning(_seconds(2 * self.lease - stored.idle))

    def _refuse_changed(self, step: Step, ledger: Ledger) -> None:
        if ledger.state in APPLIED and ledger.checksum not in (None, step.checksum):
            self.events("migration_refused", step=step.id, reason="changed")
            raise MigrationRefused(
                f"The code of this step has changed since it was run (from {ledger.checksum} to {step.checksum}). "
                "Accept it if it does the same: python -m infra.ops migrate accept."
            )

    def _not_done(self, step: Step, ledgers: Mapping[str, StoredLedger]) -> list[str]:
        before = [name for name in self.steps if name < step.id or name in step.requires]
        return [name for name in before if ledgers[name].ledger.state is not State.DONE]

    def _entry(self, what: str, by: str | None, reason: str | None = None) -> Entry:
        return Entry(self.clock.now(), what, by, reason)

    def _view(self, step: Step, stored: StoredLedger) -> dict[str, Any]:
        return ledger_view(step, stored, self.lease)


def _seconds(wait: timedelta) -> int:
    return max(1, -(-int(wait.total_seconds() * 1000) // 1000))
