"""Updates of a lead go one at a time, and only the version that stands is sent (guarantee 27)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import ids
from shared.domain.alert import Alert, State, create
from shared.domain.conversation import Conversation
from shared.domain.outcome import Delivered, Unknown
from shared.errors import LeaseLive
from tests.support.delivery_flow import Delivery
from tests.support.fakes import NOW, POLICY, FakeAlertStore, InterruptedChannel, ScriptedChannel, seconds

LEAD_ID = ids.alert_id("a", "lead", "monday")


def update(version: int, **changes: Any) -> Alert:
    """An update of the lead of conversation ``a``, queued."""
    made = create(
        ids.update_id("a", "monday", version),
        conversation_id="a",
        channel="monday",
        kind="update",
        payload={"email": f"{version}@example.com", "lead_id": LEAD_ID, "version": version},
        now=NOW,
        nonce=f"made {version}",
        grace=POLICY.grace,
    )
    return replace(made, **changes)


def lead(**changes: Any) -> Alert:
    """The lead's own alert, by default delivered a while ago."""
    ended: dict[str, Any] = {"state": State.DELIVERED, "wake_at": None, "ended_at": NOW - seconds(600)}
    return replace(update(0, id=LEAD_ID, kind="lead", payload={"email": "a@example.com"}), **ended | changes)


def held(alert: Alert) -> Alert:
    """An alert that somebody is sending since just now."""
    return replace(alert, state=State.SENDING, attempts=1, wake_at=NOW + POLICY.lease, nonce="holder")


def delivery(*alerts: Alert, version: int = 2, monday: ScriptedChannel | None = None) -> Delivery:
    """The flow with a conversation at a version."""
    flow = Delivery(*alerts, monday=monday or ScriptedChannel(Delivered()))
    at(flow.store, version)
    return flow


def at(store: FakeAlertStore, version: int) -> None:
    """Bring the conversation to a version."""
    store.documents.put("conversations/a", replace(Conversation.begun("a", "en", NOW), version=version))


def sent(flow: Delivery) -> list[str]:
    """What the board was given, in order."""
    monday = flow.deliver.attempts.channels["monday"]
    assert isinstance(monday, ScriptedChannel)
    return [message.payload["email"] for message in monday.sent]


def test_the_version_that_stands_is_sent() -> None:
    """With the end of the lead's own alert, which says whether its item must be there."""
    flow = delivery(lead(), update(2))
    assert flow.task(update(2)) == "delivered"
    assert sent(flow) == ["2@example.com"]
    [message] = flow.deliver.attempts.channels["monday"].sent  # type: ignore[attr-defined]
    assert message.lead_ended_at == NOW - seconds(600)


@pytest.mark.parametrize("state", [State.QUEUED, State.PARKED])
def test_an_update_is_told_that_the_lead_itself_may_still_be_delivered(state: State) -> None:
    """Its item is not there then, and must not be made by the update."""
    flow = delivery(lead(state=state, wake_at=NOW, ended_at=None), update(2))
    flow.task(update(2))
    [message] = flow.deliver.attempts.channels["monday"].sent  # type: ignore[attr-defined]
    assert message.lead_ended_at is None


def test_an_older_version_ends_superseded_without_being_sent() -> None:
    """And is reported as that; it leaves no dead letter."""
    flow = delivery(lead(), update(1), update(2))
    assert flow.task(update(1)) == "superseded"
    after = flow.store.alert(update(1).id)
    assert (after.state, after.wake_at, after.ended_at is not None) == (State.SUPERSEDED, None, True)
    assert (sent(flow), flow.dead_letters()) == ([], {})
    assert flow.events.names == ["alert_superseded"]
    assert flow.task(update(2)) == "delivered"


@pytest.mark.parametrize("rival", [update(1), lead(ended_at=None)])
def test_nothing_starts_while_another_of_the_same_lead_is_being_sent(rival: Alert) -> None:
    """The task comes back; nothing is claimed, no attempt is used."""
    flow = delivery(held(rival), update(2))
    with pytest.raises(LeaseLive):
        flow.task(update(2))
    assert flow.store.alert(update(2).id) == update(2)
    assert sent(flow) == []


def test_a_lease_that_is_over_holds_nobody_up() -> None:
    """Its holder was ended by the platform."""
    flow = delivery(lead(), held(update(1)), update(2))
    flow.after(POLICY.lease.total_seconds() + 1)
    assert flow.task(update(2)) == "delivered"
    assert flow.task(update(1)) == "queued"
    assert flow.task(update(1)) == "superseded"


def test_a_version_that_comes_while_an_older_one_is_claimed_supersedes_it() -> None:
    """The version is read after the claim: either the older one sees the newer, or the newer one the lease."""
    flow = delivery(lead(), update(1), version=1)
    rivals = flow.store.rivals
    flow.store.rivals = lambda alert: (rivals(alert), at(flow.store, 2))[0]  # type: ignore[method-assign]
    assert flow.task(update(1)) == "superseded"


def test_a_version_that_comes_while_an_older_one_is_sent_waits_for_it() -> None:
    """They arrive in their order."""
    waited: list[str] = []

    def newer() -> None:
        at(flow.store, 2)
        flow.store.put(update(2))
        with pytest.raises(LeaseLive):
            flow.task(update(2))
        waited.append("busy")

    flow = delivery(lead(), update(1), version=1, monday=InterruptedChannel(newer, Delivered()))
    assert flow.task(update(1)) == "delivered"
    monday = flow.deliver.attempts.channels["monday"]
    monday._during = lambda: None  # type: ignore[attr-defined]
    assert flow.task(update(2)) == "delivered"
    assert (waited, sent(flow)) == (["busy"], ["1@example.com", "2@example.com"])


def test_an_update_nobody_knows_the_end_of_is_sent_again() -> None:
    """Setting the same values twice is harmless."""
    flow = delivery(lead(), update(2), monday=ScriptedChannel(Unknown("timeout"), Delivered()))
    assert flow.task(update(2)) == "queued"
    flow.after(5)
    assert flow.task(update(2)) == "delivered"


def test_an_update_whose_conversation_and_lead_are_gone_is_sent() -> None:
    """Nothing is newer, and the lead's item must have been there for long."""
    flow = delivery(update(2))
    flow.store.documents._stored.pop("conversations/a")
    assert flow.task(update(2)) == "delivered"
    [message] = flow.deliver.attempts.channels["monday"].sent  # type: ignore[attr-defined]
    assert message.lead_ended_at is not None
    assert message.lead_ended_at < NOW - seconds(10**6)


def test_a_lead_keeps_its_three_round_trips() -> None:
    """Only an update looks further; so does none that is a message of its own."""
    flow = Delivery(lead(state=State.QUEUED, channel="slack"), update(1, payload={"email": "x"}, channel="slack"))
    flow.task(lead())
    flow.task(update(1))
    assert flow.store.calls == ["read", "write", "write"] * 2
