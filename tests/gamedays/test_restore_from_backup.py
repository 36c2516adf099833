"""A script deletes the leads, their alerts and the opt-outs: a moment and a backup bring them back."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.gamedays.cloud_firestore import as_in_the_cloud, sample_again
from tests.support.google_apis.firestore import backed_up
from tests.support.local_system import eventually

GONE = ("conversations", "alerts", "dead_letters")
OPT_OUT = ("suppressions", "f00dfeed")


def test_what_was_deleted_comes_back_and_what_waited_goes_out(day):
    """What had been delivered is not sent again; who had opted out stays so; who came meanwhile is not touched."""
    system = day.system
    arrived = day.leads(2)
    eventually(lambda: all(system.received(email, name) for email in arrived for name in ("slack", "monday")))
    system.local("POST", "queues/slack/pause")
    [waiting] = day.leads()
    client = system.firestore()
    try:
        client.document(*OPT_OUT).set({"since": datetime.now(UTC)})
        eventually(lambda: settled(system, client, [*arrived, waiting]))
        day.running.backup.takes()
        at = datetime.now(UTC)
        backed_up(day.cloud.state, "(default)", f"{at:%Y-%m-%d}")
        day.begins("a script deletes leads, alerts and opt-outs")
        for collection in (*GONE, OPT_OUT[0]):
            client.recursive_delete(client.collection(collection))
        [later] = day.leads()
        sample_again(system)
        day.fires("not-balanced")
        as_in_the_cloud(day)
        day.given(AT=at.isoformat(), WHAT="conversations messages alerts dead_letters", DAY=f"{at:%Y-%m-%d}")
        said = day.follows("How to see it", exits={"python -m infra.ops conservation": 1})
        assert "NOT balanced" in said
        assert "dry run: nothing was written" in said
        system.local("POST", "queues/slack/resume")
        said = day.follows("Recovery")
        assert "from the database restored" in said
        assert client.document(*OPT_OUT).get().exists
    finally:
        client.close()
    day.recovers(lambda: system.received(waiting) and system.received(later))
    assert "every alert is accounted for" in day.follows("How to know it worked")
    said = day.follows("How to undo it")
    assert said.count("it was deleted") == 2
    assert not [name for name in day.cloud.state.resources if name.endswith("/databases/restored")]
    day.loses_nothing()


def settled(system, client, emails):
    """Whether what has arrived is known to have."""
    found = [system.alerts_of(email, client) for email in emails]
    return all(
        alert["state"] == "delivered" or (channel == "slack" and email == emails[-1])
        for email, alerts in zip(emails, found, strict=True)
        for (channel, _), alert in alerts.items()
    )
