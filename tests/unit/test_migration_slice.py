"""A run's and a rollback's slices, over a store in memory: what is counted is what was done, whatever happens."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import astuple, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import OutcomeUnknown, SliceLive, StorageUnavailable, Unavailable
from shared.flows.migration_slice import TRIES, WorkSlice
from shared.migrations.ledger import PASSES_MOST, Counts, Ledger, State
from shared.migrations.pace import RAISE_EVERY
from shared.migrations.step import Change, Document
from tests.support.migration_flow import (
    BAD,
    FAST,
    LEASE,
    LEAVES,
    NEW,
    OLD,
    ONE_IMAGE,
    Cut,
    MigrationFlow,
    RefusingSlices,
    a_step,
    named_back,
    renamed,
    thinned,
)

Docs = Mapping[str, Mapping[str, Any]]
MIXED = {"a": OLD, "b": NEW, "c": LEAVES, "d": BAD, "e": OLD, "f": LEAVES, "g": NEW, "h": NEW}
RENAMED = {"a": {"new": 2}, "b": NEW, "c": {"new": 3}, "d": BAD, "e": {"new": 2}}
BEGIN = {"tail needs nothing": "oonn", "front needs nothing": "nnoo", "all go": "xx", "mixed": "oxnbox"}
KINDS = {"o": OLD, "x": LEAVES, "n": NEW, "b": BAD}


def spelled(kinds: str) -> dict[str, Mapping[str, Any]]:
    """Documents, a letter each."""
    return {f"d{number}": KINDS[kind] for number, kind in enumerate(kinds)}


def begun(docs: Docs, *steps: Any, **room: Any) -> tuple[MigrationFlow, WorkSlice]:
    """A run that was asked for, and its first slice."""
    flow = MigrationFlow(docs, *steps, **room)
    flow.asking.run("0001", "me")
    return flow, flow.slices.asked[0]


def at(word: str, action: Callable[[], None], times: int = 1) -> Callable[[int, str], None]:
    """Do something at the first points of a word."""
    left = [times]

    def strike(_: int, what: str) -> None:
        if what == word and left[0]:
            left[0] -= 1
            action()

    return strike


def raising(error: BaseException) -> Callable[[], None]:
    """Raise it."""

    def action() -> None:
        raise error

    return action


def cutting(*points: int) -> Callable[[int, str], None]:
    """The process dies at each of these points."""

    def strike(number: int, _: str) -> None:
        if number in points:
            raise Cut

    return strike


# What a run does


def test_a_run_changes_what_it_can_and_counts_all_of_it() -> None:
    """Of every document what became of it; a second pass sees that no old form is left."""
    flow = MigrationFlow(dict(list(MIXED.items())[:5]))
    flow.tick = 0.01
    ledger = flow.run()
    assert flow.docs == RENAMED
    assert ledger.counts == Counts(read=5, written=3, unchanged=1, failed=1, verified=5)
    assert (ledger.state, ledger.passes, ledger.holder, ledger.until) == (State.DONE, 2, None, None)
    assert ledger.finished_at is not None
    assert [(problem.id, problem.reason) for problem in ledger.problems] == [("d", "bad as it is")]
    assert flow.events.lines[-1] == ("migration_finished", {"step": "0001", "state": "done", "count": 3})


def test_where_nothing_needs_it_one_pass_is_enough() -> None:
    """Nothing is written but the ledger, and no image is kept."""
    flow = MigrationFlow({"a": NEW, "b": BAD})
    assert flow.run().counts == Counts(read=2, unchanged=1, failed=1)
    assert (flow.packs, flow.store.rates) == ([], [])


def test_an_empty_collection_is_done() -> None:
    """There was nothing to do."""
    ledger = MigrationFlow({}).run()
    assert (ledger.state, ledger.counts) == (State.DONE, Counts())


def test_the_answer_is_where_the_step_stands() -> None:
    """A queue's task that has nothing to do is told so, and is not to come back."""
    flow, command = begun(MIXED)
    assert flow.working(command) is State.DONE
    assert flow.working(command) is None
    for other in (replace(command, step="0009"), replace(command, run=2), replace(command, number=1)):
        assert flow.working(other) is None
    assert flow.events.names == ["migration_begun", "migration_finished"]


