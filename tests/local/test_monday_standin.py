"""Monday.com's stand-in, row by row of destinations.md, over real HTTP."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES, Fault
from infra.local.standins.monday import MondayStandIn
from infra.local.standins.monday_board import MAX_ITEMS
from infra.local.standins.monday_errors import ERRORS, PARTIAL_DATA

LONG_WAIT = 3600.0  # longer than any test may last: nothing here ends by waiting
BOARD = MondayStandIn.BOARD_ID
NOW = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
CREATE = """mutation (
  $board: ID! = "1234567890", $name: String! = "Ana", $group: String, $values: JSON, $labels: Boolean
) {
  create_item(board_id: $board, item_name: $name, group_id: $group, column_values: $values,
    create_labels_if_missing: $labels) { id name }
}"""
CHANGE = """mutation ($id: ID!, $values: JSON!) {
  change_multiple_column_values(board_id: 1234567890, item_id: $id, column_values: $values) { id name }
}"""
DELETE = "mutation ($id: ID) { delete_item(item_id: $id) { id } }"
LOOK_UP = """query ($column: String! = "text_alert", $values: [String]!, $limit: Int! = 25) {
  items_page_by_column_values(
    board_id: 1234567890, limit: $limit, columns: [{column_id: $column, column_values: $values}]
  ) { cursor items { id name } }
}"""


class Clock:
    """A clock that is set."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        """What it shows."""
        return self.now


class Client:
    """A caller with the right token, until told otherwise."""

    def __init__(self, monday, url, session):
        self.monday, self.url, self._session = monday, url, session

    async def ask(self, query, variables=None, *, body=None, key=None, **headers):
        """Status, JSON body and headers of one POST."""
        said = {"Authorization": MondayStandIn.TOKEN, "API-Version": "2026-07", "Content-Type": "application/json"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        said |= {"Idempotency-Key": key} if key else {}
        data = json.dumps({"query": query, "variables": variables}) if body is None else body
        async with self._session.post(self.url, data=data, headers=said) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    async def create(self, values=None, **variables):
        """What create_item answers."""
        text = values if isinstance(values, str | None) else json.dumps(values)
        return await self.ask(CREATE, {"values": text, **variables})


@contextlib.asynccontextmanager
async def running(**settings):
    """A started stand-in with its client; all gone afterwards."""
    monday = MondayStandIn(**{"hang_seconds": LONG_WAIT, "drip_seconds": 0.0, "now": Clock(), **settings})
    url = await monday.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(monday, url, session)
    finally:
        await monday.stop()


def run(scenario, **settings):
    """The result of a scenario with a client of a fresh stand-in."""

    async def whole():
        async with running(**settings) as client:
            return await scenario(client)

    return asyncio.run(whole())


def refusal(values=None, **variables):
    """Status and error code of a create_item that makes nothing."""

    async def scenario(client):
        status, body, _ = await client.create(values, **variables)
        assert client.monday.received == []
        return status, body["errors"][0]["extensions"]["code"]

    return run(scenario)


def kept(values):
    """The column values of an item as they stand."""

    async def scenario(client):
        status, body, _ = await client.create(values)
        assert (status, "errors" in body) == (200, False)
        return client.monday.received[0]["column_values"]

    return run(scenario)


def test_an_item_is_kept_as_it_stands():
    """With its board, group, values and age."""

    async def scenario(client):
        status, body, headers = await client.create({"text_alert": "a1"}, name="שלום ✨", group="archive")
        assert headers["Content-Type"].startswith("application/json")
        return status, body["data"], client.monday.received

    status, data, (item,) = run(scenario)
    assert (status, data) == (200, {"create_item": {"id": item["id"], "name": "שלום ✨"}})
    assert item == {
        "id": item["id"],
        "name": "שלום ✨",
        "board_id": BOARD,
        "group_id": "archive",
        "column_values": {"text_alert": "a1"},
        "created_at": "2026-07-01T21:00:00+00:00",
    }


def test_it_says_what_a_function_is_configured_with():
    """Every setting of the channel; each field has a column, each column a type."""

    async def scenario(client):
        return client.url, client.monday.settings

    url, settings = run(scenario)
    assert settings["MONDAY_API_URL"] == url
    assert url.endswith("/v2")
    assert (settings["MONDAY_API_KEY"], settings["MONDAY_BOARD_ID"]) == (MondayStandIn.TOKEN, BOARD)
    columns = json.loads(settings["MONDAY_COLUMNS"])
    assert columns == MondayStandIn.COLUMNS
    assert set(columns.values()) <= set(MondayStandIn.COLUMN_TYPES)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text_alert", "with \"quotes\"\nand 'more' ✨"),
        ("long_text_message", {"text": "é" * 2000}),
        ("email_lead", {"email": "ana@example.com", "text": "Ana"}),
        ("phone_lead", {"phone": "+48601234567", "countryShortName": "PL"}),
        ("numeric_score", "80"),
        ("numeric_score", "-0.5"),
        ("date_created", {"date": "2026-02-28"}),
        ("date_created", {"date": "2026-02-28", "time": "23:59:59"}),
    ],
)
def test_a_value_in_its_column_s_form_is_kept(column, value):
    """Monday.com's column types reference."""
    assert kept({column: value}) == {column: value}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text_alert", 7),
        ("text_alert", {"text": "x"}),
        ("long_text_message", {"text": "é" * 2001}),
        ("long_text_message", {"text": "😀" * 1001}),
        ("long_text_message", {"words": "x"}),
        ("email_lead", "ana@example.com"),
        ("email_lead", {"email": "ana@example.com"}),
        ("email_lead", {"email": "ana", "text": "ana"}),
        ("phone_lead", {"phone": "+48601234567"}),
        ("phone_lead", {"phone": "+48601234567", "countryShortName": "US"}),
        ("phone_lead", {"phone": "+1555", "countryShortName": "US"}),
        ("phone_lead", {"phone": "x", "countryShortName": "US"}),
        ("numeric_score", "eighty"),
        ("numeric_score", True),
        ("date_created", {"date": "2026-02-30"}),
        ("date_created", {"date": "1 July"}),
        ("date_created", {"date": "2026-02-28", "time": "25:00:00"}),
        ("date_created", "2026-02-28"),
        ("status", {"label": "New"}),
        ("status", "New"),
        ("dropdown_tags", {"labels": ["hot"]}),
        ("dropdown_tags", {"labels": "hot"}),
    ],
)
def test_a_value_its_column_cannot_hold_refuses_the_item(column, value):
    """HTTP 200 with ColumnValueException."""
    assert refusal({"text_alert": "a1", column: value}) == (200, "ColumnValueException")


