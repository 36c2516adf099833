"""retry_dead_letters: every few minutes, queue again what is due. Called by Cloud Scheduler, and by tasks to go on."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.answers import json_answer
from shared.edge.job_request import read_slot
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed

SWEEP = bootstrap.retry_dead_letters()


def retry_dead_letters(request: flask.Request) -> flask.Response:
    """Run one pass and say what it did; safe to run twice, or twice at once."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    SWEEP.guard.check(request.headers.get("Authorization"))
    if request.method != "POST":
        raise method_not_allowed(("POST",), options=False)
    job, time = read_slot(request.headers.get)
    swept = SWEEP.once(job, time, SWEEP.flow)
    if swept is None:
        return json_answer({"slot": "done"})
    return json_answer({"requeued": swept.requeued, "postponed": swept.postponed})
