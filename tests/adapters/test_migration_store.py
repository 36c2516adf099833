"""What a migration relies on in its store: the same tests over the fake and over Firestore's emulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from shared.adapters.firestore import Database
from shared.adapters.firestore_migrations import FirestoreMigrations
from shared.errors import Conflict, StorageError
from shared.migrations.decide import Problem
from shared.migrations.ledger import Counts, Entry, Ledger, State
from shared.migrations.step import REMOVED, Change, NewDocument, Selection, Tally
from shared.ports.migrations import MigrationStore, Restored, StoredLedger, Wanted, Written
from tests.support.documents import Documents, Write
from tests.support.migration_stores import FakeMigrations

ALL = Selection("conversations")
RATE = 1_000_000.0
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Place(Protocol):
    """A store, and the documents under it."""

    store: MigrationStore

    def put(self, path: str, fields: dict[str, Any]) -> None:
        """Arrange a document."""

    def remove(self, path: str) -> None:
        """Have none."""

    def get(self, path: str) -> dict[str, Any] | None:
        """What a document holds, None where there is none."""


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self._documents = Documents()
        self.store: MigrationStore = FakeMigrations(self._documents)

    def put(self, path: str, fields: dict[str, Any]) -> None:
        """See `Place`."""
        self._documents.put(path, fields)

    def remove(self, path: str) -> None:
        """See `Place`."""
        self._documents.commit([Write(path, None)])

    def get(self, path: str) -> dict[str, Any] | None:
        """See `Place`."""
        stands = self._documents.get(path)
        return None if stands is None else dict(stands.value)


class OnTheEmulator:
    """The adapter."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.store: MigrationStore = FirestoreMigrations(database, timedelta(days=30))

    def put(self, path: str, fields: dict[str, Any]) -> None:
        """See `Place`."""
        self._database.document(path).set(fields)

    def remove(self, path: str) -> None:
        """See `Place`."""
        self._database.document(path).delete()

    def get(self, path: str) -> dict[str, Any] | None:
        """See `Place`."""
        found: dict[str, Any] | None = self._database.document(path).get().to_dict()
        return found


@pytest.fixture(params=["memory", "firestore"])
def place(request: pytest.FixtureRequest) -> Place:
    """One after the other."""
    return (
        InMemory() if request.param == "memory" else OnTheEmulator(request.getfixturevalue("firestore_world").database)
    )


def stored(place: Place, step: str = "0001") -> StoredLedger:
    """A step's ledger as it stands."""
    return place.store.ledgers([step])[step]


def wanted(place: Place, changes: dict[str, Change], selection: Selection = ALL) -> list[Wanted]:
    """Changes of documents as they stand."""
    found = place.store.reread(selection, list(changes))
    return [Wanted(selection.collection, found[name], change) for name, change in changes.items()]


def packed(place: Place, changes: dict[str, Change], page: int = 1, run: int = 1) -> list[Wanted]:
    """Before-images of changes, written under a page."""
    images = wanted(place, changes)
    place.store.save(stored(place), Ledger("0001", State.RUNNING, run=run, page=page), images=images)
    return images


def names(place: Place, after: str | None, limit: int) -> list[list[str]]:
    """The names on each page."""
    return [[found.document.id for found in page] for page in place.store.pages(ALL, after, limit)]


def test_a_step_that_nobody_has_touched_is_pending(place: Place) -> None:
    """Without a document."""
    assert {step: each.ledger for step, each in place.store.ledgers(["0001", "0002"]).items()} == {
        "0001": Ledger("0001"),
        "0002": Ledger("0002"),
    }
    assert stored(place).version is None


def test_a_ledger_is_read_as_it_was_written(place: Place) -> None:
    """All of it."""
    ledger = Ledger(
        "0001",
        State.RUNNING,
        "sum",
        run=2,
        slice=7,
        holder="a",
        cursor="b",
        until="c",
        page=3,
        passes=1,
        changed=4,
        counts=Counts(1, 2, 3, 4, 5, 6, 7),
        total=9,
        problems=(Problem("x", "why"),),
        reasons={"why": 1},
        failing=(Problem("y", "how"),),
        passing={"how": 1},
        requested_at=AT,
        ramp_at=AT,
        finished_at=AT,
        seconds=1.5,
        cause="so",
        by_reverse=True,
        log=(Entry(AT, "run", "me", "because"),),
    )
    place.store.save(stored(place), ledger)
    assert stored(place).ledger == ledger
    assert timedelta(0) <= stored(place).idle < timedelta(minutes=1)


