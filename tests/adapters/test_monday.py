"""The Monday.com channel against the stand-in, over real HTTP, row by row of destinations.md."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.standins.monday import MondayStandIn
from infra.local.standins.monday_errors import ERRORS, PARTIAL_DATA
from shared.adapters.http import NotSent, Unanswered, post
from shared.adapters.monday import API_VERSION, Monday, idempotency_key
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown
from shared.errors import ConfigError
from shared.ports import Message
from tests.support.monday_standin import monday_in_a_thread

NOW = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOSTILE = [
    "She said \"hello\" and 'bye'",
    'back\\slash \\" \\n {"a": 1} $name',
    "line\nbreak\r\nand\ttab",
    "👩\u200d👩\u200d👧 ✨ \U0001d56c",
    "שלום \u202eright to left\u202c مرحبا",
    "<script>alert(1)</script> <!channel> & <b>",
    '"}) { id } } mutation { delete_item(item_id: 1) { id } } #',
    "\u2028 \u0000 \u007f \ufeff",
]
LEAD = Message(
    alert_id="a1",
    kind="lead",
    payload={"name": "Ana", "email": "ana@example.com", "phone": "+48601234567", "message": "Hello", "score": 80},
    maybe_shown=False,
    created_at=NOW - MINUTE,
    now=NOW,
)
UNSURE = replace(LEAD, first_sent_at=NOW - MINUTE)
LATE = replace(LEAD, first_sent_at=NOW - 26 * MINUTE)


@pytest.fixture
def monday():
    """A stand-in that is well."""
    with monday_in_a_thread(now=lambda: NOW) as running:
        yield running


def channel(monday, **changes):
    """The channel configured as the stand-in says."""
    settings = {
        "api_key": MondayStandIn.TOKEN,
        "board_id": MondayStandIn.BOARD_ID,
        "api_url": monday.url,
        "columns": MondayStandIn.COLUMNS,
    }
    return Monday(**{**settings, **changes})


def send(monday, message=LEAD, *, seconds=20.0, **changes):
    """One attempt."""
    return channel(monday, **changes).send(message, deadline=time.monotonic() + seconds)


def queries(monday):
    """What each request asked for, in order."""
    return ["create" if "create_item" in body["query"] else "look up" for _, body in monday.standin.seen]


def test_an_alert_becomes_one_item(monday):
    """Delivered, on the board, in its first group, each field in its column."""
    assert send(monday) == Delivered()
    (item,) = monday.items
    assert (item["name"], item["board_id"], item["group_id"]) == ("Ana", MondayStandIn.BOARD_ID, "topics")
    assert item["column_values"] == {
        "text_alert": "a1",
        "text_name": "Ana",
        "email_lead": {"email": "ana@example.com", "text": "ana@example.com"},
        "phone_lead": {"phone": "+48601234567", "countryShortName": "PL"},
        "long_text_message": {"text": "Hello"},
        "numeric_score": "80",
        "date_created": {"date": "2026-07-01", "time": "20:59:00"},
        "text_kind": "lead",
    }


def test_an_item_goes_into_the_group_that_is_set(monday):
    """MONDAY_GROUP_ID."""
    assert send(monday, group_id="archive") == Delivered()
    assert monday.items[0]["group_id"] == "archive"


def test_labels_are_made_where_a_column_has_labels(monday):
    """Only then: it takes the right to change the board."""
    columns = {"alert_id": "text_alert", "kind": "status:status", "language": "dropdown_tags:dropdown"}
    assert send(monday, replace(LEAD, payload={"language": "en"}), columns=columns) == Delivered()
    assert monday.items[0]["column_values"]["status"] == {"label": "lead"}
    assert send(monday, replace(LEAD, alert_id="a2")) == Delivered()
    assert [body["variables"].get("labels") for _, body in monday.standin.seen] == [True, None]


def test_a_plain_item_asks_for_no_label(monday):
    """It has none, and its item should not fail for a right it does not need."""
    columns = {"alert_id": "text_alert", "kind": "status:status"}
    assert send(monday, replace(LEAD, plain=True), columns=columns) == Delivered()
    assert "labels" not in monday.standin.seen[0][1]["variables"]


def test_the_request_is_as_monday_wants_it(monday):
    """The token without Bearer, the version, JSON, variables instead of text put together."""
    send(monday)
    headers, body = monday.standin.seen[0]
    assert headers["Authorization"] == MondayStandIn.TOKEN
    assert headers["API-Version"] == API_VERSION == "2026-07"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == idempotency_key(LEAD)
    assert isinstance(body["variables"]["values"], str)
    assert not any(str(value) in body["query"] for value in ("ana@example.com", MondayStandIn.BOARD_ID, "a1"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_f39_hostile_text_comes_back_identical(monday, text):
    """In a text, in a long text, in the name: quotes, line breaks, emoji, right to left."""
    message = replace(LEAD, payload={"name": text, "email": "ana@example.com", "message": text})
    assert send(monday, message) == Delivered()
    (item,) = monday.items
    assert item["name"] == text.strip()
    assert item["column_values"]["text_name"] == text
    assert item["column_values"]["long_text_message"] == {"text": text}


def test_f40_line_breaks_in_a_name_or_an_address_stay_in_their_values(monday):
    """No header is added, and the lead arrives."""
    payload = {"name": "Ana\r\nX-Evil: 1", "email": "ana@example.com\r\nBcc: eve@example.com"}
    assert send(monday, replace(LEAD, alert_id="a1\r\nX-Evil: 2", payload=payload)) == Delivered()
    headers, _ = monday.standin.seen[0]
    assert "X-Evil" not in headers
    (item,) = monday.items
    assert item["column_values"]["text_name"] == payload["name"]
    assert payload["email"] in item["name"]


TABLE = {
    "ColumnValueException": Rejected("ColumnValueException"),
    "CorrectedValueException": Rejected("CorrectedValueException"),
    "InvalidArgumentException": Rejected("InvalidArgumentException"),
    "InvalidColumnIdException": Rejected("InvalidColumnIdException"),
    "ItemNameTooLongException": Rejected("ItemNameTooLongException"),
    "JsonParseException": Rejected("JsonParseException"),
    "RecordInvalidException": Rejected("RecordInvalidException"),
    "GRAPHQL_PARSE_FAILED": Rejected("GRAPHQL_PARSE_FAILED"),
    "GRAPHQL_VALIDATION_FAILED": Rejected("GRAPHQL_VALIDATION_FAILED"),
    "IDEMPOTENCY_KEY_REUSED": Rejected("IDEMPOTENCY_KEY_REUSED"),
    "Unauthorized": Blocked("Unauthorized"),
    "IPRestrictedException": Blocked("IPRestrictedException"),
    "UserUnauthorizedException": Blocked("UserUnauthorizedException"),
    "USER_ACCESS_DENIED": Blocked("USER_ACCESS_DENIED"),
    "missingRequiredPermissions": Blocked("missingRequiredPermissions"),
    "InvalidBoardIdException": Blocked("InvalidBoardIdException"),
    "ResourceNotFoundException": Blocked("ResourceNotFoundException"),
    "ItemsLimitationException": Blocked("ItemsLimitationException"),
    "InvalidVersionException": Blocked("InvalidVersionException"),
    "IDEMPOTENCY_CONFLICT": Retry("IDEMPOTENCY_CONFLICT", timedelta(seconds=2), maybe_shown=True),
    "COMPLEXITY_BUDGET_EXHAUSTED": Retry("COMPLEXITY_BUDGET_EXHAUSTED", timedelta(seconds=2)),
    "ComplexityException": Retry("ComplexityException", timedelta(seconds=2)),
    "maxConcurrencyExceeded": Retry("maxConcurrencyExceeded", timedelta(seconds=2)),
    "RATE_LIMIT_EXCEEDED": Retry("RATE_LIMIT_EXCEEDED", timedelta(seconds=2)),
    "IP_RATE_LIMIT_EXCEEDED": Retry("IP_RATE_LIMIT_EXCEEDED", timedelta(seconds=2)),
    "FIELD_LIMIT_EXCEEDED": Retry("FIELD_LIMIT_EXCEEDED", timedelta(seconds=2)),
    "API_TEMPORARILY_BLOCKED": Retry("API_TEMPORARILY_BLOCKED", timedelta(seconds=1)),
    "INTERNAL_SERVER_ERROR": Retry("INTERNAL_SERVER_ERROR", timedelta(seconds=1), maybe_shown=True),
    "DAILY_LIMIT_EXCEEDED": Retry("DAILY_LIMIT_EXCEEDED", timedelta(hours=3)),
    PARTIAL_DATA: Retry("INTERNAL_SERVER_ERROR", timedelta(seconds=1), maybe_shown=True),
    "400": Rejected("http_400"),
    "401": Blocked("Unauthorized"),
    "403": Blocked("http_403"),
    "404": Blocked("http_404"),
    "409": Retry("IDEMPOTENCY_CONFLICT", timedelta(seconds=1), maybe_shown=True),
    "422": Rejected("http_422"),
    "423": Retry("ResourceLocked", timedelta(seconds=1)),
    "429": Retry("RATE_LIMIT_EXCEEDED", timedelta(seconds=1)),
    "500": Retry("INTERNAL_SERVER_ERROR", maybe_shown=True),
    "502": Retry("http_502", maybe_shown=True),
    "503": Retry("http_503", maybe_shown=True),
    "504": Retry("http_504", maybe_shown=True),
    "599": Retry("http_599", maybe_shown=True),
}
"""What each mode of the stand-in comes to."""


def test_the_table_has_every_error():
    """One that is added to the stand-in has to be classified here."""
    assert set(ERRORS) <= set(TABLE) <= set(MondayStandIn.modes)


@pytest.mark.parametrize("mode", TABLE)
def test_every_row_of_the_table_has_its_outcome(monday, mode):
    """No item is made, and after the repair the same alert is delivered once."""
    monday.fail(mode)
    assert send(monday) == TABLE[mode]
    assert monday.items == []
    monday.heal()
    assert send(monday) == Delivered()
    assert len(monday.items) == 1


@pytest.mark.parametrize("mode", [PARTIAL_DATA, *(name for name, error in ERRORS.items() if error.http == 200)])
def test_f13_errors_with_status_200_are_not_delivered(monday, mode):
    """With and without partial data."""
    monday.fail(mode)
    assert not isinstance(send(monday), Delivered)
    assert monday.items == []


def test_f14_the_daily_limit_waits_for_midnight_utc(monday):
    """By the time the message carries, which is Firestore's."""
    monday.fail("DAILY_LIMIT_EXCEEDED")
    at = datetime(2026, 7, 1, 23, 59, 0, tzinfo=UTC)
    assert send(monday, replace(LEAD, now=at)) == Retry("DAILY_LIMIT_EXCEEDED", MINUTE)