def test_changes_go_out_at_the_pace_of_the_ramp_up() -> None:
    """It begins with the first rate and is raised as time goes by."""
    flow, command = begun({"a": OLD})
    flow.clock.advance(RAISE_EVERY)
    flow.working(command)
    assert flow.store.rates == [FAST * 1.5]
    flow.clock.advance(3 * RAISE_EVERY)
    flow.roll_back()
    assert flow.store.rates == [FAST * 1.5, FAST]


# Slices


def test_a_run_goes_from_slice_to_slice() -> None:
    """One page at least each; the counts and the time go on, and each slice is another task."""
    flow, _ = begun({f"d{number}": OLD for number in range(5)}, page_most=2)
    flow.slice_seconds, flow.tick, seen = 0.0, 1.0, []
    while flow.slices.asked:
        seen.append(flow.slices.asked.pop(0))
        flow.working(seen[-1])
        ledger = flow.ledger()
        assert ledger.holder is None
    assert [command.number - seen[0].number for command in seen] == list(range(len(seen)))
    assert len(seen) == 8  # three pages, and the end of them, twice
    assert ledger.counts == Counts(read=5, written=5, verified=5)


def test_a_slice_has_all_its_time() -> None:
    """The next one is asked for only when it is over."""
    flow, command = begun({f"d{number}": OLD for number in range(5)}, page_most=1)
    flow.slice_seconds = 0.0
    flow.working(command)
    assert flow.ledger().state is State.DONE


@pytest.mark.parametrize("state", [State.RUNNING, State.ROLLING_BACK])
def test_a_slice_whose_next_one_could_not_be_asked_for_comes_back(state: State) -> None:
    """It is told; when it comes again it only asks for the next one."""
    flow, command = begun(MIXED, page_most=1)
    if state is State.ROLLING_BACK:
        flow.work()
        flow.asking.roll_back("0001", "me")
        command = flow.slices.asked.pop()
    flow.slice_seconds, flow.tick = 0.0, 1.0
    flow.slices = RefusingSlices()
    with pytest.raises(Unavailable):
        flow.working(command)
    assert flow.events.lines[-1] == ("enqueue_failed", {"error": "the queue does not answer"})
    assert (flow.slices.asked, flow.ledger().holder) == ([], None)
    before = flow.ledger()
    assert flow.working(command) is None
    assert flow.slices.asked == [replace(command, number=command.number + 1)]
    assert flow.ledger() == before
    flow.working(flow.slices.asked[0])
    assert flow.working(command) is None  # the next one is over, and so is this
    assert len(flow.slices.asked) == 2


def test_who_asks_for_a_slice_that_somebody_works_at_is_told_to_come_back() -> None:
    """As long as its lease lasts: the holder may die. Then another one goes on, under a name of its own."""
    flow, command = begun(MIXED, page_most=1)
    flow.lease = LEASE
    flow.strike = at("pages", raising(Cut()))
    with pytest.raises(Cut):
        flow.working(command)
    holder = flow.ledger().holder
    assert holder
    version = flow.store.ledgers(["0001"])["0001"].version
    assert version is not None
    flow.documents.now = version + LEASE - timedelta(microseconds=1)
    with pytest.raises(SliceLive):
        flow.working(command)
    flow.documents.now = version + LEASE
    flow.strike = at("pages", lambda: holders.append(flow.ledger().holder))
    holders: list[str | None] = []
    assert flow.working(command) is State.DONE
    assert holders[0] not in (None, holder)


def test_nobody_goes_on_with_code_that_was_changed_meanwhile() -> None:
    """A new version was deployed while it ran: told, and left for a person."""
    flow, command = begun(MIXED)
    flow.steps["0001"] = a_step(checksum="sum-2")
    assert flow.working(command) is None
    assert flow.events.lines[-1] == ("migration_refused", {"step": "0001", "reason": "changed"})
    assert flow.docs == MIXED
    flow.steps["0001"] = a_step()
    flow.working(command)
    flow.steps["0001"] = a_step(checksum="sum-2")
    assert flow.roll_back().state is State.ROLLED_BACK  # by images, which need no code
    assert flow.docs == MIXED


