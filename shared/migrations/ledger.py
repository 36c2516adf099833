"""The ledger of a step: what was done of it, by whom, how far it has come, and who may go on.

::

    pending ─▶ running ─▶ done ─▶ rolling_back ─▶ rolled_back ─▶ running …
                  └─▶ failed ──────────▲
    stamp: pending ⇄ done, without a document being touched

A run goes from slice to slice. ``slice`` names the task that goes on; ``holder`` is whoever works at it now, for as
long as the ledger is written often enough. Every write of the ledger is conditional on the version that was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.migrations.decide import Problem
from shared.migrations.plan import PROBLEMS_KEPT

PASSES_MOST = 20
LOG_KEPT = 20
IMAGES_LOST = (
    "of {} changes the before-images were not there any more (expired, or erased): those stay as the step left them"
)
KEEP_COMING = "documents of the old form keep coming: deploy the code that writes the new form, then run it again"


class State(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


WORKING = frozenset({State.RUNNING, State.ROLLING_BACK})
APPLIED = frozenset({State.RUNNING, State.DONE, State.FAILED, State.ROLLING_BACK})
"""States in which documents may have been changed by the step's code."""


@dataclass(frozen=True)
class Counts:
    """Documents, counted.

    Attributes:
        read: by the first pass.
        written: changed by the step.
        unchanged: that needed nothing.
        failed: that cannot be transformed.
        verified: read again to see that no old form is left.
        restored: taken back by a rollback.
        kept: that a rollback left alone, as somebody has changed them since.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    failed: int = 0
    verified: int = 0
    restored: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Entry:
    """One line of who did what, when."""

    at: datetime
    what: str
    by: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Ledger:
    """A step's ledger.

    Attributes:
        step: its id.
        state: see the module.
        checksum: of the code that was run; None before it ever was.
        run: counts runs; names before-images.
        slice: counts slices over all runs; names tasks.
        holder: who works at the slice; None between two.
        cursor: the last document that was dealt with and counted; None at the beginning of a pass.
        until: the last document of the page whose changes are being written; None where none is.
        page: counts the pages with changes of this run.
        passes: passes over the collection that are complete.
        changed: documents that were changed, or left to the next pass, in this pass.
        counts: see there.
        total: how many documents there were at the beginning.
        problems: the first documents that were left as they are.
        reasons: how many there are of each reason.
        failing: likewise of the pass that is under way, when it is not the first.
        passing: how many there are of each reason in it.
        requested_at: when this run was asked for.
        ramp_at: when this run, or its going on after a standstill, began; the ramp-up counts from here.
        finished_at: when it ended.
        seconds: how long it was worked at, in all slices.
        cause: why it failed.
        by_reverse: the rollback goes by the step's ``reverse``.
        standing: changes of runs before this one that were not taken back.
        log: who did what, the oldest first.
    """

    step: str
    state: State = State.PENDING
    checksum: str | None = None
    run: int = 0
    slice: int = 0
    holder: str | None = None
    cursor: str | None = None
    until: str | None = None
    page: int = 0
    passes: int = 0
    changed: int = 0
    counts: Counts = field(default_factory=Counts)
    total: int | None = None
    problems: tuple[Problem, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    failing: tuple[Problem, ...] = ()
    passing: Mapping[str, int] = field(default_factory=dict)
    requested_at: datetime | None = None
    ramp_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float = 0.0
    cause: str | None = None
    by_reverse: bool = False
    standing: int = 0
    log: tuple[Entry, ...] = ()

    @property
    def working(self) -> bool:
        """Whether there is something that has still to be done."""
        return self.state in WORKING

    @property
    def by(self) -> str | None:
        """Who asked for what was asked for last."""
        return self.log[-1].by if self.log else None


def noted(ledger: Ledger, entry: Entry) -> Ledger:
    """With one more line."""
    return replace(ledger, log=(*ledger.log, entry)[-LOG_KEPT:])


def begun(ledger: Ledger, checksum: str, total: int, entry: Entry) -> Ledger:
    """A run from the beginning.

    Its slices are numbered from the time on: tasks' names are remembered also where a ledger was deleted.
    """
    first = max(ledger.slice + 1, int(entry.at.timestamp()))
    fresh = Ledger(ledger.step, State.RUNNING, checksum, run=ledger.run + 1, slice=first, log=ledger.log)
    standing = 0 if ledger.state is State.ROLLED_BACK else ledger.standing + ledger.counts.written
    return noted(replace(fresh, standing=standing, total=total, requested_at=entry.at, ramp_at=entry.at), entry)


def resumed(ledger: Ledger, entry: Entry) -> Ledger:
    """A run or rollback that stands still goes on where it was, under a new slice."""
    return noted(replace(ledger, slice=ledger.slice + 1, holder=None, ramp_at=entry.at), entry)


def rolling_back(ledger: Ledger, entry: Entry, *, by_reverse: bool) -> Ledger:
    """A rollback from the beginning, by before-images, or by the step's ``reverse`` where there are none left."""
    counts = replace(ledger.counts, restored=0, kept=0)
    return noted(
        replace(
            ledger,
            state=State.ROLLING_BACK,
            slice=ledger.slice + 1,
            holder=None,
            cursor=None,
            until=None,
            passes=0,
            changed=0,
            counts=counts,
            problems=(),
            reasons={},
            requested_at=entry.at,
            ramp_at=entry.at,
            finished_at=None,
            seconds=0.0,
            cause=None,
            by_reverse=by_reverse,
        ),
        entry,
    )


