"""``restore`` on the emulator: what is missing comes back as it was, and nothing else is touched."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from infra.ops.__main__ import main
from infra.ops.restore import TO_THE_SECOND, _moment
from shared.domain.alert import State
from tests.adapters.conftest import FirestoreWorld
from tests.support import turns


def restored(world: FirestoreWorld, capsys: pytest.CaptureFixture[str], *what: str, status: int = 0) -> dict[str, Any]:
    """The report of one run on the world's project."""
    assert main(["restore", *what, "--project", world.project, "--json", "--by", "ana", "--reason", "lost"]) == status
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def moment(world: FirestoreWorld) -> str:
    """Firestore's time, after everything that was written and before what is written next."""
    at: datetime = world.database.document("nothing", "at").get().read_time
    time.sleep(0.02)
    return at.isoformat()


def found(answer: dict[str, Any], collection: str) -> dict[str, int]:
    """A collection's fates that anything had."""
    return {fate: number for fate, number in answer["collections"][collection].items() if number}


def test_what_is_missing_comes_back_and_the_rest_stays(firestore_world, capsys):
    """Also below a conversation; what was changed since is not undone, what is new stays. It is kept who did it."""
    document = firestore_world.database.document
    for name in ("a", "b", "c"):
        document("conversations", name).set({"email": f"{name}@example.com"})
        document("conversations", name, "messages", f"m{name}").set({"question": "hi", "conversation_id": name})
    at = moment(firestore_world)
    document("conversations", "a").delete()
    document("conversations", "a", "messages", "ma").delete()
    document("conversations", "b").set({"email": "other@example.com"})
    document("conversations", "d").set({"email": "d@example.com"})
    answer = restored(firestore_world, capsys, "conversations", "messages", "--at", at)
    assert found(answer, "conversations") == {"restored": 1, "there": 2}
    assert found(answer, "messages") == {"restored": 1, "there": 2}
    assert answer["documents"] == ["conversations/a", "conversations/a/messages/ma"]
    emails = {name: firestore_world.document("conversations", name)["email"] for name in "abcd"}
    assert list(emails.values()) == ["a@example.com", "other@example.com", "c@example.com", "d@example.com"]
    [noted] = [each.to_dict() for each in firestore_world.database.client.collection("operator_audit").stream()]
    assert (noted["action"], noted["by"], noted["reason"]) == ("restore", "ana", "lost")
    again = restored(firestore_world, capsys, "conversations", "messages", "--at", at)
    assert found(again, "conversations") == {"there": 3}
    assert len(firestore_world.names("operator_audit")) == 1


def test_a_dry_run_writes_nothing(firestore_world, capsys):
    """And says what would be."""
    firestore_world.database.document("suppressions", "hash").set({"since": datetime.now(UTC)})
    at = moment(firestore_world)
    firestore_world.database.document("suppressions", "hash").delete()
    answer = restored(firestore_world, capsys, "suppressions", "--at", at, "--dry-run")
    assert (found(answer, "suppressions"), answer["documents"]) == ({"restored": 1}, ["suppressions/hash"])
    assert firestore_world.names("suppressions") | firestore_world.names("operator_audit") == set()


def test_one_alert_comes_back_with_its_dead_letter(firestore_world, capsys):
    """By its name; one that was not there is told of by the status. A whole conversation comes with its messages."""
    alert = turns.alert("lost", state=State.PARKED, cause="http_500")
    firestore_world.put(alert)
    firestore_world.database.document("dead_letters", "lost").set({"status": "pending"})
    firestore_world.database.document("conversations", "c").set({"email": "c@example.com"})
    firestore_world.database.document("conversations", "c", "messages", "m").set({"question": "hi"})
    at = moment(firestore_world)
    for path in (("alerts", "lost"), ("dead_letters", "lost"), ("conversations", "c", "messages", "m")):
        firestore_world.database.document(*path).delete()
    answer = restored(firestore_world, capsys, "alerts/lost", "alerts/never", "conversations/c", "--at", at, status=1)
    assert found(answer, "alerts") == {"restored": 1, "not there then": 1}
    assert answer["documents"] == ["alerts/lost", "dead_letters/lost", "conversations/c/messages/m"]
    stored = firestore_world.alerts.read("lost")
    assert stored is not None
    assert stored.alert == alert


