"""The JSON half of the console, as its pages ask it: in this process, by the same paths, fields and checks.

Pages have no way of their own to look something up or to do something: what they show is what ``GET`` of the same
path answers with the key, and what a button does is the ``POST`` that ``infra.ops`` would send.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import flask

Answered = Callable[[flask.Request], flask.Response]


@dataclass(frozen=True)
class Api:
    """What pages ask.

    Attributes:
        answered: answers a request whose sender is known; raises RequestError.
        by: who asks, for the audit.
    """

    answered: Answered
    by: str

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """What ``GET`` answers; what is None or empty is left out of the query.

        Raises:
            RequestError: as the JSON half refuses it.
        """
        given = {name.rstrip("_"): str(value) for name, value in query.items() if value not in (None, "")}
        return _object(self.raw(path, given))

    def raw(self, path: str, query: Mapping[str, str]) -> flask.Response:
        """The answer of a ``GET`` as it is; raises RequestError."""
        return self.answered(_request("GET", path, urlencode(query), b""))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What ``POST`` answers; ``by`` is added, what is None or empty is left out.

        Raises:
            RequestError: as the JSON half refuses it.
        """
        said = {name: value for name, value in (dict(body) | {"by": self.by}).items() if value not in (None, "", [])}
        return _object(self.answered(_request("POST", path, "", json.dumps(said).encode())))


def _object(answer: flask.Response) -> dict[str, Any]:
    body = json.loads(answer.get_data())
    if not isinstance(body, dict):
        raise TypeError("an answer of the console is an object")
    return body


def _request(method: str, path: str, query: str, body: bytes) -> flask.Request:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    if method == "POST":
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return flask.Request(environ)
