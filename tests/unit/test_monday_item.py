"""An alert as an item: nothing lost, nothing that Monday.com would refuse, the same at every attempt."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.standins.monday import MondayStandIn
from infra.local.standins.monday_values import checked
from shared.adapters.monday_item import LONG_TEXT_MOST, NAME_MOST, cut, monday_item
from shared.monday_columns import TYPES, resolve_columns
from shared.ports import Message

COLUMNS = resolve_columns(MondayStandIn.COLUMNS)
MADE = datetime(2026, 7, 1, 23, 30, 5, tzinfo=UTC)
LEAD = Message(
    alert_id="a1",
    kind="lead",
    payload={
        "name": "Ana Silva",
        "email": "ana@example.com",
        "phone": "+48601234567",
        "message": "Hello",
        "score": 80,
        "language": "en",
    },
    maybe_shown=False,
    created_at=MADE,
)
VALUES = st.none() | st.text(max_size=300) | st.integers() | st.floats() | st.booleans()
PAYLOADS = st.dictionaries(
    st.sampled_from(["name", "email", "phone", "message", "score", "language", "title", "text", "conversation_id"]),
    VALUES,
)


def units(text):
    """UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def item(*, columns=COLUMNS, kind="lead", **payload):
    """The item of an alert with this payload."""
    return monday_item(replace(LEAD, kind=kind, payload=payload), columns)


def test_each_field_is_sent_in_its_column_s_form():
    """Monday.com's column types reference."""
    assert monday_item(LEAD, COLUMNS).name == "Ana Silva"
    assert monday_item(LEAD, COLUMNS).column_values == {
        "text_alert": "a1",
        "text_name": "Ana Silva",
        "email_lead": {"email": "ana@example.com", "text": "ana@example.com"},
        "phone_lead": {"phone": "+48601234567", "countryShortName": "PL"},
        "long_text_message": {"text": "Hello"},
        "numeric_score": "80",
        "text_language": "en",
        "date_created": {"date": "2026-07-01", "time": "23:30:05"},
        "text_kind": "lead",
    }


def test_a_column_of_another_type_gets_that_type_s_form():
    """As the setting says."""
    columns = resolve_columns(
        {
            "alert_id": "a",
            "email": "b:text",
            "message": "c:text",
            "created_at": "d:text",
            "language": "e:status",
            "kind": "f:dropdown",
        }
    )
    assert monday_item(LEAD, columns).column_values == {
        "a": "a1",
        "b": "ana@example.com",
        "c": "Hello",
        "d": "2026-07-01T23:30:05+00:00",
        "e": {"label": "en"},
        "f": {"labels": ["lead"]},
    }


def test_dates_are_sent_in_utc():
    """Monday.com shows them in each reader's own zone."""
    local = replace(LEAD, created_at=MADE.astimezone(timezone(timedelta(hours=5))))
    assert monday_item(local, COLUMNS).column_values["date_created"] == {"date": "2026-07-01", "time": "23:30:05"}


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"name": "Ana", "email": "ana@example.com"}, "Ana"),
        ({"email": "ana@example.com", "phone": "+48601234567"}, "ana@example.com"),
        ({"phone": "+48601234567", "message": "hi"}, "+48601234567"),
        ({"message": "hi"}, "hi"),
        ({}, "lead a1"),
        ({"name": "  ", "email": ""}, "lead a1"),
        ({"title": "Slack is down", "text": "since noon"}, "Slack is down"),
        ({"text": "since noon"}, "since noon"),
    ],
)
def test_an_item_is_named_after_whom_or_what_it_is_about(payload, name):
    """Never empty: Monday.com refuses an item without a name."""
    assert item(**payload).name == name


@pytest.mark.parametrize("kind", ["escalation", "notice"])
def test_a_message_to_the_team_has_its_title_as_name_and_its_text_in_the_message_column(kind):
    """Other kinds than leads have these two."""
    made = item(kind=kind, title="A lead was not delivered", text="Tried 8 times")
    assert made.name == "A lead was not delivered"
    assert made.column_values["long_text_message"] == {"text": "Tried 8 times"}
    assert made.column_values["text_kind"] == kind


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"phone": "+800 1234 5678"}, "+800 1234 5678"),  # a number of no country
        ({"phone": "+1 555"}, "+1 555"),
        ({"phone": "call me"}, "call me"),
        ({"email": "zoë@example.com"}, "zoë@example.com"),
        ({"email": "not an address"}, "not an address"),
    ],
)
def test_a_contact_detail_its_column_would_refuse_shows_in_the_name(payload, shown):
    """The lead arrives whole all the same."""
    made = item(name="Ana", **payload)
    assert made.name == f"Ana · {shown}"
    assert not {"phone_lead", "email_lead"} & set(made.column_values)