def test_a_way_back_that_is_gone_is_not_gone_forward() -> None:
    """A rollback by ``reverse`` stops when a new version has none."""
    flow = MigrationFlow(MIXED, a_step(reverse=named_back))
    flow.run()
    for pack in flow.packs:
        flow.documents._stored.pop(f"before_images/{pack}")
    flow.asking.roll_back("0001", "me")
    flow.steps["0001"] = a_step()
    docs = flow.docs
    assert flow.working(flow.slices.asked[0]) is None
    assert flow.events.lines[-1] == ("migration_refused", {"step": "0001", "reason": "changed"})
    assert (flow.docs, flow.ledger().state) == (docs, State.ROLLING_BACK)


# What storage does


@pytest.mark.parametrize("call", ["ledgers", "save", "pages", "reread", "page_until", "pack_of_page", "newest_pack"])
def test_storage_that_does_not_answer_brings_the_task_back(call: str) -> None:
    """Told with the error's name; the next one comes to the same end."""
    flow, command = begun(MIXED, page_most=3)
    if call in ("page_until", "pack_of_page"):
        flow.strike = at("written a", raising(Cut()))
        with pytest.raises(Cut):
            flow.working(command)
    if call == "newest_pack":
        flow.working(command)
        flow.asking.roll_back("0001", "me")
        command = flow.slices.asked[-1]
    if call == "reread":
        flow.store.unanswered["a"] = [True]
    flow.strike = at(call, raising(OutcomeUnknown("no answer")))
    with pytest.raises(Unavailable):
        flow.working(command)
    assert flow.events.lines[-1] == ("storage_failed", {"error": "OutcomeUnknown"})
    flow.work()
    assert flow.ledger().counts.written == 4


def test_a_ledger_that_somebody_else_wrote_ends_the_work() -> None:
    """The holder was late; it writes no ledger any more, and says so."""
    flow, command = begun(MIXED, page_most=1)
    flow.strike = at("saved", lambda: flow.documents.put("migrations/0001", replace(flow.ledger(), holder="other")))
    with pytest.raises(SliceLive):
        flow.working(command)
    assert flow.events.lines[-1] == ("migration_overtaken", {"step": "0001"})
    assert flow.ledger().holder == "other"


def test_a_change_that_firestore_refuses_is_listed() -> None:
    """It is no old form that keeps coming: the run ends."""
    flow = MigrationFlow({"a": OLD, "b": OLD})
    flow.store.refused.add("b")
    ledger = flow.run()
    assert (ledger.state, ledger.counts) == (State.DONE, Counts(read=2, written=1, failed=1, verified=2))
    assert [(each.id, each.reason) for each in ledger.problems] == [("b", "Firestore refuses the change")]


@pytest.mark.parametrize("applied", [False, True])
def test_a_change_without_an_answer_is_looked_at_and_made_once(applied: bool) -> None:  # noqa: FBT001
    """Whether it had been made or not, it is counted as made; it waits longer each time."""
    flow = MigrationFlow({"a": OLD, "b": NEW, "c": OLD})
    flow.store.unanswered["a"] = [False, False, applied]
    assert flow.run().counts == Counts(read=3, written=2, unchanged=1, verified=3)
    assert flow.docs["a"] == {"new": 2}
    assert flow.paused == [pytest.approx(each) for each in (0.2, 0.4, 0.8)]
    assert flow.roll_back().counts.restored == 2


def test_who_gets_no_answer_for_long_gives_the_slice_back() -> None:
    """So many times; what is known of the page stays, and the next one does it again."""
    flow, command = begun({"a": OLD, "b": OLD})
    flow.store.unanswered["a"] = [False] * (TRIES + 2)
    with pytest.raises(Unavailable):
        flow.working(command)
    assert flow.events.lines[-1] == ("storage_failed", {"error": "StorageUnavailable"})
    assert (len(flow.store.rates), len(flow.paused)) == (TRIES, TRIES - 1)
    assert flow.ledger().counts.written == 0
    flow.work()
    assert flow.ledger().counts == Counts(read=2, written=2, verified=2)


