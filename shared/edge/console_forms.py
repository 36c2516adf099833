"""What the buttons of the console's pages do: a form becomes the request that ``infra.ops`` would send."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import flask

from shared.edge.admin_fields import IDS_MOST
from shared.edge.body import read_pairs
from shared.edge.console_api import Api
from shared.edge.fields import ID
from shared.edge.refusals import not_found

FIELDS_MOST = IDS_MOST + 20
_NAME = r"[a-z][a-z0-9_]{0,39}"


@dataclass(frozen=True)
class Fields:
    """A form's fields; what was left empty was not given."""

    given: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, request: flask.Request) -> Fields:
        """Read a form; raises RequestError as ``read_pairs`` does."""
        given: dict[str, tuple[str, ...]] = {}
        for name, value in read_pairs(request, max_fields=FIELDS_MOST):
            if value.strip():
                given[name] = (*given.get(name, ()), value)
        return cls(given)

    def one(self, name: str) -> str | None:
        """A field; the last one where there are several."""
        return self.given[name][-1] if name in self.given else None

    def all(self, name: str) -> list[str]:
        """Every field of this name."""
        return list(self.given.get(name, ()))


def done(path: str, fields: Fields, api: Api) -> str:
    """Do what a form asks for.

    Args:
        path: it was sent to.
        fields: its own.
        api: does it.

    Returns:
        The address of the console where its outcome is seen.

    Raises:
        RequestError: 404, no form is sent there; as the JSON half refuses what the form says.
    """
    for pattern, do in _FORMS:
        if found := pattern.fullmatch(path):
            return do(found, fields, api)
    raise not_found()


def utc(value: str | None) -> str | None:
    """A form's date and time, which are in UTC, with their zone."""
    return value if value is None or re.search(r"[Zz]$|[+-][0-9]{2}:[0-9]{2}$", value) else f"{value}Z"


def _redrive(_: re.Match[str], fields: Fields, api: Api) -> str:
    body: dict[str, Any] = {"reason": fields.one("reason"), "channel": fields.one("channel")}
    body |= {"status": fields.one("status")}
    match fields.one("what"):
        case "cause":
            body["cause"] = fields.one("cause")
        case "range":
            body |= {"from": utc(fields.one("from")), "to": utc(fields.one("to"))}
        case _:
            body["ids"] = fields.all("ids")
    return f"/redrives/{api.post('/dead_letters/redrive', body)['redrive']}"


def _waive(found: re.Match[str], fields: Fields, api: Api) -> str:
    api.post(found.string, {"reason": fields.one("reason")})
    return f"/alerts?{urlencode({'id': found['id'], 'notice': 'waived'})}"


def _breaker(found: re.Match[str], fields: Fields, api: Api) -> str:
    mode = fields.one("mode")
    api.post(found.string, {"mode": mode, "reason": fields.one("reason")})
    return f"/breakers?notice=breaker-{mode}"


def _job(found: re.Match[str], fields: Fields, api: Api) -> str:
    api.post(found.string, {"reason": fields.one("reason")})
    return f"/jobs?notice=job-{found['verb']}"


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Fields, Api], str]], ...] = (
    (re.compile(r"/dead_letters/redrive"), _redrive),
    (re.compile(rf"/dead_letters/(?P<id>{ID.pattern})/waive"), _waive),
    (re.compile(rf"/breakers/(?P<channel>{_NAME})"), _breaker),
    (re.compile(rf"/jobs/(?P<name>{_NAME})/(?P<verb>pause|resume|run)"), _job),
)
