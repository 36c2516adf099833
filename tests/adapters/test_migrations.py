"""Migrations on the real Firestore emulator: what is planned is done, whatever cuts it off or writes beside."""

from __future__ import annotations

import contextlib
import dataclasses
import threading

import pytest

from shared.adapters.firestore_image_erasure import forget_images
from shared.adapters.firestore_migrations import FirestoreMigrations
from shared.domain.conservation import STATES
from shared.errors import MigrationRefused, MigrationRunning, SliceLive
from shared.flows.migration_slice import WorkSlice
from shared.migrations.step import Change
from tests.adapters.conftest import FirestoreWorld
from tests.support.migrating import Cut, Cutting, World, old_conversation


@pytest.fixture
def migrating(firestore_world: FirestoreWorld) -> World:
    """Nothing in it yet."""
    return World(firestore_world.database)


def counts_of(row):
    """What a plan and a run have in common."""
    return {name: row["counts"][name] for name in ("read", "written", "unchanged", "failed")}


def test_a_run_does_exactly_what_its_plan_said(migrating):
    """Counts, and every reason; the plan wrote nothing; at the end no document of the old form is left."""
    migrating.fill(600, 24)
    before = migrating.everything()
    for step in ("0001", "0002", "0003"):
        plan = migrating.asking.plan(step, None)
        assert plan["complete"]
        assert plan["counts"]["written"]
        row = migrating.run(step)
        assert (row["state"], counts_of(row), row["reasons"]) == ("done", plan["counts"], plan["reasons"])
        again = migrating.asking.plan(step, None)["counts"]
        assert (again["written"], again["failed"]) == (0, plan["counts"]["failed"])
    assert migrating.everything() != before


def test_a_plan_writes_nothing_and_shows_nobodys_details(migrating):
    """Neither a ledger nor anything else; samples hold no address and no text of a visitor."""
    migrating.fill(50)
    before = migrating.everything()
    plan = migrating.asking.plan("0001", None)
    assert migrating.everything() == before
    assert not list(migrating.database.client.collection("migrations").list_documents())
    assert len(plan["samples"]) == 3
    assert "example.com" not in str(plan).lower()
    assert plan["cost"]["dollars"] > 0
    assert plan["cost"]["writes"] >= plan["counts"]["written"]


def test_a_plan_comes_in_parts_where_there_is_no_time(migrating):
    """Each part says where the next one begins; together they are the whole."""
    migrating.fill(1200)
    whole = migrating.asking.plan("0001", None)
    hurried = dataclasses.replace(migrating.asking, plan_seconds=0.0)
    parts, after = [], None
    while not parts or after is not None:
        parts.append(hurried.plan("0001", after))
        after = parts[-1]["next"]
    assert len(parts) > 1
    for name, count in whole["counts"].items():
        assert sum(part["counts"][name] for part in parts) == count


def test_a_rollback_brings_back_every_document_to_the_byte(migrating):
    """Also those that were removed; alerts that a step made go, and are not counted any more."""
    migrating.fill(500, 24)
    before = migrating.everything()
    for step in ("0001", "0002", "0003"):
        migrating.run(step)
    for step in ("0003", "0002", "0001"):
        row = migrating.roll_back(step)
        assert (row["state"], row["counts"]["restored"], row["errors"]) == ("rolled_back", row["counts"]["written"], [])
    after = {path: data for path, data in migrating.everything().items() if not path.startswith("tallies/")}
    assert after == before
    tallies = [snapshot.to_dict() for snapshot in migrating.database.client.collection("tallies").stream()]
    assert {each["accepted"] for each in tallies} == {0}
    assert not list(migrating.database.client.collection("before_images").list_documents())
    assert migrating.run("0001")["state"] == "done"


def test_a_rollback_leaves_alone_what_has_changed_since(migrating):
    """A visitor's newer address stays, and is listed; the others go back."""
    migrating.fill(30)
    migrating.run("0001")
    migrating.database.document("conversations", "c0000001").update({"email": "newer@example.com"})
    migrating.database.document("conversations", "c0000002").update({"score": 99})
    row = migrating.roll_back("0001")
    assert [problem["id"] for problem in row["errors"]] == ["c0000001"]
    assert row["counts"]["kept"] == 1
    stands = migrating.database.document("conversations", "c0000001").get().to_dict()
    assert stands["email"] == "newer@example.com"
    stands = migrating.database.document("conversations", "c0000002").get().to_dict()
    assert (stands["score"], "email" in stands) == (99, False)


