"""admin_console: what an operator looks up and does; pages for a browser, JSON with the header X-ADMIN-API-KEY."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.bootstrap.console_answers import console_answer
from shared.edge.admin_key import HEADER
from shared.edge.admin_request import read_admin_request
from shared.edge.answers import json_answer
from shared.edge.console_origin import from_browser
from shared.edge.problems import answer

CONSOLE = bootstrap.admin_console()


def admin_console(request: flask.Request) -> flask.Response:
    """Answer one request; without a key it learns nothing, not even what there is."""
    return answer(_page if from_browser(request) else _keyed, request, on_error=bootstrap.report)


def _page(request: flask.Request) -> flask.Response:
    from shared.edge.console import ConsolePages  # noqa: PLC0415 - who calls with the key needs no templates

    return ConsolePages(CONSOLE.guard, CONSOLE.hops).answer(request, _answer, bootstrap.report)


def _keyed(request: flask.Request) -> flask.Response:
    CONSOLE.guard.check(request.headers.get(HEADER))
    return _answer(request)


def _answer(request: flask.Request) -> flask.Response:
    return json_answer(*console_answer(CONSOLE, read_admin_request(request)))
