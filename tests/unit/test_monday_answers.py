"""What Monday.com's answers mean: by name, by status, by wait, and what nobody has seen yet."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.http import HttpAnswer
from shared.adapters.monday_answers import BY_STATUS, ERRORS, Kind, classify, found, read
from shared.domain.outcome import Blocked, Delivered, Rejected, Retry, Unknown

NOW = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = [(kind, name) for kind, names in ERRORS.items() for name in names]


def outcome(body, status=200, now=NOW, **headers):
    """What an answer comes to; header names with underscores."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(read(HttpAnswer(status, named, text)), now)


def error(code=None, message="", **extensions):
    """One error in the form of today."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def expected(kind, name):
    """The outcome of a kind."""
    return {
        Kind.TOMORROW: Retry(name, timedelta(hours=3)),
        Kind.BLOCKED: Blocked(name),
        Kind.RETRY: Retry(name, SECOND),
        Kind.UNSURE: Retry(name, SECOND, maybe_shown=True),
        Kind.REJECTED: Rejected(name),
    }[kind]


def test_an_item_s_id_is_delivered():
    """The confirmation, whatever else stands beside it."""
    made = {"data": {"create_item": {"id": "123"}}}
    assert outcome(made) == Delivered()
    assert outcome({**made, "errors": [error("ASSET_UNAVAILABLE")]}) == Delivered()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://acme.monday.com/boards/1/pulses/123", "https://acme.monday.com/boards/1/pulses/123"),
        (None, ""),
        (7, ""),
        ("javascript:alert(1)", ""),
        ("http://acme.monday.com/boards/1", ""),
        ("https://monday.com.example.com/boards/1", ""),
        ("https://acme.monday.com/" + "x" * 400, ""),
    ],
)
def test_where_an_item_is_shown_is_kept_if_it_is_theirs(url, shown):
    """What a person clicks on leads to Monday.com, or nowhere."""
    delivered = outcome({"data": {"create_item": {"id": "123", "url": url}}})
    assert isinstance(delivered, Delivered)
    assert delivered.shown_at == shown


@pytest.mark.parametrize(
    "data", [None, [], {}, {"create_item": None}, {"create_item": {}}, {"create_item": {"id": None}}, {"id": "1"}, "1"]
)
@pytest.mark.parametrize("code", ["ColumnValueException", "UserUnauthorizedException", "SOMETHING_NEW"])
def test_f13_errors_without_an_item_s_id_are_not_delivered(data, code):
    """With and without partial data."""
    assert not isinstance(outcome({"data": data, "errors": [error(code)]}), Delivered)


@pytest.mark.parametrize("status", [200, 400, 403, 429])
@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_name_means_the_same_at_any_status_that_carries_one(kind, name, status):
    """Application errors come with 200, the same ones come with their own status."""
    assert outcome({"errors": [error(name)]}, status) == expected(kind, name)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_the_older_form_means_the_same(kind, name):
    """A top-level error_code."""
    body = {"error_code": name, "status_code": 200, "error_message": "…", "error_data": {}, "errors": ["…"]}
    assert outcome(body) == expected(kind, name)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Parse error on ) (RPAREN) at [1, 5]", Rejected("GRAPHQL_PARSE_FAILED")),
        ("Resource is currently locked, please try again later", Retry("ResourceLocked", SECOND)),
        ("Your ip is restricted", Blocked("IPRestrictedException")),
        ("Not Authenticated", Blocked("NotAuthenticated")),
        ("Minute limit rate exceeded", Retry("RATE_LIMIT_EXCEEDED", SECOND)),
        ("Rate Limit Exceeded.", Retry("RATE_LIMIT_EXCEEDED", SECOND)),
        ("Daily limit exceeded", Retry("DAILY_LIMIT_EXCEEDED", timedelta(hours=3))),
        ("User unauthorized to perform action", Blocked("UserUnauthorizedException")),
        ("Internal server error", Retry("INTERNAL_SERVER_ERROR", SECOND, maybe_shown=True)),
    ],
)
@pytest.mark.parametrize("form", [lambda message: {"message": message}, lambda message: message])
def test_an_error_without_a_code_is_known_by_how_its_message_begins(message, cause, form):
    """Some have none, and the oldest are bare strings."""
    assert outcome({"errors": [form(message)]}) == cause


def test_of_several_errors_the_one_counts_that_gives_least_up():
    """Rejected, which is final, only if there is nothing else."""
    names = ["ColumnValueException", "INTERNAL_SERVER_ERROR", "ComplexityException", "InvalidBoardIdException"]
    said = [error(name) for name in names]
    assert outcome({"errors": said}) == Blocked("InvalidBoardIdException")
    assert outcome({"errors": said[:3]}) == Retry("ComplexityException", SECOND)
    assert outcome({"errors": said[:2]}) == Retry("INTERNAL_SERVER_ERROR", SECOND, maybe_shown=True)
    assert outcome({"errors": said[:1]}) == Rejected("ColumnValueException")


@pytest.mark.parametrize(
    ("status", "comes_to"),
    [
        (201, Unknown("unexpected_answer")),
        (204, Unknown("unexpected_answer")),
        (301, Blocked("http_301")),
        (302, Blocked("http_302")),
        (307, Blocked("http_307")),
        (400, Rejected("http_400")),
        (401, Blocked("http_401")),
        (403, Blocked("http_403")),
        (404, Blocked("http_404")),
        (408, Retry("http_408", maybe_shown=True)),
        (409, Retry("http_409", maybe_shown=True)),
        (413, Rejected("http_413")),
        (418, Retry("http_418", maybe_shown=True)),
        (422, Rejected("http_422")),
        (423, Retry("http_423", SECOND)),
        (429, Retry("http_429", SECOND)),
        *((status, Retry(f"http_{status}", maybe_shown=True)) for status in (500, 502, 503, 504, 520, 599)),
    ],
)
@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]", '{"errors": []}'])
def test_a_status_without_a_known_error_speaks_for_itself(status, comes_to, body):
    """From the API or from something before it."""
    assert outcome(body, status) == comes_to


@pytest.mark.parametrize("status", [302, 500, 503])
def test_a_name_does_not_make_a_redirect_or_a_server_s_failure_final(status):
    """The request had been taken whole: it may have happened, and the answer may be another's."""
    made = outcome({"errors": [error("ColumnValueException")]}, status)
    assert made in (Blocked("ColumnValueException"), Retry("ColumnValueException", maybe_shown=True))
    assert isinstance(made, Blocked) == (status == 302)