def test_what_was_erased_or_has_had_its_time_does_not_come_back(firestore_world, capsys):
    """A tombstone stands where the conversation was; an alert that ended long ago is archived."""
    document, now = firestore_world.database.document, datetime.now(UTC)
    document("conversations", "gone").set({"email": "gone@example.com"})
    document("conversations", "gone", "messages", "m").set({"question": "hi"})
    firestore_world.put(turns.alert("hangs", conversation_id="gone"))
    firestore_world.put(turns.alert("old", state=State.DELIVERED, ended_at=now - timedelta(days=31)))
    firestore_world.put(turns.alert("new", state=State.DELIVERED, ended_at=now - timedelta(days=29)))
    firestore_world.put(turns.alert("sent", state=State.DELIVERED, ended_at=now, conversation_id="gone"))
    long_ago = {"state": State.ERASED, "ended_at": now - timedelta(days=31)}
    firestore_world.put(turns.alert("archived", conversation_id="gone", payload={}, **long_ago))
    document("digests", "old").set({"expires_at": now - timedelta(seconds=1)})
    at = moment(firestore_world)
    document("conversations", "gone").set({"erased_at": firestore.SERVER_TIMESTAMP, "erasure": "e"})
    document("conversations", "gone", "messages", "m").delete()
    for path in (
        ("alerts", "hangs"),
        ("alerts", "sent"),
        ("alerts", "archived"),
        ("alerts", "old"),
        ("alerts", "new"),
        ("digests", "old"),
    ):
        document(*path).delete()
    answer = restored(firestore_world, capsys, "conversations", "messages", "alerts", "digests", "--at", at)
    assert found(answer, "messages") == {"erased": 1}
    assert found(answer, "alerts") == {"erased": 2, "over": 2, "restored": 1}
    assert found(answer, "digests") == {"over": 1}
    assert "erased_at" in firestore_world.document("conversations", "gone")
    for name in ("hangs", "sent"):  # counted when it was accepted, so it is there, and says nothing
        stored = firestore_world.alerts.read(name)
        assert (stored.alert.state, dict(stored.alert.payload)) == (State.ERASED, {})


def test_an_alert_that_cannot_be_read_takes_the_form_it_had(firestore_world, capsys):
    """Nothing of the wrong one is left; one that can be read is not touched, whatever it says now."""
    good, other = turns.alert("poison"), turns.alert("other")
    for alert in (good, other):
        firestore_world.put(alert)
    at = moment(firestore_world)
    firestore_world.database.document("alerts", "poison").update({"state": "exploded", "stray": True})
    firestore_world.database.document("alerts", "other").update({"attempts": 2})
    answer = restored(firestore_world, capsys, "alerts", "--at", at)
    assert found(answer, "alerts") == {"mended": 1, "there": 1}
    assert "stray" not in firestore_world.document("alerts", "poison")
    stored, touched = firestore_world.alerts.read("poison"), firestore_world.alerts.read("other")
    assert (stored.alert, touched.alert.attempts) == (good, 2)
    firestore_world.database.document("alerts", "poison").update({"state": "exploded"})
    assert found(restored(firestore_world, capsys, "alerts/poison", "--at", moment(firestore_world)), "alerts") == {
        "there": 1
    }


def test_a_backup_that_stands_beside_is_read(firestore_world, capsys):
    """More than one page of it."""
    beside = firestore.Client(project=firestore_world.project, database="restored")
    batch = beside.batch()
    for number in range(450):
        batch.set(beside.document("consent_audit", f"{number:04}"), {"number": number})
    batch.commit()
    beside.close()
    firestore_world.database.document("consent_audit", "0449").set({"number": -1})
    answer = restored(firestore_world, capsys, "consent_audit", "--from-database", "restored")
    assert found(answer, "consent_audit") == {"restored": 449, "there": 1}
    assert firestore_world.document("consent_audit", "0449") == {"number": -1}
    assert len(firestore_world.names("consent_audit")) == 450


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["breakers", "--at", "2026-01-05T09:00:00Z"], "breakers cannot be restored; these can: alerts"),
        (["messages/x", "--at", "2026-01-05T09:00:00Z"], "conversations/ID"),
        (["alerts/a b", "--at", "2026-01-05T09:00:00Z"], "an id has letters"),
        (["alerts"], "exactly one of the two"),
        (["alerts", "--at", "2026-01-05T09:00:00Z", "--from-database", "restored"], "exactly one of the two"),
        (["alerts", "--at", "yesterday"], "2026-01-05T09:00:00Z"),
        (["alerts", "--at", "2026-01-05T09:00:00"], "with its zone"),
        (["alerts", "--at", "2999-01-05T09:00:00Z"], "is over"),
        (["alerts", "--from-database", "A"], "4 to 63"),
        (["alerts", "--from-database", "restored", "--rate", "0"], "--rate"),
        (["alerts", "--from-database", "restored", "--delivered-days", "0"], "--delivered-days"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], said: str, capsys) -> None:
    """With what is taken, and status 2."""
    with pytest.raises(SystemExit) as ended:
        main(["restore", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_moment_long_ago_is_a_whole_minute() -> None:
    """Firestore takes no other."""
    recent = datetime.now(UTC) - timedelta(minutes=1)
    assert _moment(recent) == recent
    long_ago = datetime.now(UTC) - TO_THE_SECOND - timedelta(minutes=5)
    assert _moment(long_ago) == long_ago.replace(second=0, microsecond=0)
