"""The contract of the alerts' store, over the fake and over Firestore: fencing, dead letters, receipts, what is due."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.alert import Alert, Attempt, State
from shared.domain.destination import Destination
from shared.errors import Conflict
from shared.ports import Page, Step, StoredDestination
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
    world.alerts.write(Step(alert(), made, version))
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
    new = world.alerts.write(Step(made, held, old))
    assert new > old
    with pytest.raises(Conflict):
        world.alerts.write(Step(held, changed(held, state=State.PARKED), old))
    assert (stored(world), world.dead_letter(made.id)) == (held, None)
    assert world.alerts.write(Step(held, changed(held, state=State.DELIVERED), new)) > new


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
        world.alerts.write(Step(made, changed(made, state=State.PARKED, cause="x"), version))
    assert (world.alerts.read(made.id), world.dead_letter(made.id)) == (None, None)


def test_f07_of_many_writers_of_one_version_one_wins(world: World) -> None:
    """Twenty tasks and sweeps at once: one lease holder."""
    made = alert()
    version, start = world.put(made), threading.Barrier(20)

    def write(index: int) -> bool:
        start.wait()
        try:
            world.alerts.write(Step(made, changed(made, state=State.SENDING, attempts=index), version))
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
    version = world.alerts.write(Step(made, dead, world.put(made)))
    assert world.dead_letter(made.id) == (status, "http_500", 3, wake_at)
    again = changed(dead, attempts=4, cause="timeout")
    version = world.alerts.write(Step(dead, again, version))
    assert world.dead_letter(made.id) == (status, "timeout", 4, wake_at)
    version = world.alerts.write(Step(again, changed(again, state=State.QUEUED), version))
    assert world.dead_letter(made.id) is None
    assert world.names("dead_letters") == set()


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.DELIVERED])
def test_an_alert_that_is_not_dead_has_no_dead_letter(world: World, state: State) -> None:
    """They are the parked and the failed, nothing else."""
    made = alert()
    world.alerts.write(Step(made, changed(made, state=state), world.put(made)))
    assert world.names("dead_letters") == set()


def test_a_receipt_counts_for_its_epoch_only(world: World) -> None:
    """After a redrive the alert is to be sent again."""
    made = alert(attempts=1)
    version = world.put(made)
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [False]
    world.alerts.leave_receipt(changed(made, state=State.SENDING))
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [True]
    world.alerts.leave_receipt(changed(made, state=State.SENDING))
    world.alerts.write(Step(made, changed(made, epoch=2), version))
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [False]


def test_a_receipt_of_a_later_epoch_does_not_hide_an_earlier_one(world: World) -> None:
    """A holder stalled through a redrive writes late: both count, each for its own epoch."""
    made = alert(epoch=2, attempts=1)
    world.put(made)
    world.alerts.leave_receipt(made)
    world.alerts.leave_receipt(replace(made, epoch=1))
    assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [True]


def test_an_alert_that_nobody_has_held_has_no_receipt_to_look_for(world: World) -> None:
    """Whoever leaves one has begun an attempt: its history, its count or its state says so."""
    made = alert()
    assert not made.was_held
    for held in (
        replace(made, state=State.SENDING),
        replace(made, attempts=1),
        replace(made, history=(Attempt(now(), "blocked", "no_team"),)),
    ):
        assert held.was_held
        world.put(held)
        world.alerts.leave_receipt(held)
        assert [found.receipt for found in [world.alerts.read(made.id)] if found] == [True]


def test_a_receipt_changes_nothing_else(world: World) -> None:
    """Not the alert, not its version: the owner's next write passes."""
    made = alert()
    version = world.put(made)
    world.alerts.leave_receipt(made)
    world.alerts.write(Step(made, changed(made, state=State.DELIVERED), version))


