"""Conservation on the real Firestore: it balances when all is well, and names whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from google.cloud import firestore

from shared.adapters import firestore_conservation
from shared.adapters.firestore_conservation import FirestoreConservation
from shared.adapters.firestore_housekeeping import FirestoreHousekeeping
from shared.domain import ids
from shared.domain.alert import State
from shared.domain.conservation import Census
from shared.domain.escalation import escalation
from shared.ports import Step
from tests.adapters.conftest import FirestoreWorld
from tests.support.fakes import POLICY
from tests.support.turns import alert, commit, conversation, now, unique

KEPT = timedelta(days=30)


@pytest.fixture
def census(firestore_world: FirestoreWorld) -> Callable[[], Census]:
    """Count what there is."""
    return lambda: FirestoreConservation(firestore_world.database).census(KEPT)


def lead(world: FirestoreWorld, name: str, channel: str = "slack", state: State = State.QUEUED) -> None:
    """A lead of a turn, moved on to a state."""
    made = alert(name, channel=channel, conversation_id=f"c-{name}")
    world.chat.commit_turn(commit(conversation(id=f"c-{name}"), None, made))
    if state is not State.QUEUED:
        stored = world.alerts.read(name)
        assert stored is not None
        waiting = state in {State.SENDING, State.PARKED}
        times = {"wake_at": now() if waiting else None, "ended_at": None if waiting else now()}
        after = replace(made, state=state, nonce=unique(), cause="x", **times)
        made_of_it = ()
        if state is State.FAILED:
            made_of_it = (escalation(after, ("email",), now=now(), nonce=unique(), policy=POLICY),)
        world.alerts.write(Step(made, after, stored.version, made_of_it))


def problems(found: Census) -> dict[str, str]:
    """The problems by the alerts' ids."""
    return {each.id: each.problem for each in found.wrong}


