"""What an operator asks of migrations, over a store in memory: what is answered, refused, written down and told."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import (
    Conflict,
    MigrationRefused,
    MigrationRunning,
    OutcomeUnknown,
    RequestError,
    StorageUnavailable,
    Unavailable,
)
from shared.flows.migration_slice import WorkSlice
from shared.migrations.ledger import Counts, Ledger, State
from shared.migrations.step import Change, Document
from shared.ports.migrations import StoredLedger
from tests.support.documents import NOW
from tests.support.migration_flow import BAD, LEASE, NEW, OLD, MigrationFlow, RefusingSlices, a_step, named_back

DOCS = {"a": OLD, "b": NEW, "c": BAD, "d": OLD}
FIRST_SLICE = int(NOW.timestamp())


def three(docs: dict[str, Any] | None = None) -> MigrationFlow:
    """Three steps; the third one needs the first, which comes before it anyway."""
    steps = [a_step("0001"), a_step("0002"), a_step("0003", requires=("0001",))]
    return MigrationFlow(docs if docs is not None else DOCS, *steps)


def arranged(flow: MigrationFlow, step: str = "0001", **changes: Any) -> Ledger:
    """A ledger that stands so."""
    ledger = replace(Ledger(step, checksum="sum-1", run=1, slice=7), **changes)
    flow.documents.put(f"migrations/{step}", ledger)
    return ledger


def idle(flow: MigrationFlow, wait: timedelta) -> None:
    """So long ago the ledger was written last."""
    version = flow.store.ledgers(["0001"])["0001"].version
    assert version is not None
    flow.documents.now = version + wait


def failing(flow: MigrationFlow, call: str, error: Exception) -> None:
    """A call that storage does not answer."""

    def strike(_: int, what: str) -> None:
        if what == call:
            raise error

    flow.strike = strike


def test_every_step_is_listed_in_its_order() -> None:
    """Also those that nobody has touched."""
    flow = three()
    flow.run("0001")
    rows = flow.asking.status()["steps"]
    assert [(row["id"], row["state"]) for row in rows] == [("0001", "done"), ("0002", "pending"), ("0003", "pending")]
    assert rows[0] == flow.asking.one("0001")


@pytest.mark.parametrize("asked", ["one", "plan", "run", "roll_back", "stamp", "accept"])
def test_a_step_that_does_not_exist_is_not_found(asked: str) -> None:
    """Whatever is asked of it; nothing is written."""
    flow = three()
    rest: dict[str, tuple[Any, ...]] = {"one": (), "stamp": ("done", "me", None), "accept": ("me", None)}
    with pytest.raises(RequestError) as refused:
        getattr(flow.asking, asked)("0009", *rest.get(asked, (None,)))
    assert (refused.value.status, refused.value.detail) == (404, "A step of this number does not exist.")
    assert flow.slices.asked == []
    assert flow.documents.under("migrations") == {}


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        ("status", "ledgers"),
        ("plan", "ledgers"),
        ("plan", "count"),
        ("plan", "pages"),
        ("run", "ledgers"),
        ("run", "count"),
        ("run", "save"),
        ("roll_back", "newest_pack"),
        ("stamp", "save"),
    ],
)
def test_storage_that_does_not_answer_is_told(asked: str, call: str) -> None:
    """With the name of the error; the operator may ask again."""
    flow = three()
    if asked == "roll_back":
        flow.run()
    rest: dict[str, tuple[Any, ...]] = {"status": (), "stamp": ("0001", "done", "me", None)}
    failing(flow, call, StorageUnavailable("no"))
    with pytest.raises(Unavailable):
        getattr(flow.asking, asked)(*rest.get(asked, ("0001", None)))
    assert flow.events.lines[-1] == ("storage_failed", {"error": "StorageUnavailable"})
    assert flow.slices.asked == []


def test_a_plan_says_what_a_run_does_and_writes_nothing() -> None:
    """Counts, samples, what cannot be changed and why; which steps come first; it is on record."""
    flow = three()
    plan = flow.asking.plan("0002", None)
    assert plan["counts"] == {"read": 4, "written": 2, "unchanged": 1, "failed": 1}
    assert (plan["errors"], plan["reasons"]) == ([{"id": "c", "reason": "bad as it is"}], {"bad as it is": 1})
    assert [sample["id"] for sample in plan["samples"]] == ["a", "d"]
    told = {name: plan[name] for name in ("step", "title", "description", "checksum", "dry_run", "state", "total")}
    assert told == {
        "step": "0002",
        "title": "Step 0002",
        "description": "Renames a field.",
        "checksum": "sum-1",
        "dry_run": True,
        "state": "pending",
        "total": 4,
    }
    assert (plan["waits_for"], plan["complete"], plan["next"]) == (["0001"], True, None)
    assert plan["cost"]["writes"] == 2 + 2 * 1 + 3
    assert plan["cost"]["reads"] == 4 * 2 + 2
    assert flow.events.lines == [("migration_planned", {"step": "0002", "count": 2})]
    assert flow.docs == DOCS
    assert flow.documents.under("migrations") == {}


def test_a_plan_is_what_the_run_counts() -> None:
    """A pass that sees that no old form is left reads everything once more."""
    flow = three()
    plan = flow.asking.plan("0001", None)["counts"]
    assert asdict(flow.run().counts) == plan | {"verified": 4, "restored": 0, "kept": 0}
    assert flow.asking.plan("0001", None)["counts"] == {"read": 4, "written": 0, "unchanged": 3, "failed": 1}
    assert flow.asking.plan("0002", None)["waits_for"] == []


def test_a_long_plan_comes_in_parts_that_are_the_whole() -> None:
    """Each says where the next one begins; a last page that is full may be followed by one without documents."""
    flow = MigrationFlow({f"d{number:04}": OLD for number in range(2000)})
    flow.plan_seconds, flow.tick = 1.0, 2.0
    parts, after = [], None
    while not parts or after is not None:
        parts.append(flow.asking.plan("0001", after))
        after = parts[-1]["next"]
    assert [(part["counts"]["written"], part["complete"], part["next"]) for part in parts] == [
        (1000, False, "d0999"),
        (1000, False, "d1999"),
        (0, True, None),
    ]
    assert [part["total"] for part in parts] == [2000] * 3
    flow.remove("d1999")
    assert flow.asking.plan("0001", "d0999")["complete"]


def test_a_plan_that_has_its_time_is_one() -> None:
    """To the very end of it."""
    flow = MigrationFlow({f"d{number:04}": OLD for number in range(2000)})
    flow.plan_seconds = 0.0
    assert flow.asking.plan("0001", None)["counts"]["read"] == 2000


def test_a_run_is_written_down_and_its_first_slice_asked_for() -> None:
    """With who asked, when, how much there is to do, and the code it runs."""
    flow = three()
    row = flow.asking.run("0001", "me")
    ledger = flow.ledger()
    assert (row["state"], row["total"], row["by"], row["checksum"]) == ("running", 4, "me", "sum-1")
    assert (ledger.requested_at, ledger.ramp_at, ledger.run) == (NOW, NOW, 1)
    assert [(entry.at, entry.what, entry.by, entry.reason) for entry in ledger.log] == [(NOW, "run", "me", None)]
    assert flow.slices.asked == [WorkSlice("0001", 1, FIRST_SLICE)]
    assert flow.events.lines == [("migration_begun", {"step": "0001", "state": "running"})]


def test_a_step_waits_for_all_before_it() -> None:
    """In their order, each once, also one that a step names itself; and for one that is said to be needed."""
    flow = three()
    with pytest.raises(MigrationRefused, match=r"^These steps must be done first: 0001, 0002\.$"):
        flow.asking.run("0003", "me")
    flow.asking.stamp("0001", "done", "me", None)
    with pytest.raises(MigrationRefused, match="first: 0002"):
        flow.asking.run("0003", "me")
    flow.asking.stamp("0002", "done", "me", None)
    assert flow.asking.run("0003", "me")["state"] == "running"
    later = MigrationFlow(DOCS, a_step("0001", requires=("0002",)), a_step("0002"))
    with pytest.raises(MigrationRefused, match="first: 0002"):
        later.asking.run("0001", "me")


def test_what_is_done_stays_so() -> None:
    """Asking again begins nothing."""
    flow = three()
    flow.run()
    before, flow.slices.asked = flow.ledger(), []
    assert flow.asking.run("0001", "you") == flow.asking.one("0001")
    assert (flow.ledger(), flow.slices.asked) == (before, [])


@pytest.mark.parametrize("state", [State.FAILED, State.ROLLED_BACK])
def test_what_did_not_last_can_be_run_from_the_beginning(state: State) -> None:
    """Its counts begin anew, what was done and by whom is kept, and no task's name comes again."""
    flow = three()
    arranged(flow, state=state, counts=Counts(read=9, written=9), run=3, slice=FIRST_SLICE + 5)
    row = flow.asking.run("0001", "me")
    assert (row["state"], row["counts"]["read"], row["run"]) == ("running", 0, 4)
    assert flow.slices.asked == [WorkSlice("0001", 4, FIRST_SLICE + 6)]


