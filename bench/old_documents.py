"""Conversations as they were before the migrations, a third of them dirty; the same one for the same number."""

from __future__ import annotations

import json
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

DIRTY = ("{broken", '{"email": "nope"}', "", None, "[1]", 7)


def fill(client: firestore.Client, conversations: int, batch: int = 400) -> None:
    """Write conversations in bulk."""
    for start in range(0, conversations, batch):
        writes = BulkWriteBatch(client)
        for number in range(start, min(start + batch, conversations)):
            writes.set(client.document("conversations", f"c{number:07d}"), old_conversation(number))
        writes.commit(timeout=60)


def old_conversation(number: int) -> dict[str, Any]:
    """A conversation of before, the same for the same number."""
    if number % 3 == 0:
        context: Any = DIRTY[number // 3 % len(DIRTY)]
    else:
        context = json.dumps({"user": {"Email": f"Visitor{number}@Example.com"}, "size": number})
    document = {
        "context_data": context,
        "score": number % 100,
        "turns": [{"question": f"What does {number} cost?", "answer": "It depends. " * 5, "at": None}] * (number % 4),
    }
    if number % 11 == 0:
        document["email"] = f"OTHER{number}@example.com"
    if number % 7 == 0:
        document["schema_version"] = 1
    return document
