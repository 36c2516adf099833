"""The HTTP request of a task or a job: what may be asked for, and what is sent.

Source: ``google.cloud.tasks.v2.HttpRequest`` and ``google.cloud.scheduler.v1.HttpTarget``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from infra.local.google.attempt import Call
from infra.local.google.errors import invalid_argument, unimplemented

TokenFor = Callable[..., str]
"""``token_for(audience=…, email=…)``: an identity token."""

_METHODS = ("POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")  # by number; unspecified is POST
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LONGEST_URL = 2083
_MOST_HEADERS = 80 * 1024
_SHORTEST_DEADLINE = timedelta(seconds=15)
_LONGEST_DEADLINE = timedelta(minutes=30)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_REPLACED = ("host", "content-length", "user-agent", "transfer-encoding", "connection")
_RESERVED = ("x-google-", "x-appengine-", "x-cloudtasks-", "x-cloudscheduler")


@dataclass(frozen=True)
class Target:
    """A checked request.

    Attributes:
        url: http or https.
        method: POST unless another was asked for.
        headers: the user's, without those Google sets itself.
        body: empty for none.
        email: the service account whose token is attached; None for no token.
        audience: the token's audience.
    """

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    email: str | None
    audience: str

    def call(self, platform_headers: Mapping[str, str], token_for: TokenFor, deadline: timedelta) -> Call:
        """The request with Google's own headers and, where it was asked for, a token."""
        headers = {**self.headers, **platform_headers}
        if self.email is not None:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            headers["Authorization"] = f"Bearer {token_for(audience=self.audience, email=self.email)}"
        return Call(self.method, self.url, headers, self.body, deadline)


def read_target(url: str, message: Any) -> Target:
    """What a ``HttpRequest`` (tasks) or ``HttpTarget`` (scheduler) message asks for.

    Args:
        url: the message's ``url`` or ``uri``.
        message: the rest, which both have alike.

    Raises:
        ApiError: INVALID_ARGUMENT, for what Google refuses; UNIMPLEMENTED, for an OAuth token.
    """
    _check_url(url)
    _check_headers(message.headers)
    if message.HasField("oauth_token"):
        raise unimplemented("The stand-in makes no OAuth tokens, only OIDC tokens.")
    method = _METHODS[message.http_method] if 0 <= message.http_method < len(_METHODS) else ""
    if not method:
        raise invalid_argument(f"HTTP method {message.http_method} is unknown.")
    if message.body and method not in _WITH_BODY:
        raise invalid_argument(f"HTTP method {method} must not have a body: only POST, PUT and PATCH may.")
    email = None
    if message.HasField("oidc_token"):
        email = message.oidc_token.service_account_email
        if re.fullmatch(r"[^@\s]+@[^@\s]+", email) is None:
            raise invalid_argument(f'Service account e-mail "{email[:200]}" is invalid.')
    headers = {name: value for name, value in message.headers.items() if not _is_ours(name.lower())}
    return Target(url, method, headers, message.body, email, message.oidc_token.audience or url)


def read_deadline(name: str, message: Any, default: timedelta) -> timedelta:
    """The duration field ``name``, or ``default`` where it is not set.

    Raises:
        ApiError: INVALID_ARGUMENT, outside of 15 s to 30 min.
    """
    if not message.HasField(name):
        return default
    deadline: timedelta = getattr(message, name).ToTimedelta()
    if not _SHORTEST_DEADLINE <= deadline <= _LONGEST_DEADLINE:
        raise invalid_argument(f"{name} must be between 15s and 1800s, it is {deadline.total_seconds():g}s.")
    return deadline


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", url):
        raise invalid_argument(f'URL "{url[:200]}" is invalid: it must begin with "http://" or "https://" and a host.')
    if len(url) > _LONGEST_URL:
        raise invalid_argument(f"The URL has {len(url)} characters, {_LONGEST_URL} are allowed.")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise invalid_argument(f'Header "{name[:100]}" is not a valid HTTP header.')
    if sum(len(name.encode()) + len(value.encode()) for name, value in headers.items()) >= _MOST_HEADERS:
        raise invalid_argument("The headers must be smaller than 80KB in all.")


def _is_ours(name: str) -> bool:
    return name in _REPLACED or name.startswith(_RESERVED)