def test_a_run_that_stands_still_goes_on_where_it_was() -> None:
    """Under a new slice, with its counts; the ramp-up begins anew, as nothing was written meanwhile."""
    flow = three({**DOCS, "a": {"new": 2}})
    arranged(flow, state=State.RUNNING, holder="dead", cursor="b", counts=Counts(read=2, written=1), total=4, changed=1)
    flow.clock.advance(100)
    row = flow.asking.run("0001", "you")
    ledger = flow.ledger()
    assert (row["counts"]["read"], row["by"], ledger.cursor, ledger.holder) == (2, "you", "b", None)
    assert (ledger.slice, ledger.ramp_at, ledger.log[-1].what) == (8, flow.clock.now(), "resume")
    assert flow.slices.asked == [WorkSlice("0001", 1, 8)]
    flow.work()
    assert flow.ledger().counts == Counts(read=4, written=2, failed=1, verified=4)


@pytest.mark.parametrize("state", [State.RUNNING, State.ROLLING_BACK])
@pytest.mark.parametrize("asked", ["run", "roll_back", "stamp", "accept"])
def test_a_step_that_is_worked_at_is_left_to_whoever_does(asked: str, state: State) -> None:
    """Told with how long the lease lasts from now; it is on record."""
    flow = three()
    flow.lease = LEASE
    before = arranged(flow, state=state, holder="somebody")
    idle(flow, timedelta(seconds=8.7))
    rest: dict[str, tuple[Any, ...]] = {"stamp": ("done", "me", None), "accept": ("me", None)}
    with pytest.raises(MigrationRunning) as refused:
        getattr(flow.asking, asked)("0001", *rest.get(asked, ("me",)))
    assert (refused.value.status, refused.value.retry_after) == (409, 22)
    assert flow.events.lines == [("migration_refused", {"step": "0001", "reason": "running"})]
    assert (flow.ledger(), flow.slices.asked) == (before, [])


