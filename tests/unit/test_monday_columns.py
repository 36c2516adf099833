"""MONDAY_COLUMNS: what it takes, and that everything else is refused with what it takes."""

import json

import pytest

from shared.monday_columns import TYPE_OF_FIELD, TYPES, Column, parse_columns, resolve_columns


def test_a_column_has_its_field_s_type_unless_it_says_otherwise():
    """The type follows a colon."""
    columns = parse_columns('{"alert_id": "text_1", "email": "email_2", "message": "text_3:text"}')
    assert columns == {"alert_id": "text_1", "email": "email_2", "message": "text_3:text"}
    assert resolve_columns(columns) == {
        "alert_id": Column("text_1", "text"),
        "email": Column("email_2", "email"),
        "message": Column("text_3", "text"),
    }


def test_every_field_can_have_a_column():
    """Each with the type of its kind."""
    columns = {field: f"column_{field}" for field in TYPE_OF_FIELD}
    assert {field: column.type for field, column in resolve_columns(columns).items()} == TYPE_OF_FIELD
    assert set(TYPE_OF_FIELD.values()) <= set(TYPES)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, "alert_id is missing"),
        ({"email": "e"}, "alert_id is missing"),
        ({"alert_id": "a", "surname": "b"}, "'surname' is no field"),
        ({"alert_id": "a", "email": ""}, "email: no column id"),
        ({"alert_id": "a", "email": "two words"}, "email: no column id"),
        ({"alert_id": "a", "email": 7}, "email: no column id"),
        ({"alert_id": "a", "email": None}, "email: no column id"),
        ({"alert_id": "a", "email": "b:mirror"}, "'mirror' is no column type"),
        ({"alert_id": "a:long_text"}, "alert_id needs a text column"),
        ({"alert_id": "a", "email": "a"}, "a column is named twice"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_reason_and_what_it_takes(columns, why):
    """One sentence is enough to correct it."""
    with pytest.raises(ValueError) as refused:
        parse_columns(json.dumps(columns))
    assert why in str(refused.value)
    assert "a JSON object of field to column id" in str(refused.value)
    assert all(field in str(refused.value) for field in TYPE_OF_FIELD)


@pytest.mark.parametrize("text", ["", "alert_id=text_1", "[]", "null", '"alert_id"', "{", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text):
    """Whatever it is instead."""
    with pytest.raises(ValueError, match=r"^a JSON object"):
        parse_columns(text)
