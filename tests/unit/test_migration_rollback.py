"""Rollbacks: what could not be taken back is said, and what goes back by the step's own way goes back whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.errors import MigrationRefused, MigrationRunning
from shared.flows.migration_slice import TRIES
from shared.migrations.ledger import (
    KEEP_COMING,
    PASSES_MOST,
    Counts,
    Entry,
    Ledger,
    State,
    begun,
    passed_back,
    rolled_back,
)
from tests.support.migration_flow import LEASE, NEW, OLD, ONE_IMAGE, Cut, MigrationFlow, a_step, named_back

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
SOME = {"a": OLD, "b": NEW, "c": OLD}


def gone(flow: MigrationFlow, packs: list[str]) -> None:
    """Before-images that have expired."""
    for pack in packs:
        flow.documents._stored.pop(f"before_images/{pack}")


def without_images() -> MigrationFlow:
    """A step that was run, whose before-images have all expired; it has a way back of its own."""
    flow = MigrationFlow(SOME, a_step(reverse=named_back), page_most=2)
    flow.run()
    gone(flow, flow.packs)
    return flow


def test_images_that_are_gone_are_told_of() -> None:
    """Half of them have expired: the documents stay as they are, and the ledger says how many."""
    flow = MigrationFlow(SOME, pack_bytes=ONE_IMAGE)
    assert flow.run().counts.written == 2
    gone(flow, flow.packs[:1])
    ledger = flow.roll_back()
    assert (ledger.state, ledger.counts.restored) == (State.ROLLED_BACK, 1)
    assert ledger.cause is not None
    assert ledger.cause.startswith("of 1 changes the before-images were not there any more")
    assert [name for name, fields in flow.docs.items() if "old" in fields] == ["c"]


def test_a_rollback_that_finds_every_image_says_nothing() -> None:
    """Also when it is the second one: what was taken back before does not stand any more."""
    flow = MigrationFlow(SOME)
    for _ in range(2):
        flow.run()
        assert flow.ledger().standing == 0
        ledger = flow.roll_back()
        assert (ledger.state, ledger.cause, flow.docs) == (State.ROLLED_BACK, None, SOME)


def test_what_an_earlier_run_changed_stands_until_it_is_taken_back() -> None:
    """A run that failed, and the next one: a rollback of both misses the images of the first."""
    failed = Ledger("0001", State.FAILED, "sum", counts=Counts(written=100), standing=7)
    again = begun(failed, "sum", 200, Entry(AT, "run", "me"))
    assert (again.standing, again.counts.written) == (107, 0)
    back = replace(again, state=State.ROLLING_BACK, counts=Counts(written=50, restored=48, kept=2))
    assert "of 107 changes" in str(rolled_back(back, AT).cause)
    assert rolled_back(replace(back, standing=0), AT).cause is None
    assert rolled_back(replace(back, by_reverse=True), AT).cause is None
    assert begun(rolled_back(back, AT), "sum", 200, Entry(AT, "run", "me")).standing == 0


def test_images_of_an_earlier_run_that_are_all_gone_are_gone() -> None:
    """Although the last run changed nothing: without a way back of its own a step cannot be taken back."""
    flow = MigrationFlow(SOME)
    flow.run()
    gone(flow, flow.packs)
    ledger = flow.ledger()
    flow.documents.put("migrations/0001", replace(ledger, counts=Counts(), standing=2))
    with pytest.raises(MigrationRefused, match="before-images are gone"):
        flow.asking.roll_back("0001", "me")


def test_what_keeps_changing_while_it_goes_back_is_taken_back_by_another_pass() -> None:
    """A visitor writes before each of the tries; the next pass finds the document at rest."""
    flow, written = without_images(), 0

    def strike(_: int, what: str) -> None:
        nonlocal written
        if what == "write a" and written < TRIES:
            written += 1
            flow.put("a", {"new": 2, "said": written})

    flow.strike = strike
    ledger = flow.roll_back()
    assert (ledger.state, ledger.cause, ledger.counts.kept) == (State.ROLLED_BACK, None, 0)
    assert flow.docs == {"a": {"old": 2, "said": TRIES}, "b": {"old": 1}, "c": OLD}


def test_passes_back_come_to_an_end() -> None:
    """One after another as long as something was left; in the end it is said."""
    ledger = Ledger("0001", State.ROLLING_BACK, by_reverse=True, changed=1, counts=Counts(restored=3, kept=2))
    again = passed_back(ledger)
    assert again is not None
    assert (again.passes, again.changed, again.counts) == (1, 0, Counts(restored=3))
    assert passed_back(again) is None
    last = replace(ledger, passes=PASSES_MOST - 1)
    assert passed_back(last) is None
    assert rolled_back(last, AT).cause == KEEP_COMING


def test_images_of_a_way_back_are_never_brought_back() -> None:
    """It was broken off, and the step stamped; a run and a rollback later nothing is in the new form but what was."""
    flow = without_images()

    def strike(_: int, what: str) -> None:
        if what == "written a":
            raise Cut

    flow.asking.roll_back("0001", "me")
    flow.strike = strike
    with pytest.raises(Cut):
        flow.working(flow.slices.asked[0])
    flow.strike = lambda number, what: None
    assert flow.packs
    flow.slices.asked.clear()
    flow.asking.stamp("0001", "pending", "me", "we begin anew")
    flow.run()
    before = flow.docs
    assert all("new" in fields for fields in before.values())
    ledger = flow.roll_back()
    assert (ledger.state, ledger.cause, flow.packs) == (State.ROLLED_BACK, None, [])
    assert flow.docs == {"a": OLD, "b": NEW, "c": {"new": 2}}


def test_a_way_back_that_its_code_no_longer_has_is_refused() -> None:
    """Instead of being asked for again and again without anything happening."""
    flow = without_images()
    flow.asking.roll_back("0001", "me")
    flow.steps["0001"] = a_step()
    with pytest.raises(MigrationRefused, match="no longer has"):
        flow.asking.roll_back("0001", "me")


def test_a_run_that_stands_still_is_not_taken_back_while_what_it_sent_may_arrive() -> None:
    """Another lease long: a change that came after its document had been looked at would stay."""
    flow = MigrationFlow(SOME)
    flow.asking.run("0001", "me")
    flow.lease = LEASE
    flow.documents.now += LEASE * 1.5
    with pytest.raises(MigrationRunning) as refused:
        flow.asking.roll_back("0001", "me")
    assert refused.value.retry_after == pytest.approx(LEASE.total_seconds() / 2, abs=1)
    flow.documents.now += LEASE / 2
    assert flow.asking.roll_back("0001", "me")["state"] == "rolling_back"
