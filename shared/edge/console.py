"""The console in a browser: who is let in, what a request is, and what it is answered with.

A request with the header ``X-ADMIN-API-KEY`` is never a browser's: it is answered in JSON. Every other one that asks
for a page gets one; who is not signed in gets the sign-in, at whatever address, and learns nothing else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import flask

from shared import events
from shared.edge import console_assets, console_forms, console_pages
from shared.edge.admin_key import REALM, AdminKeys
from shared.edge.body import read_form
from shared.edge.client_address import client_address
from shared.edge.console_api import Answered, Api
from shared.edge.console_forms import Fields
from shared.edge.console_origin import refuse_elsewhere
from shared.edge.console_session import COOKIE, LIFE, Session, session_of
from shared.edge.console_view import page, root_of
from shared.edge.fields import optional_line
from shared.edge.refusals import forbidden, internal_error, invalid_field, method_not_allowed
from shared.errors import RateLimited, RequestError

BY_MOST = 80
_NEXT = re.compile(r"/(?:[a-z_]+(?:/[0-9A-Za-z_-]+)*)?(?:\?[0-9A-Za-z_.~%&=+:@-]*)?")
_NEXT_MOST = 500
_EXPIRED = "This page is older than your session. Go back, reload it and try again."


@dataclass(frozen=True)
class ConsolePages:
    """The pages.

    Attributes:
        guard: knows the admin keys.
        hops: TRUSTED_PROXY_HOPS.
        clock: the time.
    """

    guard: AdminKeys
    hops: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def answer(
        self, request: flask.Request, answered: Answered, on_error: Callable[[Exception], None]
    ) -> flask.Response:
        """Answer a browser, with a page also where something is refused or goes wrong.

        Args:
            request: the request.
            answered: the JSON half, for requests of who is let in.
            on_error: told of what becomes a 500, inside the ``except`` clause.
        """
        if request.path.startswith("/assets/"):
            return console_assets.asset_answer(request)
        session = session_of(request.cookies.get(COOKIE), self.guard.keys, self.clock())
        try:
            return self._answer(request, session, answered)
        except RequestError as refused:
            return self._refused(request, session, refused)
        except Exception as error:  # noqa: BLE001 - the last frame: whatever it was, a person gets a page
            on_error(error)
            return self._refused(request, session, internal_error())

    def _answer(self, request: flask.Request, session: Session | None, answered: Answered) -> flask.Response:
        if request.method not in {"GET", "HEAD", "POST"}:
            raise method_not_allowed(("GET", "POST"), options=False)
        if (request.method, request.path) == ("POST", "/sign_in"):
            return self._sign_in(request)
        if session is None:
            return self._asked_to_sign_in(request)
        api = Api(answered, session.by)
        if request.method == "POST":
            return self._sent(request, session, api)
        visit = console_pages.Visit(request, api, session, self.clock())
        response = console_pages.shown(visit)
        # A page that renews itself keeps no session alive that nobody uses.
        renewed = session.renewed(self.clock()) if console_pages.LIVE not in request.headers else None
        return _with_cookie(response, renewed) if renewed is not None else response

    def _sent(self, request: flask.Request, session: Session, api: Api) -> flask.Response:
        refuse_elsewhere(request)
        fields = Fields.of(request)
        if not session.sent_by_us(fields.one("csrf") or ""):
            raise forbidden(_EXPIRED)
        if request.path == "/sign_out":
            response = _gone(request, "/?notice=signed-out")
            response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
            return response
        return _gone(request, console_forms.done(request.path, fields, api))

    def _sign_in(self, request: flask.Request) -> flask.Response:
        refuse_elsewhere(request)
        form = read_form(request)
        by = optional_line(form, "by", max_length=BY_MOST)
        back = form.get("next", "/")
        try:
            client = client_address(request.remote_addr, request.headers.getlist("X-Forwarded-For"), self.hops)
            self.guard.check(form.get("key", "").strip(), client)
            if by is None:
                raise invalid_field("by", f"your name, of at most {BY_MOST} characters")
        except RateLimited as limited:
            said = f"Too many wrong keys came from here. Wait {limited.retry_after} seconds, then try again."
            return _form(request, 429, back, said, by, {"Retry-After": str(limited.retry_after)})
        except RequestError as refused:
            said = "That is not a valid key." if refused.status == 401 else "Say who you are: it stands in the audit."  # noqa: PLR2004
            return _form(request, refused.status, back, said, by, refused.headers)
        now = self.clock()
        session = Session(secrets.token_urlsafe(16), by, now, now, form.get("key", "").strip())
        events.log("admin_signed_in")
        return _with_cookie(_gone(request, _back(back)), session)

    def _asked_to_sign_in(self, request: flask.Request) -> flask.Response:
        """The form, at the address that was asked for; a form that came too late is not kept."""
        here = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else "/"
        gone = request.args.get("notice") == "signed-out"
        said = "Your session is over. Sign in again." if COOKIE in request.cookies else None
        return _form(request, 401, "/" if gone else here, said, None, {"WWW-Authenticate": REALM}, signed_out=gone)

    def _refused(self, request: flask.Request, session: Session | None, refused: RequestError) -> flask.Response:
        response = page(
            "error" if session is not None else "error_alone",
            request.path,
            refused.status,
            session=session,
            title=refused.title,
            detail=refused.detail,
            retry_after=refused.retry_after,
        )
        response.headers.update(refused.headers)
        if refused.retry_after is not None:
            response.headers["Retry-After"] = str(max(0, refused.retry_after))
        return response


def _form(
    request: flask.Request,
    status: int,
    back: str,
    said: str | None,
    by: str | None,
    headers: dict[str, str],
    *,
    signed_out: bool = False,
) -> flask.Response:
    response = page("sign_in", request.path, status, back=_back(back), said=said, by=by, signed_out=signed_out)
    response.headers.update(headers)
    return response


def _back(back: str) -> str:
    """Where to go after sign-in: an address of the console, whatever was sent."""
    return back if len(back) <= _NEXT_MOST and _NEXT.fullmatch(back) else "/"


def _gone(request: flask.Request, where: str) -> flask.Response:
    """Go on to an address of the console, relative to this one, with GET (RFC 9110, 15.4.4)."""
    headers = {"Location": f"{root_of(request.path)}{where.removeprefix('/')}", "Cache-Control": "no-store"}
    return flask.Response(status=303, headers=headers)


def _with_cookie(response: flask.Response, session: Session) -> flask.Response:
    left = LIFE - (session.seen - session.began)
    response.set_cookie(COOKIE, session.cookie, max_age=left, path="/", secure=True, httponly=True, samesite="Strict")
    return response
