"""The contract of the alerts' store, over the fake and over Firestore: fencing, dead letters, receipts, what is due."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.alert import Alert, Attempt, State
from shared.errors import Conflict
from tests.adapters.conftest import World
from tests.support.fakes import seconds
from tests.support.turns import alert, commit, now, unique


def changed(before: Alert, **changes: object) -> Alert:
    """An alert's next version, under a nonce of its own."""
    return replace(before, nonce=unique(), **changes)  # type: ignore[arg-type]


def stored(world: World, alert_id: str = "alert") -> Alert:
    """An alert as it stands."""
    found = world.alerts.read(alert_id)
    assert found is not None
    return found.alert


def full(name: str = "alert") -> Alert:
    """An alert with every field used."""
    at = datetime(2026, 1, 5, 9, 0, 0, 123_456, tzinfo=UTC)
    return alert(
        name,
        state=State.FAILED,
        wake_at=None,
        generation=7,
        epoch=2,
        attempts=3,
        maybe_shown=True,
        cause="http_500",
        history=(Attempt(at, "unknown", "timeout"), Attempt(at + seconds(1), "delivered", None)),
        ended_at=at,
    )


@pytest.mark.parametrize("made", [alert(), full()])
def test_an_alert_comes_back_as_it_was_written(world: World, made: Alert) -> None:
    """Every field, text of any script, times to the microsecond."""
    version = world.put(alert())
    world.alerts.write(alert(), made, version)
    assert stored(world) == made


def test_an_alert_of_a_turn_can_be_read_with_its_version_and_age(world: World) -> None:
    """The age is Firestore's time since the last write."""
    made = alert()
    world.chat.commit_turn(commit(None, None, made))
    found = world.alerts.read(made.id)
    assert found is not None
    assert (found.alert, found.receipt) == (made, False)
    assert timedelta(0) <= found.age < seconds(30)
    assert found.read_at - found.version == found.age


def test_a_missing_alert_is_none(world: World) -> None:
    """Erased or cleaned up: no error."""
    assert world.alerts.read("nobody") is None


def test_f08_a_write_of_an_older_version_is_refused(world: World) -> None:
    """A stale holder writes nothing, not even a dead letter."""
    made = alert()
    old = world.put(made)
    held = changed(made, state=State.SENDING)
    new = world.alerts.write(made, held, old)
    assert new > old
    with pytest.raises(Conflict):
        world.alerts.write(held, changed(held, state=State.PARKED), old)
    assert (stored(world), world.dead_letter(made.id)) == (held, None)
    assert world.alerts.write(held, changed(held, state=State.DELIVERED), new) > new


def test_a_write_that_changes_nothing_keeps_its_version(world: World) -> None:
    """Firestore does it so: without a nonce in every write two owners could hold one version."""
    made = alert()
    assert world.put(made) == world.put(made)
    first = world.put(made)
    assert world.put(replace(made, nonce=unique())) > first


def test_a_missing_alert_is_not_written(world: World) -> None:
    """An alert that was erased meanwhile does not come back, nor does its dead letter begin."""
    made = alert()
    version = world.put(alert("other"))
    with pytest.raises(Conflict):
        world.alerts.write(made, changed(made, state=State.PARKED, cause="x"), version)
    assert (world.alerts.read(made.id), world.dead_letter(made.id)) == (None, None)


def test_f07_of_many_writers_of_one_version_one_wins(world: World) -> None:
    """Twenty tasks and sweeps at once: one lease holder."""
    made = alert()
    version, start = world.put(made), threading.Barrier(20)

    def write(index: int) -> bool:
        start.wait()
        try:
            world.alerts.write(made, changed(made, state=State.SENDING, attempts=index), version)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        won = list(threads.map(write, range(20)))
    assert won.count(True) == 1
    assert stored(world).attempts == won.index(True)


@pytest.mark.parametrize(("state", "status"), [(State.PARKED, "pending"), (State.FAILED, "failed")])
def test_a_dead_letter_begins_with_the_state_and_ends_with_it(world: World, state: State, status: str) -> None:
    """In the same commit; it says why, how often, and when next."""
    made = alert()
    wake_at = now() + seconds(300) if state is State.PARKED else None
    dead = changed(made, state=state, cause="http_500", attempts=3, wake_at=wake_at)
    version = world.alerts.write(made, dead, world.put(made))
    assert world.dead_letter(made.id) == (status, "http_500", 3, wake_at)
    again = changed(dead, attempts=4, cause="timeout")
    version = world.alerts.write(dead, again, version)
    assert world.dead_letter(made.id) == (status, "timeout", 4, wake_at)
    version = world.alerts.write(again, changed(again, state=State.QUEUED), version)
    assert world.dead_letter(made.id) is None
    assert world.names("dead_letters") == set()


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.DELIVERED])
def test_an_alert_that_is_not_dead_has_no_dead_letter(world: World, state: State) -> None:
    """They are the parked and the failed, nothing else."""
    made = alert()
    world.alerts.write(made, changed(made, state=state), world.put(made))
    assert world.names("dead_letters") == set()


def test_a_receipt_counts_for_its_epoch_only(world: World) -> None:
    """After a redrive the alert is to be sent again."""
    made = alert()
    version = world.put(made)
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [False]
    world.alerts.leave_receipt(changed(made, state=State.SENDING))
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [True]
    world.alerts.leave_receipt(changed(made, state=State.SENDING))
    world.alerts.write(made, changed(made, epoch=2), version)
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [False]


def test_a_receipt_changes_nothing_else(world: World) -> None:
    """Not the alert, not its version: the owner's next write passes."""
    made = alert()
    version = world.put(made)
    world.alerts.leave_receipt(made)
    world.alerts.write(made, changed(made, state=State.DELIVERED), version)


def test_what_is_due_comes_oldest_first_and_bounded(world: World) -> None:
    """Due means at the moment or before; asleep, later and final alerts are not read."""
    at = now()
    waking = {name: at - seconds(back) for name, back in (("c", 1), ("a", 300), ("d", 0), ("b", 20))}
    made = {name: alert(name, wake_at=when, state=State.PARKED) for name, when in waking.items()}
    for each in made.values():
        world.put(each)
    world.put(alert("later", wake_at=at + seconds(0.001)))
    world.put(alert("final", wake_at=None, state=State.DELIVERED))
    assert [found.alert for found in world.alerts.due(at, 10)] == [made[name] for name in "abcd"]
    assert [found.alert.id for found in world.alerts.due(at, 3)] == ["a", "b", "c"]
    assert [found.alert.id for found in world.alerts.due(at - seconds(20), 10)] == ["a", "b"]
    assert world.alerts.due(at - seconds(301), 10) == []


def test_what_is_due_can_be_written(world: World) -> None:
    """With the version it was read at, and Firestore's time of the read."""
    made = alert(wake_at=now() - seconds(60))
    version = world.put(made)
    [found] = world.alerts.due(now(), 10)
    assert (found.version, found.receipt) == (version, False)
    assert found.read_at >= version
    world.alerts.write(found.alert, changed(found.alert, wake_at=now() + seconds(60)), found.version)
    assert world.alerts.due(now(), 10) == []


def test_firestores_time_goes_on(world: World) -> None:
    """It is not before the last write's."""
    version = world.put(alert())
    first = world.alerts.time()
    assert first >= version
    assert first.utcoffset() == timedelta(0)
    assert world.put(alert("next")) >= first
