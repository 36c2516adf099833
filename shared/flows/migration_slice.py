"""One slice of a run or rollback: as many pages as there is time for, then the next slice is asked for.

Before a page's changes are written, one commit writes down how far the run has come, the page's bounds and its
before-images. Whoever goes on after a crash does that very page again, and sees by the before-images which of its
documents the crashed one had changed: so the counts are exact, and a page that is done twice is done once. Every
change is conditional on the document that was read, and every ledger's write on the one before it: a holder that
lost its lease writes no ledger any more, and what it still writes of its page is what the new one writes.

Longer than other modules: what holds a slice together is one argument, made in one place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.errors import Conflict, QueueError, SliceLive, StorageError, StorageUnavailable, Unavailable
from shared.migrations import ledger as rules
from shared.migrations.decide import Decided, Problem, decide
from shared.migrations.ledger import Ledger, PageDone, State
from shared.migrations.pace import FIRST_RATE, rate_after
from shared.migrations.step import Step
from shared.ports import Chance, Clock, Events
from shared.ports.migrations import Found, MigrationStore, Pack, Slices, StoredLedger, Wanted, Written

PAGE = 1000
TRIES = 6
SAVE_EVERY = 1.5
"""Seconds: a ledger is a document, which takes about one write a second."""

TOO_LARGE = "it is too large for a before-image"
REFUSED = "Firestore refuses the change"


@dataclass(frozen=True)
class WorkSlice:
    """The command: one slice of a step's run."""

    step: str
    run: int
    number: int


@dataclass
class _Work:
    """A slice under way.

    Attributes:
        step: what is run.
        stored: the ledger as it was written last.
        ledger: as it stands now; what has come since is written with the next page.
        began: monotonic seconds.
        saved: likewise, when it was written last.
        before: seconds the slices before this one took.
        hand: sends a page's changes.
        writing: the page whose changes are on their way, while the next one is decided.
    """

    step: Step
    stored: StoredLedger
    ledger: Ledger
    began: float
    saved: float
    before: float
    hand: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="send"))
    writing: _Page | None = None


@dataclass
class _Page:
    """A page under way.

    Attributes:
        last: its last document.
        read: its documents.
        ours: those that a crashed holder of this page may have changed.
        written: how many are changed.
        unchanged: how many needed nothing.
        problems: those that are left as they are.
        wanted: the changes that are on their way.
        become: what becomes of them.
    """

    last: str
    read: int
    ours: frozenset[str]
    written: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    wanted: Sequence[Wanted] = ()
    become: Future[list[Written]] | None = None


