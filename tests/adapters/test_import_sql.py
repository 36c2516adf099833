"""Coming over from a real PostgreSQL: every row has a fate, nothing is there twice, opted out stays opted out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.ops.__main__ import main
from infra.ops.import_sql.addresses import address_hash
from infra.ops.import_sql.dump import read_dump
from infra.ops.import_sql.importing import Importing
from infra.ops.import_sql.postgres import read_postgres
from infra.ops.import_sql.schema import TABLES
from infra.ops.import_sql.spool import Spool
from infra.ops.import_sql.writing import FirestoreTarget
from shared.adapters.firestore_conservation import FirestoreConservation
from shared.adapters.firestore_conversation import conversation_of
from shared.domain import ids
from tests.adapters.conftest import FirestoreWorld
from tests.support.migrating import Cut, Cutting
from tests.support.old_database import OldDatabase
from tests.support.postgres_server import PostgresServer

KEY = "address-hash-key"
COLLECTIONS = ("conversations", "alerts", "dead_letters", "tallies", "suppressions", "consent_audit", "followups")
CONVERSATIONS = 150


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server with an old database in it."""
    server = PostgresServer()
    OldDatabase(CONVERSATIONS).load(server.uri)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def old() -> OldDatabase:
    """What is in it."""
    return OldDatabase(CONVERSATIONS)


def spooled(source: Any) -> Spool:
    """Everything that a source has."""
    spool = Spool()
    for _ in spool.fill(source):
        pass
    return spool


def imported(target: Any, source: Any, *, again: bool = False) -> tuple[Any, Spool]:
    """An import's report, and its rows."""
    with spooled(source) as spool:
        run = Importing(spool, target, KEY, UTC, "pl", datetime.now(UTC), lambda *_: None)
        return run(again=again), spool


def documents(world: FirestoreWorld) -> dict[str, dict[str, Any]]:
    """Everything there is, without the times that are the import's own."""
    client = world.database.client
    found = [each for name in COLLECTIONS for each in client.collection(name).stream()]
    found += list(client.collection_group("messages").stream())
    mine = ("made_at", "since")
    return {
        each.reference.path: {name: value for name, value in each.to_dict().items() if name not in mine}
        for each in found
    }


def fates(report: Any, spool: Spool) -> dict[str, tuple[int, int]]:
    """Of every table: rows read, and rows accounted for."""
    skipped = spool.skipped + report.skipped
    return {
        name: (
            spool.read[name],
            report.fates.imported[name]
            + report.fates.present[name]
            + report.fates.refused[name]
            + sum(rows for (table, _), rows in skipped.items() if table == name),
        )
        for name in TABLES
    }


def test_every_row_comes_over_or_is_told_of(firestore_world, postgres, old):
    """The report adds up; every text is there once; what cannot be sent is failed and listed; all is accounted for."""
    report, spool = imported(FirestoreTarget(firestore_world.database, 1e6), read_postgres(postgres.uri, "public"))
    assert {name: read for name, (read, _) in fates(report, spool).items()} == dict(old.counts)
    assert all(read == known for read, known in fates(report, spool).values())
    assert spool.unread_tables == ["users"]
    there = documents(firestore_world)
    said = "\n".join(f"{each['question']}\n{each['answer']}" for path, each in there.items() if "/messages/" in path)
    texts = list(old.texts())
    assert all(said.count(text) >= texts.count(text) for text in set(texts))
    assert sum(len(text) + 1 for text in texts) <= len(said)
    assert (
        FirestoreConservation(firestore_world.database)
        .census(kept=(datetime.now(UTC) - datetime(2020, 1, 1, tzinfo=UTC)))
        .balanced
    )
    never = [each for each in report.never_sent if each["alert"] is not None]
    assert never
    for each in never:
        alert = there[f"alerts/{each['alert']}"]
        assert (alert["state"], alert["cause"]) == ("failed", "never_sent_by_old_system")


def test_conversations_can_be_gone_on_with(firestore_world, postgres):
    """Under the name their session has today; with the newest lead's details, and the last turns."""
    imported(FirestoreTarget(firestore_world.database, 1e6), read_postgres(postgres.uri, "public"))
    name = ids.conversation_id("session-8")
    found = conversation_of(name, documents(firestore_world)[f"conversations/{name}"])
    assert found.details.email == "visitor8@example.com"
    assert found.details.phone == "+48601234567"
    assert found.consent.marketing is False
    assert found.fields["location"] == "Gdańsk"
    assert found.alerted == {"lead"}
    assert len(found.turns) == min(found.turn_count, 12)
    assert found.created_at == datetime(2024, 3, 1, 9, 8, tzinfo=UTC)


def test_opted_out_stays_opted_out_and_what_was_sent_is_not_sent_again(firestore_world, postgres):
    """From notes, columns and the audit; not what was undone later; follow-ups by their numbers."""
    imported(FirestoreTarget(firestore_world.database, 1e6), read_postgres(postgres.uri, "public"))
    there = documents(firestore_world)

    def out(email: str) -> bool:
        return f"suppressions/{address_hash(email, KEY)}" in there

    assert all(
        map(out, ("visitor8@example.com", "visitor20@example.com", "orphan@example.com", "visitor27@example.com"))
    )
    assert not any(map(out, ("visitor4@example.com", "visitor1@example.com", "visitor18@example.com")))
    assert "@" not in json.dumps([each for path, each in there.items() if path.startswith("suppr")], default=str)
    name = ids.conversation_id("session-18")
    assert {f"followups/{name}:1", f"followups/{name}:2"} <= set(there)


