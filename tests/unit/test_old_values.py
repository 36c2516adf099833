"""Old values, and dumps, however dirty."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.ops.import_sql import addresses
from infra.ops.import_sql.dump import DumpError, read_dump, unescaped
from infra.ops.import_sql.opt_outs import action_of
from infra.ops.import_sql.values import boolean, moment, opted_out, said, whole
from shared.domain import ids

ANY = st.none() | st.text()


@given(ANY)
def test_nothing_that_stands_there_raises(text):
    """Whatever it is."""
    assert boolean(text) in (True, False, None)
    assert moment(text, UTC) is None or moment(text, UTC).tzinfo is UTC
    assert whole(text) is None or isinstance(whole(text), int)
    assert opted_out(text) in (True, False)
    said(text).encode()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-07-01 12:00:00", datetime(2025, 7, 1, 10, tzinfo=UTC)),
        ("2025-07-01 12:00:00.123456+02", datetime(2025, 7, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2025-07-01T12:00:00Z", datetime(2025, 7, 1, 12, tzinfo=UTC)),
        ("infinity", None),
        ("0001-01-01 00:00:00", None),
        (None, None),
    ],
)
def test_times_without_a_zone_are_of_the_one_that_is_said(text, at):
    """Others keep their own."""
    assert moment(text, ZoneInfo("Europe/Warsaw")) == at


def test_opt_outs_hide_in_notes():
    """However they are written; that something else is false is none."""
    for notes in ("marketing_consent:False", "x; Marketing_Consent = false\n", "marketing_consent: 'no'"):
        assert opted_out(notes)
    for notes in ("marketing_consent:True", "consent:False", "", None, "marketing_consent:falsetto"):
        assert not opted_out(notes)


@pytest.mark.parametrize(
    ("action", "means"),
    [("unsubscribe", "out"), ("UNSUBSCRIBE_undo", "in"), ("opt-out", "out"), ("opt_in", "in"), ("consent_given", None)],
)
def test_the_audit_says_in_or_out(action, means):
    """Consent given in a chat undoes no opt-out."""
    assert action_of({"action": action}) == means


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_what_copy_escapes_comes_back(text):
    """As PostgreSQL escapes it."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    assert unescaped(escaped) == text


def test_copys_own_escapes():
    """NULL, octal, hexadecimal, and a letter that means itself."""
    assert [unescaped(text) for text in ("\\N", "\\\\N", "\\101", "\\x41", "\\q")] == [None, "\\N", "A", "A", "q"]


def test_a_dump_is_read_packed_and_with_crlf(tmp_path):
    """What went through Windows, or gzip."""
    text = "COPY public.leads (id, name) FROM stdin;\r\n1\tAna\r\n\\.\r\n"
    (tmp_path / "a.sql").write_bytes(text.encode())
    (tmp_path / "a.sql.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.sql", "a.sql.gz"):
        assert [row for _, _, row in read_dump(tmp_path / name) if row] == [{"id": "1", "name": "Ana"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("COPY leads (id, name) FROM stdin;\n1\n\\.\n", "1 values for 2"),
        ("COPY leads (id) FROM stdin;\n1\n", "ends within"),
        ("INSERT INTO leads (id) VALUES (now());\n", "no plain value"),
        ("INSERT INTO leads (id) VALUES ('a\n", "does not end"),
        ("INSERT INTO leads (id) VALUES (1, 2);\n", "2 values for 1"),
    ],
)
def test_a_broken_dump_is_told(tmp_path, text, told):
    """With what is broken, and not with what it holds."""
    (tmp_path / "a.sql").write_text(text)
    with pytest.raises(DumpError, match=told):
        list(read_dump(tmp_path / "a.sql"))


def test_a_dump_that_is_not_utf8_is_told(tmp_path):
    """With what to do."""
    (tmp_path / "a.sql").write_bytes(b"COPY leads (id) FROM stdin;\n\xff\n\\.\n")
    with pytest.raises(DumpError, match="--encoding=UTF8"):
        list(read_dump(tmp_path / "a.sql"))


def test_addresses_are_hashed_as_the_functions_do():
    """The same key and address, the same hash; without the key another one."""
    made = addresses.address_hash("ana@example.com", "key")
    assert made == "bbe4398b17f8ee678e2b5de74ca91441"
    assert made != addresses.address_hash("ana@example.com", "other")
    assert made != addresses.client_hash("ana@example.com", "key")
    theirs = getattr(ids, "address_hash", addresses.address_hash)
    assert theirs("ana@example.com", "key") == made
