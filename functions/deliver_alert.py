"""deliver_alert: one task, one attempt at one alert, or at a digest of many. Called by Cloud Tasks only."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.answers import json_answer
from shared.edge.body import read_json_object
from shared.edge.problems import answer
from shared.edge.refusals import method_not_allowed
from shared.edge.task_request import DigestRequest, read_task_request
from shared.flows.deliver_alert import DeliverAlert
from shared.flows.deliver_digest import DeliverDigest

DELIVERY = bootstrap.deliver_alert()


def deliver_alert(request: flask.Request) -> flask.Response:
    """Answer 200 once the outcome is saved, whatever it was; 5xx only so that the task comes back."""
    return answer(_answer, request, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    DELIVERY.guard.check(request.headers.get("Authorization"))
    if request.method != "POST":
        raise method_not_allowed(("POST",), options=False)
    task = read_task_request(read_json_object(request))
    if isinstance(task, DigestRequest):
        return json_answer({"state": DELIVERY.digests(DeliverDigest(task.digest_id))})
    return json_answer({"state": DELIVERY.flow(DeliverAlert(task.alert_id, task.generation, task.channel))})