@pytest.mark.parametrize(
    "body", ["", "ok", "<html></html>", "null", "[]", "{}", '{"data": {}}', "[" * 100_000, '{"data']
)
def test_a_success_that_confirms_nothing_is_unknown(body):
    """It is not delivered, and it may have been."""
    assert outcome(body) == Unknown("unexpected_answer")


@pytest.mark.parametrize(
    ("extensions", "comes_to"),
    [
        ({}, Retry("unexpected_error", maybe_shown=True)),
        ({"status_code": 200}, Retry("unexpected_error", maybe_shown=True)),
        ({"status_code": 500}, Retry("http_500", maybe_shown=True)),
        ({"status_code": 403}, Blocked("http_403")),
        ({"status_code": 422}, Rejected("http_422")),
        ({"status_code": 429, "retry_in_seconds": 9}, Retry("http_429", 9 * SECOND)),
        ({"status_code": "429"}, Retry("unexpected_error", maybe_shown=True)),
    ],
)
def test_an_unknown_error_goes_by_its_own_status(extensions, comes_to):
    """Without one it is tried again, under the same key."""
    assert outcome({"data": {"create_item": None}, "errors": [error("SOMETHING_NEW", **extensions)]}) == comes_to


@pytest.mark.parametrize(
    "code", ["Ana <ana@example.com>", "AnaNowak", "Ana_48601234567", "a" * 100, "line\nbreak", 7, None, ["x"], ""]
)
def test_f45_a_cause_is_never_a_text_from_outside(code):
    """Not even one that looks like an error's name: what is not in the tables goes by its status."""
    assert outcome({"errors": [error(code, "Ana said: hello")]}).cause == "unexpected_error"