def test_labels_are_made_if_they_may_be():
    """And are there from then on."""

    async def scenario(client):
        values = {"status": {"label": "New"}, "dropdown_tags": {"labels": ["hot", "pl"]}}
        first = await client.create(values, labels=True)
        second = await client.create(values)
        return "errors" in first[1], "errors" in second[1], client.monday.received[1]["column_values"]

    assert run(scenario)[:2] == (False, False)


@pytest.mark.parametrize(
    ("values", "variables", "refused"),
    [
        ({"no_such_column": "x"}, {}, (200, "InvalidColumnIdException")),
        (None, {"board": "1"}, (200, "InvalidBoardIdException")),
        (None, {"group": "nowhere"}, (200, "ResourceNotFoundException")),
        (None, {"name": ""}, (200, "ItemNameTooLongException")),
        (None, {"name": "é" * 256}, (200, "ItemNameTooLongException")),
        ("{", {}, (400, "JsonParseException")),
        ("[]", {}, (400, "JsonParseException")),
        ('{"text_alert": NaN}', {}, (400, "JsonParseException")),
        (None, {"name": None}, (400, "GRAPHQL_VALIDATION_FAILED")),
    ],
)
def test_what_monday_would_not_take_is_refused_by_name(values, variables, refused):
    """Nothing is made."""
    assert refusal(values, **variables) == refused


def test_column_values_are_a_string_that_holds_json():
    """An object in its place does not fit the schema."""

    async def scenario(client):
        status, body, _ = await client.ask(CREATE, {"values": {"text_alert": "x"}})
        return status, body["errors"][0]["extensions"]["code"], client.monday.received

    assert run(scenario) == (400, "GRAPHQL_VALIDATION_FAILED", [])


@pytest.mark.parametrize("name", ["x", "é" * 255])
def test_a_name_has_1_to_255_characters(name):
    """Both ends are taken."""

    async def scenario(client):
        await client.create(name=name)
        return client.monday.received[0]["name"]

    assert run(scenario) == name