def test_old_dead_letters_are_accounted_for(migrating, firestore_world):
    """Every alert made is accepted, in a state, and has its dead letter; pending ones are found by the sweep."""
    migrating.fill(0, 24)
    migrating.asking.stamp("0001", "done", None, None)
    row = migrating.run("0002")
    assert row["reasons"] == {"event_type is none of slack_alert, email and sms": 6}
    client = migrating.database.client
    alerts = {each.id: each.to_dict() for each in client.collection("alerts").stream()}
    letters = {each.id: each.to_dict() for each in client.collection("dead_letters").stream()}
    accepted = sum(each.to_dict()["accepted"] for each in client.collection("tallies").stream())
    assert accepted == len(alerts)
    assert all(alert["state"] in STATES for alert in alerts.values())
    parked = [name for name, alert in alerts.items() if alert["state"] == "parked"]
    assert {alerts[name]["channel"] for name in parked} == {"slack"}
    assert all(letters[name]["status"] == "pending" for name in parked)
    assert all(firestore_world.alerts.read(name).alert.wake_at for name in parked)
    never = [alert for alert in alerts.values() if alert["channel"] == "email"]
    assert {(alert["state"], alert["cause"]) for alert in never} == {("failed", "never_sent_by_old_system")}
    assert "secret" not in str([letters[name] for name in alerts])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_f37_cut_off_at_any_call_and_run_again_the_end_is_the_same(migrating, after):
    """Every call to storage in turn, before or after it took effect: same documents, same counts, all taken back."""
    migrating.fill(60)
    store, untouched = migrating.store, migrating.everything()
    migrating.store = counted = Cutting(store)
    row = migrating.run("0001")
    done, expected = migrating.everything(), counts_of(row)
    calls = counted.calls
    assert calls > 6
    for at in range(1, calls + 1):
        migrating.store = store
        assert migrating.roll_back("0001")["counts"]["kept"] == 0
        assert migrating.everything() == untouched
        migrating.store = Cutting(store, at, after=after)
        with pytest.raises(Cut):
            migrating.run("0001")
        migrating.store = store
        migrating.slices.asked.clear()
        row = migrating.run("0001")
        assert (row["state"], counts_of(row)) == ("done", expected), at
        assert migrating.everything() == done, at


def test_f37_two_who_ask_at_once_are_one_run_and_one_409(migrating):
    """However close: the ledger's write is conditional. While it is worked at a third one is told so, too."""
    migrating.fill(20)
    migrating.lease = migrating.lease.resolution * 30_000_000
    together, answers = threading.Barrier(8), []

    def ask():
        together.wait()
        try:
            migrating.asking.run("0001", None)
        except MigrationRunning as error:
            answers.append(error.status)
        else:
            answers.append(202)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [202] + [409] * 7
    assert len(migrating.slices.asked) == 1
    with pytest.raises(MigrationRunning):
        migrating.asking.roll_back("0001", None)
    migrating.work()
    assert migrating.asking.one("0001")["state"] == "done"


def test_a_slice_is_worked_at_by_one_and_taken_over_when_its_lease_is_over(migrating):
    """A second delivery of its task comes back; the one that lost its lease writes no ledger any more."""
    migrating.fill(900)
    store = migrating.store
    migrating.asking.run("0001", None)
    [command] = migrating.slices.asked

    def overtake(call):
        if call != "write" or slow.before is quiet:
            return
        slow.before = quiet
        migrating.lease = migrating.lease.resolution * 30_000_000
        with pytest.raises(SliceLive):
            dataclasses.replace(migrating.working, store=store)(command)
        migrating.lease = migrating.lease.resolution * 0
        dataclasses.replace(migrating.working, store=store)(command)

    def quiet(_):
        """Say nothing."""

    migrating.store = slow = Cutting(store)
    slow.before = overtake
    with pytest.raises(SliceLive):
        migrating.working(command)
    row = migrating.asking.one("0001")
    assert (row["state"], row["counts"]["read"]) == ("done", 900)
    assert row["counts"]["written"] == migrating.roll_back("0001")["counts"]["restored"]
    assert migrating.working(command) is None
    assert migrating.working(WorkSlice("0009", 1, 1)) is None


def test_a_run_goes_from_slice_to_slice(migrating):
    """When its time is over the next one is asked for; the counts go on."""
    migrating.fill(2300)
    migrating.slice_seconds = 0.0
    migrating.asking.run("0001", "a")
    slices = 0
    while migrating.slices.asked:
        migrating.working(migrating.slices.asked.pop(0))
        slices += 1
        assert slices < 50
    row = migrating.asking.one("0001")
    assert slices > 3
    assert (row["state"], row["counts"]["read"], row["counts"]["verified"]) == ("done", 2300, 2300)