@pytest.mark.parametrize(
    ("headers", "inside", "wait"),
    [
        ({"retry_after": "7"}, 3, 7),
        ({"retry_after": "3"}, 7, 7),
        ({"retry_after": "3"}, None, 3),
        ({}, 7, 7),
        ({}, 7.5, 7.5),
        ({}, None, 1),
        ({"retry_after": "0"}, 0, 1),
        ({"retry_after": "Wed, 01 Jul 2026 21:00:40 GMT"}, 7, 40),
        ({"retry_after": "Wed, 01 Jul 2026 20:00:00 GMT"}, None, 1),
        ({"retry_after": "soon"}, "9", 1),
        ({"retry_after": "-5"}, -5, 1),
        ({"retry_after": "٣"}, True, 1),
        ({"retry_after": "9" * 30}, None, 86400),
        ({"retry_after": "Wed, 01 Jul 99999999999999999999 21:00:40 GMT"}, None, 1),
        ({"retry_after": "Wed, 01 Jul 2026 21:00:40 +99999999999"}, None, 1),
        ({}, 1e300, 86400),
    ],
)
@pytest.mark.parametrize("place", ["extensions", "error_data", "older"])
def test_the_larger_wait_counts(headers, inside, wait, place):
    """Of the header and the error's own, wherever it stands; a day at most."""
    body = {
        "extensions": {"errors": [error("COMPLEXITY_BUDGET_EXHAUSTED", retry_in_seconds=inside)]},
        "error_data": {"errors": [error("COMPLEXITY_BUDGET_EXHAUSTED", error_data={"retry_in_seconds": inside})]},
        "older": {"error_code": "COMPLEXITY_BUDGET_EXHAUSTED", "error_data": {"retry_in_seconds": inside}},
    }[place]
    assert outcome(body, 429, **headers).after == timedelta(seconds=wait)


def test_a_server_s_failure_waits_as_long_as_it_asks():
    """503 with Retry-After."""
    assert outcome("", 503, retry_after="20") == Retry("http_503", 20 * SECOND, maybe_shown=True)


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), timedelta(days=1)),
        (datetime(2026, 7, 1, 23, 59, 59, 999999, tzinfo=UTC), timedelta(microseconds=1)),
        (datetime(2026, 12, 31, 12, 0, tzinfo=UTC), timedelta(hours=12)),
        (datetime.fromisoformat("2026-07-02T01:30:00+05:00"), timedelta(hours=3, minutes=30)),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
def test_f14_the_daily_limit_waits_for_midnight_utc(now, wait, status):
    """When Monday.com counts anew, whatever shorter wait it names."""
    body = {"errors": [error("DAILY_LIMIT_EXCEEDED", retry_in_seconds=60)]}
    assert outcome(body, status, now, retry_after="60") == Retry("DAILY_LIMIT_EXCEEDED", wait)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, {"data": {"items_page_by_column_values": {"items": [{"id": "1"}]}}}, ["1"]),
        (200, {"data": {"items_page_by_column_values": {"items": [{"id": "1"}]}}, "errors": ["x"]}, ["1"]),
        (200, {"data": {"items_page_by_column_values": {"items": [{"name": "Ana"}]}}}, None),
        (200, {"data": {"items_page_by_column_values": {"items": []}}}, []),
        (200, {"data": {"items_page_by_column_values": {"items": []}}, "errors": ["x"]}, None),
        (200, {"data": {"items_page_by_column_values": None}}, None),
        (200, {"data": {}}, None),
        (200, [], None),
        (500, {"data": {"items_page_by_column_values": {"items": []}}}, None),
    ],
)
def test_only_a_whole_answer_says_that_an_item_is_not_there(status, body, says):
    """Anything doubtful is a look-up that failed."""
    assert found(read(HttpAnswer(status, {}, json.dumps(body)))) == says


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "errors",
                    "create_item",
                    "extensions",
                    "code",
                    "status_code",
                    "message",
                    "error_code",
                    "error_data",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(200, 599))
def test_any_answer_has_an_outcome(body, status):
    """No shape of JSON breaks the reading, and nothing is delivered without an id."""
    made = outcome(json.dumps(body), status)
    assert isinstance(made, Delivered) <= (isinstance(body, dict) and status == 200)
    if not isinstance(made, Delivered):
        assert made.cause.isascii()


@given(st.text(max_size=60), st.integers(200, 599), st.text(max_size=60))
def test_f45_no_code_and_no_message_of_an_answer_becomes_a_cause(code, status, message):
    """Only names of the tables, and words of ours."""
    made = outcome({"errors": [error(code, message)]}, status)
    known = {name for names in ERRORS.values() for name in names} | {*BY_STATUS}
    assert made.cause in {*known, f"http_{status}", "unexpected_error", "unexpected_answer"}