def test_a_full_board_takes_no_item():
    """10,000 is the limit."""

    async def scenario(client):
        client.monday.received.extend({"id": str(number)} for number in range(MAX_ITEMS))
        return (await client.create())[1]["errors"][0]["extensions"]["code"]

    assert run(scenario) == "ItemsLimitationException"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"Authorization": ""}, 401, "Unauthorized"),
        ({"Authorization": f"Bearer {MondayStandIn.TOKEN}"}, 401, "Unauthorized"),
        ({"API_Version": "2026-06"}, 200, "InvalidVersionException"),
        ({"API_Version": "latest"}, 200, "InvalidVersionException"),
        ({"body": b"{"}, 400, "JsonParseException"),
        ({"body": b"\xff"}, 400, "JsonParseException"),
        ({"body": b"[" * 100_000}, 400, "JsonParseException"),
        ({"body": b"[]"}, 400, None),
        ({"body": b'{"query": 1}'}, 400, None),
        ({"Content_Type": "text/plain"}, 400, None),
    ],
)
def test_a_request_that_is_none_is_refused(how, status, code):
    """Before anything is run."""

    async def scenario(client):
        got, body, _ = await client.ask(CREATE, **how)
        assert client.monday.received == []
        return got, body["errors"][0]["extensions"].get("code")

    assert run(scenario) == (status, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("mutation {", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ no_such_query }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { create_item(board_id: 1234567890) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { boards { id } } query B { boards { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_document_that_does_not_fit_is_refused(query, code):
    """GraphQL parse and validation errors come with 400."""

    async def scenario(client):
        status, body, _ = await client.ask(query)
        return status, body["errors"][0]["extensions"]["code"]

    assert run(scenario) == (400, code)


def test_another_path_or_method_is_not_the_api():
    """404 and 405."""

    async def scenario(client):
        async with (
            aiohttp.ClientSession() as session,
            session.post(client.url + "/other") as other,
            session.get(client.url) as got,
        ):
            return other.status, got.status, got.headers["Allow"]

    assert run(scenario) == (404, 405, "POST")


def test_items_are_found_by_a_column_s_value():
    """The whole value, in the column that was asked for, a page at a time."""

    async def scenario(client):
        for number in range(3):
            await client.create({"text_alert": f"a{number % 2}", "text_kind": "lead"}, name=str(number))
        found = [
            (await client.ask(LOOK_UP, variables))[1]["data"]["items_page_by_column_values"]["items"]
            for variables in (
                {"values": ["a0"]},
                {"values": ["a"]},
                {"values": ["a0", "a1"]},
                {"column": "name", "values": ["1"]},
                {"column": "text_kind", "values": ["a0"]},
            )
        ]
        first = (await client.ask(LOOK_UP, {"values": ["a0"], "limit": 1}))[1]["data"]["items_page_by_column_values"]
        query = "query ($cursor: String!) { next_items_page(cursor: $cursor, limit: 5) { cursor items { name } } }"
        rest = (await client.ask(query, {"cursor": first["cursor"]}))[1]["data"]["next_items_page"]
        return [[item["name"] for item in items] for items in found], len(first["items"]), rest

    found, first, rest = run(scenario)
    assert found == [["0", "2"], [], ["0", "1", "2"], ["1"], []]
    assert (first, rest) == (1, {"cursor": None, "items": [{"name": "2"}]})


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"column": "no_such", "values": ["x"]}, "InvalidColumnIdException"),
        ({"values": ["x"], "limit": 501}, "InvalidArgumentException"),
    ],
)
def test_a_look_up_that_cannot_be_is_refused(variables, code):
    """It is not an empty page."""

    async def scenario(client):
        return (await client.ask(LOOK_UP, variables))[1]

    body = run(scenario)
    assert body["errors"][0]["extensions"]["code"] == code
    assert body["data"] is None


def test_a_board_can_be_read():
    """Its columns with their types, its items with their values."""
    query = """query { boards(ids: [1234567890]) {
      name items_count columns { id type }
      items_page(limit: 5) { items { name group { id } board { id }
        column_values(ids: ["text_alert", "phone_lead", "date_created"]) { id text value type } } } } }"""

    async def scenario(client):
        phone = {"phone": "+48601234567", "countryShortName": "PL"}
        await client.create({"text_alert": "a1", "phone_lead": phone})
        return (await client.ask(query))[1]["data"]["boards"][0]

    board = run(scenario)
    assert {column["id"]: column["type"] for column in board["columns"]} == MondayStandIn.COLUMN_TYPES
    (item,) = board["items_page"]["items"]
    assert (item["name"], item["group"], item["board"]) == ("Ana", {"id": "topics"}, {"id": BOARD})
    shown = {value["id"]: (value["type"], value["text"], value["value"]) for value in item["column_values"]}
    assert shown["text_alert"] == ("text", "a1", '"a1"')
    assert shown["phone_lead"][:2] == ("phone", "+48601234567")
    assert shown["date_created"] == ("date", "", None)


