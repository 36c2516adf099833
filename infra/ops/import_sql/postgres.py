"""Rows out of a running PostgreSQL, in the text form that a dump has them in, as they are at one moment."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from infra.ops.import_sql.dump import Row
from infra.ops.import_sql.schema import TABLES

CONNECT_SECONDS = 10


class SourceError(Exception):
    """The old database cannot be read; the message is one line without its address, which may hold a password."""


def read_postgres(url: str, schema: str) -> Iterator[tuple[str, tuple[str, ...], Row | None]]:
    """Every table with its columns; of those that are known then the rows, streamed.

    Args:
        url: as libpq takes it; a password may also be in PGPASSWORD or ~/.pgpass.
        schema: where the tables are.

    Yields:
        As ``infra.ops.import_sql.dump.read_dump`` does.

    Raises:
        SourceError: it cannot be connected to or read.
    """
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, application_name="bellhop import-sql") as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute("SET LOCAL DateStyle TO 'ISO, YMD'")
            connection.execute("SET LOCAL client_encoding TO 'UTF8'")
            for table, columns in _tables(connection, schema).items():
                yield table, columns, None
                if table in TABLES:
                    yield from _rows(connection, schema, table, columns)
    except psycopg.Error as error:
        state = f" ({error.sqlstate})" if error.sqlstate else ""
        raise SourceError(f"the old database cannot be read: {type(error).__name__}{state}") from None


def _tables(connection: psycopg.Connection[tuple[str, ...]], schema: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    asked = (
        "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t "
        "USING (table_schema, table_name) WHERE table_schema = %s AND t.table_type = 'BASE TABLE' "
        "ORDER BY c.table_name, c.ordinal_position"
    )
    for table, column in connection.execute(asked, (schema,)):
        found[table] = (*found.get(table, ()), column)
    return found


def _rows(
    connection: psycopg.Connection[tuple[str, ...]], schema: str, table: str, columns: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Row]]:
    """COPY streams: neither side holds the table."""
    known = [column for column in columns if column in TABLES[table]]
    copy_out = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, known)), sql.Identifier(schema, table)
    )
    with connection.cursor() as cursor, cursor.copy(copy_out) as copied:
        for values in copied.rows():
            yield table, columns, dict(zip(known, values, strict=True))