def test_a_contact_detail_without_a_column_shows_in_the_name():
    """Whatever the mapping leaves out."""
    only = resolve_columns({"alert_id": "text_alert"})
    assert monday_item(LEAD, only).name == "Ana Silva · ana@example.com · +48601234567"


def test_what_is_not_known_is_not_sent():
    """No column is cleared or set to the word None."""
    assert set(item(name="Ana", email=None, phone="").column_values) == {
        "text_alert",
        "text_name",
        "text_kind",
        "date_created",
    }


@pytest.mark.parametrize("character", ["a", "é", "😀"])
def test_long_texts_are_cut_between_code_points(character):
    """A name at 255, a long text at 2,000 UTF-16 units, with a mark."""
    made = item(name=character * 300, message=character * 2001)
    message = made.column_values["long_text_message"]["text"]
    assert NAME_MOST - 1 <= units(made.name) <= NAME_MOST
    assert LONG_TEXT_MOST - 1 <= units(message) <= LONG_TEXT_MOST
    assert set(made.name) == set(message) == {character, "…"}


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_cut_text_fits_and_begins_like_the_whole(text, most):
    """One that fits is not touched."""
    short = cut(text, most)
    assert units(short) <= most
    assert short == text if units(text) <= most else text.startswith(short[:-1])


@settings(deadline=None)
@given(PAYLOADS, st.sampled_from(["lead", "escalation", "notice", ""]), st.booleans())
def test_whatever_the_payload_monday_takes_the_item(payload, kind, plain):
    """Checked with the stand-in's own rules, which are Monday.com's."""
    made = monday_item(replace(LEAD, kind=kind, payload=payload, plain=plain), COLUMNS)
    assert made.name.strip()
    assert units(made.name) <= NAME_MOST
    for column, value in json.loads(json.dumps(made.column_values)).items():
        assert checked(column, MondayStandIn.COLUMN_TYPES[column], value, set(), new_labels=False) is not None


@settings(deadline=None)
@given(VALUES, st.sampled_from(TYPES))
def test_whatever_the_type_a_column_gets_only_what_it_takes(value, kind):
    """For any field in any type of column."""
    made = item(columns=resolve_columns({"alert_id": "a", "language": f"b:{kind}"}), language=value)
    if "b" in made.column_values:
        assert checked("b", kind, made.column_values["b"], set(), new_labels=True) is not None


@given(st.text(min_size=1, max_size=500))
def test_f39_a_message_keeps_every_character(text):
    """Through the JSON string inside the JSON body."""
    made = item(email="ana@example.com", message=text)
    again = json.loads(json.loads(json.dumps(json.dumps(made.column_values))))
    assert again["long_text_message"]["text"] == text


def test_every_attempt_has_the_same_item():
    """An idempotency key belongs to one body: neither the time of the attempt nor that it is a repeat shows."""
    again = replace(LEAD, maybe_shown=True, key=2, epoch=3, first_sent_at=MADE, now=MADE + timedelta(hours=1))
    assert monday_item(again, COLUMNS) == monday_item(LEAD, COLUMNS)


@pytest.mark.parametrize("kind", ["escalation", "notice"])
def test_f40_a_message_to_the_team_holds_no_control_and_no_override(kind):
    """A visitor's text stands among Bellhop's own words; the name is one line."""
    evil = "x\r\ny\u202ez\x00\x1b[31m\x85w"
    made = item(kind=kind, title=evil, text=evil, message="not this")
    assert made.name == "x yz [31m w"
    assert made.column_values["long_text_message"] == {"text": "x\nyz  [31m\nw"}


@pytest.mark.parametrize("kind", ["escalation", "notice"])
def test_a_message_to_the_team_that_is_too_long_is_cut_and_marked(kind):
    """Name and text, at their columns' limits."""
    made = item(kind=kind, title="😀" * 300, text="😀\n" * 2000)
    assert NAME_MOST - 1 <= units(made.name) <= NAME_MOST
    assert LONG_TEXT_MOST - 1 <= units(made.column_values["long_text_message"]["text"]) <= LONG_TEXT_MOST
    assert made.name.endswith("…")
    assert made.column_values["long_text_message"]["text"].endswith("…")


@pytest.mark.parametrize("kind", ["lead", "escalation", "notice"])
def test_a_plain_item_has_its_name_and_its_id_alone(kind):
    """No other column is left to be refused; a lead's details go into the name."""
    payload = {**LEAD.payload, "title": None if kind == "lead" else "A lead waits", "text": "Do this"}
    made = monday_item(replace(LEAD, kind=kind, payload=payload, plain=True), COLUMNS)
    assert made.column_values == {"text_alert": "a1"}
    contact = "ana@example.com · +48601234567"
    assert made.name == (f"Ana Silva · {contact}" if kind == "lead" else f"A lead waits · {contact}")