def test_without_a_time_the_instance_s_own_counts(monday):
    """The daily limit waits a day at most."""
    monday.fail("DAILY_LIMIT_EXCEEDED")
    outcome = send(monday, replace(LEAD, now=None))
    assert timedelta(0) < outcome.after <= timedelta(days=1)


def test_a_reset_after_the_request_is_unknown(monday):
    """It left whole."""
    monday.fail("reset")
    assert send(monday) == Unknown("connection_broken")


@pytest.mark.parametrize("mode", ["timeout", "slow"])
def test_no_answer_by_the_deadline_is_unknown(monday, mode):
    """Also if it comes a byte at a time."""
    monday.standin._drip_seconds = 3600.0
    monday.fail(mode)
    began = time.monotonic()
    assert send(monday, seconds=0.5) == Unknown("timeout")
    assert time.monotonic() - began < 5


def test_a_refused_connection_is_tried_again(monday):
    """Nothing was sent."""
    monday.fail("down")
    assert send(monday) == Retry("connection_failed")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotSent("certificate"), Blocked("certificate")),
        (NotSent("tls_failed"), Retry("tls_failed")),
        (NotSent("deadline"), Retry("deadline")),
        (Unanswered("timeout"), Unknown("timeout")),
    ],
)
def test_every_failure_below_http_has_an_outcome(monday, monkeypatch, error, outcome):
    """A certificate that is not Monday.com's is for a person to look into."""

    def failing(*_, **__):
        raise error

    monkeypatch.setattr("shared.adapters.monday.post", failing)
    assert send(monday) == outcome
    assert send(monday, LATE) == (replace(outcome, maybe_shown=True) if isinstance(outcome, Retry) else outcome)


