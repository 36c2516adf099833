"""The steps and what surrounds them, as pure functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.contact import valid_email
from shared.migrations import catalog
from shared.migrations.masking import masked
from shared.migrations.pace import rate_after, seconds_for
from shared.migrations.step import REMOVED, CannotTransform, Change, Document
from shared.migrations.steps import s0001_email_of_context as s0001
from shared.migrations.steps import s0002_dead_letters_of_before as s0002
from shared.migrations.steps import s0003_schema_version as s0003

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.emails(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["email", "user", "E-Mail", "x"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def applied(step, fields):
    """A document's fields after a step, as often as it has something to change."""
    for _ in range(3):
        change = step.transform(Document("a", fields))
        if change is None:
            return fields
        fields = {name: value for name, value in (fields | dict(change.fields)).items() if value is not REMOVED}
    raise AssertionError("a step must be done with a document it has changed")


@pytest.mark.parametrize(
    ("context", "email"),
    [
        ({"email": "Ana@Example.COM"}, "ana@example.com"),
        ({"user": {"Email_Address": " ana@example.com "}}, "ana@example.com"),
        ({"email": "broken", "lead": [{"e-mail": "ana@example.com"}]}, "ana@example.com"),
        ({"email": "", "contact": {"mail": "ana@example.com"}}, "ana@example.com"),
        (json.dumps({"email": "ana@example.com"}), "ana@example.com"),
    ],
)
def test_0001_finds_the_address_wherever_it_is_called_one(context, email):
    """In the outermost place first; also in a text that was encoded twice."""
    assert applied(s0001, {"context_data": json.dumps(context)})["email"] == email


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"context_data": None},
        {"context_data": "  "},
        {"context_data": "null"},
        {"context_data": '{"note": "write to ana@example.com"}'},
        {"context_data": '{"email": null}'},
        {"context_data": '{"email": "other@example.com"}', "email": "ana@example.com"},
    ],
)
def test_0001_changes_nothing_where_there_is_nothing_to_copy(fields):
    """Nothing there, nothing that is called an address, or an address that is there already."""
    assert s0001.transform(Document("a", fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"context_data": "{"},
        {"context_data": "[1]"},
        {"context_data": 7},
        {"context_data": '{"email": "a b@c"}'},
        {"context_data": '"{"'},
        {"context_data": "[" * 100_000},
        {"email": 7},
    ],
)
def test_0001_says_what_it_cannot_read(fields):
    """Never with what it was."""
    with pytest.raises(CannotTransform) as told:
        s0001.transform(Document("a", fields))
    assert "a b@c" not in str(told.value)


@given(st.dictionaries(st.sampled_from(["context_data", "email", "schema_version"]), JSON | JSON.map(json.dumps)))
def test_a_step_ends_with_every_document(fields):
    """Whatever stands there: changed once, left, or told of; an address that is written is one, in lower case."""
    for step in (s0001, s0003):
        try:
            after = applied(step, fields)
        except CannotTransform:
            continue
        assert after.get("context_data") == fields.get("context_data")
        if step is s0001 and not fields.get("email") and after.get("email"):
            assert valid_email(after["email"]) == after["email"]


def test_0003_and_its_way_back():
    """A version is filled in, a wrong one told; the way back takes only what it gave."""
    assert s0003.transform(Document("a", {})) == Change({"schema_version": 1})
    assert s0003.transform(Document("a", {"schema_version": 2})) is None
    assert s0003.reverse(Document("a", {"schema_version": 1})) == Change({"schema_version": REMOVED})
    assert s0003.reverse(Document("a", {"schema_version": 2})) is None
    for wrong in ("1", True, 0, 1.0):
        with pytest.raises(CannotTransform):
            s0003.transform(Document("a", {"schema_version": wrong}))


def old_row(**fields):
    """A pending Slack alert of before."""
    row = {
        "event_type": "slack_alert",
        "target": "https://hooks.example.com/secret",
        "payload": json.dumps({"text": "Call Ana", "email": "ana@example.com"}),
        "error_message": "500 Server Error for url: https://hooks.example.com/secret",
        "retry_count": 4,
        "created_at": datetime(2025, 1, 1, 12, tzinfo=UTC),
        "last_retry_at": datetime(2025, 1, 2, 12, tzinfo=UTC),
        "status": "pending",
    }
    return row | fields