def test_what_is_due_comes_oldest_first_and_bounded(world: World) -> None:
    """Due means at the moment or before; asleep, later and final alerts are not read."""
    at = now()
    waking = {name: at - seconds(back) for name, back in (("c", 1), ("a", 300), ("d", 0), ("b", 20))}
    made = {name: alert(name, wake_at=when, state=State.PARKED) for name, when in waking.items()}
    for each in made.values():
        world.put(each)
    world.put(alert("later", wake_at=at + seconds(0.001)))
    world.put(alert("final", wake_at=None, state=State.DELIVERED))
    assert [found.alert for found in world.alerts.due(at, 10, channel="slack", parked=True).alerts] == [
        made[name] for name in "abcd"
    ]
    assert [found.alert.id for found in world.alerts.due(at, 3, channel="slack", parked=True).alerts] == ["a", "b", "c"]
    assert [
        found.alert.id for found in world.alerts.due(at - seconds(20), 10, channel="slack", parked=True).alerts
    ] == ["a", "b"]
    assert world.alerts.due(at - seconds(301), 10, channel="slack", parked=True) == Page(())


def test_what_is_due_can_be_written(world: World) -> None:
    """With the version it was read at, and Firestore's time of the read."""
    made = alert(wake_at=now() - seconds(60))
    version = world.put(made)
    [found] = world.alerts.due(now(), 10, channel="slack", parked=False).alerts
    assert (found.version, found.receipt) == (version, False)
    assert found.read_at >= version
    world.alerts.write(Step(found.alert, changed(found.alert, wake_at=now() + seconds(60)), found.version))
    assert world.alerts.due(now(), 10, channel="slack", parked=False) == Page(())


def test_firestores_time_goes_on(world: World) -> None:
    """It is not before the last write's."""
    version = world.put(alert())
    _, first = world.alerts.destinations(["slack"])
    assert first >= version
    assert first.utcoffset() == timedelta(0)
    assert world.put(alert("next")) >= first


def test_alerts_that_tell_of_a_step_are_made_and_counted_with_it(world: World) -> None:
    """An escalation in the commit of the failure; refused as a whole if it exists already."""
    made, told = alert(), alert("told", channel="email", kind="escalation", route=("email", "slack"))
    failed = changed(made, state=State.FAILED, wake_at=None)
    version = world.alerts.write(Step(made, failed, world.put(made), made=(told,)))
    assert stored(world, "told") == told
    assert world.tally("email", "escalation") == 1
    with pytest.raises(Conflict):
        world.alerts.write(Step(failed, changed(failed, state=State.WAIVED), version, made=(told,)))
    assert (stored(world), world.tally("email", "escalation")) == (failed, 1)


def test_an_alert_that_changes_its_channel_is_counted_there(world: World) -> None:
    """Accepted is compared with states channel by channel: a relayed alert takes its count along."""
    made = alert("told", channel="email", kind="escalation", route=("email", "slack"))
    world.chat.commit_turn(commit(None, None, made))
    found = world.alerts.read("told")
    assert found is not None
    world.alerts.write(Step(made, changed(made, channel="slack", hop=1), found.version))
    assert (world.tally("email", "escalation"), world.tally("slack", "escalation")) == (0, 1)


def block(**changes: object) -> Destination:
    """A blocked destination."""
    at = now()
    known = Destination("slack", "no_service", at, 2, 1, at, at, "abc", draining=False, nonce=unique())
    return replace(known, **changes)  # type: ignore[arg-type]


def test_a_destination_comes_back_as_it_was_written_and_with_its_alert(world: World) -> None:
    """Unknown ones are well; the alert's read brings its own channel's, whichever was guessed."""
    made, blocked = alert(), block()
    version = world.put(made)
    stands, _ = world.alerts.destinations(["slack", "monday"])
    assert stands["slack"] == StoredDestination(Destination("slack"), None)
    world.alerts.write(Step(made, changed(made), version, destination=StoredDestination(blocked, None)))
    for guess in (None, "slack", "monday"):
        found = world.alerts.read(made.id, guess)
        assert found is not None
        assert found.destination is not None
        assert (found.destination.destination, found.destination.version) == (blocked, found.version)


