"""The operator's console, called over HTTP: where it is, the key it takes, and its refusals as one line."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from infra.ops.failures import NOT_DONE, WRONG_USAGE, CommandFailed

KEY_VARIABLE = "ADMIN_API_KEY"
IDENTITY_VARIABLE = "ADMIN_IDENTITY_TOKEN"
"""What the platform itself asks for in front of a deployed console: ``gcloud auth print-identity-token``."""
CONSOLE_VARIABLE = "CONSOLE_URL"
"""Where the console is, for whoever does not want to say it in every command."""
HEADER = "X-ADMIN-API-KEY"
CONSOLE = "/admin_console"
MIGRATIONS = "/admin_migration"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WRONG_USAGE = (400, 413, 422)


class Console:
    """One console.

    Args:
        url: the console's own, without a slash at the end.
        key: what it is called with.
        identity: the caller's identity token, for the platform's check in front of it; none on this machine.
    """

    def __init__(self, url: str, key: str, identity: str = "") -> None:
        self._url = url
        self._session = _session(url)
        self._session.headers[HEADER] = key
        if identity:
            self._session.headers["Authorization"] = f"Bearer {identity}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    def get(self, path: str, holds: str, **query: str | int | None) -> dict[str, Any]:
        """What it answers, which holds this field; raises CommandFailed."""
        return self._call(
            "GET", path, holds, params={name: value for name, value in query.items() if value is not None}
        )

    def post(self, path: str, holds: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What it answers to a body (what is None in it is left out), likewise."""
        return self._call("POST", path, holds, json={name: value for name, value in body.items() if value is not None})

    def _call(self, method: str, path: str, holds: str, **how: Any) -> dict[str, Any]:
        answer = _answer(self._session, method, f"{self._url}{path}", **how)
        if not answer.ok or answer.is_redirect:
            raise _refused(answer, self._url)
        return _json_of(answer, self._url, holds)


def console_at(url: str, console_url: str | None, environ: Mapping[str, str], path: str = CONSOLE) -> Console:
    """The console of a system, with the key from the environment, or from the local system itself.

    Args:
        url: the system's, or its console's under it.
        console_url: the console's own where it is not under the system's.
        environ: the process's environment.
        path: where under the system's the console is, or another function that takes the same key.

    Raises:
        CommandFailed: the URL is none, would show the key to others on the way, or there is no key.
    """
    base = _checked(url.rstrip("/").removesuffix(path))
    console = _checked(console_url.rstrip("/")) if console_url is not None else f"{base}{path}"
    key = environ.get(KEY_VARIABLE, "").strip()
    if not key:
        if console_url is not None or not _is_local(base):
            raise CommandFailed(f"{KEY_VARIABLE} is not set: export the console's key under this name", WRONG_USAGE)
        key = _local_key(base)
    if not key.isascii() or not key.isprintable():
        raise CommandFailed(f"{KEY_VARIABLE} holds characters that no key has", WRONG_USAGE)
    return Console(console, key, "" if _is_local(console) else environ.get(IDENTITY_VARIABLE, "").strip())


def _local_key(base: str) -> str:
    """The key of a system on this machine, which it shows to whoever is on it."""
    return str(local_info(base)["admin_api_key"])


def local_info(url: str) -> dict[str, Any]:
    """What a system on this machine tells of itself (``/_local/info``); raises CommandFailed."""
    base = _checked(url.rstrip("/"))
    if not _is_local(base):
        raise CommandFailed(f"{base} is not on this machine", WRONG_USAGE)
    with _session(base) as session:
        answer = _answer(session, "GET", f"{base}/_local/info")
    if not answer.ok:
        raise CommandFailed(
            f"{base} is no local system ({answer.status_code} for /_local/info): set {KEY_VARIABLE}", NOT_DONE
        )
    return _json_of(answer, base, "admin_api_key")


def _session(url: str) -> requests.Session:
    session = requests.Session()
    if _is_local(url):
        session.trust_env = False  # a proxy of the environment has no business on this machine
    return session


def _answer(session: requests.Session, method: str, url: str, **how: Any) -> requests.Response:
    try:
        # A redirect would carry the key to wherever it points.
        return session.request(method, url, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), allow_redirects=False, **how)
    except requests.ConnectionError:
        raise CommandFailed(f"{url} is not reachable: is the system running?") from None
    except requests.Timeout:
        raise CommandFailed(f"{url} did not answer in time; what was asked may have happened") from None
    except requests.RequestException as error:
        raise CommandFailed(f"{url} could not be called ({type(error).__name__})") from None


def _refused(answer: requests.Response, url: str) -> CommandFailed:
    """What an error's problem details say, in one line."""
    match answer.status_code:
        case 401 | 403:
            return CommandFailed(f"{answer.status_code}: {url} does not take this key: look at {KEY_VARIABLE}")
        case 404 if "application/problem+json" not in answer.headers.get("Content-Type", ""):
            return CommandFailed(f"404: there is no operator's console at {url}")
    try:
        detail = " ".join(str(answer.json()["detail"]).split())
    except (ValueError, KeyError, TypeError):
        detail = f"{url} answered {answer.reason or 'an error'}"
    status = WRONG_USAGE if answer.status_code in _WRONG_USAGE else NOT_DONE
    return CommandFailed(f"{answer.status_code}: {detail}", status)


def _json_of(answer: requests.Response, url: str, holds: str) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or holds not in body:
        raise CommandFailed(f"{url} answered something else than was asked: is it an operator's console?")
    return body


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a wrong one is told when it is asked for
    except ValueError:
        raise CommandFailed(f"{url} is no URL", WRONG_USAGE) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise CommandFailed(f"{url} is no URL of a system, such as https://example.com", WRONG_USAGE)
    if parts.scheme == "http" and not _is_local(url):
        raise CommandFailed(f"{url} is not https: the key would be shown to everybody on the way", WRONG_USAGE)
    return url


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK
