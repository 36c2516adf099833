"""The console's pages without a system: the JSON half reads requests as it does, and answers what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
from openapi_schema_validator import OAS31Validator
from werkzeug.test import create_environ

from infra.strict_yaml import read
from shared.edge.admin_asks import AdminRequest
from shared.edge.admin_key import AdminKeys, WrongKeys
from shared.edge.admin_request import read_admin_request
from shared.edge.answers import json_answer
from shared.edge.console import ConsolePages
from shared.edge.console_session import COOKIE, session_of
from shared.edge.refusals import not_found

ROOT = Path(__file__).parents[2]
DOCUMENT = read((ROOT / "docs" / "openapi.yaml").read_text()).data
OLD, NEW = "the-old-key-0123456789", "the-new-key-0123456789"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WHO = "Ana Operator"


def as_described(path: str, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that a test made up, once it is certain that the console may give it."""
    operation = DOCUMENT["paths"][f"/admin_console{path}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    OAS31Validator({**schema, "components": DOCUMENT["components"]}).validate(answer)
    return answer


class ConsoleSite:
    """One console, and a browser that keeps its cookie.

    Attributes:
        answers: what the JSON half answers, by path; everything else does not exist.
        asked: what it was asked for.
        now: the time.
    """

    def __init__(self, *, keys: tuple[str, ...] = (OLD, NEW), wrong_most: int = 60) -> None:
        self.now = NOW
        self.answers: dict[str, dict[str, Any] | Exception] = {}
        self.asked: list[AdminRequest] = []
        self.errors: list[Exception] = []
        self.cookies: dict[str, str] = {}
        self.use(keys, wrong_most)

    def use(self, keys: tuple[str, ...], wrong_most: int = 60) -> None:
        """Go on with these admin keys."""
        self._pages = ConsolePages(AdminKeys(keys, WrongKeys(wrong_most)), 1, lambda: self.now)
        self._keys = keys

    def request(self, method: str, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> flask.Response:
        """Send a request as a browser does; ``_`` in a header's name stands for ``-``."""
        sent = {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        how: dict[str, Any] = {}
        if form is not None:
            how = {"data": urlencode(form, doseq=True), "content_type": "application/x-www-form-urlencoded"}
        environ = create_environ(path, "https://console.example", method=method, headers=sent, **how)
        response = self._pages.answer(flask.Request(environ), self._answered, self.errors.append)
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel.value:
                    self.cookies[name] = morsel.value
        return response

    def get(self, path: str, **headers: str) -> flask.Response:
        """Look at a page."""
        return self.request("GET", path, **headers)

    def post(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> flask.Response:
        """Send a form of ours."""
        session = session_of(self.cookies.get(COOKIE), self._keys, self.now)
        token = session.form_token if session is not None else ""
        headers = {"Sec_Fetch_Site": "same-origin", **headers}
        return self.request("POST", path, {"csrf": token, **(form or {})}, **headers)

    def sign_in(self, key: str = NEW, by: str = WHO, back: str = "/", **headers: str) -> flask.Response:
        """Send the form of the sign-in."""
        return self.post("/sign_in", {"key": key, "by": by, "next": back}, **headers)

    def passes(self, minutes: float) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)

    def _answered(self, request: flask.Request) -> flask.Response:
        self.asked.append(read_admin_request(request))
        answer = self.answers.get(request.path)
        if answer is None:
            raise not_found("That")
        if isinstance(answer, Exception):
            raise answer
        return json_answer(answer)
