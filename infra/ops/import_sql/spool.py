"""The old rows in a file on this machine, where they can be looked up by what they belong to.

The file is private to this user, and removed at the end, however the command ends short of being killed. Rows come out
in the order of their ids, so that the same rows become the same documents whatever order they came in.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.ops.import_sql.dump import Row
from infra.ops.import_sql.schema import TABLES

BATCH = 1000
_INDEXES = (
    ("chat_conversations", "session_id"),
    ("chat_messages", "conversation_id"),
    ("leads", "session_id"),
    ("rodo_consents", "session_id"),
    ("followup_events", "conversation_id"),
)
NO_ID = "its id is no whole number"
TWICE = "its id is there twice"


class Spool:
    """One file of rows.

    Attributes:
        read: rows of each table that were read.
        skipped: rows that are not kept, by table and reason.
        unread_tables: tables of the old database that are not read.
        unread_columns: columns of known tables that are not read.
        missing: known tables that are not there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bellhop-import-", dir=folder)
        self._database = sqlite3.connect(Path(self._folder.name) / "rows.sqlite")
        self._database.row_factory = sqlite3.Row
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;")
        for table, columns in TABLES.items():
            others = ", ".join(f'"{column}" TEXT' for column in columns if column != "id")
            self._database.execute(f'CREATE TABLE "{table}" (id INTEGER PRIMARY KEY, {others})')
        self.read: Counter[str] = Counter()
        self.skipped: Counter[tuple[str, str]] = Counter()
        self.unread_tables: list[str] = []
        self.unread_columns: dict[str, list[str]] = {}
        self.missing: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()
        self._folder.cleanup()

    def fill(self, source: Iterable[tuple[str, tuple[str, ...], Row | None]]) -> Iterator[int]:
        """Take every row in; yields how many there are so far, now and then."""
        there: set[str] = set()
        for number, (table, columns, row) in enumerate(source, start=1):
            if table not in there:
                there.add(table)
            self._note(table, columns)
            if row is not None and table in TABLES:
                self.read[table] += 1
                self._add(table, row)
            if number % BATCH == 0:
                yield self.read.total()
        for table, column in _INDEXES:
            self._database.execute(f'CREATE INDEX "{table}_{column}" ON "{table}" ("{column}")')
        self._database.commit()
        self.missing = [table for table in TABLES if table not in there]
        yield self.read.total()

    def _note(self, table: str, columns: tuple[str, ...]) -> None:
        if table not in TABLES:
            if table not in self.unread_tables:
                self.unread_tables.append(table)
        elif columns and table not in self.unread_columns:
            self.unread_columns[table] = [column for column in columns if column not in TABLES[table]]

    def _add(self, table: str, row: Row) -> None:
        name = (row.get("id") or "").strip()
        if not name.lstrip("-").isascii() or not name.lstrip("-").isdigit() or len(name) > 18:  # noqa: PLR2004 - int8
            self.skipped[table, NO_ID] += 1
            return
        columns = [column for column in TABLES[table] if column in row and column != "id"]
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" for _ in columns)
        comma = ", " if columns else ""
        try:
            self._database.execute(
                f'INSERT INTO "{table}" (id{comma}{names}) VALUES (?{comma}{marks})',  # nosec B608  # noqa: S608 - our own names
                [int(name), *(row[column] for column in columns)],
            )
        except sqlite3.IntegrityError:
            self.skipped[table, TWICE] += 1

    def rows(self, table: str, after: int | None = None, **equal: Any) -> Iterator[dict[str, Any]]:
        """Rows of a table in the order of their ids, from after one on, those whose columns have these values."""
        wheres = [*(["id > ?"] if after is not None else []), *(f'"{column}" = ?' for column in equal)]
        values = [*([after] if after is not None else []), *map(str, equal.values())]
        where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
        asked = f'SELECT * FROM "{table}"{where} ORDER BY id'  # nosec B608  # noqa: S608 - our own names
        cursor = self._database.cursor()
        try:
            cursor.execute(asked, values)
            while found := cursor.fetchmany(BATCH):
                yield from map(dict, found)
        finally:
            cursor.close()

    def first(self, table: str, **equal: Any) -> dict[str, Any] | None:
        """The first such row; None where there is none."""
        rows = self.rows(table, **equal)
        found = next(rows, None)
        rows.close()  # type: ignore[attr-defined]
        return found

    def count(self, table: str) -> int:
        """How many rows of a table are kept."""
        return int(self._database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # nosec B608  # noqa: S608 - our own names
