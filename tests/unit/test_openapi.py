"""``docs/openapi.yaml`` is valid OpenAPI 3.1 and says what the code does."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import flask
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import EnvironBuilder

from infra.manifest import load
from infra.strict_yaml import read
from shared.adapters import tokens
from shared.domain.alert import DEAD_LETTER_STATUS, FOLLOWUP, OF_A_LEAD, RELAYED, State
from shared.domain.conservation import STATES
from shared.edge import (
    admin_fields,
    admin_request,
    body,
    chat_request,
    cors,
    fields,
    idempotency,
    json_text,
    migration_request,
    unsubscribe_request,
    widget_pages,
)
from shared.edge.admin_key import HEADER, REALM
from shared.edge.answers import SAFE_HEADERS
from shared.edge.cors import options_answer
from shared.edge.problems import TYPE_PREFIX
from shared.edge.rate_headers import rate_headers
from shared.errors import RequestError
from shared.migrations import ledger
from shared.migrations.steps.s0002_dead_letters_of_before import KIND as IMPORTED

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


SLICES = ("/admin_migration", "post")
"""Comes by task, at a function that is otherwise for operators."""

IDS = (
    "a",
    "_-9",
    "__",
    "___",
    "____",
    "__x__",
    "__x",
    "x__",
    "__x__y",
    "a-__x__",
    "a" * 128,
    "a" * 129,
    "",
    "a.b",
    "ä",
)

FILES = {"/chat" + path for path in widget_pages._FILES}
"""Everybody may have them as often as they like: no limit is counted."""


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
    by_token = [{"serviceAccount": []}]
    wanted = {"public": [], "admin": [{"adminKey": []}]}
    for path, verb, operation in OPERATIONS:
        access = str(functions[path.split("/")[1]].access)
        security = by_token if (path, verb) == SLICES else wanted.get(access, by_token)
        assert operation["security"] == security, (path, verb)
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
                limited = "RateLimit-Policy" in answer.get("headers", {})
                assert limited == (path not in FILES), (path, verb, status)
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
    for name, pattern in (("Id", fields.ID), ("Place", admin_fields.PLACE)):
        schema = OAS31Validator({"type": "string", **resolved(SCHEMAS[name])})
        for text in IDS:
            tried = text if name == "Id" else f"17-{text}"
            assert schema.is_valid(tried) == bool(pattern.fullmatch(tried)), tried
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
    assert set(SCHEMAS["Alert"]["properties"]["kind"]["enum"]) == OF_A_LEAD | RELAYED | {FOLLOWUP, IMPORTED}
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
    assert headers["Access-Control-Allow-Headers"]["schema"]["const"] == cors.ALLOWED_HEADERS
    assert headers["Access-Control-Max-Age"]["schema"]["const"] == str(cors.MAX_AGE_SECONDS)


def of_the_console(path: str) -> str:
    """A path of the console with something in each place."""
    inside = path.removeprefix("/admin_console").replace("{id}", "an-id").replace("{channel}", "slack")
    return inside.replace("{name}", "cleanup").replace("{verb}", "run")


def test_the_consoles_routes_are_described() -> None:
    """Each with its method, and no other; an example of each path is one."""
    described = {(verb.upper(), of_the_console(path)) for path, verb, _ in OPERATIONS if "/admin_console/" in path}
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
        ("/admin_console/dead_letters/{id}/bundle", "get"),
        ("/admin_console/breakers/{channel}", "post"),
        ("/admin_console/jobs/{name}/{verb}", "post"),
        ("/admin_console/history", "get"),
        ("/admin_console/leads", "get"),
        ("/admin_console/conversations/{id}", "get"),
        ("/admin_console/conversations/{id}/export", "get"),
        ("/admin_console/operator_audit", "get"),
    ],
)
def test_the_console_knows_the_fields_that_are_described(names: tuple[str, str]) -> None:
    """A field that nobody knows is refused in a sentence that lists those there are: the described ones."""
    path, verb = names
    operation = DOCUMENT["paths"][path][verb]
    if verb == "get":
        described = {each["name"] for each in map(resolved, operation.get("parameters", ())) if each["in"] == "query"}
        how: dict[str, Any] = {"query_string": {"unknown": "x"}}
    else:
        described = set(resolved(operation["requestBody"]["content"]["application/json"]["schema"])["properties"])
        how = {"json": {"unknown": 1}}
    place = of_the_console(path)
    request = flask.Request(EnvironBuilder(place, method=verb.upper(), **how).get_environ())
    with pytest.raises(RequestError) as refused:
        admin_request.read_admin_request(request)
    assert set(refused.value.detail.removesuffix(".").split("there are ")[1].split(", ")) == described


def test_the_migrations_routes_are_described() -> None:
    """Each with its method, and the slices; its states, and the fields that a step is asked with."""
    described = {
        (verb.upper(), path.removeprefix("/admin_migration").replace("{step}", "0001") or "/")
        for path, verb, _ in OPERATIONS
        if path.split("/")[1] == "admin_migration"
    } - {("POST", "/")}
    for method, path in described:
        found = [verb for verb, pattern, _ in migration_request.ROUTES if pattern.fullmatch(path) and verb == method]
        assert found == [method], path
    assert len(described) == len(migration_request.ROUTES)
    assert SCHEMAS["StepId"]["pattern"] == f"^{migration_request.STEP}$"
    assert SCHEMAS["MigrationState"]["enum"] == [state.value for state in ledger.State]
    after = SCHEMAS["MigrateRequest"]["properties"]["after"]
    assert after["anyOf"][0]["maxLength"] == migration_request.NAME_MOST
    counts = {each.name for each in dataclasses.fields(ledger.Counts)}
    assert set(SCHEMAS["Migration"]["properties"]["counts"]["required"]) == counts


def test_the_rights_routes_are_described() -> None:
    """Each with its method; the preflight and a 405 name the same methods."""
    described = {
        (path.removeprefix("/unsubscribe") or "/", verb.upper())
        for path, verb, _ in OPERATIONS
        if path.split("/")[1] == "unsubscribe" and verb != "options"
    }
    assert described == set(unsubscribe_request._WITH_TOKEN)
    for path, _ in described:
        request = flask.Request(EnvironBuilder(path, method="PUT").get_environ())
        with pytest.raises(RequestError) as refused:
            unsubscribe_request.read_unsubscribe_request(request, proxy_hops=1)
        options = DOCUMENT["paths"][f"/unsubscribe{path}".rstrip("/")]["options"]["responses"]["204"]["headers"]
        assert options["Allow"]["schema"]["const"] == refused.value.headers["Allow"]
        told = options_answer(request, ("*",), unsubscribe_request.methods_at(request)).headers
        for name in ("Allow", "Access-Control-Allow-Methods"):
            assert options[name]["schema"]["const"] == told[name]
    token = COMPONENTS["parameters"]["Link"]["schema"]
    assert token["pattern"] == f"^{tokens._TOKEN.pattern}$"
    assert token["maxLength"] == tokens.LONGEST


def test_the_widgets_files_are_described() -> None:
    """Each with its type, how long it is kept and what it may do."""
    assert {path for path, verb, _ in OPERATIONS if path.startswith("/chat/") and verb == "get"} == FILES
    for path in FILES:
        request = flask.Request(EnvironBuilder(path.removeprefix("/chat")).get_environ())
        said = widget_pages.page_answer(request, dict, ("https://example.com",), on_error=raised)
        answer = answers(DOCUMENT["paths"][path]["get"])["200"]
        assert set(answer["content"]) == {said.mimetype}
        for name, header in answer["headers"].items():
            schema = resolved(header).get("schema", {})
            assert name in said.headers or not resolved(header).get("required"), (path, name)
            if name in said.headers:
                OAS31Validator(schema).validate(said.headers[name])


def raised(error: Exception) -> None:
    """A 5xx is a failed test."""
    raise error