def stamped(ledger: Ledger, state: State, checksum: str, entry: Entry) -> Ledger:
    """Said to be done, or not to be, without a document being touched."""
    done = state is State.DONE
    plain = Ledger(ledger.step, state, checksum if done else None, run=ledger.run, slice=ledger.slice, log=ledger.log)
    return noted(replace(plain, finished_at=entry.at if done else None), entry)


@dataclass(frozen=True)
class PageDone:
    """What became of one page.

    Attributes:
        last: its last document.
        read: its documents.
        written: those that were changed.
        unchanged: those that needed nothing.
        left: those that kept changing meanwhile, and are left to the next pass.
        problems: those that cannot be transformed.
    """

    last: str
    read: int
    written: int
    unchanged: int
    left: int
    problems: tuple[Problem, ...]


def paged(ledger: Ledger, done: PageDone) -> Ledger:
    """One page further; of a rollback by the step's ``reverse``, what it has changed is taken back."""
    further = replace(ledger, cursor=done.last, until=None, changed=ledger.changed + done.left)
    if ledger.state is State.ROLLING_BACK:
        return taken_back(further, done.written, done.problems)
    further = replace(further, changed=further.changed + done.written)
    counts = replace(ledger.counts, written=ledger.counts.written + done.written)
    if ledger.passes:
        counts = replace(counts, verified=counts.verified + done.read)
        problems, passing = _listed(ledger.failing, ledger.passing, done.problems)
        return replace(further, counts=counts, failing=problems, passing=passing)
    problems, reasons = _listed(ledger.problems, ledger.reasons, done.problems)
    counts = replace(
        counts,
        read=counts.read + done.read,
        unchanged=counts.unchanged + done.unchanged,
        failed=counts.failed + len(done.problems),
    )
    return replace(further, counts=counts, problems=problems, reasons=reasons)


def passed(ledger: Ledger, now: datetime) -> Ledger:
    """At the end of the collection: done if this pass changed nothing, another pass otherwise.

    A document that was changed, or came, behind the cursor is found by the next pass.
    """
    after = replace(ledger, passes=ledger.passes + 1, cursor=None, until=None, changed=0, failing=(), passing={})
    if ledger.passes:
        failed = sum(ledger.passing.values())
        counts = replace(after.counts, failed=failed)
        after = replace(after, counts=counts, problems=ledger.failing, reasons=ledger.passing)
    if not ledger.changed:
        return replace(after, state=State.DONE, holder=None, finished_at=now)
    if after.passes >= PASSES_MOST:
        return replace(after, state=State.FAILED, holder=None, finished_at=now, cause=KEEP_COMING)
    return after


def taken_back(ledger: Ledger, restored: int, kept: tuple[Problem, ...]) -> Ledger:
    """One pack of before-images further."""
    problems, reasons = _listed(ledger.problems, ledger.reasons, kept)
    counts = replace(ledger.counts, restored=ledger.counts.restored + restored, kept=ledger.counts.kept + len(kept))
    return replace(ledger, counts=counts, problems=problems, reasons=reasons)


def passed_back(ledger: Ledger) -> Ledger | None:
    """At the end of a pass by the step's ``reverse``: another one where it left something, None where it is done."""
    if not ledger.changed or ledger.passes + 1 >= PASSES_MOST:
        return None
    counts = replace(ledger.counts, kept=0)
    again = replace(ledger, passes=ledger.passes + 1, cursor=None, until=None, changed=0)
    return replace(again, counts=counts, problems=(), reasons={})


def rolled_back(ledger: Ledger, now: datetime) -> Ledger:
    """Taken back; what could not be is said."""
    counts, cause = ledger.counts, None
    lost = ledger.standing + counts.written - counts.restored - counts.kept
    if ledger.by_reverse and ledger.changed:
        cause = KEEP_COMING
    elif not ledger.by_reverse and lost > 0:
        cause = IMAGES_LOST.format(lost)
    return replace(ledger, state=State.ROLLED_BACK, holder=None, finished_at=now, cause=cause)


def _listed(
    problems: tuple[Problem, ...], reasons: Mapping[str, int], more: tuple[Problem, ...]
) -> tuple[tuple[Problem, ...], Mapping[str, int]]:
    if not more:
        return problems, reasons
    counted = Counter(reasons)
    counted.update(problem.reason for problem in more)
    return (*problems, *more)[:PROBLEMS_KEPT], dict(counted)
