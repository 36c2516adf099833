"""admin_migration: plan, run and take back migrations, with X-ADMIN-API-KEY; their slices come by task, with OIDC."""

from __future__ import annotations

from typing import assert_never

import flask

from shared import bootstrap
from shared.edge.admin_key import HEADER
from shared.edge.answers import json_answer
from shared.edge.client_address import client_address
from shared.edge.migration_request import (
    AcceptRequest,
    RollbackRequest,
    RunRequest,
    StampRequest,
    StatusQuery,
    is_slice,
    read_migration_request,
    read_slice,
)
from shared.edge.problems import answer
from shared.flows.migration_slice import WorkSlice

MIGRATIONS = bootstrap.admin_migration()


def admin_migration(request: flask.Request) -> flask.Response:
    """Answer one request; without a key it learns nothing, not even what there is."""
    return answer(_slice if is_slice(request) else _answer, request, on_error=bootstrap.report)


def _slice(request: flask.Request) -> flask.Response:
    MIGRATIONS.slice_guard.check(request.headers.get("Authorization"))
    task = read_slice(request)
    state = MIGRATIONS.slice(WorkSlice(task.step, task.run, task.number)) if task is not None else None
    return json_answer({"state": state})


def _answer(request: flask.Request) -> flask.Response:
    client = client_address(request.remote_addr, request.headers.getlist("X-Forwarded-For"), MIGRATIONS.hops)
    MIGRATIONS.guard.check(request.headers.get(HEADER), client)
    flow = MIGRATIONS.flow
    match read_migration_request(request):
        case StatusQuery(step=step):
            return json_answer(flow.status() if step is None else flow.one(step))
        case RunRequest(dry_run=True) as asked:
            return json_answer(flow.plan(asked.step, asked.after))
        case RunRequest() as asked:
            return json_answer(flow.run(asked.step, asked.by), 202)
        case RollbackRequest() as asked:
            return json_answer(flow.roll_back(asked.step, asked.by), 202)
        case StampRequest() as asked:
            return json_answer(flow.stamp(asked.step, asked.state, asked.by, asked.reason))
        case AcceptRequest() as asked:
            return json_answer(flow.accept(asked.step, asked.by, asked.reason))
        case other:
            assert_never(other)
