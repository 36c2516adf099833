"""An update of a lead at Monday.com against the stand-in: the lead's item changes, and there is never a second one."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.standins.monday import MondayStandIn
from shared.adapters.monday import API_VERSION, Monday
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown
from shared.ports import Message
from tests.adapters.test_monday import TABLE
from tests.support.monday_standin import monday_in_a_thread

NOW = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
LEAD = Message(
    alert_id="a1",
    kind="lead",
    payload={"name": "Ana", "email": "ana@example.com", "phone": "+48601234567", "message": "Hello", "score": 80},
    maybe_shown=False,
    created_at=NOW - timedelta(hours=1),
    now=NOW,
)
UPDATE = replace(
    LEAD,
    alert_id="u1",
    kind="update",
    payload={
        **LEAD.payload,
        "name": "Ana Nowak",
        "phone": "+48601234568",
        "message": "Hello\nIt is +48601234568",
        "fields": [{"id": "area", "label": "Square metres", "value": "80"}],
        "handoff": True,
        "lead_id": "a1",
        "version": 1,
    },
    created_at=NOW,
    lead_ended_at=NOW - timedelta(hours=1),
)
NOT_FOUND = {"data": {"items_page_by_column_values": {"items": []}}}
FOUND = {"data": {"items_page_by_column_values": {"items": [{"id": "2000000001"}]}}}


@pytest.fixture
def monday():
    """A stand-in that is well."""
    with monday_in_a_thread(now=lambda: NOW) as running:
        yield running


def send(monday, message, *, seconds=20.0, **changes):
    """One attempt."""
    settings = {
        "api_key": MondayStandIn.TOKEN,
        "board_id": MondayStandIn.BOARD_ID,
        "api_url": monday.url,
        "columns": MondayStandIn.COLUMNS,
    }
    return Monday(**{**settings, **changes}).send(message, deadline=time.monotonic() + seconds)


def asked(monday):
    """What each request asked for, in order."""
    names = {"create_item": "create", "change_multiple": "change", "items_page_by": "look up"}
    return [next(short for name, short in names.items() if name in body["query"]) for _, body in monday.standin.seen]


def test_the_leads_item_changes(monday):
    """Its name and every column that changes with a lead; not its id, its time or that it is a lead."""
    assert send(monday, LEAD) == Delivered()
    assert send(monday, UPDATE) == Delivered()
    (item,) = monday.items
    assert item["name"] == "Ana Nowak"
    assert item["column_values"] == {
        "text_alert": "a1",
        "text_name": "Ana Nowak",
        "email_lead": {"email": "ana@example.com", "text": "ana@example.com"},
        "phone_lead": {"phone": "+48601234568", "countryShortName": "PL"},
        "long_text_message": {"text": "Hello\nIt is +48601234568"},
        "numeric_score": "80",
        "date_created": {"date": "2026-07-01", "time": "20:00:00"},
        "text_kind": "lead",
        "text_handoff": "yes",
        "text_area": "80",
    }
    assert asked(monday) == ["create", "look up", "change"]


def test_the_change_is_as_monday_wants_it(monday):
    """The version, variables, the values as a string; no idempotency key, as repeating it is harmless."""
    send(monday, LEAD)
    send(monday, UPDATE)
    headers, body = monday.standin.seen[-1]
    assert headers["API-Version"] == API_VERSION == "2026-07"
    assert "Idempotency-Key" not in headers
    assert isinstance(body["variables"]["values"], str)
    assert body["variables"]["board"] == MondayStandIn.BOARD_ID


def test_the_same_update_again_changes_nothing(monday):
    """One item, the same values."""
    send(monday, LEAD)
    send(monday, UPDATE)
    stands = json.dumps(monday.items)
    assert send(monday, replace(UPDATE, first_sent_at=NOW)) == Delivered()
    assert json.dumps(monday.items) == stands


def test_a_contact_detail_that_its_column_cannot_hold_is_cleared_there(monday):
    """The old one would be taken for the new one, which shows in the name."""
    send(monday, LEAD)
    assert send(monday, replace(UPDATE, payload={**UPDATE.payload, "email": "ana@żółw.example"})) == Delivered()
    (item,) = monday.items
    assert "email_lead" not in item["column_values"]
    assert item["name"] == "Ana Nowak · ana@żółw.example"


def test_a_field_of_the_knowledge_file_can_have_a_column_for_numbers(monday):
    """An amount of money is in it without its currency."""
    fields = [{"id": "budget", "label": "Budget", "value": "20000.5 EUR"}]
    columns = {"alert_id": "text_alert", "field_budget": "numeric_score:numbers"}
    assert send(monday, replace(LEAD, payload={"email": "a@example.com", "fields": fields}), columns=columns)
    assert monday.items[0]["column_values"] == {"text_alert": "a1", "numeric_score": "20000.5"}


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (None, Retry("lead_not_delivered", timedelta(seconds=2))),
        (NOW - timedelta(seconds=30), Retry("item_not_found", timedelta(seconds=2))),
    ],
)
def test_an_update_waits_for_the_leads_item(monday, ended, outcome):
    """Also while the board's index may be behind: it is not made a second time."""
    assert send(monday, replace(UPDATE, lead_ended_at=ended)) == outcome
    assert monday.items == []