@dataclass(frozen=True)
class MigrationSlice:
    """The flow with what it needs.

    Attributes:
        steps: by their ids.
        store: ledgers, documents, before-images.
        slices: where the next slice is asked for.
        lease: for how long a ledger that nobody writes is still somebody's.
        slice_seconds: after this long nothing more is begun.
        clock: for that.
        chance: for the holder's name.
        events: where to report.
        first_rate: operations a second at the beginning of a run.
        pause: waits so many seconds.
    """

    steps: Mapping[str, Step]
    store: MigrationStore
    slices: Slices
    lease: timedelta
    slice_seconds: float
    clock: Clock
    chance: Chance
    events: Events
    first_rate: float = FIRST_RATE
    pause: Callable[[float], None] = time.sleep

    def __call__(self, command: WorkSlice) -> State | None:
        """Work at a slice.

        Returns:
            The step's state afterwards; None where there was nothing to do: the slice is done, or there is no such.

        Raises:
            SliceLive: somebody works at it; the task comes back.
            Unavailable: storage or the queue did not answer; the task comes back.
        """
        try:
            work = self._taken(command)
            if work is None:
                return None
            with_reverse = work.ledger.state is State.ROLLING_BACK and work.ledger.by_reverse
            with work.hand:
                if work.ledger.state is State.RUNNING or with_reverse:
                    self._run(work)
                else:
                    self._roll_back(work)
        except Conflict:
            self.events("migration_overtaken", step=command.step)
            raise SliceLive from None
        except StorageError as error:
            self.events("storage_failed", error=type(error).__name__)
            raise Unavailable from error
        except QueueError as error:
            self.events("enqueue_failed", error=str(error))
            raise Unavailable from error
        return work.ledger.state

    def _taken(self, command: WorkSlice) -> _Work | None:
        step = self.steps.get(command.step)
        if step is None:
            return None
        stored = self.store.ledgers([step.id])[step.id]
        ledger = stored.ledger
        if not ledger.working or ledger.run != command.run:
            return None
        if ledger.slice == command.number + 1 and ledger.holder is None:
            self.slices.ask(step.id, ledger.run, ledger.slice)  # its own asking may have been cut off
            return None
        if ledger.slice != command.number:
            return None
        if ledger.holder is not None and stored.idle < self.lease:
            raise SliceLive
        changed = ledger.checksum != step.checksum and ledger.state is State.RUNNING
        if changed or (ledger.by_reverse and step.reverse is None):
            self.events("migration_refused", step=step.id, reason="changed")
            return None
        held = replace(ledger, holder=self.chance.token())
        now = self.clock.monotonic()
        return _Work(step, self.store.save(stored, held), held, now, now, ledger.seconds)

    def _run(self, work: _Work) -> None:
        """Page after page, pass after pass."""
        step, back = work.step, work.ledger.state is State.ROLLING_BACK
        if back and step.reverse is not None:  # which is so, or it would not have been taken
            work.step = replace(step, transform=step.reverse)
        if work.ledger.until is not None:
            self._redo(work, work.ledger.until)
        while True:
            if not self._pass(work):
                again = rules.passed_back(work.ledger) if back else rules.passed(work.ledger, self.clock.now())
                if again is None:
                    self._roll_back(work)
                    return
                after = again
                if not after.working:
                    self._finish(work, after)
                    return
                self._save(work, after)
            if self._over(work):
                break
        self._hand_on(work)

    def _pass(self, work: _Work) -> bool:
        """The rest of a pass, as far as there is time, one page at least; whether there may be more of it."""
        for found in self.store.pages(work.step.selection, work.ledger.cursor, PAGE):
            rest = found
            while rest:
                rest = self._page(work, rest)
            if self._over(work):
                self._settle(work)
                return True
        self._settle(work)
        return False

    def _redo(self, work: _Work, until: str) -> None:
        """The page that somebody left half done, within its bounds and with the images it has.

        Of what has changed meanwhile, what has no room beside those images is left to the next pass.
        """
        pack = self.store.pack_of_page(work.ledger)
        found = self.store.page_until(work.step.selection, work.ledger.cursor, until)
        decided, wanted, problems = self._decided(work.step, found)
        while (fits := self.store.fitting(wanted, pack)) < len(wanted):
            del wanted[fits]
        ours = frozenset(pack.images if pack is not None else ())
        stand = {each.document.id for each in found}
        before = len(ours & (stand - set(decided.changes) - {problem.id for problem in problems}))
        gone = len(ours - stand)  # a change can be that a document goes
        page = _Page(until, len(found) + gone, ours, before + gone, decided.unchanged - before, problems)
        self._begin(work, page, wanted, work.ledger)
        self._settle(work)

    def _page(self, work: _Work, found: list[Found]) -> list[Found]:
        """Do one page; what of it has no room for before-images is returned."""
        decided, wanted, problems = self._decided(work.step, found)
        fits = self.store.fitting(wanted)
        if fits < len(wanted):
            cut = found.index(wanted[fits].found)
            self._page(work, found[:cut])
            return found[cut:]
        self._settle(work)
        page = _Page(found[-1].document.id, len(found), frozenset(), 0, decided.unchanged, problems)
        self._begin(work, page, wanted, replace(work.ledger, page=work.ledger.page + 1, until=page.last))
        return []

    def _begin(self, work: _Work, page: _Page, wanted: list[Wanted], ledger: Ledger) -> None:
        """Write the images of a page's changes and send them; one without any is done."""
        if wanted:
            self._save(work, ledger, wanted)
            self._send(work, page, wanted)
            return
        self._count(work, page)
        if self.clock.monotonic() - work.saved > SAVE_EVERY:
            self._save(work, work.ledger)

    def _decided(self, step: Step, found: list[Found]) -> tuple[Decided, list[Wanted], list[Problem]]:
        """What becomes of documents, their changes, and those that are left as they are."""
        decided = decide(step, [each.document for each in found])
        wanted, large = self._sized(step, found, decided)
        return decided, wanted, [*decided.problems, *large]

    def _sized(self, step: Step, found: list[Found], decided: Decided) -> tuple[list[Wanted], list[Problem]]:
        """The changes, without those whose documents are too large for a before-image."""
        collection = step.selection.collection
        changed = [each for each in found if each.document.id in decided.changes]
        wanted = [Wanted(collection, each, decided.changes[each.document.id]) for each in changed]
        if self.store.fitting(wanted) == len(wanted):
            return wanted, []
        large = [each for each in wanted if not self.store.fitting([each])]
        problems = [Problem(each.found.document.id, TOO_LARGE) for each in large]
        return [each for each in wanted if each not in large], problems

    def _send(self, work: _Work, page: _Page, wanted: Sequence[Wanted]) -> None:
        """Let a page's changes go; its before-images are written."""
        page.wanted, page.become = wanted, work.hand.submit(self.store.write, wanted, self._rate(work))
        work.writing = page

    def _settle(self, work: _Work) -> None:
        """Wait for the changes that are on their way; what changed meanwhile is read and decided again."""
        page = work.writing
        for tries_left in reversed(range(TRIES)):
            if page is None or page.become is None:
                return
            failed = self._written(page, page.become.result())
            if Written.UNSURE in failed.values():
                if not tries_left:
                    raise StorageUnavailable("changes were not answered")
                self.pause(0.1 * 2 ** (TRIES - tries_left))
            wanted = self._again(work, page, failed) if failed else []
            work.writing = None
            if not wanted or not tries_left:
                break
            self._save(work, work.ledger, wanted)
            self._send(work, page, wanted)
        if page is not None:
            self._count(work, page)

    def _count(self, work: _Work, page: _Page) -> None:
        left = page.read - page.written - page.unchanged - len(page.problems)
        done = PageDone(page.last, page.read, page.written, page.unchanged, left, tuple(page.problems))
        work.ledger = rules.paged(work.ledger, done)

    def _written(self, page: _Page, become: Sequence[Written]) -> dict[str, Written]:
        """Count what was written; what was not, and why."""
        failed: dict[str, Written] = {}
        for each, one in zip(page.wanted, become, strict=True):
            name = each.found.document.id
            if one is Written.DONE:
                page.written += 1
            elif one is Written.REFUSED:
                page.problems.append(Problem(name, REFUSED))
            else:
                failed[name] = one
        return failed

    def _again(self, work: _Work, page: _Page, failed: Mapping[str, Written]) -> list[Wanted]:
        """What is still to be changed of documents that could not be written as they had been read."""
        collection = work.step.selection.collection
        stands = self.store.reread(work.step.selection, list(failed))
        decided = decide(work.step, [found.document for found in stands.values()])
        page.problems += decided.problems
        settled = set(failed) - set(decided.changes) - {problem.id for problem in decided.problems}
        for name in settled:  # either our own write that was not answered, or somebody else's
            ours = failed[name] is Written.UNSURE or name in page.ours
            page.written += ours
            page.unchanged += not ours
        return [Wanted(collection, stands[name], change) for name, change in decided.changes.items()]

    def _roll_back(self, work: _Work) -> None:
        """Pack after pack, the newest first; a document that was changed twice is taken back twice.

        The packs that going back by the step's ``reverse`` has made, now or before, only go: what they hold is not to
        come back.
        """
        while True:
            pack = self.store.newest_pack(work.step.id)
            if pack is None:
                self._finish(work, rules.rolled_back(work.ledger, self.clock.now()))
                return
            after = work.ledger
            if not after.by_reverse and not pack.reverse:
                restored = self.store.restore(work.step.selection, pack, self._rate(work))
                after = rules.taken_back(after, restored.restored, restored.kept)
            self._save(work, after, without=pack)
            if self._over(work):
                break
        self._hand_on(work)

    def _hand_on(self, work: _Work) -> None:
        """Let go of the ledger, and ask for the next slice."""
        self._save(work, replace(work.ledger, slice=work.ledger.slice + 1, holder=None))
        self.slices.ask(work.step.id, work.ledger.run, work.ledger.slice)

    def _finish(self, work: _Work, ledger: Ledger) -> None:
        self._save(work, ledger)
        counts = ledger.counts
        self.events("migration_finished", step=work.step.id, state=ledger.state.value, count=counts.written)

    def _save(self, work: _Work, ledger: Ledger, images: Sequence[Wanted] = (), without: Pack | None = None) -> None:
        now = self.clock.monotonic()
        timed = replace(ledger, seconds=work.before + now - work.began)
        work.stored = self.store.save(work.stored, timed, images=images, without=without)
        work.ledger, work.saved = timed, now

    def _over(self, work: _Work) -> bool:
        return self.clock.monotonic() - work.began > self.slice_seconds

    def _rate(self, work: _Work) -> float:
        since = work.ledger.ramp_at or self.clock.now()
        return rate_after((self.clock.now() - since).total_seconds(), self.first_rate)