def test_an_attempt_without_time_left_is_not_made(monday):
    """A request that cannot be answered in time would only be doubtful."""
    assert send(monday, seconds=0.1) == Retry("no_time_left")
    assert monday.standin.requests == 0


def test_a_redirect_is_not_followed(monday):
    """The token would go elsewhere."""
    monday.answer(302, {}, Location=monday.url)
    assert send(monday) == Blocked("http_302")
    assert len(monday.standin.seen) == 1


def test_another_board_is_blocked(monday):
    """A person has to correct the setting."""
    assert send(monday, board_id="1") == Blocked("InvalidBoardIdException")


def test_a_wrong_token_is_blocked(monday):
    """A person has to renew it."""
    assert send(monday, api_key="expired") == Blocked("Unauthorized")


@pytest.mark.parametrize("columns", [{"alert_id": "text_gone"}, {"alert_id": "text_alert", "message": "numeric_score"}])
def test_a_column_that_is_not_there_or_of_another_type_is_rejected(monday, columns):
    """Monday.com refuses the whole item."""
    assert isinstance(send(monday, columns=columns), Rejected)
    assert monday.items == []


def test_an_answer_that_was_lost_comes_back_under_the_same_key(monday):
    """The item was made, the answer did not arrive: the repeat makes no second one."""
    monday.standin._drip_seconds = 3600.0
    monday.fail("slow")
    assert send(monday, seconds=1) == Unknown("timeout")
    assert len(monday.items) == 1
    monday.heal()
    assert send(monday, UNSURE) == Delivered()
    assert len(monday.items) == 1
    assert queries(monday) == ["create", "create"]


