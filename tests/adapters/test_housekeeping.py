"""Slots of jobs, and what has had its time, on the real Firestore."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import pytest

from shared.adapters.firestore_alerts import FirestoreAlerts
from shared.adapters.firestore_housekeeping import FirestoreHousekeeping, FirestoreJobSlots
from shared.domain.alert import State
from shared.flows.cleanup import EXPIRING
from shared.ports import Slot, Step
from tests.adapters.conftest import FirestoreWorld
from tests.support.fakes import seconds
from tests.support.turns import alert, claim, commit, now, unique

LEASE = timedelta(minutes=5)
LOST = grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.fixture
def slots(firestore_world: FirestoreWorld) -> FirestoreJobSlots:
    """The slots of one Firestore."""
    return FirestoreJobSlots(firestore_world.database)


@pytest.fixture
def store(firestore_world: FirestoreWorld) -> FirestoreHousekeeping:
    """What can be removed of it."""
    return FirestoreHousekeeping(firestore_world.database)


def test_f18_a_slot_is_taken_once(slots: FirestoreJobSlots) -> None:
    """The second firing finds it running, and later done; another job's is free."""
    assert slots.take("job", "10:00", "first", LEASE) is Slot.TAKEN
    assert slots.take("job", "10:00", "second", LEASE) is Slot.RUNNING
    slots.leave("job", "first", done=True)
    assert slots.take("job", "10:00", "third", LEASE) is Slot.DONE
    assert slots.take("another", "10:00", "third", LEASE) is Slot.TAKEN


def test_f18_of_many_firings_at_once_one_runs(slots: FirestoreJobSlots) -> None:
    """Conditional on what was read."""
    start = threading.Barrier(8)

    def fire(number: int) -> Slot:
        start.wait()
        return slots.take("job", "10:00", f"holder-{number}", LEASE)

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(fire, range(8)))
    assert (taken.count(Slot.TAKEN), taken.count(Slot.RUNNING)) == (1, 7)


def test_a_newer_slot_is_run_and_an_older_one_is_done(slots: FirestoreJobSlots) -> None:
    """A run that died does not hold the next one up; one that comes late has nothing left to do."""
    slots.take("job", "10:00", "dead", LEASE)
    assert slots.take("job", "10:05", "next", LEASE) is Slot.TAKEN
    assert slots.take("job", "10:00", "late", LEASE) is Slot.DONE
    slots.leave("job", "dead", done=True)
    assert slots.take("job", "10:05", "again", LEASE) is Slot.RUNNING


def test_a_slot_whose_holder_died_is_taken_over(slots: FirestoreJobSlots) -> None:
    """Once its lease is over; the dead holder marks nothing any more."""
    slots.take("job", "10:00", "dead", LEASE)
    assert slots.take("job", "10:00", "heir", timedelta(0)) is Slot.TAKEN
    slots.leave("job", "dead", done=True)
    assert slots.take("job", "10:00", "third", LEASE) is Slot.RUNNING


def test_a_slot_that_is_given_up_is_free(slots: FirestoreJobSlots) -> None:
    """A run that failed is tried again by the scheduler."""
    slots.take("job", "10:00", "first", LEASE)
    slots.leave("job", "first", done=False)
    assert slots.take("job", "10:00", "second", LEASE) is Slot.TAKEN


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_slot_whose_taking_was_not_answered_is_ours(
    firestore_world: FirestoreWorld, slots: FirestoreJobSlots, *, takes_effect: bool
) -> None:
    """Found by its nonce, or taken again."""
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=takes_effect)
    assert slots.take("job", "10:00", "first", LEASE) is Slot.TAKEN
    assert slots.take("job", "10:00", "second", LEASE) is Slot.RUNNING