def test_a_lease_lasts_as_long_as_it_is_said() -> None:
    """Its last moment is a second to the caller; then the step is anybody's."""
    flow = three()
    flow.lease = LEASE
    arranged(flow, state=State.RUNNING, holder="somebody")
    idle(flow, LEASE - timedelta(milliseconds=1))
    assert not flow.asking.one("0001")["stalled"]
    with pytest.raises(MigrationRunning) as refused:
        flow.asking.run("0001", "me")
    assert refused.value.retry_after == 1
    idle(flow, LEASE)
    assert flow.asking.one("0001")["stalled"]
    assert flow.asking.run("0001", "me")["state"] == "running"


def test_of_two_who_ask_at_once_one_is_told_of_the_other() -> None:
    """Both had read the same: the ledger's write decides."""
    flow = three()
    flow.lease = LEASE

    def strike(_: int, what: str) -> None:
        if what == "count":
            flow.strike = lambda *_: None
            flow.asking.run("0001", "the other")

    flow.strike = strike
    with pytest.raises(MigrationRunning) as refused:
        flow.asking.run("0001", "me")
    assert refused.value.retry_after == 30
    assert len(flow.slices.asked) == 1
    assert flow.ledger().by == "the other"


@pytest.mark.parametrize("state", [State.RUNNING, State.DONE, State.FAILED])
def test_changed_code_is_not_run_until_a_person_accepts_it(state: State) -> None:
    """Wherever the old code may have changed documents; the sentence names both and says how."""
    flow = three()
    arranged(flow, state=state, checksum="sum-0")
    with pytest.raises(MigrationRefused) as refused:
        flow.asking.run("0001", "me")
    assert refused.value.detail == (
        "The code of this step has changed since it was run (from sum-0 to sum-1). "
        "Accept it if it does the same: python -m infra.ops migrate accept."
    )
    assert flow.events.lines == [("migration_refused", {"step": "0001", "reason": "changed"})]
    assert flow.asking.one("0001")["changed"]
    row = flow.asking.accept("0001", "me", "a comment")
    assert (row["changed"], row["checksum"], row["log"][-1]) == (
        False,
        "sum-1",
        {"at": NOW.isoformat(), "what": "accept", "by": "me", "reason": "a comment"},
    )
    assert flow.ledger().checksum == "sum-1"
    assert flow.asking.run("0001", "me")["state"] in ("running", "done")


