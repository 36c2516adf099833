"""The console's view of the system over HTTP, on the real Firestore: breakers, overview, leads, audit, bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.firestore_overview import FirestoreOverview
from shared.adapters.firestore_samples import FirestoreSamples
from shared.domain.alert import Attempt, State
from shared.domain.breaker import Breaker
from shared.domain.contact import ContactDetails
from shared.domain.samples import Sample, Verdict
from shared.ports import Step
from shared.ports.breakers import StoredBreaker
from tests.adapters.conftest import FirestoreWorld
from tests.adapters.test_admin_console import Served, lead, served
from tests.support.turns import alert, commit, conversation, now, unique

__all__ = ["served"]

CHANNELS = ("email", "slack", "webhook", "monday", "apprise")
ANA = {"name": "Ana Kowalska", "email": "ana@example.com", "phone": "+48601234567"}


def spoken(world: FirestoreWorld, name: str, **details: Any) -> None:
    """A conversation of one turn with an alert for Slack, which failed."""
    about = conversation(id=name, details=ContactDetails(**ANA | details), alerted=frozenset({"lead", "handoff"}))
    made = alert(f"a-{name}", conversation_id=name, payload={**ANA, "message": "Call me, Ana Kowalska", "score": 70})
    world.chat.commit_turn(commit(about, None, made))
    stored = world.alerts.read(made.id)
    assert stored is not None
    line = Attempt(now(), "retry", "http_500")
    after = replace(made, state=State.FAILED, cause="http_500", ended_at=now(), nonce=unique(), history=(line,))
    world.alerts.write(Step(made, after, stored.version))


def test_every_channel_has_a_breaker_and_a_person_moves_it(served: Served, firestore_world: FirestoreWorld) -> None:
    """Open, closed, back to automatic; each with its record in the same commit; draining once it is closed."""
    listed = served.call("GET", "/breakers").json()["breakers"]
    assert [each["channel"] for each in listed] == list(CHANNELS)
    assert {each["state"] for each in listed} == {"closed"}
    said = {"reason": "Slack is down", "by": "ana"}
    opened = served.call("POST", "/breakers/slack", json={"mode": "open", **said})
    assert opened.status_code == 200, opened.text
    shown = opened.json()
    assert (shown["state"], shown["mode"], shown["cause"], shown["draining"]) == ("open", "open", "forced_open", False)
    assert shown["opened_at"] is not None
    for mode in ("closed", "auto"):
        shown = served.call("POST", "/breakers/slack", json={"mode": mode, **said}).json()
        assert (shown["state"], shown["mode"], shown["draining"], shown["opened_at"]) == ("closed", mode, True, None)
    actions = served.call("GET", "/operator_audit").json()["actions"]
    assert [each["subject"]["mode"] for each in actions] == ["auto", "closed", "open"]
    assert {(each["action"], each["reason"], each["by"]) for each in actions} == {("breaker", "Slack is down", "ana")}
    document = firestore_world.document("breakers", "slack")
    assert document["nonce"] == actions[0]["id"]


def test_a_breaker_of_no_channel_and_no_mode_are_refused(served: Served, firestore_world: FirestoreWorld) -> None:
    """404 and 400, and nothing is written."""
    assert served.call("POST", "/breakers/fax", json={"mode": "open"}).status_code == 404
    for body in ({}, {"mode": "ajar"}, {"mode": None}, {"mode": "open", "why": "x"}):
        assert served.call("POST", "/breakers/slack", json=body).status_code == 400
    assert firestore_world.names("operator_audit") == set()


def test_the_audit_is_paged_through_with_next(served: Served) -> None:
    """Every entry once, the newest first; the last page says that it is."""
    for number in range(5):
        served.call("POST", "/breakers/slack", json={"mode": "auto", "by": f"b{number}"})
    pages, after = [], None
    while True:
        answer = served.call("GET", "/operator_audit", params={"limit": 2, "after": after}).json()
        pages.append([each["by"] for each in answer["actions"]])
        after = answer["next"]
        if after is None:
            break
    assert pages == [["b4", "b3"], ["b2", "b1"], ["b0"]]


def test_the_overview_of_an_outage_says_which_lead_is_in_danger(
    served: Served, firestore_world: FirestoreWorld
) -> None:
    """Failed and nobody told is danger; counts, the oldest that waits, breakers and blocks beside it."""
    empty = served.call("GET", "/overview").json()
    assert (empty["danger"]["level"], empty["channels"], empty["oldest_waiting"]) == ("watch", {}, None)
    assert [each["what"] for each in empty["danger"]["reasons"]] == ["jobs_unknown"]
    lead(firestore_world, "waits")
    lead(firestore_world, "parked", State.PARKED)
    lead(firestore_world, "failed", State.FAILED)
    lead(firestore_world, "done", State.DELIVERED)
    firestore_world.database.document("destinations", "slack").set({"cause": "token_revoked", "since": now()})
    shown = served.call("GET", "/overview").json()
    assert shown["danger"]["level"] == "danger"
    assert "failed and nobody was told" in shown["danger"]["sentence"]
    assert [(each["what"], each["channel"]) for each in shown["danger"]["reasons"]] == [
        ("failed_untold", "slack"),
        ("blocked", "slack"),
        ("jobs_unknown", None),
    ]
    slack = shown["channels"]["slack"]
    assert {name: slack[name] for name in ("accepted", "queued", "parked", "failed", "delivered", "untold")} == {
        "accepted": 4,
        "queued": 1,
        "parked": 1,
        "failed": 1,
        "delivered": 1,
        "untold": 1,
    }
    assert shown["oldest_waiting"]["id"] == "waits"
    assert [(each["channel"], each["cause"]) for each in shown["blocks"]] == [("slack", "token_revoked")]
    assert shown["jobs"] is None
    assert shown["balanced"] is None


def test_the_overview_reads_no_more_for_more_alerts(firestore_world: FirestoreWorld) -> None:
    """The same calls however many there are; no query without a limit, none but counts and single documents."""
    overview = FirestoreOverview(firestore_world.database, CHANNELS)

    def calls() -> list[str]:
        firestore_world.wire.calls.clear()
        overview.look(parked_most=timedelta(days=1), patience=timedelta(minutes=10))
        return sorted(firestore_world.wire.calls)

    lead(firestore_world, "one")
    few = calls()
    for number in range(20):
        lead(firestore_world, f"a{number}", State.FAILED if number % 2 else State.DELIVERED)
    assert calls() == few
    assert few.count("RunAggregationQuery") == 5 + 5 + 2 + 1
    assert few.count("RunQuery") == 1 + 1 + 1
    assert few.count("BatchGetDocuments") == 1


def test_samples_have_one_place_a_minute(firestore_world: FirestoreWorld) -> None:
    """Kept twice in a minute they are one; read back in order with the newest verdict; older ones are not."""
    samples = FirestoreSamples(firestore_world.database)
    start = now().replace(minute=30, second=5, microsecond=0)
    verdict = Verdict(start, balanced=False, wrong=("a",))
    assert samples.taken(start) == (False, False)
    for at, accepted in ((start - timedelta(hours=3), 1), (start, 2), (start + timedelta(seconds=20), 3)):
        samples.keep(Sample(at, {"slack": {"accepted": accepted}}, 7), verdict if accepted == 2 else None)
    assert samples.taken(start) == (True, True)
    assert samples.taken(start + timedelta(minutes=1)) == (False, True)
    found, newest = samples.since(start - timedelta(hours=4), start + timedelta(minutes=5))
    assert [(each.channels["slack"]["accepted"], each.oldest_seconds) for each in found] == [(1, 7), (3, 7)]
    assert newest == verdict
    assert len(samples.since(start - timedelta(hours=1), start + timedelta(minutes=5))[0]) == 1
    assert firestore_world.document("samples", f"{start:%Y-%m-%dT%H}")["expires_at"] > start + timedelta(days=34)


def test_history_tells_what_was_sampled(served: Served, firestore_world: FirestoreWorld) -> None:
    """As points, oldest first."""
    FirestoreSamples(firestore_world.database).keep(Sample(now(), {"slack": {"accepted": 1}}), None)
    [point] = served.call("GET", "/history", params={"hours": 1}).json()["points"]
    assert (point["channels"], point["oldest_seconds"]) == ({"slack": {"accepted": 1}}, None)
    for hours in (0, 169, "x"):
        assert served.call("GET", "/history", params={"hours": hours}).status_code == 400


@pytest.mark.parametrize(
    "asked",
    [
        {"email": "Ana@Example.com"},
        {"phone": "601 234 567"},
        {"phone": "+48 601-234-567"},
        {"id": "c1"},
        {"id": "a-c1"},
    ],
)
def test_a_lead_is_found_by_address_number_and_id(
    served: Served, firestore_world: FirestoreWorld, asked: dict[str, str]
) -> None:
    """With every alert and attempt, and where the destination shows it."""
    spoken(firestore_world, "c1")
    spoken(firestore_world, "c2", email="bob@example.com", phone="+48601234568")
    answer = served.call("GET", "/leads", params=asked)
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["conversations"]
    assert (found["id"], found["name"], found["email"], found["handoff"]) == ("c1", ANA["name"], ANA["email"], True)
    [shown] = found["alerts"]
    assert (shown["id"], shown["state"], shown["attempts"][0]["cause"]) == ("a-c1", "failed", "http_500")
    assert (shown["runbook"], shown["url"], shown["next_attempt_at"]) == ("alert-failed.md", None, None)
    assert found["monday_item_url"] is None
    assert "search the channel" in answer.json()["slack_note"]


def test_who_is_not_there_is_not_found(served: Served, firestore_world: FirestoreWorld) -> None:
    """An empty list; neither is an erased conversation; one question at a time."""
    firestore_world.database.document("conversations", "gone").set({"erased_at": now()})
    for asked in ({"email": "bob@example.com"}, {"phone": "12"}, {"phone": "601 234 567"}, {"id": "gone"}, {"id": "x"}):
        expected = 400 if asked == {"phone": "12"} else 200
        answer = served.call("GET", "/leads", params=asked)
        assert answer.status_code == expected
        if expected == 200:
            assert answer.json()["conversations"] == []
    assert served.call("GET", "/leads").status_code == 400
    assert served.call("GET", "/leads?email=a@b.pl&id=x").status_code == 400


def test_a_conversation_is_read_page_by_page_and_exported(served: Served, firestore_world: FirestoreWorld) -> None:
    """Every turn once, the oldest first; the export holds all of it, and who took it is on record."""
    spoken(firestore_world, "c1")
    messages = firestore_world.database.document("conversations", "c1").collection("messages")
    for number in range(4):
        at = now() + timedelta(seconds=number + 1)
        messages.document(f"m{number}").set(
            {"conversation_id": "c1", "question": f"q{number}", "answer": "a", "at": at, "alert_ids": []}
        )
    turns, after = [], None
    while True:
        answer = served.call("GET", "/conversations/c1", params={"limit": 2, "after": after})
        assert answer.status_code == 200, answer.text
        turns += [each["question"] for each in answer.json()["turns"]]
        after = answer.json()["next"]
        if after is None:
            break
    assert turns[1:] == ["q0", "q1", "q2", "q3"]
    assert len(turns) == 5
    export = served.call("GET", "/conversations/c1/export", params={"by": "ana", "reason": "they asked"}).json()
    assert export["complete"] is True
    assert len(export["collections"]["messages"]) == 5
    assert export["collections"]["alerts"][0]["payload"]["message"] == "Call me, Ana Kowalska"
    assert [each["id"] for each in export["collections"]["dead_letters"]] == ["a-c1"]
    [action] = served.call("GET", "/operator_audit").json()["actions"]
    assert (action["action"], action["by"], action["subject"]) == ("export", "ana", {"conversation_id": "c1"})
    for path in ("/conversations/c9", "/conversations/c9/export", "/conversations/a-c1"):
        assert served.call("GET", path).status_code == 404


def test_a_bundle_holds_nothing_of_the_visitor(served: Served, firestore_world: FirestoreWorld) -> None:
    """No name, address, number or word of theirs; the shape of them, the attempts, and what settings decide."""
    spoken(firestore_world, "c1")
    answer = served.call("GET", "/dead_letters/a-c1/bundle", params={"by": "ana"})
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    for value in (*ANA.values(), "Ana", "Kowalska", "Call", "601234567", "c1", "a-c1"):
        assert value not in json.dumps(bundle, ensure_ascii=False)
    assert bundle["alert"]["payload"]["message"] == "Xxxx xx, Xxx Xxxxxxxx"
    assert bundle["alert"]["payload"]["score"] == 70
    assert [(each["outcome"], each["cause"]) for each in bundle["attempts"]] == [("retry", "http_500")]
    assert bundle["settings"]["QUICK_ATTEMPTS"] == "3"
    assert "key" not in json.dumps(bundle["settings"]).lower()
    [action] = served.call("GET", "/operator_audit").json()["actions"]
    assert (action["action"], action["subject"], action["by"]) == ("bundle", {"ids": ["a-c1"]}, "ana")
    assert served.call("GET", "/dead_letters/nobody/bundle").status_code == 404


def test_dead_letters_of_a_time_with_their_runbook(served: Served, firestore_world: FirestoreWorld) -> None:
    """From then to then, and the page about the cause."""
    lead(firestore_world, "old", State.FAILED)
    lead(firestore_world, "new", State.PARKED, cause="breaker_open")
    firestore_world.database.document("dead_letters", "old").update({"entered_at": now() - timedelta(days=2)})
    before = (now() - timedelta(days=1)).isoformat()

    def found(**asked: str) -> list[tuple[str, str]]:
        answer = served.call("GET", "/dead_letters", params=asked)
        assert answer.status_code == 200, answer.text
        return [(item["id"], item["runbook"]) for item in answer.json()["dead_letters"]]

    assert found(to=before) == [("old", "alert-failed.md")]
    assert found(**{"from": before}) == [("new", "breaker-open.md")]
    assert found(**{"from": before, "status": "failed", "channel": "slack"}) == []
    assert served.call("GET", "/dead_letters", params={"from": before, "to": before}).status_code == 400


def test_two_people_move_a_breaker_at_once(served: Served, firestore_world: FirestoreWorld) -> None:
    """Whoever is slower decides anew over what stands; an attempt's failure that was counted meanwhile is no loss."""
    stands = firestore_world.breakers.read(["slack"])["slack"]
    firestore_world.breakers.write(StoredBreaker(Breaker("slack", failures=(now(),), nonce="x"), stands.version, now()))
    assert served.call("POST", "/breakers/slack", json={"mode": "open"}).json()["state"] == "open"
    assert len(firestore_world.names("operator_audit")) == 1


def test_jobs_that_nobody_can_ask_are_a_503(served: Served) -> None:
    """With the time after which to ask again; nothing is on record."""
    assert served.call("GET", "/jobs").status_code == 503
    refused = served.call("POST", "/jobs/cleanup/run", json={})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert served.call("GET", "/operator_audit").json()["actions"] == []
