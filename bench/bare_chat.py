"""What chat is compared with: read one document, commit one, and nothing else.

As somebody would write it in a few lines: no limits, no key, nothing checked, no history, no answer worth the name.
``functions-framework --target bare_chat``.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import Any

import flask
from google.cloud import firestore

_connecting = threading.Lock()


def bare_chat(request: flask.Request) -> flask.Response:
    """Take a message of a session that the caller names, or of a new one."""
    asked = request.get_json()
    session_id = asked.get("session_id") or secrets.token_hex(16)
    conversation = _client().collection("bare_conversations").document(session_id)
    known = conversation.get().exists
    conversation.set({"message": asked["message"]})
    return flask.jsonify({"response": "Welcome back." if known else "Hello.", "session_id": session_id})


def _client() -> Any:
    with _connecting:  # gRPC does not survive the fork that follows the import
        return _connected()


@cache
def _connected() -> Any:
    return firestore.Client()