def test_a_ledger_is_written_by_one_of_two(place: Place) -> None:
    """The first one, then whoever has read what is there; the other writes neither ledger nor before-images."""
    place.put("conversations/a", {"n": 1})
    images = wanted(place, {"a": Change({"n": 2})})
    nothing = stored(place)
    first = place.store.save(nothing, Ledger("0001", State.RUNNING))
    for late in (nothing, stored(place)):
        if late is not nothing:
            first = place.store.save(first, Ledger("0001", State.RUNNING, slice=2))
        with pytest.raises(Conflict):
            place.store.save(late, Ledger("0001", State.DONE, page=1, run=1), images=images)
    assert stored(place).ledger == first.ledger
    assert place.store.newest_pack("0001") is None


def test_pages_come_in_the_order_of_names(place: Place) -> None:
    """From after one on, so many a page; the last may be shorter."""
    for name in ("b", "a", "e", "c", "d"):
        place.put(f"conversations/{name}", {"n": name})
    place.put("others/a", {})
    assert names(place, None, 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert names(place, "b", 9) == [["c", "d", "e"]]
    assert names(place, "e", 9) == []
    assert place.store.count(ALL) == 5


def test_pages_are_as_of_one_moment(place: Place) -> None:
    """What comes while they are read is on none of them."""
    for name in ("a", "c"):
        place.put(f"conversations/{name}", {})
    pages = place.store.pages(ALL, None, 1)
    first = next(pages)
    place.put("conversations/b", {})
    assert [found.document.id for page in [first, *pages] for found in page] == ["a", "c"]


def test_a_page_is_read_again_within_its_bounds(place: Place) -> None:
    """Both of them; only the fields that are asked for."""
    for name in ("a", "b", "c", "d"):
        place.put(f"conversations/{name}", {"n": name, "other": 1})
    part = Selection("conversations", ("n", "missing"))
    for after, until, there in (("a", "c", ["b", "c"]), (None, "b", ["a", "b"]), ("b", "bb", [])):
        found = place.store.page_until(part, after, until)
        assert [(each.document.id, dict(each.document.fields)) for each in found] == [(it, {"n": it}) for it in there]
    found = place.store.reread(part, ["d", "a", "nobody"])
    assert {name: dict(each.document.fields) for name, each in found.items()} == {"a": {"n": "a"}, "d": {"n": "d"}}


def test_a_change_is_of_the_document_that_was_read(place: Place) -> None:
    """Fields it does not name stay; one that was written since, or is gone, is left alone."""
    for name in "abcd":
        place.put(f"conversations/{name}", {"n": 1, "old": 1, "stays": name})
    change = Change({"n": 2, "old": REMOVED})
    changes = wanted(place, {**dict.fromkeys("abc", change), "d": Change(removes=True)})
    place.put("conversations/b", {"n": 5})
    place.remove("conversations/c")
    assert place.store.write(changes, RATE) == [Written.DONE, Written.CHANGED, Written.CHANGED, Written.DONE]
    assert place.get("conversations/a") == {"n": 2, "stays": "a"}
    assert (place.get("conversations/b"), place.get("conversations/c"), place.get("conversations/d")) == (
        {"n": 5},
        None,
        None,
    )
    assert place.store.write(changes[:1], RATE) == [Written.CHANGED]


def test_what_comes_with_a_change_comes_with_it_or_not_at_all(place: Place) -> None:
    """A document that must not be there yet, and a counter."""
    made = NewDocument("made", "x", {"of": "a"})
    tally = Tally("tallies", "t", {"kind": "k"}, "accepted")
    for name in "ab":
        place.put(f"conversations/{name}", {"n": 1})
    changes = wanted(place, dict.fromkeys("ab", Change({"n": 2}, creates=(made,), tallies=(tally,))))
    assert [place.store.write([each], RATE) for each in changes] == [[Written.DONE], [Written.CHANGED]]
    assert (place.get("conversations/a"), place.get("conversations/b")) == ({"n": 2}, {"n": 1})
    assert (place.get("made/x"), place.get("tallies/t")) == ({"of": "a"}, {"kind": "k", "accepted": 1})


def test_a_pack_has_the_images_of_its_page(place: Place) -> None:
    """The newest first; an image that is written again replaces the one that was there."""
    for name in "abc":
        place.put(f"conversations/{name}", {"n": 1})
    assert place.store.pack_of_page(Ledger("0001", run=1, page=1)) is None
    packed(place, {"a": Change({"n": 2})})
    packed(place, {"a": Change({"n": 2}), "b": Change({"n": 2})})
    packed(place, {"c": Change({"n": 2})}, page=2)
    first, second = (place.store.pack_of_page(Ledger("0001", run=1, page=page)) for page in (1, 2))
    assert first is not None
    assert second is not None
    assert (set(first.images), set(second.images)) == ({"a", "b"}, {"c"})
    assert place.store.pack_of_page(Ledger("0002", run=1, page=1)) is None
    packed(place, {"b": Change({"n": 2})}, run=2)
    for there in ({"b"}, {"c"}, {"a", "b"}):
        newest = place.store.newest_pack("0001")
        assert newest is not None
        assert set(newest.images) == there
        assert place.store.newest_pack("0000") is None
        place.store.save(stored(place), stored(place).ledger, without=newest)
    assert place.store.newest_pack("0001") is None


def test_a_pack_has_room_for_so_much(place: Place) -> None:
    """Counted from the first change on, beside what is in it already."""
    for number in range(6):
        place.put(f"conversations/r{number}", {"n": "x" * (950_000 if number == 5 else 290_000)})
    changes = wanted(place, {f"r{number}": Change({"n": ""}) for number in range(6)})
    assert [place.store.fitting(changes[start:]) for start in range(6)] == [3, 3, 3, 2, 1, 0]
    packed(place, {"r0": Change({"n": ""}), "r1": Change({"n": ""})})
    pack = place.store.newest_pack("0001")
    assert place.store.fitting(changes[2:], pack) == 1
    assert place.store.fitting(changes[1:], pack) == 2
    assert place.store.fitting(changes, pack) == 3
    assert place.store.fitting([], pack) == 0
    packed(place, {"r2": Change({"n": ""})})
    with pytest.raises(StorageError):
        packed(place, {"r3": Change({"n": ""})})


def test_documents_go_back_to_what_they_were(place: Place) -> None:
    """Also one that is gone with its change; what came with one goes; doing it again is no error."""
    made, tally = NewDocument("made", "x", {"of": "b"}), Tally("tallies", "t", {"kind": "k"}, "accepted")
    for name in "abc":
        place.put(f"conversations/{name}", {"n": 1, "old": name})
    images = packed(
        place,
        {
            "a": Change({"n": REMOVED, "new": 1}),
            "b": Change({"n": 2}, creates=(made,), tallies=(tally,)),
            "c": Change(removes=True),
        },
    )
    place.store.write(images, RATE)
    place.put("conversations/a", {"new": 1, "old": "newer"})
    pack = place.store.newest_pack("0001")
    assert pack is not None
    for _ in range(2):
        assert place.store.restore(ALL, pack, RATE) == Restored(3, ())
        assert place.get("conversations/a") == {"n": 1, "old": "newer"}
        assert place.get("conversations/b") == {"n": 1, "old": "b"}
        assert place.get("conversations/c") == {"n": 1, "old": "c"}
        assert (place.get("made/x"), place.get("tallies/t")) == (None, {"kind": "k", "accepted": 0})


def test_what_has_changed_since_is_left_alone_and_told(place: Place) -> None:
    """By document, with the reason."""
    for name in "abcde":
        place.put(f"conversations/{name}", {"n": 1})
    made = NewDocument("made", "x", {"of": "d"})
    images = packed(
        place,
        {
            **dict.fromkeys("ab", Change({"n": 2})),
            "c": Change(removes=True),
            "d": Change({"n": 2}, creates=(made,)),
            "e": Change({"n": 2}),
        },
    )
    place.store.write(images, RATE)
    place.put("conversations/a", {"n": 7})
    place.remove("conversations/b")
    place.put("conversations/c", {"another": 1})
    place.put("made/x", {"of": "d", "went": "on"})
    pack = place.store.newest_pack("0001")
    assert pack is not None
    since = "it has been changed since"
    assert place.store.restore(ALL, pack, RATE) == Restored(
        1,
        (
            Problem("a", since),
            Problem("b", "it is gone"),
            Problem("c", "there is another document of its name"),
            Problem("d", since),
        ),
    )
    assert [place.get(f"conversations/{name}") for name in "abcde"] == [
        {"n": 7},
        None,
        {"another": 1},
        {"n": 2},
        {"n": 1},
    ]
