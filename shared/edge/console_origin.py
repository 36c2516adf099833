"""Whether a request that changes something comes from a page of ours: a browser says where it was made."""

from __future__ import annotations

from urllib.parse import urlsplit

import flask

from shared.edge.admin_key import HEADER
from shared.edge.console_session import COOKIE
from shared.edge.refusals import forbidden
from shared.edge.unsubscribe_request import wants_page

ELSEWHERE = "This form was not sent by a page of the console; open the console and try again there."


def from_browser(request: flask.Request) -> bool:
    """Whether a request is a person's with a browser: who shows the admin key in its header never is.

    A browser asks for a page or a file of one, or brings a session along, as when it saves a link.
    """
    if HEADER in request.headers:
        return False
    return wants_page(request) or COOKIE in request.cookies or request.path.startswith("/assets/")


def refuse_elsewhere(request: flask.Request) -> None:
    """Refuse what a page of another origin made a browser send.

    ``Sec-Fetch-Site`` decides where it is there (Fetch Metadata: every browser of today sends it, no page can set it);
    otherwise ``Origin`` must name the host that was asked for, or the one that a proxy in front was asked for. A client
    that sends neither is no browser of today, and needs the form's token all the same.

    Raises:
        RequestError: 403.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site != "same-origin":
            raise forbidden(ELSEWHERE)
        return
    origin = request.headers.get("Origin")
    if origin is None:
        return
    asked_for = {request.headers.get("Host", ""), request.headers.get("X-Forwarded-Host", "")} - {""}
    if urlsplit(origin).netloc not in asked_for:
        raise forbidden(ELSEWHERE)
