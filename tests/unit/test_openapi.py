"""``docs/openapi.yaml`` is valid OpenAPI 3.1 and says what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import flask
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import EnvironBuilder

from infra.manifest import load
from infra.strict_yaml import read
from shared.domain.alert import DEAD_LETTER_STATUS, ESCALATION, NOTICE, OF_A_LEAD, State
from shared.domain.conservation import STATES
from shared.edge import admin_fields, admin_request, body, chat_request, cors, idempotency, json_text
from shared.edge.admin_key import HEADER, REALM
from shared.edge.answers import SAFE_HEADERS
from shared.edge.problems import TYPE_PREFIX
from shared.edge.rate_headers import rate_headers
from shared.errors import RequestError

ROOT = Path(__file__).resolve().parents[2]
READ = read((ROOT / "docs" / "openapi.yaml").read_text())
DOCUMENT: dict[str, Any] = READ.data
COMPONENTS = DOCUMENT["components"]
SCHEMAS = COMPONENTS["schemas"]
VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
OPERATIONS = [
    (path, verb, operation)
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
    if verb in VERBS
]


def resolved(found: dict[str, Any]) -> dict[str, Any]:
    """What a reference names, with what stands beside it."""
    if "$ref" not in found:
        return found
    place: Any = DOCUMENT
    for part in found["$ref"].removeprefix("#/").split("/"):
        place = place[part]
    return resolved(place) | {name: value for name, value in found.items() if name != "$ref"}


def answers(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """An operation's responses by status."""
    return {status: resolved(found) for status, found in operation["responses"].items()}


def test_it_is_openapi_3_1() -> None:
    """By the validator of the specification's own schemas; every reference is found, no key is said twice."""
    assert READ.repeated == []
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_function_is_described_under_its_name() -> None:
    """And nothing that the manifest does not have; each with what it asks of its callers."""
    functions = load().functions
    assert {path.split("/")[1] for path in DOCUMENT["paths"]} == set(functions)
    wanted = {"public": [], "admin": [{"adminKey": []}]}
    for path, verb, operation in OPERATIONS:
        access = str(functions[path.split("/")[1]].access)
        assert operation["security"] == wanted.get(access, [{"serviceAccount": []}]), (path, verb)
        assert operation["tags"] == [path.split("/")[1]]


def problems_in_the_code() -> dict[str, str]:
    """Slug and title of each problem that is made anywhere; one that has two titles is an error."""
    found: dict[str, str] = {}
    for file in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                said = {each.arg: each.value.value for each in node.keywords if isinstance(each.value, ast.Constant)}
                if "slug" in said:
                    title = said["title"]
                    assert isinstance(title, str)
                    assert found.setdefault(str(said["slug"]), title) == title, f"{file}: another title"
    return found


def test_every_problem_is_known_with_its_title() -> None:
    """No more and no fewer than the code makes; and each is an answer of some operation."""
    listed = {each["const"]: each["title"] for each in SCHEMAS["ProblemType"]["oneOf"]}
    assert listed == {TYPE_PREFIX + slug: title for slug, title in problems_in_the_code().items()}
    used: set[str] = set()
    for _, _, operation in OPERATIONS:
        for answer in answers(operation).values():
            kind = answer.get("content", {}).get("application/problem+json", {}).get("schema", {})
            named = kind.get("properties", {}).get("type", {})
            used |= set(named.get("enum", [named["const"]] if "const" in named else []))
    assert used == set(listed)


def test_every_error_is_a_problem_of_its_own_status() -> None:
    """4xx and 5xx are problem details; what waiting helps says so; 405 names the methods."""
    for path, verb, operation in OPERATIONS:
        for status, answer in answers(operation).items():
            if status >= "400":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema["$ref"] == "#/components/schemas/Problem"
                assert schema["properties"]["status"] == {"const": int(status)}, (path, verb)
            headers = set(answer.get("headers", {}))
            assert ("Retry-After" in headers) >= (status in {"429", "503"})
            assert ("Allow" in headers) >= (status == "405")


def test_public_answers_say_which_limits_there_are() -> None:
    """In the form that the code writes."""
    for path, verb, operation in OPERATIONS:
        if operation["security"] == [] and verb != "options":
            for status, answer in answers(operation).items():
                assert "RateLimit-Policy" in answer["headers"], (path, verb, status)
    for name, value in rate_headers([("chat", 30, 60), ("x", 1, 1)], [("chat", 0, 1.2)]).items():
        assert re.search(COMPONENTS["headers"][name]["schema"]["pattern"], value)


def test_lengths_and_patterns_are_the_codes() -> None:
    """Every limit that is checked."""
    chat = SCHEMAS["ChatRequest"]["properties"]
    assert chat["message"]["maxLength"] == 2000
    assert chat["name"]["maxLength"] == chat_request.NAME_MOST
    assert {each["maxLength"] for each in chat["email"]["anyOf"]} == {chat_request.EMAIL_MOST}
    assert {each["maxLength"] for each in chat["phone"]["anyOf"]} == {chat_request.PHONE_MOST}
    assert chat["session_id"]["pattern"] == f"^{chat_request._SESSION_ID.pattern}$"
    key = COMPONENTS["parameters"]["IdempotencyKey"]
    assert (key["name"], key["schema"]["maxLength"]) == (idempotency.HEADER, 255)
    assert f"{key['schema']['pattern'][1:-2]}{{1,255}}" == idempotency._KEY.pattern
    assert SCHEMAS["RedriveRequest"]["properties"]["ids"]["maxItems"] == admin_fields.IDS_MOST
    assert SCHEMAS["Reason"]["maxLength"] == admin_request.REASON_MOST
    assert SCHEMAS["By"]["maxLength"] == admin_request.BY_MOST
    assert SCHEMAS["Place"]["pattern"] == f"^{admin_request._CURSOR.pattern}$"
    assert f"{SCHEMAS['Id']['pattern'][1:-2]}{{1,128}}" == admin_fields.ID.pattern
    listing = {
        each["name"]: each["schema"] for each in DOCUMENT["paths"]["/admin_console/dead_letters"]["get"]["parameters"]
    }
    assert (listing["limit"]["default"], listing["limit"]["maximum"]) == (admin_request.LIMIT, admin_request.LIMIT_MOST)
    for number in (body.MAX_BYTES, json_text.MAX_DEPTH):
        assert f" {number} " in DOCUMENT["info"]["description"]


def test_words_are_the_codes() -> None:
    """States, kinds, statuses, headers."""
    states = [state.value for state in State]
    assert SCHEMAS["Alert"]["properties"]["state"]["enum"] == states
    assert set(SCHEMAS["Alert"]["properties"]["kind"]["enum"]) == OF_A_LEAD | {ESCALATION, NOTICE}
    assert SCHEMAS["DeadLetter"]["properties"]["kind"] == SCHEMAS["Alert"]["properties"]["kind"]
    assert set(SCHEMAS["DeadLetterStatus"]["enum"]) == set(DEAD_LETTER_STATUS.values())
    assert SCHEMAS["RedriveRequest"]["properties"]["status"]["enum"] == [
        *admin_request.STATUSES,
        admin_request.ANY,
        None,
    ]
    channel = SCHEMAS["Census"]["properties"]["channels"]["additionalProperties"]
    assert channel["required"] == ["accepted", *STATES, "archived"]
    assert COMPONENTS["securitySchemes"]["adminKey"]["name"] == HEADER
    assert COMPONENTS["responses"]["NoKey"]["headers"]["WWW-Authenticate"]["schema"]["const"] == REALM
    headers = COMPONENTS["headers"]
    assert {name: headers[name]["schema"]["const"] for name in SAFE_HEADERS} == dict(SAFE_HEADERS)
    assert headers["Access-Control-Expose-Headers"]["schema"]["const"] == cors.EXPOSED
    preflight = DOCUMENT["paths"]["/chat"]["options"]["responses"]["204"]["headers"]
    assert preflight["Access-Control-Allow-Headers"]["schema"]["const"] == cors.ALLOWED_HEADERS
    assert preflight["Access-Control-Max-Age"]["schema"]["const"] == str(cors.MAX_AGE_SECONDS)


def test_the_consoles_routes_are_described() -> None:
    """Each with its method, and no other; an example of each path is one."""
    described = {
        (verb.upper(), path.removeprefix("/admin_console").replace("{id}", "an-id"))
        for path, verb, _ in OPERATIONS
        if path.startswith("/admin_console/")
    }
    for method, path in described:
        assert [verb for verb, pattern, _ in admin_request.ROUTES if pattern.fullmatch(path)] == [method]
    assert len(described) == len(admin_request.ROUTES)


@pytest.mark.parametrize(
    "names",
    [
        ("/admin_console/dead_letters", "get"),
        ("/admin_console/alerts", "get"),
        ("/admin_console/dead_letters/redrive", "post"),
        ("/admin_console/dead_letters/{id}/waive", "post"),
    ],
)
def test_the_console_knows_the_fields_that_are_described(names: tuple[str, str]) -> None:
    """A field that nobody knows is refused in a sentence that lists those there are: the described ones."""
    path, verb = names
    operation = DOCUMENT["paths"][path][verb]
    if verb == "get":
        described = {each["name"] for each in operation["parameters"]}
        how: dict[str, Any] = {"query_string": {"unknown": "x"}}
    else:
        described = set(resolved(operation["requestBody"]["content"]["application/json"]["schema"])["properties"])
        how = {"json": {"unknown": 1}}
    place = path.removeprefix("/admin_console").replace("{id}", "an-id")
    request = flask.Request(EnvironBuilder(place, method=verb.upper(), **how).get_environ())
    with pytest.raises(RequestError) as refused:
        admin_request.read_admin_request(request)
    assert set(refused.value.detail.removesuffix(".").split("there are ")[1].split(", ")) == described
