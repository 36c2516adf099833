"""What a chat's calls cost by themselves: its three calls with its documents, by the client library, and nothing else.

No limit is looked at, no key is told from another, nothing is checked, no answer is found: what `chat` can come near to
while it is made of these calls. What it loads is left out of collections as `main.py` does it.
``functions-framework --target plain_chat``.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

os.environ.setdefault("GRPC_SINGLE_THREADED_UNARY_STREAM", "1")  # as shared.adapters.firestore does, before gRPC

import flask
from google.cloud import firestore

from main import COLLECT_AFTER

ANSWER = "We are open from Monday to Friday, from 9 am to 5 pm. On Saturdays you can visit us by appointment."
SECONDS = 5.0

_connecting = threading.Lock()


def plain_chat(request: flask.Request) -> flask.Response:
    """Take a message of a session that the caller names, or of a new one."""
    asked, key = request.get_json(), request.headers.get("Idempotency-Key")
    session_id, now = asked.get("session_id"), datetime.now(UTC)
    client, readers = _connected()
    conversation = client.document("plain_conversations", session_id or secrets.token_hex(16))
    reading = readers.submit(conversation.get, retry=None, timeout=SECONDS) if session_id else None
    claim = client.document("plain_admissions", secrets.token_hex(16)) if key else None
    version = _admit(client, conversation.id, claim, now)
    stands = reading.result() if reading else None
    turn = {"question": asked["message"], "answer": ANSWER, "at": now}
    batch = client.batch()
    if stands is None:
        batch.create(conversation, _first(turn))
    else:
        number = stands.to_dict()["turn_count"] + 1
        changes = {"turns": firestore.ArrayUnion([turn]), "turn_count": number, "score": 2 * number, "updated_at": now}
        batch.update(conversation, changes, option=client.write_option(last_update_time=stands.update_time))
    message = conversation.collection("messages").document(secrets.token_hex(16))
    batch.create(message, {"conversation_id": conversation.id, **turn, "alert_ids": []})
    names = {"session_id": conversation.id, "conversation_id": conversation.id}
    body = {"response": ANSWER, **names, "lead_score": 2, "handoff": False}
    if claim is not None:
        held = client.write_option(last_update_time=version)
        batch.update(claim, {"answer": json.dumps(body), "expires_at": now}, option=held)
    batch.commit(retry=None, timeout=SECONDS)
    return flask.jsonify(body)


def _admit(client: Any, conversation_id: str, claim: Any, now: datetime) -> Any:
    """Count in a window of its own, and claim; the claim's version."""
    batch = client.batch()
    window = client.document("plain_windows", secrets.token_hex(16))
    batch.set(window, {"count": firestore.Increment(1), "expires_at": now}, merge=True)
    if claim is not None:
        nonce, request_hash = secrets.token_hex(16), secrets.token_hex(16)
        told = {"request_hash": request_hash, "conversation_id": conversation_id, "nonce": nonce}
        batch.create(claim, {**told, "expires_at": now, "answer": None})
    return batch.commit(retry=None, timeout=SECONDS)[-1].update_time


def _first(turn: dict[str, Any]) -> dict[str, Any]:
    """The document of a conversation of one turn, field by field as `chat` writes it."""
    nothing = dict.fromkeys(("name", "email", "phone", "open_question", "followup_at"))
    counted = {"schema_version": 1, "score": 2, "turn_count": 1, "version": 0, "language": "en"}
    consent = dict.fromkeys(("processing", "marketing", "at", "wording"))
    times = {"created_at": turn["at"], "updated_at": turn["at"]}
    return {**nothing, **counted, **times, "consent": consent, "turns": [turn], "alerted": [], "fields": {}}


def _connected() -> tuple[Any, ThreadPoolExecutor]:
    with _connecting:  # gRPC does not survive the fork that follows the import
        return _client()


@cache
def _client() -> tuple[Any, ThreadPoolExecutor]:
    client: Any = firestore.Client()
    client._firestore_api  # noqa: B018, SLF001 - two threads that call first at once would connect twice
    return client, ThreadPoolExecutor(32)


gc.freeze()
gc.set_threshold(*COLLECT_AFTER)
