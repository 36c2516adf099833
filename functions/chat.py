"""chat: a visitor's message in, an answer out (``POST /chat``), and the window for it (``/chat/widget.js``)."""

from __future__ import annotations

import flask

from shared import bootstrap
from shared.domain import ids
from shared.domain.turn import Visitor, given_details
from shared.edge.answers import json_answer
from shared.edge.chat_request import METHODS, read_chat_request
from shared.edge.cors import options_answer, with_cors
from shared.edge.problems import answer
from shared.edge.rate_headers import rate_headers
from shared.errors import RateLimited
from shared.flows.answer_message import AnswerMessage

CHAT = bootstrap.chat()
POLICIES = [(limit.name, limit.quota, limit.seconds) for limit in CHAT.flow.limits]


def chat(request: flask.Request) -> flask.Response:
    """Answer one request; every answer says which limits there are."""
    origins = CHAT.settings.allowed_origins
    if request.path.startswith(("/widget.", "/gallery")):
        return _page(request)
    if request.method == "OPTIONS":
        return options_answer(request, origins, METHODS)
    response = answer(_answer, request, on_error=bootstrap.report)
    if "RateLimit" not in response.headers:
        response.headers.update(rate_headers(POLICIES))
    return with_cors(response, request, origins)


def _page(request: flask.Request) -> flask.Response:
    from shared.edge import widget_pages  # noqa: PLC0415 - most instances only answer messages

    return widget_pages.page_answer(request, CHAT.words, CHAT.settings.allowed_origins, on_error=bootstrap.report)


def _answer(request: flask.Request) -> flask.Response:
    asked = read_chat_request(request, proxy_hops=CHAT.settings.trusted_proxy_hops)
    details = given_details(asked.name, asked.email, asked.phone, CHAT.phone_region)
    visitor = Visitor(asked.message, details, asked.processing, asked.marketing)
    request_hash = ids.request_hash(asked.canonical)
    command = AnswerMessage(visitor, asked.session_id, asked.idempotency_key, asked.client, request_hash, asked.canary)
    try:
        answered = CHAT.flow(command)
    except RateLimited as refused:
        if refused.limit is not None:
            refused.headers |= rate_headers(POLICIES, [(refused.limit, 0, refused.retry_after or 0)])
        raise
    headers = {"Idempotent-Replayed": "true"} if answered.replayed else {}
    if (rate := answered.rate) is not None:
        headers |= rate_headers(POLICIES, [(rate.limit.name, rate.remaining, rate.reset)])
    return json_answer(answered.body, headers=headers)
