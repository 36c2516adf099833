"""What deliver_alert is compared with: read one document, post, commit one document, and nothing else.

As somebody would write it in a few lines: no lease, no deadline for the whole, no outcome but success.
``functions-framework --target bare`` or ``--target bare_checked``, which lets in only who shows Google's token.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

import flask
import requests
from google.cloud import firestore

from shared.edge.oidc import OidcGuard

SECONDS = 10

_connecting = threading.Lock()


def bare(request: flask.Request) -> flask.Response:
    """Deliver the alert that a task names, whatever else is true."""
    alert = _client().collection("alerts").document(request.get_json()["alert_id"])
    if not alert.get().exists:
        return flask.jsonify({"state": "missing"})
    answer = _post()
    answer.raise_for_status()
    alert.update({"state": "delivered", "ended_at": firestore.SERVER_TIMESTAMP})
    return flask.jsonify({"state": "delivered"})


def bare_checked(request: flask.Request) -> flask.Response:
    """The same for those who may."""
    _guard().check(request.headers.get("Authorization"))
    return bare(request)


def _post() -> requests.Response:
    headers = {"Content-Type": "application/json"}
    if os.environ.get("BENCH_KEEP"):
        return _session().post(os.environ["BENCH_URL"], data=_body(), headers=headers, timeout=SECONDS)
    return requests.post(os.environ["BENCH_URL"], data=_body(), headers=headers, timeout=SECONDS)


@cache
def _body() -> bytes:
    return Path(os.environ["BENCH_BODY"]).read_bytes()


@cache
def _session() -> requests.Session:
    return requests.Session()


def _client() -> Any:
    with _connecting:  # gRPC does not survive the fork that follows the import
        return _connected()


@cache
def _connected() -> Any:
    return firestore.Client()


@cache
def _guard() -> OidcGuard:
    environ = os.environ
    return OidcGuard(environ["OIDC_AUDIENCE"], environ["TASKS_INVOKER_EMAIL"], environ["OIDC_CERTS_URL"])