def test_code_that_has_changed_nothing_is_nobodys_concern() -> None:
    """A step that was taken back, or never run, may have any code; there is nothing to accept of the latter."""
    flow = three()
    with pytest.raises(MigrationRefused, match=r"^The step was never run: there is nothing to accept\.$"):
        flow.asking.accept("0001", "me", None)
    arranged(flow, state=State.ROLLED_BACK, checksum="sum-0")
    assert not flow.asking.one("0001")["changed"]
    assert flow.asking.run("0001", "me")["checksum"] == "sum-1"


@pytest.mark.parametrize("asked", ["run", "roll_back"])
def test_what_could_not_be_queued_is_as_if_nobody_had_asked(asked: str) -> None:
    """But for its numbers, which name tasks that the queue may have taken after all; asking again works."""
    flow = three()
    if asked == "roll_back":
        flow.run()
    before = flow.ledger()
    flow.slices = RefusingSlices()
    with pytest.raises(Unavailable):
        getattr(flow.asking, asked)("0001", "me")
    assert flow.events.lines[-1] == ("enqueue_failed", {"error": "the queue does not answer"})
    after = flow.ledger()
    assert (after.slice > before.slice, after.run) == (True, before.run + (asked == "run"))
    assert replace(after, run=before.run, slice=before.slice) == before
    getattr(flow.asking, asked)("0001", "me")
    assert flow.slices.asked[0].number > after.slice
    flow.work()
    assert flow.ledger().state is (State.DONE if asked == "run" else State.ROLLED_BACK)


def test_what_cannot_even_be_taken_back_is_told() -> None:
    """The run stands still then, and says so once its lease is over."""
    flow = three()
    flow.slices = RefusingSlices()
    saves: list[str] = []

    def strike(_: int, what: str) -> None:
        if what == "save" and len(saves) == 1:
            raise OutcomeUnknown("no answer")
        saves.extend([what] * (what == "save"))

    flow.strike = strike
    with pytest.raises(Unavailable):
        flow.asking.run("0001", "me")
    assert flow.events.lines[-2:] == [
        ("enqueue_failed", {"error": "the queue does not answer"}),
        ("storage_failed", {"error": "OutcomeUnknown"}),
    ]
    assert flow.asking.one("0001")["stalled"]


def test_a_rollback_takes_back_what_was_run() -> None:
    """Its counts are its own; what was written is still told; it can be run again."""
    flow = three()
    flow.run()
    flow.clock.advance(60)
    row = flow.asking.roll_back("0001", "you")
    assert (row["state"], row["by"], row["finished_at"], row["errors"]) == ("rolling_back", "you", None, [])
    assert (flow.ledger().ramp_at, flow.ledger().by_reverse) == (flow.clock.now(), False)
    assert flow.events.lines[-1] == ("migration_begun", {"step": "0001", "state": "rolling_back"})
    flow.work()
    assert flow.docs == DOCS
    row = flow.asking.one("0001")
    assert (row["state"], row["counts"]["restored"], row["counts"]["written"]) == ("rolled_back", 2, 2)
    assert [entry["what"] for entry in row["log"]] == ["run", "rollback"]
    assert flow.run().state is State.DONE


@pytest.mark.parametrize("state", [State.PENDING, State.ROLLED_BACK])
def test_what_was_not_run_cannot_be_taken_back(state: State) -> None:
    """Said with how it stands."""
    flow = three()
    arranged(flow, state=state)
    with pytest.raises(MigrationRefused, match=rf"^The step is {state}: there is nothing to take back\.$"):
        flow.asking.roll_back("0001", "me")


@pytest.mark.parametrize("state", [State.RUNNING, State.DONE, State.FAILED, State.ROLLING_BACK])
def test_later_steps_are_taken_back_first(state: State) -> None:
    """They were made of what this one had made; an earlier one is in nobody's way."""
    flow = three()
    for step in ("0001", "0002"):
        arranged(flow, step, state=State.DONE)
    arranged(flow, "0003", state=state)
    with pytest.raises(MigrationRefused, match=r"^These later steps must be rolled back first: 0002, 0003\.$"):
        flow.asking.roll_back("0001", "me")
    assert flow.asking.roll_back("0003", "me")["state"] == "rolling_back"