# Before-images


def test_a_page_whose_images_do_not_fit_is_done_in_parts() -> None:
    """Each with its pack; what needs nothing goes with the part before it; all is counted once."""
    flow = MigrationFlow(spelled("nonoobo"), page_most=6, pack_bytes=ONE_IMAGE)
    assert flow.run().counts == Counts(read=7, written=4, unchanged=2, failed=1, verified=7)
    assert len(flow.packs) == 4
    assert flow.roll_back().counts.restored == 4
    assert (flow.docs, flow.packs) == (spelled("nonoobo"), [])


def test_a_document_too_large_for_any_pack_is_listed_and_left() -> None:
    """The others of its page are changed."""
    flow = MigrationFlow({"a": OLD, "b": {"old": "x" * 900}, "c": OLD}, pack_bytes=1000)
    ledger = flow.run()
    assert ledger.counts == Counts(read=3, written=2, failed=1, verified=3)
    assert [(each.id, each.reason) for each in ledger.problems] == [("b", "it is too large for a before-image")]
    assert flow.docs["b"] == {"old": "x" * 900}


def test_images_are_written_before_what_they_are_of() -> None:
    """Whenever it dies, whatever has been changed can be taken back."""
    docs = spelled("oxnoxbo")
    flow = MigrationFlow(docs, a_step(transform=thinned), page_most=3)

    def look(_: int, what: str) -> None:
        if what.startswith("written"):
            kept = [pack for pack in flow.packs if what[8:] in flow.documents.under("before_images")[pack].value]
            assert kept, what

    flow.strike = look
    flow.run()
    assert flow.roll_back().state is State.ROLLED_BACK
    assert flow.docs == docs


@pytest.mark.parametrize("size", [300, 900])
def test_a_page_that_is_done_again_leaves_the_next_one_its_own_pack(size: int) -> None:
    """It died after the last change of a page, whose images fill a document: those of the next page go into another.

    Both in one document are more than Firestore takes, and the run could never go on.
    """
    docs = {name: {"old": name * size} for name in "abcd"}
    flow = MigrationFlow(docs, page_most=2, pack_bytes=2 * size + 700)
    flow.strike = at("written b", raising(Cut()))
    assert flow.run().counts == Counts(read=4, written=4, verified=4)
    assert len(flow.packs) == 2
    assert flow.roll_back().counts == Counts(read=4, written=4, verified=4, restored=4)
    assert flow.docs == docs


@pytest.mark.parametrize("further", [5, 6, 7, 8, 9])
def test_f37_no_two_pages_share_a_pack_whoever_dies_twice(further: int) -> None:
    """Also when the ledger was written between: the number of a page that was done again is not given to the next."""
    docs = {name: {"old": name * 900} for name in "abcd"}
    for first in range(1, 30):
        flow = MigrationFlow(docs, page_most=2, pack_bytes=2600)
        flow.tick, flow.strike = 2.0, cutting(first, first + further)
        assert flow.run().counts.written == 4, first
        assert len(flow.packs) == 2, first


def test_what_grows_while_its_page_is_done_again_is_left_to_the_next_pass() -> None:
    """Its image has no room beside those that are there; it is changed, and counted, once."""
    docs = {name: {"old": "x" * 300} for name in "abc"}
    flow = MigrationFlow(docs, pack_bytes=2000)

    def grow() -> None:
        flow.put("b", {"old": "y" * 1300})
        raise Cut

    flow.strike = at("written a", grow)
    ledger = flow.run()
    assert ledger.counts == Counts(read=3, written=3, verified=6)
    assert (ledger.state, ledger.passes) == (State.DONE, 3)
    assert flow.docs["b"] == {"new": "y" * 1300}
    back = flow.roll_back().counts
    assert (back.restored, back.kept) == (3, 1)  # of what it was before it grew
    assert flow.docs == {**docs, "b": {"old": "y" * 1300}}


# Others who write


