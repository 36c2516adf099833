"""admin_console: what an operator looks up and does, as JSON. Called with the header X-ADMIN-API-KEY only."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.bootstrap.console_answers import console_answer
from shared.edge.admin_key import HEADER
from shared.edge.admin_request import read_admin_request
from shared.edge.answers import json_answer
from shared.edge.problems import answer

CONSOLE = bootstrap.admin_console()


def admin_console(request: flask.Request) -> flask.Response:
    """Answer one request; without a key it learns nothing, not even what there is."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    CONSOLE.guard.check(request.headers.get(HEADER))
    return json_answer(*console_answer(CONSOLE, read_admin_request(request)))
