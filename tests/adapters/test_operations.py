"""What an operator looks up, waives and redrives, on the real Firestore."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from shared.adapters.firestore_operations import FirestoreOperations
from shared.adapters.firestore_redrives import FirestoreRedrives
from shared.domain.alert import Alert, Attempt, State
from shared.domain.contact import ContactDetails
from shared.errors import Conflict, OutcomeUnknown, Unreadable
from shared.ports import Step, Version
from shared.ports.operations import Action, Place, Selection, Wanted
from tests.adapters.conftest import FirestoreWorld
from tests.support.fakes import seconds
from tests.support.turns import alert, commit, conversation, now, unique

LOST = grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.fixture
def store(firestore_world: FirestoreWorld) -> FirestoreOperations:
    """What an operator sees of one Firestore."""
    return FirestoreOperations(firestore_world.database)


@pytest.fixture
def redrives(firestore_world: FirestoreWorld) -> FirestoreRedrives:
    """Its redrives."""
    return FirestoreRedrives(firestore_world.database)


def resting(world: FirestoreWorld, name: str, state: State = State.FAILED, **changes: Any) -> tuple[Alert, Version]:
    """An alert with its dead letter, and its version."""
    made = alert(name, **{"channel": "slack", "kind": "lead"} | changes)
    version = world.put(made)
    ended = None if state is State.PARKED else now()
    after = replace(made, state=state, cause=made.cause or "http_500", nonce=unique(), ended_at=ended)
    return after, world.alerts.write(Step(made, after, version))


def action(name: str = "redrive") -> Action:
    """Somebody's action."""
    return Action(unique(), name, {"ids": ["a"]}, "because", "ana")


def test_alerts_are_found_by_the_address_of_their_conversation(
    firestore_world: FirestoreWorld, store: FirestoreOperations
) -> None:
    """The newest first, of all conversations of the address and of no other, with what their dead letters say."""
    for number, email in enumerate(["ana@example.com", "ana@example.com", "bob@example.com"]):
        name = f"c{number}"
        begun = conversation(id=name, details=ContactDetails(email=email), updated_at=now() + seconds(number))
        made = alert(f"a{number}", conversation_id=name, created_at=now() + seconds(number))
        firestore_world.chat.commit_turn(commit(begun, None, made))
    resting(firestore_world, "failed", conversation_id="c0", created_at=now() - seconds(60))
    found = store.alerts_of("ana@example.com", 10)
    assert [each.alert.id for each in found] == ["a1", "a0", "failed"]
    assert [each.dead_letter.status if each.dead_letter else None for each in found] == [None, None, "failed"]
    assert [each.alert.id for each in store.alerts_of("ana@example.com", 2)] == ["a1", "a0"]
    assert store.alerts_of("nobody@example.com", 10) == []


def test_looking_an_address_up_takes_three_round_trips(
    firestore_world: FirestoreWorld, store: FirestoreOperations
) -> None:
    """However many conversations and alerts there are."""
    for number in range(4):
        begun = conversation(id=f"c{number}", details=ContactDetails(email="ana@example.com"))
        firestore_world.chat.commit_turn(commit(begun, None, alert(f"a{number}", conversation_id=f"c{number}")))
    firestore_world.wire.calls.clear()
    assert len(store.alerts_of("ana@example.com", 10)) == 4
    assert firestore_world.wire.calls == ["RunQuery", "RunQuery", "BatchGetDocuments"]


def test_an_alert_is_found_by_its_id(firestore_world: FirestoreWorld, store: FirestoreOperations) -> None:
    """With its dead letter; none is None, one that this version cannot read is told."""
    after, _ = resting(firestore_world, "a", history=(Attempt(now(), "retry", "http_500"),))
    found = store.alert("a")
    assert found is not None
    assert (found.alert, found.dead_letter and found.dead_letter.history) == (after, after.history)
    assert store.alert("nobody") is None
    firestore_world.database.document("alerts", "broken").set({"state": "queued"})
    with pytest.raises(Unreadable):
        store.alert("broken")


