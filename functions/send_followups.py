"""send_followups: every day, make the follow-ups that are due. Called by Cloud Scheduler, and by tasks to go on."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.answers import json_answer
from shared.edge.job_request import read_slot
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed

FOLLOWUPS = bootstrap.send_followups()


def send_followups(request: flask.Request) -> flask.Response:
    """Run once and say what was made; safe to run twice, or five times at once."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    FOLLOWUPS.guard.check(request.headers.get("Authorization"))
    if request.method != "POST":
        raise method_not_allowed(("POST",), options=False)
    job, time = read_slot(request.headers.get)
    done = FOLLOWUPS.once(job, time, FOLLOWUPS.flow)
    if done is None:
        return json_answer({"slot": "done"})
    return json_answer({"made": done.made, "looked_at": done.looked_at, "more": done.more})