def test_an_item_can_be_corrected_and_deleted():
    """As it stands afterwards."""

    async def scenario(client):
        await client.create({"text_alert": "a1", "text_name": "An"})
        item = client.monday.received[0]["id"]
        values = {"text_name": "Ana", "numeric_score": "9", "text_alert": "", "name": "Ana Silva"}
        changed = await client.ask(CHANGE, {"id": item, "values": json.dumps(values)})
        assert changed[1]["data"]["change_multiple_column_values"] == {"id": item, "name": "Ana Silva"}
        stands = dict(client.monday.received[0])
        assert (await client.ask(DELETE, {"id": item}))[1]["data"] == {"delete_item": {"id": item}}
        gone = (await client.ask(DELETE, {"id": item}))[1]["errors"][0]["extensions"]["code"]
        return stands["name"], stands["column_values"], client.monday.received, gone

    assert run(scenario) == (
        "Ana Silva",
        {"text_name": "Ana", "numeric_score": "9"},
        [],
        "ResourceNotFoundException",
    )


def test_the_same_key_gets_the_same_answer_for_30_minutes():
    """Marked as replayed; afterwards the mutation runs again."""

    async def scenario(client):
        answers = []
        for minutes in (0, 0, 29, 31):
            client.monday._now.now = NOW + timedelta(minutes=minutes)
            answers.append(await client.ask(CREATE, {}, key="k1"))
        return answers, len(client.monday.received)

    (first, again, late, after), made = run(scenario)
    assert made == 2
    assert first[1] == again[1] == late[1] != after[1]
    assert [answer[2].get("Idempotency-Replayed") for answer in (first, again, late, after)] == [
        None,
        "true",
        "true",
        None,
    ]


def test_a_refusal_is_kept_under_its_key_too():
    """Whatever the first request was answered."""

    async def scenario(client):
        return [await client.ask(CREATE, {"name": ""}, key="k1") for _ in range(2)]

    first, again = run(scenario)
    assert first[1] == again[1]
    assert again[2]["Idempotency-Replayed"] == "true"


def test_another_key_or_none_runs_again():
    """Only the key tells a repeat."""

    async def scenario(client):
        for key in ("k1", "k2", None, None):
            await client.ask(CREATE, {}, key=key)
        return len(client.monday.received)

    assert run(scenario) == 4


def test_a_key_belongs_to_one_body():
    """Another one under it is refused."""

    async def scenario(client):
        await client.ask(CREATE, {}, key="k1")
        status, body, _ = await client.ask(CREATE, {"name": "Eva"}, key="k1")
        return status, body["errors"][0]["extensions"]["code"], len(client.monday.received)

    assert run(scenario) == (422, "IDEMPOTENCY_KEY_REUSED", 1)


def test_a_query_has_no_idempotency():
    """The header is for mutations: the second look-up sees what was made in between."""

    async def scenario(client):
        async def found():
            _, body, headers = await client.ask(LOOK_UP, {"values": ["a1"]}, key="k1")
            return len(body["data"]["items_page_by_column_values"]["items"]), "Idempotency-Replayed" in headers

        first = await found()
        await client.create({"text_alert": "a1"})
        return first, await found()

    assert run(scenario) == ((0, False), (1, False))


def test_a_key_of_more_than_255_characters_is_refused():
    """As it would be by any store of keys."""

    async def scenario(client):
        return (await client.ask(CREATE, {}, key="k" * 256))[0], client.monday.received

    assert run(scenario) == (400, [])