def test_dead_letters_come_a_page_at_a_time_the_newest_first(
    firestore_world: FirestoreWorld, store: FirestoreOperations
) -> None:
    """Each once, also where several came at the same time, and by status, cause and channel."""
    for number in range(4):
        resting(firestore_world, f"s{number}", cause="http_500" if number % 2 else "revoked")
    resting(firestore_world, "m", State.PARKED, channel="monday")
    same = now()
    for number in range(4):
        firestore_world.database.document("dead_letters", f"s{number}").update({"entered_at": same - seconds(60)})
    pages, after = [], None
    while page := store.dead_letters(Wanted(), 2, after):
        pages.append([each.id for each in page])
        after = Place.of(Place(page[-1].entered_at, page[-1].id).text)
    assert pages == [["m", "s3"], ["s2", "s1"], ["s0"]]
    assert [each.id for each in store.dead_letters(Wanted(("pending",)), 9)] == ["m"]
    wanted = Wanted(("failed",), "http_500", "slack")
    assert [each.id for each in store.dead_letters(wanted, 9)] == ["s3", "s1"]
    assert store.dead_letters(replace(wanted, channel="monday"), 9) == []
    assert [each.id for each in store.dead_letters(Wanted(since=same - seconds(30)), 9)] == ["m"]
    assert [each.id for each in store.dead_letters(Wanted(before=same - seconds(60)), 9)] == []


def test_a_waived_alert_is_written_with_its_dead_letter_and_its_record(
    firestore_world: FirestoreWorld, store: FirestoreOperations
) -> None:
    """One commit: who, why, when; what the dead letter knew before stays."""
    failed, version = resting(firestore_world, "a")
    waived = replace(failed, state=State.WAIVED, nonce=unique())
    done = action("waive")
    firestore_world.wire.calls.clear()
    store.waive(waived, version, done)
    assert firestore_world.wire.calls == ["Commit"]
    found = store.alert("a")
    assert found is not None
    assert found.alert == waived
    assert found.dead_letter is not None
    assert (found.dead_letter.status, found.dead_letter.entered_at < now()) == ("waived", True)
    record = firestore_world.document("operator_audit", done.id)
    assert (record["action"], record["subject"], record["reason"], record["by"]) == (
        "waive",
        {"ids": ["a"]},
        "because",
        "ana",
    )
    assert abs(record["at"] - now()) < seconds(60)


def test_an_alert_that_moved_on_is_not_waived(firestore_world: FirestoreWorld, store: FirestoreOperations) -> None:
    """Nothing is written, no record either."""
    failed, version = resting(firestore_world, "a")
    firestore_world.put(replace(failed, state=State.QUEUED, nonce=unique()))
    done = action("waive")
    with pytest.raises(Conflict):
        store.waive(replace(failed, state=State.WAIVED, nonce=unique()), version, done)
    assert firestore_world.document("operator_audit", done.id) == {}


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_waive_that_was_not_answered_is_found_or_done_again(
    firestore_world: FirestoreWorld, store: FirestoreOperations, *, takes_effect: bool
) -> None:
    """By its nonce; one record."""
    failed, version = resting(firestore_world, "a")
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=takes_effect)
    store.waive(replace(failed, state=State.WAIVED, nonce=unique()), version, action("waive"))
    assert firestore_world.document("alerts", "a")["state"] == "waived"
    assert len(firestore_world.names("operator_audit")) == 1


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_redrive_that_was_not_answered_is_begun_once(
    firestore_world: FirestoreWorld, redrives: FirestoreRedrives, *, takes_effect: bool
) -> None:
    """Found by its id or written again, with one record in the same commit."""
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=takes_effect)
    done = action()
    begun = redrives.begin("r", Selection(("a",), Wanted(("failed",))), done)
    assert (begun.id, begun.done, begun.selection.ids, begun.reason) == ("r", False, ("a",), "because")
    assert firestore_world.names("redrives") == {"r"}
    assert firestore_world.document("operator_audit", done.id)["action"] == "redrive"
    assert abs(begun.requested_at - now()) < seconds(60)


