"""What a request to ``unsubscribe`` asks for; what it means is the flow's business.

With a token the body is never looked at: a mailbox provider posts ``List-Unsubscribe=One-Click`` as a form of either
kind (RFC 8058, 3.2), a page posts an empty one. Who asks for ``text/html`` gets a page, everybody else JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import flask

from shared.edge.body import read_form, read_json_object
from shared.edge.client_address import client_address
from shared.edge.fields import optional_line
from shared.edge.refusals import invalid_field, method_not_allowed, not_found, unsupported_media_type

Action = Literal["show", "form", "by_link", "by_address", "undo", "revoke", "status"]

EMAIL_MOST = 320
METHODS = ("GET", "HEAD", "POST")
FORM = "application/x-www-form-urlencoded"
_WITH_TOKEN: dict[tuple[str, str], Action] = {
    ("/", "GET"): "show",
    ("/", "POST"): "by_link",
    ("/undo", "POST"): "undo",
    ("/revoke", "POST"): "revoke",
    ("/status", "GET"): "status",
}


@dataclass(frozen=True)
class UnsubscribeRequest:
    """A well-formed request.

    Attributes:
        action: what it asks for.
        token: of the link; None for what needs none.
        email: as typed, of ``by_address``.
        wants_page: it is answered with a page.
        client: the address the request came from, as limits count it.
    """

    action: Action
    token: str | None
    email: str | None
    wants_page: bool
    client: str

    @property
    def source(self) -> str:
        """Where from, for the audit."""
        return "page" if self.wants_page else "one_click" if self.action == "by_link" else "api"


def read_unsubscribe_request(request: flask.Request, *, proxy_hops: int) -> UnsubscribeRequest:
    """Read and check a request; the token is the flow's business.

    Raises:
        RequestError: 404, 405, 413, 415 or 400, saying what was wrong and what is accepted.
    """
    path = _path(request)
    allowed = methods_at(request)
    if not allowed:
        raise not_found()
    method = "GET" if request.method == "HEAD" else request.method
    action = _WITH_TOKEN.get((path, method))
    if action is None:
        raise method_not_allowed(allowed)
    tokens = request.args.getlist("t")
    if len(tokens) > 1:
        raise invalid_field("t", "given once")
    client = client_address(request.remote_addr, request.headers.getlist("X-Forwarded-For"), proxy_hops)
    page = wants_page(request) or action == "show"
    if tokens:
        return UnsubscribeRequest(action, tokens[0], None, page, client)
    if action == "show":
        return UnsubscribeRequest("form", None, None, page, client)
    if action != "by_link":
        raise invalid_field("t", "the token of an e-mail's link", "nothing")
    return UnsubscribeRequest("by_address", None, _email(request), page, client)


def methods_at(request: flask.Request) -> tuple[str, ...]:
    """What is answered at a request's path besides OPTIONS, in the order of ``METHODS``; empty where nothing is."""
    there = {method for path, method in _WITH_TOKEN if path == _path(request)}
    return tuple(method for method in METHODS if method in there or (method == "HEAD" and "GET" in there))


def _path(request: flask.Request) -> str:
    return request.path.rstrip("/") or "/"


def wants_page(request: flask.Request) -> bool:
    """Whether whoever asks says that they show pages."""
    return "text/html" in request.headers.get("Accept", "").lower()


def preferred_language(request: flask.Request, known: Sequence[str]) -> str:
    """The known language that the browser asks for, the first one where it asks for none of them."""
    wanted = [str(tag).lower().split("-")[0] for tag, _ in request.accept_languages]
    return next((language for language in wanted if language in known), known[0])


def _email(request: flask.Request) -> str:
    if request.mimetype == FORM:
        body = read_form(request)
    elif request.mimetype == "application/json" or request.mimetype.endswith("+json"):
        body = read_json_object(request)
    else:
        raise unsupported_media_type(
            f"The content type must be application/json or {FORM}, in UTF-8.", {"Accept": f"application/json, {FORM}"}
        )
    email = optional_line(body, "email", max_length=EMAIL_MOST)
    if email is None:
        raise invalid_field("email", "an e-mail address such as ana@example.com", "nothing")
    return email