@pytest.mark.parametrize("changes", [{"key": 2}, {"epoch": 2}, {"alert_id": "a2"}])
def test_another_key_may_make_another_item(monday, changes):
    """A renewed key, a redrive, another alert."""
    assert send(monday) == Delivered()
    assert send(monday, replace(LEAD, **changes)) == Delivered()
    assert len(monday.items) == 2


def test_while_the_first_request_runs_a_repeat_waits(monday):
    """409 with Retry-After; the key is kept."""
    monday.standin._drip_seconds = 3600.0
    monday.fail("slow")
    first = threading.Thread(target=send, args=(monday,))
    first.start()
    assert monday.standin.served.wait(20)
    monday.heal()
    outcome = send(monday, UNSURE)
    monday.fail("down")  # ends the first
    first.join(20)
    assert outcome == Retry("IDEMPOTENCY_CONFLICT", timedelta(seconds=2), maybe_shown=True)
    assert len(monday.items) == 1


def test_within_25_minutes_the_key_is_relied_on(monday):
    """No look-up: failed calls and look-ups count against the daily limit."""
    assert send(monday, replace(LEAD, first_sent_at=NOW - 25 * MINUTE)) == Delivered()
    assert queries(monday) == ["create"]


def test_after_25_minutes_the_item_is_looked_up_and_found(monday):
    """Nothing is made beside it."""
    assert send(monday) == Delivered()
    monday.standin._answers.clear()
    assert send(monday, LATE) == Delivered()
    assert len(monday.items) == 1
    assert queries(monday) == ["create", "look up"]
    headers, body = monday.standin.seen[-1]
    assert "Idempotency-Key" not in headers
    assert body["variables"] == {"board": MondayStandIn.BOARD_ID, "column": "text_alert", "value": "a1"}