@pytest.mark.parametrize("stale", [True, False])
def test_a_step_is_refused_as_a_whole_where_its_destination_moved_on(world: World, *, stale: bool) -> None:
    """Two find the same block, two take the same probe: one commit wins."""
    made = alert()
    version = world.put(made)
    world.alerts.write_destination(StoredDestination(block(), None))
    stands, _ = world.alerts.destinations(["slack"])
    world.alerts.write_destination(StoredDestination(block(), stands["slack"].version))
    mine = StoredDestination(block(), stands["slack"].version if stale else None)
    with pytest.raises(Conflict):
        world.alerts.write(Step(made, changed(made, state=State.PARKED), version, destination=mine))
    assert (stored(world), world.dead_letter(made.id)) == (made, None)


def test_a_notice_is_made_with_its_destination(world: World) -> None:
    """Or neither is."""
    notice = alert("notice", kind="notice", channel="email")
    world.alerts.write_destination(StoredDestination(block(), None), (notice,))
    assert (stored(world, "notice"), world.tally("email", "notice")) == (notice, 1)
    with pytest.raises(Conflict):
        world.alerts.write_destination(StoredDestination(block(), None), (alert("other", kind="notice"),))
    assert world.alerts.read("other") is None


def test_what_waits_for_a_repair_comes_oldest_first_and_nothing_else(world: World) -> None:
    """By the time an alert was made; those parked for other reasons are not among them."""
    at = now()
    for name, back in (("b", 20), ("a", 30), ("c", 10)):
        world.put(alert(name, state=State.PARKED, blocked=True, created_at=at - seconds(back), wake_at=at))
    world.put(alert("other", state=State.PARKED, created_at=at - seconds(99)))
    world.put(alert("elsewhere", state=State.PARKED, blocked=True, channel="monday"))
    page = world.alerts.withheld("slack", 2)
    assert ([found.alert.id for found in page.alerts], page.cursor is None) == (["a", "b"], False)
    assert len(world.alerts.withheld("slack", 9).alerts) == 3


def test_the_queued_of_a_channel_are_counted(world: World) -> None:
    """Not those that are sent, parked or another channel's."""
    for number, state in enumerate([State.QUEUED, State.QUEUED, State.SENDING, State.PARKED, State.DELIVERED]):
        world.put(alert(f"a{number}", state=state))
    world.put(alert("b", channel="monday"))
    assert (world.alerts.queued("slack"), world.alerts.queued("email")) == (2, 0)


def test_what_is_due_goes_on_where_the_last_page_ended(world: World) -> None:
    """Also among alerts that are due at the same moment."""
    at = now() - seconds(5)
    for name in "cabde":
        world.put(alert(name, wake_at=at))
    first = world.alerts.due(now(), 2, channel="slack", parked=False)
    second = world.alerts.due(now(), 2, channel="slack", parked=False, cursor=first.cursor)
    third = world.alerts.due(now(), 2, channel="slack", parked=False, cursor=second.cursor)
    found = [each.alert.id for page in (first, second, third) for each in page.alerts]
    assert (found, third.cursor) == (list("abcde"), None)


def test_the_parked_and_the_hurried_are_found_apart(world: World) -> None:
    """A backlog that waits for room does not hide what was lost."""
    for name, state in (("p", State.PARKED), ("q", State.QUEUED), ("s", State.SENDING)):
        world.put(alert(name, state=state, wake_at=now() - seconds(5)))
    ids = {
        parked: [each.alert.id for each in world.alerts.due(now(), 9, channel="slack", parked=parked).alerts]
        for parked in (True, False)
    }
    assert ids == {True: ["p"], False: ["q", "s"]}
    assert world.alerts.due(now(), 9, channel="monday", parked=True) == Page(())