@pytest.mark.parametrize("options", [(), ("--inserts",), ("--column-inserts",)], ids=["copy", "inserts", "columns"])
def test_a_dump_gives_what_the_server_gives(postgres, tmp_path, options):
    """Row by row, with everything that is hard to quote, whatever pg_dump was told."""
    with spooled(read_postgres(postgres.uri, "public")) as server:
        rows = {name: list(server.rows(name)) for name in TABLES}
    with spooled(read_dump(postgres.dump(tmp_path / "old.sql", *options))) as dump:
        assert not dump.skipped
        for name in TABLES:
            for ours, theirs in zip(rows[name], dump.rows(name), strict=True):
                words = {"true": "t", "false": "f"} if options else {}
                assert ours == {column: words.get(str(value), value) for column, value in theirs.items()}


def test_cut_off_anywhere_and_repeated_it_is_the_same(firestore_world, postgres):
    """Every call to Firestore in turn: no document twice, none missing, every row accounted for."""
    target = FirestoreTarget(firestore_world.database, 1e6)
    rows = list(read_postgres(postgres.uri, "public"))
    whole, _ = imported(target, rows)
    expected = documents(firestore_world)
    assert sum(whole.fates.present.values()) == 0
    counted = Cutting(target)
    imported(counted, rows, again=True)
    assert documents(firestore_world) == expected
    for at in range(2, counted.calls, max(1, counted.calls // 8)):
        world = FirestoreWorld()
        try:
            target = FirestoreTarget(world.database, 1e6)
            with pytest.raises(Cut):
                imported(Cutting(target, at, after=at % 2 == 0), rows)
            report, spool = imported(target, rows)
            assert all(read == known for read, known in fates(report, spool).values()), at
            assert documents(world) == expected, at
        finally:
            world.close()


def test_what_is_there_is_not_overwritten(firestore_world, postgres):
    """A visitor went on with a conversation that was imported: importing again leaves it alone."""
    target = FirestoreTarget(firestore_world.database, 1e6)
    rows = list(read_postgres(postgres.uri, "public"))
    imported(target, rows)
    reference = firestore_world.database.document("conversations", ids.conversation_id("session-1"))
    reference.update({"score": 77})
    report, spool = imported(target, rows)
    assert reference.get().get("score") == 77
    assert sum(report.fates.imported.values()) == 0
    assert all(read == known for read, known in fates(report, spool).values())


def test_any_table_may_be_missing(firestore_world, postgres):
    """Also the conversations: leads become conversations of their own."""
    try:
        OldDatabase(CONVERSATIONS).load(postgres.uri, without=("chat_conversations", "followup_events"))
        report, spool = imported(FirestoreTarget(firestore_world.database, 1e6), read_postgres(postgres.uri, "public"))
    finally:
        OldDatabase(CONVERSATIONS).load(postgres.uri)
    assert spool.missing == ["chat_conversations", "followup_events"]
    assert all(read == known for read, known in fates(report, spool).values())
    assert report.fates.imported["leads"] == spool.read["leads"]


def test_the_command_says_what_is_wrong(postgres, tmp_path, capsys, monkeypatch):
    """No server, no dump, a custom dump, no tables, no key: one line each, without a password."""
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    (tmp_path / "empty.sql").write_text("-- nothing\n")
    (tmp_path / "custom.dump").write_bytes(b"PGDMP\x01\x0e")
    (tmp_path / "broken.sql").write_text("COPY public.leads (id, name) FROM stdin;\n1\tAna\n")
    for arguments, told in (
        (["--from", "postgresql://user:hunter2@127.0.0.1:1/x"], "cannot be read"),
        (["--dump", str(tmp_path / "none.sql")], "cannot be read"),
        (["--dump", str(tmp_path / "custom.dump")], "custom format"),
        (["--dump", str(tmp_path / "empty.sql")], "none of the old system's tables"),
        (["--dump", str(tmp_path / "broken.sql")], "ends within the rows of leads"),
    ):
        assert main(["import-sql", *arguments, "--dry-run"], {}) == 1
        error = capsys.readouterr().err
        assert told in error
        assert "hunter2" not in error
    assert main(["import-sql", "--from", postgres.uri, "--project", "demo"], {}) == 2
    assert "ADDRESS_HASH_KEY" in capsys.readouterr().err


def test_a_dry_run_writes_nothing_and_says_the_same(postgres, old, capsys):
    """The counts that an import will have, without a Firestore."""
    assert main(["import-sql", "--from", postgres.uri, "--dry-run", "--json"], {}) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {name: counts["read"] for name, counts in answer["tables"].items()} == dict(old.counts)
    assert all(counts["unaccounted"] == 0 for counts in answer["tables"].values())


def test_rows_without_a_use_of_ids_are_told(tmp_path: Path):
    """An id that is no number, or there twice."""
    dump = tmp_path / "old.sql"
    dump.write_text(
        "COPY public.leads (id, name, shoe_size) FROM stdin;\n1\tAna\t3\n1\tOla\t3\nx\tEla\t3\n\\N\tIda\t3\n\\.\n"
    )
    with spooled(read_dump(dump)) as spool:
        assert dict(spool.skipped) == {("leads", "its id is there twice"): 1, ("leads", "its id is no whole number"): 2}
        assert spool.unread_columns["leads"] == ["shoe_size"]