def test_f22_a_redrive_that_cannot_be_written_is_not_begun(
    firestore_world: FirestoreWorld, redrives: FirestoreRedrives
) -> None:
    """The caller hears of it."""
    firestore_world.wire.break_call("Commit", 1, 2, 3, status=LOST)
    with pytest.raises(OutcomeUnknown):
        redrives.begin("r", Selection(None, Wanted(cause="x")), action())
    assert redrives.find("r") is None


def test_a_redrive_takes_up_what_was_there_when_it_was_asked_for_and_each_once(
    firestore_world: FirestoreWorld, redrives: FirestoreRedrives
) -> None:
    """Oldest first, slice by slice; what became a dead letter later is another redrive's."""
    for number in range(5):
        resting(firestore_world, f"a{number}", State.PARKED if number == 2 else State.FAILED)
    resting(firestore_world, "other", channel="monday")
    redrive = redrives.begin("r", Selection(None, Wanted(("failed", "pending"), channel="slack")), action())
    later = firestore_world.database.document("dead_letters", "later")
    later.set(firestore_world.document("dead_letters", "a0") | {"entered_at": redrive.requested_at + seconds(1)})
    slices = []
    while not (redrive := redrives.take(redrive, 2)).done:
        slices.append([member.id for member in redrive.members])
        redrive = redrives.save(redrive)
        read = redrives.find("r")
        assert read is not None
        assert replace(read, idle=timedelta(0)) == redrive
        redrive = replace(redrive, members=(), selected=redrive.selected + len(redrive.members))
    assert slices == [["a0", "a1"], ["a2", "a3"], ["a4"]]
    assert redrive.selected == 5


def test_named_dead_letters_are_taken_up_in_their_order(
    firestore_world: FirestoreWorld, redrives: FirestoreRedrives
) -> None:
    """What is none, or is not wanted, is counted and skipped."""
    for name in ("a", "b", "c"):
        resting(firestore_world, name)
    resting(firestore_world, "waived", State.WAIVED)
    selection = Selection(("c", "nobody", "waived", "a"), Wanted(("failed", "pending")))
    redrive = redrives.begin("r", selection, action())
    first = redrives.take(redrive, 3)
    assert ([member.id for member in first.members], first.named, first.selected) == (["c"], 3, 2)
    second = redrives.take(replace(first, members=()), 3)
    assert ([member.id for member in second.members], second.named) == (["a"], 4)
    assert redrives.take(replace(second, members=()), 3).done


def test_of_two_who_work_on_one_redrive_one_saves(firestore_world: FirestoreWorld, redrives: FirestoreRedrives) -> None:
    """The other one is told and stops."""
    resting(firestore_world, "a")
    redrive = redrives.begin("r", Selection(None, Wanted(cause="http_500")), action())
    one, other = redrives.take(redrive, 9), redrives.take(redrive, 9)
    redrives.save(one)
    with pytest.raises(Conflict):
        redrives.save(other)


def test_a_redrive_that_is_done_runs_no_more_and_expires(
    firestore_world: FirestoreWorld, redrives: FirestoreRedrives
) -> None:
    """While it runs nothing removes it."""
    redrive = redrives.begin("r", Selection(None, Wanted(cause="x")), action())
    assert firestore_world.document("redrives", "r")["expires_at"] is None
    assert [each.id for each in redrives.running(9)] == ["r"]
    saved = redrives.save(redrives.take(redrive, 9))
    assert saved.done
    assert redrives.running(9) == []
    document = firestore_world.document("redrives", "r")
    assert (document["state"], document["expires_at"] > now() + timedelta(days=29)) == ("done", True)
    assert document["finished_at"] is not None
