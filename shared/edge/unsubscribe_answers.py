"""What ``unsubscribe`` answers: a page to who shows pages, JSON to everybody else, problems in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import flask

from shared.edge.answers import json_answer
from shared.edge.pages import LANGUAGES, Pages
from shared.edge.problems import problem
from shared.edge.rate_headers import rate_headers
from shared.edge.unsubscribe_request import Action, UnsubscribeRequest, preferred_language, wants_page
from shared.errors import RateLimited, RequestError

_AFTER: dict[Action, tuple[str, dict[str, object], int]] = {
    "by_address": ("address", {"unsubscribed": True}, 200),
    "by_link": ("done", {"unsubscribed": True}, 200),
    "undo": ("undone", {"unsubscribed": False}, 200),
    "revoke": ("erasing", {"unsubscribed": True, "erasure": "running"}, 202),
}


@dataclass(frozen=True)
class Answers:
    """The answers of one company.

    Attributes:
        pages: hers.
        policies: the limits, as ``rate_headers`` takes them.
    """

    pages: Pages
    policies: tuple[tuple[str, int, int], ...]

    def show(self, request: flask.Request, asked: UnsubscribeRequest, language: str | None) -> flask.Response:
        """The page with the button, or with the form where there is no link; ``language`` is the link's."""
        shown = language or preferred_language(request, LANGUAGES)
        return self.pages.page("ask" if asked.token is not None else "form", shown, asked.token)

    def after(
        self,
        request: flask.Request,
        asked: UnsubscribeRequest,
        *,
        language: str | None = None,
        rate: tuple[str, int, int] | None = None,
    ) -> flask.Response:
        """The answer once it is done; ``rate`` says what is left: the limit's name, requests, seconds."""
        name, body, status = _AFTER[asked.action]
        shown = language or preferred_language(request, LANGUAGES)
        token = asked.token
        response = self.pages.page(name, shown, token, status) if asked.wants_page else json_answer(body, status)
        if rate is not None:
            response.headers.update(rate_headers(self.policies, [rate]))
        return response

    def status(self, since: datetime | None, erasure: str | None) -> flask.Response:
        """How the link's address stands."""
        shown = since.isoformat() if since is not None else None
        return json_answer({"unsubscribed": since is not None, "since": shown, "erasure": erasure})

    def refused(self, request: flask.Request, refused: RequestError) -> flask.Response:
        """A page or problem details."""
        if isinstance(refused, RateLimited) and refused.limit is not None:
            refused.headers |= rate_headers(self.policies, [(refused.limit, 0, refused.retry_after or 0)])
        if not wants_page(request):
            return problem(refused)
        return self.pages.refusal(refused, preferred_language(request, LANGUAGES))

    def with_policies(self, response: flask.Response) -> flask.Response:
        """The answer with what limits there are, where it does not say yet."""
        if "RateLimit" not in response.headers:
            response.headers.update(rate_headers(self.policies))
        return response