def test_a_rollback_that_was_begun_is_ended_first() -> None:
    """A run is refused until then; asking for the rollback again goes on with it."""
    flow = three()
    flow.run()
    flow.asking.roll_back("0001", "me")
    with pytest.raises(MigrationRefused, match=r"^A rollback of this step was begun; let it end first"):
        flow.asking.run("0001", "me")
    begun = flow.ledger()
    row = flow.asking.roll_back("0001", "you")
    assert (row["state"], row["log"][-1]["what"], row["by"]) == ("rolling_back", "resume", "you")
    assert (flow.ledger().slice, flow.ledger().run) == (begun.slice + 1, begun.run)
    flow.work()
    assert flow.docs == DOCS


def test_without_before_images_a_step_goes_back_by_its_own_way_or_not_at_all() -> None:
    """What it takes back is counted, and what it cannot is told; nothing of this comes back with a later rollback."""
    flow = MigrationFlow(DOCS, a_step())
    flow.run()
    flow.documents._stored.pop(f"before_images/{flow.packs[0]}")
    with pytest.raises(MigrationRefused, match=r"^The step's before-images are gone, and it has no way back without"):
        flow.asking.roll_back("0001", "me")
    flow.steps["0001"] = a_step(reverse=named_back)
    flow.asking.roll_back("0001", "me")
    assert flow.ledger().by_reverse
    flow.work()
    assert flow.docs == {"a": OLD, "b": {"old": 1}, "c": BAD, "d": OLD}
    row = flow.asking.one("0001")
    assert (row["state"], row["counts"]) == (
        "rolled_back",
        {"read": 4, "written": 2, "unchanged": 1, "failed": 1, "verified": 4, "restored": 3, "kept": 1},
    )
    assert row["errors"] == [{"id": "c", "reason": "bad as it is"}]
    assert flow.packs == []
    flow.run()
    flow.roll_back()
    assert flow.docs == {"a": OLD, "b": {"old": 1}, "c": BAD, "d": OLD}


def test_a_step_that_changed_nothing_needs_no_images_to_go_back() -> None:
    """It is taken back at once."""
    flow = MigrationFlow({"b": NEW})
    flow.run()
    assert flow.packs == []
    assert flow.roll_back().state is State.ROLLED_BACK


@pytest.mark.parametrize("state", ["done", "pending"])
def test_a_stamp_touches_no_document(state: str) -> None:
    """It says what is so, by whom and why, and forgets counts that are of no run."""
    flow = three()
    flow.run()
    docs = flow.docs
    flow.clock.advance(5)
    row = flow.asking.stamp("0001", state, "me", "restored from a copy")
    assert (row["state"], row["counts"]["written"]) == (state, 0)
    assert row["finished_at"] == (flow.clock.now().isoformat() if state == "done" else None)
    assert row["log"][-1] == {
        "at": flow.clock.now().isoformat(),
        "what": f"stamp {state}",
        "by": "me",
        "reason": "restored from a copy",
    }
    assert (flow.ledger().checksum, flow.docs) == ("sum-1" if state == "done" else None, docs)


def test_a_stamp_that_somebody_overtook_is_told() -> None:
    """It would undo what they did."""
    flow = three()
    failing(flow, "save", Conflict("0001"))
    with pytest.raises(MigrationRunning):
        flow.asking.stamp("0001", "done", "me", None)


def test_a_document_that_breaks_the_step_is_counted_and_stops_nothing() -> None:
    """Named with the kind of error, never with what it holds."""

    def transform(document: Document) -> Change | None:
        return Change({"new": document.fields["old"]}) if "new" not in document.fields else None

    flow = MigrationFlow({"a": OLD, "b": {"other": "secret"}}, a_step(transform=transform))
    assert flow.run().counts == Counts(read=2, written=1, failed=1, verified=2)
    row = flow.asking.one("0001")
    assert (row["state"], row["errors"]) == ("done", [{"id": "b", "reason": "the step failed on it (KeyError)"}])


def test_a_ledger_of_long_ago_counts_from_its_last_write() -> None:
    """Nobody holds what is done, however lately."""
    flow = three()
    flow.lease = LEASE
    flow.run()
    assert isinstance(flow.store.ledgers(["0001"])["0001"], StoredLedger)
    assert flow.asking.roll_back("0001", "me")["state"] == "rolling_back"