def test_a_chat_that_writes_meanwhile_loses_nothing(migrating):
    """Every conversation is written between its reading and its change, and after it; all of it is there at the end."""
    migrating.fill(60)
    client, store = migrating.database.client, migrating.store
    migrating.store = chatting = Cutting(store)

    def chat(call):
        if call in ("write", "save"):
            for number in range(60):
                reference = client.document("conversations", f"c{number:07d}")
                count = (reference.get().to_dict() or {}).get("turn_count", 0)
                if count < 3:
                    reference.update({"turn_count": count + 1, "said": f"turn {count + 1}", "email": None})

    chatting.before = chat
    row = migrating.run("0001")
    assert row["state"] == "done"
    migrating.store = store
    assert migrating.asking.plan("0001", None)["counts"]["written"] == 0
    for number in range(60):
        stands = client.document("conversations", f"c{number:07d}").get().to_dict()
        old = old_conversation(number)
        assert (stands["turn_count"], stands["said"], stands["turns"]) == (3, "turn 3", old["turns"])
        assert stands["context_data"] == old["context_data"]
        if number % 3:
            assert stands["email"] == f"visitor{number}@example.com"


def test_order_and_changed_code_are_enforced(migrating):
    """A step before its turn, a rollback under a later one, code that was changed: refused, each with what to do."""
    migrating.fill(3)
    with pytest.raises(MigrationRefused, match="first: 0001, 0002"):
        migrating.asking.run("0003", None)
    migrating.run("0001")
    migrating.run("0002")
    with pytest.raises(MigrationRefused, match="rolled back first: 0002"):
        migrating.asking.roll_back("0001", None)
    migrating.steps["0001"] = dataclasses.replace(migrating.steps["0001"], checksum="another")
    assert migrating.asking.one("0001")["changed"]
    with pytest.raises(MigrationRefused, match="has changed since"):
        migrating.asking.run("0001", None)
    assert not migrating.asking.accept("0001", "me", "a comment only")["changed"]
    assert migrating.asking.run("0001", None)["state"] == "done"
    assert [entry["what"] for entry in migrating.asking.one("0001")["log"]] == ["run", "accept"]
    assert migrating.asking.stamp("0003", "done", "me", "new database")["state"] == "done"
    migrating.asking.stamp("0003", "pending", "me", None)
    with pytest.raises(MigrationRefused, match="nothing to take back"):
        migrating.asking.roll_back("0003", None)


def test_a_document_that_breaks_the_step_stops_nothing(migrating):
    """It is listed with the kind of error, never with what it holds."""
    migrating.fill(10)

    def transform(document):
        if document.id == "c0000004":
            raise KeyError(document.fields["context_data"])
        return Change({"seen": True}) if "seen" not in document.fields else None

    step = dataclasses.replace(migrating.steps["0001"], transform=transform)
    selection = dataclasses.replace(step.selection, fields=("context_data", "seen"))
    migrating.steps["0001"] = dataclasses.replace(step, selection=selection)
    row = migrating.run("0001")
    assert (row["state"], row["counts"]["written"]) == ("done", 9)
    assert row["errors"] == [{"id": "c0000004", "reason": "the step failed on it (KeyError)"}]


@pytest.fixture
def with_large_ones(migrating):
    """Before-images of some hundred kilobytes each, three pages of them, and one that is too large for any."""
    for number in range(12):
        size = 950_000 if number == 5 else 200_000
        migrating.database.document("conversations", f"c{number}").set({"text": "x" * size})

    def transform(document):
        text = document.fields["text"]
        return Change({"text": text.upper()}) if text.islower() else None

    step = dataclasses.replace(migrating.steps["0001"], transform=transform)
    selection = dataclasses.replace(step.selection, fields=("text",))
    migrating.steps["0001"] = dataclasses.replace(step, selection=selection)
    return migrating


def test_large_documents_are_packed_within_firestores_limits(with_large_ones):
    """One that is too large is listed and left alone."""
    before = with_large_ones.everything()
    row = with_large_ones.run("0001")
    assert (row["state"], row["counts"]["written"]) == ("done", 11)
    assert [problem["id"] for problem in row["errors"]] == ["c5"]
    assert with_large_ones.roll_back("0001")["counts"]["restored"] == 11
    assert with_large_ones.everything() == before


@pytest.mark.parametrize("letter", ['"', "\\", "\n", "\x01", "ł", "\U0001f600"], ids=ascii)
def test_before_images_that_grow_when_they_are_written_down_are_packed_within_the_limits(migrating, letter):
    """Whatever takes more bytes as JSON than as it is: a pack that is too large would stop the run for good."""
    for number in range(12):
        migrating.database.document("conversations", f"c{number:02}").set({"text": letter * 45_000})
    step = dataclasses.replace(migrating.steps["0001"], transform=_taken)
    selection = dataclasses.replace(step.selection, fields=("text",))
    migrating.steps["0001"] = dataclasses.replace(step, selection=selection)
    before = migrating.everything()
    row = migrating.run("0001")
    assert (row["state"], row["counts"]["written"]) == ("done", 12)
    assert migrating.roll_back("0001")["counts"]["restored"] == 12
    assert migrating.everything() == before