def test_an_item_that_is_gone_is_made_anew_under_the_leads_id(monday):
    """And the next update finds it."""
    assert send(monday, UPDATE) == Delivered()
    (item,) = monday.items
    assert (item["column_values"]["text_alert"], item["name"]) == ("a1", "Ana Nowak")
    later = replace(UPDATE, alert_id="u2", payload={**UPDATE.payload, "version": 2, "score": 90})
    assert send(monday, later) == Delivered()
    assert [each["column_values"]["numeric_score"] for each in monday.items] == ["90"]


def test_an_item_that_goes_between_look_up_and_change_blocks_nobody(monday):
    """Monday.com says of it what it says of a board that is gone; the next attempt makes it anew."""
    monday.answer(200, FOUND)
    assert send(monday, UPDATE) == Retry("ResourceNotFoundException", timedelta(seconds=1))
    assert send(monday, UPDATE) == Delivered()
    assert len(monday.items) == 1


def changing(outcome):
    """What an error of the table means for a change: a thing that is gone is looked up again."""
    gone = outcome == Blocked("ResourceNotFoundException")
    return Retry("ResourceNotFoundException", timedelta(seconds=1)) if gone else outcome


@pytest.mark.parametrize("mode", TABLE)
def test_every_row_of_the_table_has_its_outcome_for_a_change(monday, mode):
    """The item stays as it was, and after the repair the same update changes it."""
    send(monday, LEAD)
    stands = json.dumps(monday.items)
    monday.answer(200, FOUND)
    refused = monday.standin.refuse(mode)
    monday.standin.script.append(refused)
    assert send(monday, UPDATE) == changing(TABLE[mode])
    assert json.dumps(monday.items) == stands
    assert send(monday, UPDATE) == Delivered()
    assert [item["name"] for item in monday.items] == ["Ana Nowak"]


@pytest.mark.parametrize("mode", ["500", "Unauthorized", "DAILY_LIMIT_EXCEEDED", "ResourceNotFoundException"])
def test_what_a_look_up_could_not_find_out_changes_and_makes_nothing(monday, mode):
    """It is not taken for "there is none"."""
    monday.fail(mode)
    assert send(monday, UPDATE) == TABLE[mode]
    assert monday.items == []


def test_an_answer_without_the_item_is_no_delivery(monday):
    """Partial data with status 200."""
    monday.answer(200, FOUND)
    monday.answer(200, {"data": {"change_multiple_column_values": None}})
    assert send(monday, UPDATE) == Unknown("unexpected_answer")


def test_an_item_that_may_have_been_made_anew_keeps_its_key(monday):
    """After an attempt nobody knows the end of, whatever fails later is no reason for a new one."""
    monday.answer(200, NOT_FOUND)
    monday.answer(500, "")
    first = send(monday, UPDATE)
    assert isinstance(first, Retry)
    assert first.maybe_shown
    monday.answer(429, "")
    again = send(monday, replace(UPDATE, first_sent_at=NOW))
    assert isinstance(again, Retry)
    assert again.maybe_shown


def test_a_value_its_column_refuses_is_rejected(monday):
    """The item stays as it was."""
    send(monday, LEAD)
    stands = json.dumps(monday.items)
    columns = {"alert_id": "text_alert", "name": "text_name", "score": "nowhere"}
    assert send(monday, UPDATE, columns=columns) == Rejected("InvalidColumnIdException")
    assert json.dumps(monday.items) == stands
