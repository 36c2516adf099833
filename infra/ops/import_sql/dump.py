"""Rows out of a text file that ``pg_dump`` wrote, one line or statement at a time.

COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html, "Text Format") is a line a row, which is
simple enough to be read here; libraries for dumps either read the custom format only (pgdumplib) or hold and parse
whole statements of all of SQL (sqlglot), which a table in one statement is too large for. What ``pg_dump --inserts``
writes is read as well. Everything else in the file is passed over.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

Row = dict[str, str | None]

_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_COPY = re.compile(rf"COPY (?:{_NAME}\.)?({_NAME}) \((.*)\) FROM stdin;\s*")
_INSERT = re.compile(rf"INSERT INTO (?:{_NAME}\.)?({_NAME}) (?:\(([^)]*)\) )?(?:OVERRIDING SYSTEM VALUE )?VALUES\s*")
_CREATE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?(?:{_NAME}\.)?({_NAME}) \(\s*")
_COLUMN = re.compile(rf"\s+({_NAME}) \S.*")
_NOT_COLUMNS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "LIKE")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_VALUE = re.compile(
    r"\s*(?:(?P<null>NULL)|(?P<e>[Ee])?'(?P<text>(?:[^']|'')*)'(?:::[\w ]+)?|(?P<plain>[^',()\s]+))\s*(?P<end>[,)])"
)
STATEMENT_MOST = 64 * 1024 * 1024


class DumpError(Exception):
    """The file is no text dump, or is broken; the message says where."""


def read_dump(path: Path) -> Iterator[tuple[str, tuple[str, ...], Row | None]]:
    """Every table with its columns, then its rows.

    Args:
        path: the file; one that ends with .gz is unpacked on the way.

    Yields:
        A table's name, its columns, and a row of it; None in the row's place where a table begins, also an empty one.

    Raises:
        DumpError: it is no text dump, not UTF-8, or breaks off.
    """
    try:
        with path.open("rb") as file:
            if file.read(5) == b"PGDMP":
                raise DumpError(f"{path} is a dump in the custom format: make a text one with pg_dump --format=plain")
        with _opened(path) as lines:
            yield from _read(lines)
    except UnicodeDecodeError:
        raise DumpError(f"{path} is not UTF-8: dump with --encoding=UTF8") from None
    except (OSError, EOFError) as error:
        raise DumpError(f"{path} cannot be read ({type(error).__name__})") from None


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _read(lines: IO[str]) -> Iterator[tuple[str, tuple[str, ...], Row | None]]:
    columns_of: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if copied := _COPY.fullmatch(line):
            table, columns = _plain(copied[1]), _names(copied[2])
            yield table, columns, None
            yield from _copied(lines, table, columns)
        elif created := _CREATE.match(line):
            columns_of[_plain(created[1])] = columns = _created(lines)
            yield _plain(created[1]), columns, None
        elif inserted := _INSERT.match(line):
            table = _plain(inserted[1])
            columns = _names(inserted[2]) if inserted[2] else columns_of.get(table, ())
            yield from _inserted(lines, line[inserted.end() :], table, columns)


def _copied(lines: IO[str], table: str, columns: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Row]]:
    for line in lines:
        if line.rstrip("\r\n") == "\\.":
            return
        values = line.removesuffix("\n").removesuffix("\r").split("\t")
        if len(values) != len(columns):
            raise DumpError(f"a row of {table} has {len(values)} values for {len(columns)} columns")
        yield table, columns, dict(zip(columns, map(unescaped, values), strict=True))
    raise DumpError(f"the file ends within the rows of {table}")


def unescaped(value: str) -> str | None:
    r"""A value of COPY's text format: ``\N`` is NULL, a backslash begins an escape."""
    if value == "\\N":
        return None
    return _ESCAPE.sub(_escape, value) if "\\" in value else value


def _escape(match: re.Match[str]) -> str:
    said = match[1]
    if said[0] == "x" and len(said) > 1:
        return chr(int(said[1:], 16))
    return chr(int(said, 8)) if said[0] in "01234567" else _ESCAPES.get(said, said)


def _created(lines: IO[str]) -> tuple[str, ...]:
    columns = []
    for line in lines:
        if line.startswith(")"):
            break
        column = _COLUMN.match(line)
        if column and column[1] not in _NOT_COLUMNS:
            columns.append(_plain(column[1]))
    return tuple(columns)


def _inserted(
    lines: IO[str], rest: str, table: str, columns: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Row]]:
    """The rows of one INSERT, which may go over several lines; a text in it may hold line ends and semicolons."""
    text = rest
    while not _complete(text):
        line = lines.readline()
        if not line or len(text) > STATEMENT_MOST:
            raise DumpError(f"an INSERT into {table} does not end")
        text += line
    place = 0
    while (start := text.find("(", place)) >= 0:
        values, place = _tuple(text, start + 1, table)
        if columns and len(values) != len(columns):
            raise DumpError(f"a row of {table} has {len(values)} values for {len(columns)} columns")
        names = columns or tuple(str(number) for number in range(len(values)))
        yield table, columns, dict(zip(names, values, strict=True))


def _complete(text: str) -> bool:
    return text.rstrip().endswith(");") and text.count("'") % 2 == 0


def _tuple(text: str, place: int, table: str) -> tuple[list[str | None], int]:
    values: list[str | None] = []
    while True:
        match = _VALUE.match(text, place)
        if match is None:
            raise DumpError(f"an INSERT into {table} holds what is no plain value")
        if match["null"]:
            values.append(None)
        elif match["text"] is not None:
            said = match["text"].replace("''", "'")
            values.append(_ESCAPE.sub(_escape, said) if match["e"] else said)
        else:
            values.append(match["plain"])
        place = match.end()
        if match["end"] == ")":
            return values, place


def _names(text: str) -> tuple[str, ...]:
    return tuple(_plain(name) for name in re.findall(_NAME, text))


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