def test_a_visitor_who_writes_meanwhile_loses_nothing() -> None:
    """The document is read and decided again, and its newer image kept."""
    flow = MigrationFlow({"a": OLD, "b": OLD, "c": OLD})
    flow.strike = at("write b", lambda: flow.put("b", {"old": 8, "said": "hello"}))
    assert flow.run().counts == Counts(read=3, written=3, verified=3)
    assert flow.docs["b"] == {"new": 8, "said": "hello"}
    flow.roll_back()
    assert flow.docs["b"] == {"old": 8, "said": "hello"}


@pytest.mark.parametrize(
    ("becomes", "counts"),
    [
        ({"new": 5}, Counts(read=3, written=1, unchanged=1, failed=1, verified=3)),
        ({"bad": 5}, Counts(read=3, written=1, failed=2, verified=3)),
        (None, Counts(read=3, written=1, unchanged=1, failed=1, verified=2)),
    ],
)
def test_what_needs_no_change_any_more_is_not_counted_as_changed(
    becomes: Mapping[str, Any] | None, counts: Counts
) -> None:
    """Somebody else has brought it to the new form, or spoilt it, or it is gone; one spoilt before counts, too."""
    flow = MigrationFlow({"a": OLD, "b": OLD, "c": BAD})
    flow.strike = at("write b", lambda: flow.put("b", becomes) if becomes else flow.remove("b"))
    assert flow.run().counts == counts


def test_a_document_that_keeps_changing_is_left_to_the_next_pass() -> None:
    """After so many tries of one page; the pass after it counts it."""
    flow, number = MigrationFlow({"a": OLD, "b": OLD}), [0]

    def strike(_: int, what: str) -> None:
        if what == "write b" and number[0] < TRIES:
            number[0] += 1
            flow.put("b", {"old": number[0]})

    flow.strike = strike
    ledger = flow.run()
    assert (number[0], flow.paused) == (TRIES, [])
    assert (ledger.counts, ledger.passes) == (Counts(read=2, written=2, verified=4), 3)
    assert flow.docs["b"] == {"new": TRIES}


def test_old_forms_that_keep_coming_end_the_run() -> None:
    """Code that still writes them is deployed: after so many passes a person is told what to do."""
    flow = MigrationFlow({"a": OLD})
    flow.strike = lambda _, what: flow.put("a", OLD) if what == "pages" else None
    ledger = flow.run()
    assert (ledger.state, ledger.passes, ledger.holder) == (State.FAILED, PASSES_MOST, None)
    assert ledger.cause is not None
    assert "keep coming" in ledger.cause
    assert (ledger.counts.read, ledger.counts.written) == (1, PASSES_MOST)
    assert flow.events.lines[-1] == (
        "migration_finished",
        {"step": "0001", "state": "failed", "count": PASSES_MOST},
    )
    flow.strike = lambda *_: None
    assert flow.run().state is State.DONE


def test_what_comes_behind_the_cursor_is_found_by_the_next_pass() -> None:
    """It was not there when the first one read; `read` and `unchanged` are of the first."""
    flow = MigrationFlow({"b": OLD, "c": NEW}, page_most=1)
    flow.strike = at("written b", lambda: flow.put("a", OLD))
    assert flow.run().counts == Counts(read=2, written=2, unchanged=1, verified=6)
    assert flow.docs["a"] == {"new": 2}


# Holders that die, and holders that are late