def test_after_25_minutes_an_item_that_is_not_there_is_made(monday):
    """Looked up by the alert's id, not by anything else."""
    assert send(monday, replace(LEAD, alert_id="another")) == Delivered()
    assert send(monday, LATE) == Delivered()
    assert [item["column_values"]["text_alert"] for item in monday.items] == ["another", "a1"]
    assert queries(monday) == ["create", "look up", "create"]


REDRIVEN = replace(LEAD, epoch=2, first_sent_at=NOW - MINUTE)


def test_a_redrive_finds_the_item_whose_answer_was_lost(monday):
    """Its new key would make another one: it is looked up however little time has passed."""
    monday.standin._drip_seconds = 3600.0
    monday.fail("slow")
    assert send(monday, seconds=1) == Unknown("timeout")
    monday.heal()
    assert send(monday, REDRIVEN) == Delivered()
    assert len(monday.items) == 1
    assert queries(monday) == ["create", "look up"]


def test_a_redrive_of_what_was_never_sent_makes_the_item_at_once(monday):
    """Nothing can be there: no call is spent on looking."""
    assert send(monday, replace(REDRIVEN, first_sent_at=None)) == Delivered()
    assert queries(monday) == ["create"]


def test_a_redrive_that_finds_nothing_makes_the_item(monday):
    """And so does its next attempt, under the same key."""
    monday.answer(200, {"data": {"items_page_by_column_values": {"items": []}}})
    monday.answer(503, "")
    assert send(monday, REDRIVEN) == Retry("http_503", maybe_shown=True)
    assert send(monday, REDRIVEN) == Delivered()
    assert queries(monday) == ["look up", "create", "look up", "create"]
    keys = [headers["Idempotency-Key"] for headers, body in monday.standin.seen if "create_item" in body["query"]]
    assert keys[0] == keys[1] == idempotency_key(REDRIVEN)


@pytest.mark.parametrize("first", [NOW - MINUTE, NOW - 26 * MINUTE])
def test_a_redrive_keeps_its_key_after_a_kept_failure(monday, first):
    """The look-up may be seconds behind, and when this key was first used is not known."""
    monday.answer(200, {"data": {"items_page_by_column_values": {"items": []}}})
    monday.answer(503, "", Idempotency_Replayed="true")
    assert send(monday, replace(REDRIVEN, first_sent_at=first)) == Retry("http_503", maybe_shown=True)


@pytest.mark.parametrize("kind", ["escalation", "notice"])
@pytest.mark.parametrize("text", HOSTILE[:3] + HOSTILE[5:7], ids=str)
def test_f39_a_message_to_the_team_becomes_an_item(monday, kind, text):
    """Its title the name, its text in the message column."""
    message = replace(LEAD, kind=kind, payload={"title": text, "text": text, "alert_id": "failed"})
    assert send(monday, message) == Delivered()
    (item,) = monday.items
    assert item["name"] == " ".join(text.split())
    assert item["column_values"]["long_text_message"] == {"text": text.replace("\r\n", "\n")}
    assert item["column_values"]["text_alert"] == "a1"


def test_a_refused_item_s_plain_form_has_a_key_of_its_own(monday):
    """A key belongs to one body: Monday.com refuses another body under it."""
    told = replace(LEAD, kind="escalation", payload={"title": "A lead waits", "text": "Do this"})
    columns = {"alert_id": "text_alert", "message": "numeric_score"}
    assert isinstance(send(monday, told, columns=columns), Rejected)
    assert send(monday, replace(told, plain=True), columns=columns) == Delivered()
    (item,) = monday.items
    assert (item["name"], item["column_values"]) == ("A lead waits", {"text_alert": "a1"})