def test_0002_makes_an_alert_that_goes_on_being_retried():
    """Parked and due, with what it said, counted; without the webhook's address anywhere."""
    change = s0002.transform(Document("17", old_row()))
    [made], [tally] = change.creates, change.tallies
    assert (made.collection, made.id, made.fields["state"]) == ("alerts", "17", "parked")
    assert made.fields["wake_at"] == datetime(2025, 1, 2, 12, tzinfo=UTC)
    assert made.fields["payload"] == {
        "email": "ana@example.com",
        "title": "Alert of the old system",
        "text": "Call Ana",
    }
    assert (change.fields["status"], change.fields["cause"], change.fields["event_type"]) == (
        "pending",
        "http_500",
        REMOVED,
    )
    assert (tally.field, tally.labels) == ("accepted", {"channel": "slack", "kind": "imported"})
    assert "secret" not in str(change)
    after = {name: value for name, value in (old_row() | dict(change.fields)).items() if value is not REMOVED}
    assert s0002.transform(Document("17", after)) is None


@pytest.mark.parametrize("kind", ["email", "sms"])
@pytest.mark.parametrize("status", ["pending", "failed", "delivered"])
def test_0002_fails_what_was_never_sent(kind, status):
    """Whatever the old system says of it."""
    change = s0002.transform(Document("17", old_row(event_type=kind, status=status)))
    [made] = change.creates
    assert (made.fields["channel"], made.fields["state"], made.fields["wake_at"]) == ("email", "failed", None)
    assert (change.fields["status"], change.fields["cause"]) == ("failed", "never_sent_by_old_system")


def test_0002_removes_what_was_delivered_and_tells_what_it_does_not_know():
    """A Slack alert that arrived is no dead letter; a fax, a strange status or name is left."""
    assert s0002.transform(Document("17", old_row(status="delivered"))).removes
    for name, row in (("17", old_row(event_type="fax")), ("17", old_row(status="?")), ("a/b", old_row())):
        with pytest.raises(CannotTransform):
            s0002.transform(Document(name, row))


@given(st.dictionaries(st.sampled_from(["payload", "target", "created_at", "error_message", "retry_count"]), JSON))
def test_0002_takes_whatever_a_row_holds(fields):
    """No payload, time or message stops it."""
    change = s0002.transform(Document("17", old_row(**fields)))
    assert change.creates[0].fields["payload"]["text"]


def test_masking_shows_no_details():
    """Kinds and lengths; machine words in fields of machine words only."""
    shown = masked(
        {
            "email": "ana@example.com",
            "text": "I am Ana, ana@example.com",
            "status": "pending",
            "cause": "Ana's mail",
            "phone": 48601234567,
            "score": 80,
            "turns": [{"question": "Who is Ana?"}] * 5,
            "at": datetime(2025, 1, 1, tzinfo=UTC),
            "gone": REMOVED,
            "blob": b"ana@example.com",
        }
    )
    assert shown["email"] == "a***@e***"
    assert shown["text"] == "text of 25 characters with a***@e***"
    assert (shown["status"], shown["score"], shown["gone"]) == ("pending", 80, "(removed)")
    assert "Ana" not in str(shown)
    assert "601234567" not in str(shown)
    json.dumps(shown)


def test_the_pace_begins_with_500_and_grows_by_half_every_five_minutes():
    """Firestore's ramp-up; a duration follows it."""
    assert (rate_after(0), rate_after(299), rate_after(300), rate_after(600)) == (500, 500, 750, 1125)
    assert seconds_for(150_000) == 300
    assert seconds_for(150_000 + 75_000) == 400


def test_steps_are_in_order_and_known_by_their_code():
    """Each requires the one before it; another letter of the code is another checksum, another line end is not."""
    found = catalog.steps()
    assert list(found) == ["0001", "0002", "0003"]
    assert [step.requires for step in found.values()] == [(), ("0001",), ("0002",)]
    assert catalog.checksum("a\nb\n") == catalog.checksum("a\r\nb") != catalog.checksum("a\nc\n")
    with pytest.raises(ValueError, match="in their order"):
        catalog.steps((s0002, s0001))