def test_a_duplicate_of_a_request_under_way_conflicts():
    """409 with Retry-After; afterwards the answer is replayed."""

    async def scenario(client):
        accepted, over = asyncio.Event(), asyncio.Event()
        drip = client.monday._drip

        async def noted(request, raw):
            accepted.set()
            try:
                return await drip(request, raw)
            finally:
                over.set()

        client.monday._drip = noted
        await client.monday.set_fault(Fault("slow"))
        first = asyncio.create_task(client.ask(CREATE, {}, key="k1"))
        await accepted.wait()
        await client.monday.heal()
        conflict = await client.ask(CREATE, {}, key="k1")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await over.wait()
        replayed = await client.ask(CREATE, {}, key="k1")
        return conflict, replayed, len(client.monday.received)

    conflict, replayed, made = run(scenario, drip_seconds=LONG_WAIT)
    assert (conflict[0], conflict[1]["errors"][0]["extensions"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert int(conflict[2]["Retry-After"]) >= 1
    assert (replayed[0], replayed[2]["Idempotency-Replayed"], made) == (200, "true", 1)


@pytest.mark.parametrize(("name", "error"), ERRORS.items())
def test_every_error_can_be_answered(name, error):
    """With its status, in its form, and nothing is made."""

    async def scenario(client):
        await client.monday.set_fault(Fault(name))
        status, body, headers = await client.create()
        return status, body, headers, client.monday.received

    status, body, headers, received = run(scenario)
    assert (status, received) == (error.http, [])
    assert ("Retry-After" in headers) == error.waits
    if error.older:
        assert (body["error_code"], body["status_code"], body["errors"]) == (name, error.status, [error.message])
        assert ("retry_in_seconds" in body["error_data"]) == error.waits
    else:
        extensions = body["errors"][0]["extensions"]
        assert (extensions["code"], extensions["status_code"]) == (name, error.status)
        assert ("retry_in_seconds" in extensions) == error.waits


def test_every_row_of_destinations_has_a_mode():
    """By the name it has there."""
    rows = """ColumnValueException CorrectedValueException InvalidArgumentException InvalidColumnIdException
    ItemNameTooLongException JsonParseException 422 400 401 Unauthorized 403 UserUnauthorizedException
    USER_ACCESS_DENIED missingRequiredPermissions InvalidBoardIdException ResourceNotFoundException
    ItemsLimitationException InvalidVersionException 409 IDEMPOTENCY_CONFLICT 423 429 COMPLEXITY_BUDGET_EXHAUSTED
    ComplexityException maxConcurrencyExceeded IP_RATE_LIMIT_EXCEEDED FIELD_LIMIT_EXCEEDED API_TEMPORARILY_BLOCKED 500
    DAILY_LIMIT_EXCEEDED timeout reset"""
    assert set(rows.split()) <= set(MondayStandIn.modes)


def test_the_modes_are_all_there_and_named_once():
    """What the switch offers is what set_fault takes."""
    assert set(MondayStandIn.modes) == {*STATUS_MODES, *TRANSPORT_MODES, *ERRORS, PARTIAL_DATA}
    assert len(set(MondayStandIn.modes)) == len(MondayStandIn.modes)
    assert MondayStandIn.modes[0] == "500"


@pytest.mark.parametrize("mode", ["400", "401", "404", "409", "418", "422", "423", "429", "500", "599"])
def test_a_status_can_be_answered(mode):
    """As JSON; being limited or locked says when to come back."""

    async def scenario(client):
        await client.monday.set_fault(Fault(mode))
        return *await client.create(), client.monday.received

    status, body, headers, received = run(scenario)
    assert (status, received) == (int(mode), [])
    assert body["errors"][0]["extensions"]["status_code"] == int(mode)
    assert ("Retry-After" in headers) == (mode in ("409", "423", "429"))


def test_the_gateway_s_errors_are_pages():
    """They do not come from the API."""

    async def scenario(client):
        async with aiohttp.ClientSession() as session:
            await client.monday.set_fault(Fault("503"))
            async with session.post(client.url) as answer:
                return answer.status, answer.content_type

    assert run(scenario) == (503, "text/html")


def test_the_daily_limit_says_how_long_the_day_is():
    """Until 00:00 UTC."""

    async def scenario(client):
        await client.monday.set_fault(Fault("DAILY_LIMIT_EXCEEDED"))
        _, body, headers = await client.create()
        return body["errors"][0]["extensions"]["retry_in_seconds"], int(headers["Retry-After"])

    assert run(scenario) == (3 * 3600 + 1, 3 * 3600 + 1)


def test_f13_partial_data_has_no_item():
    """HTTP 200 with an error, and some data beside it."""

    async def scenario(client):
        await client.monday.set_fault(Fault(PARTIAL_DATA))
        return *await client.create(), client.monday.received

    status, body, _, received = run(scenario)
    assert (status, received) == (200, [])
    assert body["errors"]
    assert body["data"] == {"create_item": None, "complexity": {"query": 12}}


@pytest.mark.parametrize(("mode", "made"), [("reset", 0), ("timeout", 0), ("slow", 1)])
def test_an_item_is_made_only_where_the_mode_says_so(mode, made):
    """The caller cannot tell these apart, the checker of losses must."""

    async def scenario(client):
        await client.monday.set_fault(Fault(mode))
        with contextlib.suppress(aiohttp.ClientError):
            await client.create()
        return len(client.monday.received)

    assert run(scenario, hang_seconds=0.0) == made


def test_a_refusal_by_a_fault_is_not_kept():
    """It came before the key was looked at: after the repair the same key makes the item."""

    async def scenario(client):
        await client.monday.set_fault(Fault("500"))
        broken = (await client.ask(CREATE, {}, key="k1"))[0]
        await client.monday.heal()
        status, _, headers = await client.ask(CREATE, {}, key="k1")
        return broken, status, "Idempotency-Replayed" in headers, len(client.monday.received)

    assert run(scenario) == (500, 200, False, 1)