@pytest.mark.parametrize("kinds", BEGIN.values(), ids=BEGIN)
@pytest.mark.parametrize(
    ("pack_bytes", "seconds"),
    [(900_000, (60.0, 0.0)), (1100, (60.0, 2.0)), (900_000, (4.0, 1.0))],
    ids=["quick", "slow and in parts", "in slices"],
)
@pytest.mark.parametrize("transform", [renamed, thinned])
def test_f37_whoever_dies_anywhere_the_end_is_the_same(
    kinds: str, pack_bytes: int, seconds: tuple[float, float], transform: Callable[[Document], Change | None]
) -> None:
    """At each point by itself, and again soon after: counts, documents, and all is taken back."""

    def fresh() -> MigrationFlow:
        flow = MigrationFlow(spelled(kinds), a_step(transform=transform), page_most=2, pack_bytes=pack_bytes)
        flow.slice_seconds, flow.tick = seconds
        return flow

    flow = fresh()
    counts = flow.run().counts
    plan = fresh().asking.plan("0001", None)["counts"]
    assert plan == {name: getattr(counts, name) for name in plan}
    points, done = flow.points, flow.everything
    assert points > 12
    for first in range(1, points + 1):
        for further in (0, 5):
            flow = fresh()
            flow.strike = lambda number, _, those=(first, first + further): (
                raising(Cut())() if number in those else None
            )
            ledger = flow.run()
            assert (ledger.state, replace(ledger.counts, verified=0)) == (State.DONE, replace(counts, verified=0)), (
                first
            )
            assert flow.everything == done, first
            flow.strike = lambda *_: None
            back = flow.roll_back().counts
            assert (back.restored, back.kept, flow.docs) == (counts.written, 0, spelled(kinds)), first
            assert flow.packs == []


@pytest.mark.parametrize("kinds", BEGIN.values(), ids=BEGIN)
@pytest.mark.parametrize("by_reverse", [False, True])
def test_a_rollback_that_dies_anywhere_ends_the_same(kinds: str, by_reverse: bool) -> None:  # noqa: FBT001
    """By images and by the step's own way: what is taken back is counted once."""

    def fresh() -> MigrationFlow:
        flow = MigrationFlow(spelled(kinds), a_step(reverse=named_back), page_most=2)
        flow.run()
        for pack in flow.packs if by_reverse else ():
            flow.documents._stored.pop(f"before_images/{pack}")
        flow.points, flow.slice_seconds, flow.tick = 0, 2.5, 1.0
        return flow

    flow = fresh()
    counts, points, done = flow.roll_back().counts, flow.points, flow.docs
    assert counts.restored == (sum(kind in "oxn" for kind in kinds) if by_reverse else counts.written)
    for first in range(1, points + 1):
        flow = fresh()
        flow.strike = cutting(first, first + 4)
        ledger = flow.roll_back()
        assert (ledger.state, ledger.counts, flow.docs) == (State.ROLLED_BACK, counts, done), first
        assert flow.packs == []


@pytest.mark.parametrize("kinds", BEGIN.values(), ids=BEGIN)
@pytest.mark.parametrize("transform", [renamed, thinned])
def test_one_who_is_late_at_any_point_spoils_nothing(
    kinds: str, transform: Callable[[Document], Change | None]
) -> None:
    """While it stands still another one does all of it; then it goes on, and is told that it was overtaken."""
    flow, command = begun(spelled(kinds), a_step(transform=transform), page_most=2)
    flow.working(command)
    counts, done, points = flow.ledger().counts, flow.everything, flow.points
    for late in range(1, points + 1):
        flow = MigrationFlow(spelled(kinds), a_step(transform=transform), page_most=2)

        def strike(number: int, _: str, late: int = late, flow: MigrationFlow = flow) -> None:
            if number == late and flow.slices.asked:
                flow.strike = lambda *_: None
                flow.working(flow.slices.asked[0])

        flow.strike = strike
        ledger = flow.run()
        assert (ledger.state, ledger.counts, flow.everything) == (State.DONE, counts, done), late


