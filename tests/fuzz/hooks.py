"""What schemathesis cannot know of Bellhop: who calls, from where, and what its formats and sentences mean.

Loaded by ``st run`` in a process of its own, see ``tests.fuzz.run``.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import re
import socket
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import phonenumbers
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from urllib3.util import connection

from shared.domain.contact import valid_email, valid_phone

IDENTITIES = json.loads(os.environ["BELLHOP_FUZZ_IDENTITIES"])
"""What an operation's caller shows, by its own name or else the first part of its path: header and value."""

LINKS = json.loads(os.environ["BELLHOP_FUZZ_LINKS"])
"""Tokens that were signed; the last one too long ago."""

KNOWN = json.loads(os.environ["BELLHOP_FUZZ_KNOWN"])
"""Ids of what there is, by the part of a path before them."""

TALLY: Counter[str] = Counter()
"""How often each operation was answered with each status."""

STEPS = 5
"""A step's number is below: most of those there are, and two that there are not."""

REFUSALS_A_CLIENT = 5
"""Each client writes up to the limit and so often beyond it, then comes the next: both are seen, in this proportion."""

TOKEN = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{64}")
STEP = re.compile(r"[0-9]{4}")
ID = re.compile(r"(?!__.*__$)[0-9A-Za-z_-]{1,128}")
VALID_KEY = re.compile(r"[\x21-\x7e]{1,200}")

COUNTRIES = ("PL", "DE", "GB", "US", "FR", "UA")


def _number(country: str, digits: str) -> str | None:
    """A valid number of a country that ends in these digits, as it is written down; None if there is none."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return None
    written = f"+{example.country_code} {str(example.national_number)[: -len(digits)]}{digits}"
    return written if valid_phone(written, country) else None


schemathesis.openapi.format(
    "phone",
    st.builds(_number, st.sampled_from(COUNTRIES), st.from_regex(r"\A[0-9]{4}\Z")).filter(bool),
)
schemathesis.openapi.format("email", st.emails().filter(lambda text: valid_email(text) is not None))
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001 - the bounds take none
)


if LINKS:
    schemathesis.openapi.format("link-token", st.sampled_from(LINKS))


@schemathesis.auth(refresh_interval=None)
class Identity:
    """The key or token of whoever may call an operation."""

    def get(self, case: schemathesis.Case, _context: Any) -> tuple[str, str] | None:
        """Header and value; None for what everybody may call."""
        found = IDENTITIES.get(case.operation.label) or IDENTITIES.get(case.operation.path.split("/")[1])
        return tuple(found) if found else None

    def set(self, case: schemathesis.Case, data: tuple[str, str], _context: Any) -> None:
        """Show it."""
        name, value = data
        case.headers[name] = value


@schemathesis.hook
def map_case(_context: Any, case: schemathesis.Case) -> schemathesis.Case:
    """Keep to what the document says in words only: one of two, and a time before another."""
    if case.operation.definition.raw.get("operationId") in ("findAlerts", "findLead"):
        query = case.query if isinstance(case.query, dict) else {}
        if not query:
            case.query = {"email": "ana@example.com"}
        elif len(query) > 1 and set(query) <= {"email", "phone", "id"}:
            last = max(query)
            case.query = {last: query[last]}
    token = case.query.get("t") if isinstance(case.query, dict) else None
    if LINKS and isinstance(token, str) and TOKEN.fullmatch(token) and token not in LINKS:
        case.query["t"] = LINKS[sum(token.encode()) % len(LINKS)]  # well formed is what was signed, here
    if case.operation.label == "POST /unsubscribe":
        _opt_out(case)
    step = (case.path_parameters or {}).get("step")
    if isinstance(step, str) and STEP.fullmatch(step):
        case.path_parameters["step"] = f"{int(step) % STEPS:04}"
    _meet(case)
    for given in (case.body, case.query):
        if isinstance(given, dict) and isinstance(given.get("from"), str) and isinstance(given.get("to"), str):
            earlier, later = sorted((given["from"], given["to"]))
            given |= {"from": earlier, "to": later if later > earlier else "9998-12-31T23:59:59Z"}
    return case


def _meet(case: schemathesis.Case) -> None:
    """An id is of something that there is whenever more were not than were: not left to a link that may be walked."""
    before = case.operation.path.partition("/{id}")[0]
    known, given = KNOWN.get(before.rpartition("/")[2], []), (case.path_parameters or {}).get("id")
    if not known or not isinstance(given, str) or not ID.fullmatch(given):
        return
    if case.meta is not None and case.meta.is_negative_at(ParameterLocation.PATH):
        return
    met, missed = (TALLY[f"{case.operation.label} {status}"] for status in (200, 404))
    if met <= missed:
        case.path_parameters["id"] = known[(met + missed) % len(known)]


def _opt_out(case: schemathesis.Case) -> None:
    """With a link the body is not looked at: what is wrong comes without one, and what is no address with one."""
    query = case.query if isinstance(case.query, dict) else {}
    if case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY):
        case.query = {name: value for name, value in query.items() if name != "t"}
    elif LINKS and "t" not in query and not (isinstance(case.body, dict) and "email" in case.body):
        case.query = {**query, "t": LINKS[0]}


@schemathesis.hook
def filter_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> bool:
    """A line break in a path is answered by functions-framework, in HTML, before a function sees it."""
    return not any("\n" in unquote(str(value)) for value in (path_parameters or {}).values())


_keys, _pages = itertools.count(), itertools.count()
_run = uuid.uuid4().hex


@schemathesis.hook
def before_call(_context: Any, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """Most keys are new, as visitors' are; every fourth is as it was made. Half of the visitors browse."""
    key = case.headers.get("Idempotency-Key")
    if key is not None and VALID_KEY.fullmatch(key) and (number := next(_keys)) % 4:
        case.headers["Idempotency-Key"] = f"{key}-{_run}-{number}"
    for name, value in case.headers.items():
        if isinstance(value, str) and not value.isascii():  # the gateway refuses what is not UTF-8 by itself
            case.headers[name] = value.encode("utf-8", "replace").decode("latin-1")
    if case.operation.path.startswith("/unsubscribe") and next(_pages) % 2:
        case.headers["Accept"] = "text/html, */*;q=0.5"


@schemathesis.hook
def after_call(_context: Any, case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Count the answer."""
    TALLY[f"{case.operation.label} {response.status_code}"] += 1


atexit.register(lambda: Path(os.environ["BELLHOP_FUZZ_TALLY"]).write_text(json.dumps(TALLY)))

_connect = connection.create_connection


def _from_client(address: tuple[str, int], *arguments: Any, **how: Any) -> socket.socket:
    """Connect from the address of this moment's client: one after the other, of many on loopback.

    Schemathesis has no setting for it. The gateway tells the function this address, and no header can change it.
    """
    refused = sum(count for answer, count in TALLY.items() if answer.endswith(" 429"))
    number = refused // REFUSALS_A_CLIENT
    how["source_address"] = (f"127.1.{number // 250 % 250}.{1 + number % 250}", 0)
    return _connect(address, *arguments[:1], **how)


connection.create_connection = _from_client
