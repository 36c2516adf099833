"""What the console writes and looks up, on the real Firestore: what is not answered, what it costs, what is old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from shared.adapters.firestore_breaker_control import FirestoreBreakerControl
from shared.adapters.firestore_leads import FirestoreLeads
from shared.adapters.firestore_operator_audit import FirestoreOperatorAudit
from shared.adapters.firestore_overview import FirestoreOverview
from shared.domain.alert import CANARY, State
from shared.domain.breaker import set_mode
from shared.domain.contact import ContactDetails
from shared.errors import Conflict, OutcomeUnknown
from shared.ports.breakers import StoredBreaker
from shared.ports.operations import Action
from tests.adapters.conftest import FirestoreWorld
from tests.support.fakes import seconds
from tests.support.turns import alert, commit, conversation, now, unique

LOST = grpc.StatusCode.DEADLINE_EXCEEDED
PHONE = "+48601234567"


def forced(control: FirestoreBreakerControl) -> tuple[StoredBreaker, Action]:
    """Slack's breaker, forced open, and the record of it."""
    stands = control.read(["slack"])["slack"]
    nonce = unique()
    opened = set_mode(stands.breaker, "open", now=stands.read_at, nonce=nonce)
    return replace(stands, breaker=opened), Action(nonce, "breaker", {"channel": "slack"}, "because", "ana")


def test_a_breaker_and_its_record_are_one_commit(firestore_world: FirestoreWorld) -> None:
    """Two writes in one round trip; of two people at once one is refused, with nothing on record."""
    control = FirestoreBreakerControl(firestore_world.database)
    first, second = forced(control), forced(control)
    firestore_world.wire.calls.clear()
    control.move(*first)
    assert firestore_world.wire.calls == ["Commit"]
    with pytest.raises(Conflict):
        control.move(*second)
    assert firestore_world.names("operator_audit") == {first[1].id}
    assert firestore_world.document("breakers", "slack")["nonce"] == first[1].id


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_a_breaker_whose_commit_was_not_answered_is_looked_up(
    firestore_world: FirestoreWorld, *, takes_effect: bool
) -> None:
    """By its nonce: ours stands, or the caller decides anew."""
    control = FirestoreBreakerControl(firestore_world.database)
    moved, action = forced(control)
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=takes_effect)
    if takes_effect:
        control.move(moved, action)
    else:
        with pytest.raises(OutcomeUnknown):
            control.move(moved, action)
    assert len(firestore_world.names("operator_audit")) == takes_effect


@pytest.mark.parametrize("takes_effect", [True, False])
def test_f03_an_action_whose_commit_was_not_answered_is_on_record_once(
    firestore_world: FirestoreWorld, *, takes_effect: bool
) -> None:
    """Written again under the same name; and what cannot be written is told."""
    audit = FirestoreOperatorAudit(firestore_world.database)
    firestore_world.wire.break_call("Commit", 1, status=LOST, takes_effect=takes_effect)
    audit.note(Action("one", "export", {"conversation_id": "c"}, None, "ana"))
    [done] = audit.listed(5)
    assert (done.action.name, done.action.by, abs(done.at - now()) < seconds(60)) == ("export", "ana", True)
    firestore_world.wire.break_call("Commit", 1, 2, 3, status=LOST)
    with pytest.raises(OutcomeUnknown):
        audit.note(Action("two", "export", {}, None, None))


def test_looking_a_lead_up_takes_three_round_trips(firestore_world: FirestoreWorld) -> None:
    """However many conversations there are; the newest first, each without its turns."""
    leads = FirestoreLeads(firestore_world.database)
    for number in range(4):
        begun = conversation(
            id=f"c{number}", details=ContactDetails(phone=PHONE), updated_at=now() + timedelta(seconds=number)
        )
        firestore_world.chat.commit_turn(commit(begun, None, alert(f"a{number}", conversation_id=f"c{number}")))
    firestore_world.wire.calls.clear()
    found = leads.by_phone(PHONE, 3)
    assert [each.id for each in found] == ["c3", "c2", "c1"]
    assert len(leads.alerts_of([each.id for each in found], 10)) == 3
    assert firestore_world.wire.calls == ["RunQuery", "RunQuery", "BatchGetDocuments"]
    assert leads.alerts_of([], 10) == []


def test_an_overview_of_an_escalation_that_no_channel_takes(firestore_world: FirestoreWorld) -> None:
    """Counted once it has been on its way for too long; what waits too long is overdue."""
    overview = FirestoreOverview(firestore_world.database, ("email", "slack"))
    old = now() - timedelta(hours=30)
    for name, kind, created in (("e", "escalation", old), ("new", "escalation", now()), ("lead", "lead", old)):
        begun = conversation(id=f"c-{name}")
        made = alert(name, conversation_id=begun.id, kind=kind, created_at=created, channel="slack")
        firestore_world.chat.commit_turn(commit(begun, None, made))
    look = overview.look(parked_most=timedelta(hours=24), patience=timedelta(minutes=10))
    assert (look.late, look.channels["slack"].overdue, look.channels["slack"].queued) == (1, 2, 3)
    assert set(look.channels) == {"slack"}
    assert look.oldest["slack"].created_at < now() - timedelta(hours=29)
    firestore_world.database.document("job_slots", "cleanup").set({"time": old.isoformat(), "done": True, "nonce": "n"})
    firestore_world.database.document("job_slots", "broken").set({"time": "x", "done": True})
    firestore_world.database.document("job_slots", "runs").set({"time": old.isoformat(), "done": False})
    again = overview.look(parked_most=timedelta(hours=24), patience=timedelta(minutes=10))
    assert {name: at.isoformat() for name, at in again.slots.items()} == {"cleanup": old.isoformat()}


def test_a_canary_is_counted_nowhere(firestore_world: FirestoreWorld) -> None:
    """Not as waiting, overdue, failed or the oldest, however old it is; the leads beside it are."""
    overview = FirestoreOverview(firestore_world.database, ("email", "slack"))
    old = now() - timedelta(hours=30)
    begun = conversation(id="c-lead")
    firestore_world.chat.commit_turn(commit(begun, None, alert("lead", conversation_id=begun.id, channel="slack")))
    for name, state in (("q", State.QUEUED), ("p", State.PARKED), ("f", State.FAILED), ("d", State.DELIVERED)):
        firestore_world.put(alert(name, kind=CANARY, channel="slack", created_at=old, state=state))
    for look in (
        overview.look(parked_most=timedelta(hours=24), patience=timedelta(minutes=10)),
        overview.counts(),
    ):
        slack = look.channels["slack"]
        assert (slack.accepted, slack.queued, slack.parked, slack.failed, slack.overdue) == (1, 1, 0, 0, 0)
        assert (slack.delivered, look.oldest["slack"].id) == (0, "lead")
