"""canary: every ten minutes, a made-up lead through the real chat to each channel's canary target.

Called by Cloud Scheduler.
"""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.answers import json_answer
from shared.edge.job_request import read_slot
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed

CANARY = bootstrap.canary()


def canary(request: flask.Request) -> flask.Response:
    """Run once and say how the canary fared; 200 also where it is late: the alarm is another's part."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    CANARY.guard.check(request.headers.get("Authorization"))
    if request.method != "POST":
        raise method_not_allowed(("POST",), options=False)
    job, time = read_slot(request.headers.get)
    done = CANARY.once(job, time, CANARY.flow)
    if done is None:
        return json_answer({"slot": "done"})
    legs = done.run.legs if done.run is not None else {}
    return json_answer({"removed": done.removed, "channels": {name: leg.mark.value for name, leg in legs.items()}})