def test_what_a_dead_holder_sent_may_arrive_later() -> None:
    """A change of its page that takes effect while the next holder does the page again is counted once."""
    flow = MigrationFlow({"a": OLD, "b": OLD, "c": NEW})
    sent: list[Any] = []
    write = flow.store.write

    def lost(changes: Any, rate: float) -> Any:
        sent.append(changes)
        flow.store.write = write  # type: ignore[method-assign]  # the next holder's arrive
        raise Cut

    flow.store.write = lost  # type: ignore[method-assign]  # they are on their way when it dies
    flow.strike = at("write a", lambda: write(sent.pop(), FAST) and None)
    assert flow.run().counts == Counts(read=3, written=2, unchanged=1, verified=3)
    assert flow.roll_back().counts.restored == 2


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_to_a_run_its_counts_are_its_plans(seed: int) -> None:
    """Deaths, others that overtake, answers that are lost, pages and packs of any size: by chance, from a seed."""
    chance = random.Random(seed)  # noqa: S311 - where to strike
    docs = spelled("".join(chance.choice("ooxnnb") for _ in range(chance.randint(1, 9))))
    step = a_step(transform=chance.choice((renamed, thinned)))
    flow = MigrationFlow(docs, step, page_most=chance.randint(1, 5), pack_bytes=chance.choice((900_000, 1100)))
    flow.slice_seconds, flow.tick = chance.choice((60.0, 4.0, 0.0)), chance.choice((0.0, 1.0, 2.0))
    flow.store.unanswered = {
        name: [chance.random() < 0.5 for _ in range(chance.randint(1, 3))] for name in docs if chance.random() < 0.3
    }
    plan = flow.asking.plan("0001", None)["counts"]
    left = [chance.randint(1, 6)]

    def strike(_: int, what: str) -> None:
        if not left[0] or chance.random() > 0.12:
            return
        left[0] -= 1
        if chance.random() < 0.6 or not flow.slices.asked:
            raise Cut
        try:
            flow.working(flow.slices.asked[0])
        except (Cut, SliceLive, Unavailable):
            assert what

    flow.strike = strike
    ledger = flow.run()
    assert (ledger.state, {name: getattr(ledger.counts, name) for name in plan}) == (State.DONE, plan)
    flow.strike = lambda *_: None
    back = flow.roll_back()
    assert (back.state, back.counts.restored, back.counts.kept) == (State.ROLLED_BACK, plan["written"], 0)
    assert (flow.docs, flow.packs) == (docs, [])


# Rollbacks


def test_what_has_changed_since_is_left_alone_and_listed() -> None:
    """The others go back; the packs go with what they held."""
    flow = MigrationFlow({"a": OLD, "b": OLD, "c": OLD, "d": OLD}, page_most=2)
    flow.run()
    flow.put("b", {"new": 9})
    flow.remove("c")
    ledger = flow.roll_back()
    assert (ledger.counts.restored, ledger.counts.kept) == (2, 2)
    assert {each.id: each.reason for each in ledger.problems} == {"b": "it has been changed since", "c": "it is gone"}
    assert ledger.reasons == {"it has been changed since": 1, "it is gone": 1}
    assert flow.docs == {"a": OLD, "b": {"new": 9}, "d": OLD}
    assert (flow.packs, ledger.holder, ledger.finished_at) == ([], None, flow.clock.now())
    assert flow.events.lines[-1] == ("migration_finished", {"step": "0001", "state": "rolled_back", "count": 4})


def test_a_document_that_was_changed_twice_is_taken_back_twice() -> None:
    """By two passes: the newer image first."""
    flow = MigrationFlow({"a": OLD, "b": OLD})
    passes = [0]

    def strike(_: int, what: str) -> None:
        passes[0] += what == "pages"
        if what == "pages" and passes[0] == 2:
            flow.put("a", {**OLD, "said": "hello"})

    flow.strike = strike
    assert flow.run().counts.written == 3
    assert flow.docs["a"] == {"new": 2, "said": "hello"}
    assert flow.roll_back().counts.restored == 3
    assert flow.docs == {"a": {**OLD, "said": "hello"}, "b": OLD}


def test_the_newest_change_is_taken_back_first() -> None:
    """What one pass made of a document another one went on from: only so it comes back to what it was."""

    def raised(document: Document) -> Change | None:
        level = document.fields["level"]
        return Change({"level": level + 1}) if level < 4 else None

    docs = {"a": {"level": 1}, "b": {"level": 3}, "c": {"level": 4}}
    flow = MigrationFlow(docs, a_step(transform=raised), page_most=1)
    ledger = flow.run()
    assert (ledger.counts, ledger.passes) == (Counts(read=3, written=4, unchanged=1, verified=9), 4)
    back = flow.roll_back().counts
    assert (back.restored, back.kept, flow.docs) == (4, 0, docs)