def _taken(document):
    """The text goes."""
    return Change({"text": None}) if document.fields["text"] is not None else None


@pytest.mark.crash_points
def test_f37_cut_off_with_large_documents_two_pages_never_share_a_pack(with_large_ones):
    """A page whose changes had all been written before the crash keeps its number: a pack of two would be too large."""
    store, before = with_large_ones.store, with_large_ones.everything()
    with_large_ones.store = counted = Cutting(store)
    with_large_ones.run("0001")
    done, calls = with_large_ones.everything(), counted.calls
    for at in range(1, calls + 1):
        with_large_ones.store = store
        assert with_large_ones.roll_back("0001")["counts"]["restored"] == 11
        with_large_ones.store = Cutting(store, at, after=True)
        with pytest.raises(Cut):
            with_large_ones.run("0001")
        with_large_ones.store = store
        with_large_ones.slices.asked.clear()
        row = with_large_ones.run("0001")
        assert (row["state"], row["counts"]["read"], row["counts"]["written"]) == ("done", 12, 11), at
        assert with_large_ones.everything() == done, at
    assert with_large_ones.roll_back("0001")["counts"]["restored"] == 11
    assert with_large_ones.everything() == before


def test_f37_rows_that_a_dead_holder_removed_are_counted(migrating):
    """0002 removes rows: cut off after its changes and run again, its counts are those of its plan."""
    migrating.fill(0, 24)
    migrating.asking.stamp("0001", "done", None, None)
    plan = migrating.asking.plan("0002", None)["counts"]
    store = migrating.store
    for at in range(1, 12):
        migrating.store = Cutting(store, at, after=True)
        with contextlib.suppress(Cut):
            migrating.run("0002")
        migrating.store = store
        migrating.slices.asked.clear()
        row = migrating.run("0002")
        assert (row["state"], counts_of(row)) == ("done", plan), at
        assert migrating.roll_back("0002")["counts"]["restored"] == plan["written"], at


def test_a_way_back_without_images_leaves_none_for_a_later_rollback(migrating):
    """What 0003's own way back takes back is counted; run and taken back again, its field is gone all the same."""
    migrating.fill(14)
    for step in ("0001", "0002"):
        migrating.asking.stamp(step, "done", None, None)
    before = migrating.everything()
    written = migrating.run("0003")["counts"]["written"]
    for reference in migrating.database.client.collection("before_images").list_documents():
        reference.delete()
    row = migrating.roll_back("0003")
    assert (row["counts"]["written"], row["counts"]["restored"]) == (written, 14)
    assert not list(migrating.database.client.collection("before_images").list_documents())
    migrating.run("0003")
    assert migrating.roll_back("0003")["state"] == "rolled_back"
    found = migrating.database.client.collection("conversations").stream()
    assert not any("schema_version" in snapshot.to_dict() for snapshot in found)
    assert set(migrating.everything()) == set(before)


def test_without_before_images_a_step_goes_back_by_its_own_way_or_not_at_all(migrating):
    """0003 has one; 0001 has none and says so."""
    migrating.fill(14)
    for step in ("0001", "0002", "0003"):
        migrating.run(step)
    for reference in migrating.database.client.collection("before_images").list_documents():
        reference.delete()
    assert migrating.roll_back("0003")["state"] == "rolled_back"
    found = migrating.database.client.collection("conversations").stream()
    assert not any("schema_version" in snapshot.to_dict() for snapshot in found)
    migrating.asking.stamp("0002", "pending", None, None)
    with pytest.raises(MigrationRefused, match="before-images are gone"):
        migrating.asking.roll_back("0001", None)


def test_before_images_say_whose_they_are_and_when_they_expire(migrating):
    """An erasure finds them by the conversation, the clean-up by their time."""
    migrating.fill(3)
    migrating.run("0001")
    [pack] = migrating.database.client.collection("before_images").stream()
    assert pack.to_dict()["conversation_ids"] == ["c0000000", "c0000001", "c0000002"]
    assert (pack.to_dict()["expires_at"] - pack.create_time).days in (29, 30)
    assert isinstance(migrating.store, FirestoreMigrations)


def test_an_erasure_takes_a_conversations_before_images(migrating):
    """Nothing of it is left, and a rollback takes back the others only."""
    migrating.fill(12)
    before = migrating.everything()
    migrating.run("0001")
    assert forget_images(migrating.database, "c0000001") == 1
    assert forget_images(migrating.database, "c0000001") == 0
    [pack] = migrating.database.client.collection("before_images").stream()
    assert b"c0000001" not in b"".join(pack.to_dict()["images"].values())
    assert migrating.roll_back("0001")["counts"]["restored"] == len(pack.to_dict()["images"])
    changed = {path for path, data in migrating.everything().items() if before[path] != data}
    assert changed == {"conversations/c0000001"}
