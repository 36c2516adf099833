"""admin_console: what an operator looks up and does, as JSON. Called with the header X-ADMIN-API-KEY only."""

from __future__ import annotations

from typing import assert_never

import flask

from shared import bootstrap
from shared.edge import admin_request as asks
from shared.edge.admin_key import HEADER
from shared.edge.answers import json_answer
from shared.edge.problems import answer
from shared.flows.operations import ListDeadLetters, WaiveAlert
from shared.flows.operations_redrive import RequestRedrive
from shared.ports.operations import Wanted

CONSOLE = bootstrap.admin_console()


def admin_console(request: flask.Request) -> flask.Response:
    """Answer one request; without a key it learns nothing, not even what there is."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    CONSOLE.guard.check(request.headers.get(HEADER))
    flow, status = CONSOLE.flow, 200
    match asks.read_admin_request(request):
        case asks.AlertsQuery(email=None, id=alert_id):
            body = flow.alert(str(alert_id))
        case asks.AlertsQuery(email=email):
            body = flow.alerts_of(str(email))
        case asks.DeadLettersQuery() as asked:
            wanted = Wanted((asked.status,) if asked.status else None, asked.cause, asked.channel)
            body = flow.dead_letters(ListDeadLetters(wanted, asked.limit, asked.after))
        case asks.RedriveRequest() as asked:
            wanted = Wanted(asked.statuses, asked.cause, asked.channel, asked.since, asked.before)
            body, status = CONSOLE.redrive(RequestRedrive(asked.ids, wanted, asked.reason, asked.by)), 202
        case asks.RedriveQuery() as asked:
            body = CONSOLE.redrive.find(asked.id)
        case asks.WaiveRequest() as asked:
            body = flow.waive(WaiveAlert(asked.id, asked.reason, asked.by))
        case asks.AuditQuery() as asked:
            body = CONSOLE.rights.audit(asked.email, asked.limit, asked.after)
        case asks.ErasuresQuery() as asked:
            body = CONSOLE.rights.erasures(asked.id)
        case asks.ConservationQuery() | asks.CanaryQuery() as asked:
            body = CONSOLE.canary() if isinstance(asked, asks.CanaryQuery) else flow.conservation()
        case other:
            assert_never(other)
    return json_answer(body, status)
