"""What an erasure does with before-images: those of a conversation go, the others of their packs stay."""

from __future__ import annotations

from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import READ_RETRY, READ_SECONDS, Database, reading
from shared.adapters.firestore_images import decoded

PACKS = 20


def forget_images(database: Database, conversation_id: str) -> int:
    """Remove a conversation's before-images; safe to repeat.

    Cost: a round trip for up to twenty packs, and one for each pack; one read and one write a pack. No composite index.

    Returns:
        How many packs held some; more than there were may have to be asked for again until it is 0.

    Raises:
        StorageError: some may be left.
    """
    packs = database.client.collection("before_images")
    mine = FieldFilter("conversation_ids", "array_contains", conversation_id)
    with reading():
        found = packs.where(filter=mine).limit(PACKS).get(retry=READ_RETRY, timeout=READ_SECONDS)
    for snapshot in found:
        _forget(database, snapshot, conversation_id)
    return len(found)


def _forget(database: Database, snapshot: Any, conversation_id: str) -> None:
    images = (snapshot.to_dict() or {}).get("images") or {}
    gone = {
        f"images.{key}": firestore.DELETE_FIELD
        for key, data in images.items()
        if decoded(data, database.client)["owner"] == conversation_id
    }
    batch = database.client.batch()
    batch.update(snapshot.reference, gone | {"conversation_ids": firestore.ArrayRemove([conversation_id])})
    database.commit(batch)