def test_what_expired_is_removed_a_page_at_a_time(
    firestore_world: FirestoreWorld, store: FirestoreHousekeeping
) -> None:
    """What has not expired, or never does, stays."""
    for number in range(5):
        document = firestore_world.database.document("admissions", f"old-{number}")
        document.set({"expires_at": now() - seconds(1)})
    firestore_world.database.document("admissions", "young").set({"expires_at": now() + seconds(60)})
    firestore_world.database.document("admissions", "for ever").set({"expires_at": None})
    assert [store.remove_expired("admissions", 3) for _ in range(3)] == [3, 2, 0]
    assert firestore_world.names("admissions") == {"young", "for ever"}


def test_a_claim_that_was_renewed_meanwhile_stays(
    firestore_world: FirestoreWorld, store: FirestoreHousekeeping
) -> None:
    """The others of its page are removed all the same."""
    for name in ("a", "b", "c"):
        firestore_world.database.document("admissions", name).set({"expires_at": now() - seconds(1)})

    def renew(name: str) -> None:
        if name == "Commit":
            firestore_world.wire.before = lambda _name: None
            firestore_world.database.document("admissions", "b").set({"expires_at": now() + seconds(60)})

    firestore_world.wire.before = renew
    assert store.remove_expired("admissions", 10) == 2
    assert firestore_world.names("admissions") == {"b"}


def test_alerts_that_ended_are_archived_with_what_belongs_to_them(
    firestore_world: FirestoreWorld, store: FirestoreHousekeeping
) -> None:
    """Counted in the commit that deletes them; the failed and the waiting stay, however old."""
    world, old = firestore_world, now() - timedelta(days=31)
    kept = {"failed": State.FAILED, "parked": State.PARKED}
    ended = {"delivered": State.DELIVERED, "waived": State.WAIVED, "suppressed": State.SUPPRESSED}
    for name, state in {**kept, **ended}.items():
        made = alert(name)
        world.chat.commit_turn(commit(None, None, made))
        world.database.document("conversations", "conversation").delete()
        found = world.alerts.read(name)
        assert found is not None
        at = old if state is not State.PARKED else None
        FirestoreAlerts(world.database).write(
            Step(made, alert(name, state=state, ended_at=at, nonce=unique()), found.version)
        )
        world.alerts.leave_receipt(made)
    world.put(alert("recent", state=State.DELIVERED, ended_at=now()))
    assert [store.archive_ended(timedelta(days=30), 2) for _ in range(3)] == [2, 1, 0]
    assert world.names("alerts") == {*kept, "recent"}
    assert (world.names("dead_letters"), world.names("receipts")) == (set(kept), set(kept))
    tallies = [snapshot.to_dict() for snapshot in world.database.client.collection("tallies").stream()]
    assert sum(each["accepted"] for each in tallies) == 5
    assert sum(each.get("archived", 0) for each in tallies) == 3


def test_f03_archiving_that_was_not_answered_counts_once(
    firestore_world: FirestoreWorld, store: FirestoreHousekeeping
) -> None:
    """It took effect: the next page does not find them again."""
    world = firestore_world
    world.put(alert(state=State.DELIVERED, ended_at=now() - timedelta(days=31)))
    world.wire.break_call("Commit", 1, status=LOST, takes_effect=True)
    with pytest.raises(Exception, match="DeadlineExceeded"):
        store.archive_ended(timedelta(days=30), 10)
    assert store.archive_ended(timedelta(days=30), 10) == 0
    [tally] = [snapshot.to_dict() for snapshot in world.database.client.collection("tallies").stream()]
    assert tally["archived"] == 1


def test_removing_reads_only_what_expired(firestore_world: FirestoreWorld, store: FirestoreHousekeeping) -> None:
    """Two round trips however much is stored: the time, and a query that finds nothing."""
    world = firestore_world
    for _ in range(20):
        world.chat.open_turn(claim(), [], None)
    world.wire.calls.clear()
    assert store.remove_expired("admissions", 10) == 0
    assert world.wire.calls == ["BatchGetDocuments", "RunQuery"]


@pytest.mark.parametrize("collection", EXPIRING)
def test_an_empty_collection_has_nothing_to_remove(store: FirestoreHousekeeping, collection: str) -> None:
    """Of each that is cleaned; its query is run, and compared with the indexes."""
    assert store.remove_expired(collection, 1) == 0