def test_every_state_is_counted_and_it_balances(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """A channel for each that has an alert or a tally; what was archived is counted as such."""
    for number, state in enumerate(State):
        lead(firestore_world, f"a{number}", "monday" if state is State.PARKED else "slack", state)
    lead(firestore_world, "old", state=State.DELIVERED)
    firestore_world.database.document("alerts", "old").update({"ended_at": now() - timedelta(days=31)})
    assert FirestoreHousekeeping(firestore_world.database).archive_ended(KEPT, 10) == 1
    found = census()
    assert set(found.channels) == {"slack", "monday", "email"}
    slack = found.channels["slack"]
    assert (slack.accepted, slack.archived, slack.alerts) == (9, 1, 8)
    assert slack.states == {state.value: int(state is not State.PARKED) for state in State}
    assert found.channels["monday"].states["parked"] == 1
    assert (found.balanced, found.wrong, found.complete) == (True, (), True)


def test_nothing_at_all_balances(census: Callable[[], Census]) -> None:
    """A system that was never used."""
    found = census()
    assert (found.channels, found.balanced) == ({}, True)


def test_counting_takes_round_trips_by_the_channel_and_not_by_the_alert(
    firestore_world: FirestoreWorld, census: Callable[[], Census]
) -> None:
    """Eleven a channel, twelve beside; no alert is read where all is well but those with dead letters."""
    for number in range(20):
        lead(firestore_world, f"a{number}", "monday" if number % 2 else "slack")
    firestore_world.wire.calls.clear()
    assert census().balanced
    assert len(firestore_world.wire.calls) == 12 + 2 * 11


def test_all_is_read_at_one_moment(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """What is written while it counts is not seen by half: all is read as of the first count."""
    lead(firestore_world, "a")
    seen: list[str] = []

    def meanwhile(name: str) -> None:
        seen.append(name)
        if name == "RunQuery" and seen.count(name) == 2:
            lead(firestore_world, "b", "monday")
        if name == "RunAggregationQuery" and seen.count(name) == 2:
            lead(firestore_world, "c")

    firestore_world.wire.before = meanwhile
    found = census()
    assert set(found.channels) == {"slack"}
    assert (found.channels["slack"].accepted, found.channels["slack"].alerts, found.balanced) == (1, 1, True)
    assert {"b", "c"} <= {snapshot.id for snapshot in firestore_world.database.client.collection("alerts").get()}
    firestore_world.wire.before = lambda _name: None
    assert [counts.accepted for counts in census().channels.values()] == [1, 2]


def test_a_lost_alert_is_named(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """Its message mentions it, with the conversation."""
    for name in ("kept", "lost"):
        lead(firestore_world, name)
    firestore_world.database.document("alerts", "lost").delete()
    found = census()
    assert not found.balanced
    assert list(problems(found)) == ["lost"]
    assert "conversation c-lost" in problems(found)["lost"]


def test_a_lost_escalation_is_named(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """Its dead letter says that it was made."""
    lead(firestore_world, "failed", state=State.FAILED)
    told = ids.escalation_id("failed", 1)
    firestore_world.database.document("alerts", told).delete()
    found = census()
    assert not found.balanced
    assert "the escalation of the alert failed" in problems(found)[told]


def test_an_escalation_that_was_delivered_and_archived_is_not_missed(
    firestore_world: FirestoreWorld, census: Callable[[], Census]
) -> None:
    """The alert it told of stays as long as nobody deals with it."""
    for name in ("failed", "lost"):
        lead(firestore_world, name, state=State.FAILED if name == "failed" else State.QUEUED)
    firestore_world.database.document("dead_letters", "failed").update({"escalated_at": now()})
    firestore_world.database.document("alerts", ids.escalation_id("failed", 1)).delete()
    firestore_world.database.document("alerts", "lost").delete()
    assert list(problems(census())) == ["lost"]


def test_an_alert_nobody_mentions_is_surplus(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """Only leads are mentioned by messages; the others of the channel are not accused."""
    lead(firestore_world, "kept")
    for name, kind in (("surplus", "lead"), ("telling", "notice")):
        firestore_world.put(alert(name, kind=kind))
    found = census()
    assert not found.balanced
    assert problems(found) == {"surplus": "it is surplus: no message mentions it"}


def test_a_lost_tally_does_not_balance(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """No alert is wrong, the count is."""
    lead(firestore_world, "a")
    for name in firestore_world.names("tallies"):
        firestore_world.database.document("tallies", name).delete()
    found = census()
    assert (found.balanced, found.wrong) == (False, ())
    assert (found.channels["slack"].accepted, found.channels["slack"].alerts) == (0, 1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"wake_at": None}, "without wake_at"),
        ({"wake_at": firestore.DELETE_FIELD}, "without wake_at"),
        ({"state": "lost in thought"}, "state is unknown"),
        ({"state": firestore.DELETE_FIELD}, "state is unknown"),
        ({"channel": None}, "channel is unknown"),
        ({"channel": firestore.DELETE_FIELD}, "channel is unknown"),
    ],
)
def test_an_alert_that_no_sweep_finds_is_named(
    firestore_world: FirestoreWorld, census: Callable[[], Census], changes: dict[str, object], problem: str
) -> None:
    """It has no time to wake, or nobody knows where or what it is; the field may be missing altogether."""
    for name in ("kept", "wrong"):
        lead(firestore_world, name)
    firestore_world.database.document("alerts", "wrong").update(changes)
    found = census()
    assert not found.balanced
    assert list(problems(found)) == ["wrong"]
    assert problem in problems(found)["wrong"]


@pytest.mark.parametrize("always", [True, False])
def test_an_alert_and_its_dead_letter_that_do_not_agree_are_named(
    firestore_world: FirestoreWorld, census: Callable[[], Census], monkeypatch: pytest.MonkeyPatch, *, always: bool
) -> None:
    """One without the other, or with another status; also where there are too many to compare them all always."""
    if not always:
        monkeypatch.setattr(firestore_conservation, "ALWAYS_COMPARED", 0)
    for name in ("kept", "bare", "other"):
        lead(firestore_world, name, state=State.PARKED)
    lead(firestore_world, "queued")
    letters = firestore_world.database.client.collection("dead_letters")
    letters.document("queued").set(letters.document("kept").get().to_dict())
    letters.document("nobody").set(letters.document("kept").get().to_dict())
    letters.document("bare").delete()
    letters.document("other").update({"status": "failed"})
    found = problems(census())
    assert set(found) == {"bare", "queued", "other", "nobody"}
    assert "has no dead letter" in found["bare"]
    assert "is not parked" in found["queued"]
    assert "says failed" in found["other"]


def test_no_more_than_a_hundred_are_named(firestore_world: FirestoreWorld, census: Callable[[], Census]) -> None:
    """And it says that there are more."""
    batch = firestore_world.database.client.batch()
    for number in range(101):
        batch.set(firestore_world.database.document("alerts", f"a{number}"), {"state": "queued", "channel": "slack"})
    batch.commit()
    found = census()
    assert (len(found.wrong), found.complete, found.balanced) == (100, False, False)
