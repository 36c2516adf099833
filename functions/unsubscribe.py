"""unsubscribe: what a visitor does with the link of an e-mail, or with an address (see docs/openapi.yaml)."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.edge.cors import options_answer, with_cors
from shared.edge.problems import answer
from shared.edge.unsubscribe_request import METHODS, methods_at, read_unsubscribe_request
from shared.errors import RequestError
from shared.flows.opt_out import Asking

UNSUBSCRIBE = bootstrap.unsubscribe()
FLOW, ANSWERS = UNSUBSCRIBE.flow, UNSUBSCRIBE.answers


def unsubscribe(request: flask.Request) -> flask.Response:
    """Answer one request; every answer says which limits there are."""
    origins = UNSUBSCRIBE.settings.allowed_origins
    if request.method == "OPTIONS":
        return options_answer(request, origins, methods_at(request) or METHODS)
    response = answer(_answer, request, on_error=bootstrap.report)
    return with_cors(ANSWERS.with_policies(response), request, origins)


def _answer(request: flask.Request) -> flask.Response:
    try:
        return _done(request)
    except RequestError as refused:
        return ANSWERS.refused(request, refused)


def _done(request: flask.Request) -> flask.Response:
    asked = read_unsubscribe_request(request, proxy_hops=UNSUBSCRIBE.settings.trusted_proxy_hops)
    asking = Asking(asked.client, asked.source)
    if asked.action == "form":
        return ANSWERS.show(request, asked, None)
    if asked.action == "by_address":
        rate = FLOW.by_address(asked.email or "", asking)
        return ANSWERS.after(request, asked, rate=(rate.limit.name, rate.remaining, rate.reset))
    claims = FLOW.claims(asked.token or "")
    match asked.action:
        case "show":
            return ANSWERS.show(request, asked, claims.language)
        case "status":
            stands = FLOW.standing(claims)
            return ANSWERS.status(stands.since, stands.erasure)
        case "by_link":
            FLOW.by_link(claims, asking)
        case "undo":
            FLOW.undo(claims, asking)
        case "revoke":
            FLOW.revoke(claims, asking)
    return ANSWERS.after(request, asked, language=claims.language)
