"""cleanup: remove what has had its time. Called by Cloud Scheduler, and by tasks to go on.

``POST /`` every ten minutes: what expired. ``POST /daily``: also the alerts that ended long ago.
"""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.answers import json_answer
from shared.edge.job_request import read_slot
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed, not_found

CLEANING = bootstrap.cleanup()


def cleanup(request: flask.Request) -> flask.Response:
    """Run once and say what was removed; safe to run twice, or twice at once."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    CLEANING.guard.check(request.headers.get("Authorization"))
    if request.method != "POST":
        raise method_not_allowed(("POST",), options=False)
    if request.path not in ("/", "/daily"):
        raise not_found()
    job, time = read_slot(request.headers.get)
    flow = CLEANING.daily if request.path == "/daily" else CLEANING.flow
    cleaned = CLEANING.once(job, time, flow)
    if cleaned is None:
        return json_answer({"slot": "done"})
    return json_answer(
        {
            "expired": cleaned.expired,
            "alerts": cleaned.alerts,
            "conversations": cleaned.conversations,
            "more": cleaned.more,
        }
    )