def test_a_page_whose_images_an_erasure_took_is_done_again_all_the_same() -> None:
    """Nobody knows any more which of its documents had been changed: they are counted as they stand."""
    flow, command = begun({"a": OLD, "b": OLD})
    flow.strike = at("written a", raising(Cut()))
    with pytest.raises(Cut):
        flow.working(command)
    for pack in flow.packs:
        flow.documents._stored.pop(f"before_images/{pack}")
    flow.work()
    assert flow.ledger().counts == Counts(read=2, written=1, unchanged=1, verified=2)
    assert flow.docs == {"a": {"new": 2}, "b": {"new": 2}}


def test_a_rollback_goes_from_slice_to_slice() -> None:
    """A pack each where there is no time; it takes the time that it says."""
    flow = MigrationFlow(spelled("oooo"), page_most=1)
    flow.run()
    flow.asking.roll_back("0001", "me")
    flow.slice_seconds, flow.tick, packs = 0.0, 1.0, []
    while flow.slices.asked:
        assert flow.working(flow.slices.asked.pop(0)) in (State.ROLLING_BACK, State.ROLLED_BACK)
        packs.append(len(flow.packs))
    assert packs == [3, 2, 1, 0, 0]
    assert flow.ledger().counts.restored == 4
    assert flow.ledger().seconds > 4 * 4


def test_a_step_that_was_broken_off_goes_back_as_far_as_it_came() -> None:
    """Also a page whose changes were under way."""
    docs = spelled("oooo")
    flow, command = begun(docs, page_most=2)
    flow.strike = at("written d2", raising(Cut()))
    with pytest.raises(Cut):
        flow.working(command)
    flow.strike = lambda *_: None
    assert flow.roll_back().state is State.ROLLED_BACK
    assert flow.docs == docs


def test_a_pack_that_cannot_be_taken_back_is_kept() -> None:
    """The task comes back, and the pack is still there."""
    flow = MigrationFlow(spelled("oo"))
    flow.run()
    flow.asking.roll_back("0001", "me")
    flow.strike = at("restore d1", raising(StorageUnavailable("no")))
    with pytest.raises(Unavailable):
        flow.working(flow.slices.asked[0])
    assert len(flow.packs) == 1
    flow.work()
    assert (flow.ledger().counts.restored, flow.docs) == (2, spelled("oo"))


# The ledger


def test_who_finds_nothing_to_change_for_long_still_shows_that_it_lives() -> None:
    """The ledger is written every while, or its lease would be over; not more often than a document takes."""
    flow, command = begun({f"d{number}": NEW for number in range(10)}, page_most=1)
    cursors: list[str | None] = []
    decided = [0]

    def transform(_: Document) -> Change | None:
        decided[0] += 1
        flow.clock.advance(0.5)
        return None

    flow.strike = lambda _, what: cursors.append(flow.ledger().cursor) if what == "saved" else None
    flow.steps["0001"] = a_step(transform=transform)
    flow.working(command)
    assert decided == [10]
    assert cursors == [None, "d3", "d7", None]


def test_the_time_of_all_slices_is_told() -> None:
    """Of this run only; a rollback has its own."""
    flow, _ = begun({"a": OLD, "b": OLD}, page_most=1)
    flow.slice_seconds = 5.0
    flow.strike = lambda _, what: flow.clock.advance({"write a": 7, "write b": 4}.get(what, 0))
    flow.work()
    assert flow.ledger().seconds == 11.0
    flow.asking.roll_back("0001", "me")
    flow.strike = at("restore a", lambda: flow.clock.advance(3))
    flow.work()
    assert flow.ledger().seconds == 3.0


def test_nothing_of_a_ledger_is_forgotten_on_the_way() -> None:
    """Who asked, how much there was to do, and what could not be changed."""
    flow = MigrationFlow(MIXED, page_most=1)
    flow.slice_seconds, flow.tick = 0.0, 1.0
    ledger = flow.run()
    assert isinstance(ledger, Ledger)
    assert (ledger.total, ledger.by, ledger.checksum, ledger.reasons) == (8, "me", "sum-1", {"bad as it is": 1})
    assert astuple(ledger.counts)[:4] == (8, 4, 3, 1)
