"""Digests, and changes of many alerts at once, in memory and on the real Firestore."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.alert import State
from shared.domain.delivery import held
from shared.domain.digest import Digest, is_member, join
from shared.errors import Conflict
from shared.ports import Step
from tests.adapters.conftest import FirestoreWorld, World
from tests.support.delivery_flow import parked
from tests.support.fakes import NOW, POLICY

NAMES = ("a", "b", "c")


def arranged(world: World) -> tuple[Digest, list[Step]]:
    """Three parked alerts, and the steps by which they join a digest."""
    alerts = [parked(name, created_at=NOW + timedelta(seconds=place)) for place, name in enumerate(NAMES)]
    digest = Digest("d", "slack", tuple(alert.id for alert in alerts), NOW, NOW + timedelta(seconds=5))
    return digest, [
        Step(alert, join(alert, digest, nonce="joined", policy=POLICY), world.put(alert)) for alert in alerts
    ]


def test_a_digest_is_read_with_its_members_and_its_destination(world: World) -> None:
    """In their order, with the versions that the next commit needs."""
    digest, steps = arranged(world)
    version = world.digests.write(steps, begun=[digest])
    stored = world.digests.read("d")
    assert stored is not None
    assert stored.digest == digest
    assert [each.alert for each in stored.members] == [step.after for step in steps]
    assert {each.version for each in stored.members} == {version}
    assert all(is_member(each.alert, digest) for each in stored.members)
    assert (stored.destination.destination.name, stored.destination.version) == ("slack", None)
    assert world.digests.read("another") is None


def test_many_steps_are_written_as_a_whole_or_not_at_all(world: World) -> None:
    """One of them was changed by somebody else: none is written, and no digest begins."""
    digest, steps = arranged(world)
    world.put(replace(steps[2].before, nonce="another", attempts=5))
    with pytest.raises(Conflict):
        world.digests.write(steps, begun=[digest])
    assert world.digests.read("d") is None
    assert {world.alerts.read(alert_id).alert.digest for alert_id in digest.members} == {""}  # type: ignore[union-attr]


def test_a_digests_claim_is_one_commit_with_its_members_dead_letters(world: World) -> None:
    """They are being sent: none waits as a dead letter any more."""
    digest, steps = arranged(world)
    version = world.digests.write(steps, begun=[digest])
    assert world.names("dead_letters") == set(digest.members)

    def claims(nonce: str) -> list[Step]:
        return [Step(each.after, held(each.after, now=NOW, nonce=nonce, policy=POLICY), version) for each in steps]

    world.digests.write(claims("mine"))
    assert world.names("dead_letters") == set()
    with pytest.raises(Conflict):
        world.digests.write(claims("theirs"))
    stored = world.digests.read("d")
    assert stored is not None
    assert {each.alert.state for each in stored.members} == {State.SENDING}


def test_outstanding_digests_are_counted_by_channel_until_they_end_or_are_late(world: World) -> None:
    """A digest whose task was lost does not take room for ever."""
    digest, steps = arranged(world)
    version = world.digests.write(steps, begun=[digest])
    assert world.digests.outstanding("slack", NOW) == 1
    assert world.digests.outstanding("slack", NOW + timedelta(seconds=6)) == 0
    assert world.digests.outstanding("monday", NOW) == 0
    again = [Step(step.after, replace(step.after, nonce="ended"), version) for step in steps]
    world.digests.write(again, ended="d")
    assert world.digests.outstanding("slack", NOW) == 0


def test_what_is_parked_is_counted_up_to_a_number(world: World) -> None:
    """So that the count costs the same however many there are."""
    arranged(world)
    assert [world.digests.crowd("slack", most) for most in (2, 3, 9)] == [2, 3, 3]
    assert world.digests.crowd("monday", 9) == 0


def test_overdue_are_those_that_wait_and_nobody_was_told_of(world: World) -> None:
    """Oldest first; what ended, is young or was told of is left out."""
    old, young = NOW - timedelta(hours=25), NOW - timedelta(hours=23)
    wanted = [parked("1", created_at=old), parked("2", created_at=old + timedelta(minutes=1))]
    queued = replace(parked("3", created_at=old + timedelta(minutes=2)), state=State.QUEUED)
    others = [
        parked("4", created_at=young),
        parked("5", created_at=old, overdue=True),
        parked("6", created_at=old, channel="monday"),
        replace(parked("7", created_at=old), state=State.FAILED, wake_at=None, ended_at=NOW),
    ]
    for alert in (*wanted, queued, *others):
        world.put(alert)
    before: datetime = NOW - timedelta(hours=24)
    found = world.digests.overdue("slack", before, 10)
    assert [each.alert for each in found.alerts] == [*wanted, queued]
    assert found.cursor is None
    assert [each.alert for each in world.digests.overdue("slack", before, 1).alerts] == wanted[:1]


def test_receipts_of_many_are_found_with_their_alerts(world: World) -> None:
    """A digest whose holder had lost its lease was delivered all the same."""
    _, steps = arranged(world)
    world.digests.leave_receipts([step.before for step in steps])
    assert all(world.alerts.read(step.before.id).receipt for step in steps)  # type: ignore[union-attr]


def test_hot_leads_that_wait_can_be_had_first(world: World) -> None:
    """Where a day's quota runs short they go out before the others."""
    for name, hot in (("1", False), ("2", True), ("3", True)):
        payload = {"email": "ann@example.com", **({"hot": True} if hot else {})}
        created = NOW + timedelta(seconds=int(name))
        world.put(parked(name, blocked=True, payload=payload, created_at=created))
    assert [each.alert.conversation_id for each in world.alerts.withheld("slack", 9, hot=True).alerts] == ["2", "3"]
    assert [each.alert.conversation_id for each in world.alerts.withheld("slack", 9).alerts] == ["1", "2", "3"]


def test_the_calls_of_a_digest_are_counted(firestore_world: FirestoreWorld) -> None:
    """Their docstrings say how many round trips they cost."""
    world = firestore_world
    digest, steps = arranged(world)
    calls: dict[str, list[str]] = {}

    def cost(name: str) -> None:
        calls[name] = list(world.wire.calls)
        world.wire.calls.clear()

    world.wire.calls.clear()
    world.digests.write(steps, begun=[digest])
    cost("write")
    world.digests.read("d")
    cost("read")
    world.digests.outstanding("slack", NOW)
    cost("outstanding")
    world.digests.crowd("slack", 26)
    cost("crowd")
    world.digests.overdue("slack", NOW, 30)
    cost("overdue")
    world.digests.leave_receipts([step.before for step in steps])
    cost("leave_receipts")
    assert calls == {
        "write": ["Commit"],
        "read": ["BatchGetDocuments", "BatchGetDocuments"],
        "outstanding": ["RunAggregationQuery"],
        "crowd": ["RunAggregationQuery"],
        "overdue": ["RunQuery"],
        "leave_receipts": ["Commit"],
    }
