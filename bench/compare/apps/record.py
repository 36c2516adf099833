"""The record of every alert, where ``COMPARE_PROJECT`` names a project of Firestore; otherwise none is kept.

As Bellhop's: a document in ``alerts`` before the visitor is answered, and what became of it after each attempt.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from google.cloud import firestore

_connecting = threading.Lock()


def begin(lead: Mapping[str, str]) -> None:
    """Write the alert; one commit."""
    if os.environ.get("COMPARE_PROJECT"):
        _alert(lead).create(
            {
                "channel": "slack",
                "kind": "lead",
                "payload": dict(lead),
                "state": "queued",
                "attempts": 0,
                "cause": None,
                "created_at": firestore.SERVER_TIMESTAMP,
                "ended_at": None,
            }
        )


def note(lead: Mapping[str, str], *, state: str, cause: str | None) -> None:
    """Write what became of an attempt; one commit."""
    if os.environ.get("COMPARE_PROJECT"):
        ended = firestore.SERVER_TIMESTAMP if state == "delivered" else None
        _alert(lead).update({"state": state, "cause": cause, "attempts": firestore.Increment(1), "ended_at": ended})


def _alert(lead: Mapping[str, str]) -> Any:
    with _connecting:  # gRPC does not survive a fork: each process connects when it first writes
        return _client().collection("alerts").document(lead["id"])


@cache
def _client() -> Any:
    return firestore.Client(project=os.environ["COMPARE_PROJECT"])