@pytest.mark.parametrize("mode", TABLE)
def test_a_look_up_that_failed_makes_no_item(monday, mode):
    """It comes to what the failure comes to, and the key is kept: the item may be there."""
    monday.fail(mode)
    outcome = send(monday, LATE)
    expected = TABLE[mode]
    assert outcome == (replace(expected, maybe_shown=True) if isinstance(expected, Retry) else expected)
    assert len(monday.standin.seen) == 0
    assert monday.standin.requests == 1


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("reset", Unknown("connection_broken")),
        ("timeout", Unknown("timeout")),
        ("down", Retry("connection_failed", maybe_shown=True)),
    ],
)
def test_a_look_up_that_was_not_answered_makes_no_item(monday, mode, outcome):
    """Neither there nor not there."""
    monday.fail(mode)
    assert send(monday, LATE, seconds=1) == outcome
    assert monday.standin.requests <= 1


def test_an_unclear_look_up_makes_no_item(monday):
    """200 without the page that was asked for."""
    monday.answer(200, {"data": {"items_page_by_column_values": None}})
    assert send(monday, LATE) == Unknown("unexpected_answer")
    assert queries(monday) == ["look up"]


def test_look_up_and_create_share_one_deadline(monday, monkeypatch):
    """The second gets what the first has left."""
    deadlines = []

    def noted(*args, deadline, **how):
        deadlines.append(deadline)
        return post(*args, deadline=deadline, **how)

    monkeypatch.setattr("shared.adapters.monday.post", noted)
    deadline = time.monotonic() + 20
    assert channel(monday).send(LATE, deadline=deadline) == Delivered()
    assert deadlines == [deadline, deadline]


@pytest.mark.parametrize("mode", ["429", "ComplexityException", "423"])
def test_a_refusal_says_nothing_of_an_earlier_attempt_that_was_not_answered(monday, mode):
    """Their key is kept, where a first attempt's would be renewed."""
    monday.fail(mode)
    assert send(monday, LEAD).maybe_shown is False
    assert send(monday, UNSURE).maybe_shown is True


def test_no_connection_says_nothing_of_an_earlier_attempt_either(monday):
    """The same, below HTTP."""
    monday.fail("down")
    assert send(monday, UNSURE) == Retry("connection_failed", maybe_shown=True)


@pytest.mark.parametrize(
    ("message", "status", "maybe_shown"),
    [(UNSURE, 200, False), (UNSURE, 503, True), (LATE, 503, False), (LATE, 200, False)],
)
def test_a_kept_refusal_is_the_earlier_attempt_s_own(monday, message, status, maybe_shown):
    """The key can be renewed; after a 5xx only if the look-up found nothing."""
    if message is LATE:
        monday.answer(200, {"data": {"items_page_by_column_values": {"items": []}}})
    monday.answer(status, {"errors": [{"extensions": {"code": "ComplexityException"}}]}, Idempotency_Replayed="true")
    assert send(monday, message) == Retry("ComplexityException", timedelta(seconds=status == 200), maybe_shown)


def test_a_key_is_the_alert_s_its_epoch_s_and_its_number_s():
    """At most 255 characters, the same for the same three, nothing of the visitor's in it."""
    keys = {
        idempotency_key(replace(LEAD, alert_id=alert, epoch=epoch, key=key))
        for alert in ("a", "b")
        for epoch in (1, 12)
        for key in (1, 2, 21)
    }
    assert len(keys) == 12
    assert all(len(key) == 36 and key.isascii() for key in keys)
    assert idempotency_key(LEAD) == idempotency_key(replace(LEAD, maybe_shown=True, now=None, payload={}))


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"columns": {"email": "e"}}, "MONDAY_COLUMNS"),
        ({"columns": {}}, "MONDAY_COLUMNS"),
        ({"board_id": "leads"}, "MONDAY_BOARD_ID"),
        ({"api_key": "two\nlines"}, "MONDAY_API_KEY"),
        ({"api_key": ""}, "MONDAY_API_KEY"),
    ],
)
def test_a_channel_that_cannot_work_is_refused(changes, setting):
    """At start-up, by the setting's name, without the token."""
    settings = {"api_key": "secret-token", "board_id": "1", "columns": {"alert_id": "a"}}
    with pytest.raises(ConfigError) as refused:
        Monday(**{**settings, **changes})
    assert str(refused.value).startswith(f"{setting}: ")
    assert "secret-token" not in str(refused.value)
    assert "two\nlines" not in str(refused.value)
