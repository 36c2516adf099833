"""Before-images: what a document was before a step changed it, as bytes that give every value back exactly.

Many images are in one document (``before_images``), so that a migration does not cost twice its writes; each is one
field of bytes, and the ids of their conversations are beside them, by which an erasure finds them. Names of these
documents count downwards: the newest comes first in the order of names, which needs no index.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1 import _helpers  # the client's own way from values to protocol buffers and back
from google.cloud.firestore_v1.types import document as document_pb

from shared.migrations.ledger import Ledger
from shared.migrations.step import REMOVED
from shared.ports.migrations import Image, Pack, Wanted

PACK_BYTES = 900_000
"""A document may have 1 MiB."""

_LAST = 10**12
_PAGES = 10**7
_JSON = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(",", ":"))


def pack_name(step: str, run: int, page: int) -> str:
    """The name of a page's pack; an image that is written again replaces the one that was there."""
    return f"{step}-{_LAST - run * _PAGES - page:013d}"


def pack_document(ledger: Ledger, changes: Sequence[Wanted]) -> dict[str, Any]:
    """What is merged into a page's pack, without what says when it expires."""
    owners = {owner_of(each.collection, each.found.document.id, each.found.document.fields) for each in changes}
    images = {key_of(each.found.document.id): image_of(each).data for each in changes}
    document: dict[str, Any] = {"step": ledger.step, "run": ledger.run, "images": images}
    if ledger.by_reverse:
        document["reverse"] = True
    if owners - {""}:
        document["conversation_ids"] = firestore.ArrayUnion(sorted(owners - {""}))
    return document


def fitting(changes: Sequence[Wanted], beside: Pack | None = None) -> int:
    """How many changes, from the first on, have before-images that fit into one pack, by a generous estimate.

    In a pack that is there already, beside the images of other documents.
    """
    replaced = {wanted.found.document.id for wanted in changes}
    others = beside.images.values() if beside is not None else ()
    size = sum(len(image.data) for image in others if image.id not in replaced)
    for number, wanted in enumerate(changes):
        fields, change = wanted.found.document.fields, wanted.change
        names = fields if change.removes else change.fields
        size += 300 + sum(_size(name) + _size(fields.get(name)) for name in names) + 200 * len(change.creates)
        if size > PACK_BYTES:
            return number
    return len(changes)


def _size(value: Any) -> int:
    """Bytes of a value, rather too many."""
    if isinstance(value, str):
        return len(_JSON.encode(value)) + 1  # with what JSON escapes; protocol buffers never take more
    if isinstance(value, bytes):
        return len(value) + 3
    if isinstance(value, Mapping):
        return sum(_size(name) + _size(inner) for name, inner in value.items()) + 8
    if isinstance(value, list | tuple):
        return sum(map(_size, value)) + 8
    return 24


def owner_of(collection: str, name: str, fields: Mapping[str, Any]) -> str:
    """The conversation a document belongs to; empty where it belongs to none."""
    return name if collection == "conversations" else str(fields.get("conversation_id") or "")


def key_of(name: str) -> str:
    """A field's name for a document's."""
    return f"i{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"


def pack_of(snapshot: Any) -> Pack:
    """The pack that a document holds."""
    held = snapshot.to_dict()  # a copy of all of it
    images = (Image(str(decoded(data)["id"]), bytes(data)) for data in (held.get("images") or {}).values())
    by_id = {image.id: image for image in sorted(images, key=lambda image: image.id)}
    return Pack(snapshot.id, by_id, reverse="reverse" in held)


def image_of(wanted: Wanted) -> Image:
    """What a change's document was, as far as it is changed, and what it will be."""
    fields, change = wanted.found.document.fields, wanted.change
    name = wanted.found.document.id
    names = sorted(fields if change.removes else change.fields)
    data = encoded(
        {
            "id": name,
            "owner": owner_of(wanted.collection, name, fields),
            "removed": change.removes,
            "fields": names,
            "before": {each: fields[each] for each in names if each in fields},
            "after": None if change.removes else digest(change.fields),
            "created": [
                {"collection": new.collection, "id": new.id, "digest": digest(new.fields)} for new in change.creates
            ],
            "tallies": [{"collection": each.collection, "id": each.id, "field": each.field} for each in change.tallies],
        }
    )
    return Image(name, data)


def digest(fields: Mapping[str, Any]) -> str:
    """What tells one set of values from every other; a field that is not there counts as removed."""
    known = {name: value for name, value in fields.items() if value is not REMOVED}
    return hashlib.blake2b(encoded(known), digest_size=16).hexdigest()


def encoded(fields: Mapping[str, Any]) -> bytes:
    """Values as bytes, always the same ones for the same values, and other ones for others.

    As JSON where it has all of their types, which is ten times as fast; as the client's protocol buffers otherwise.
    Neither begins as the other does.
    """
    try:
        return _JSON.encode(fields).encode()
    except (TypeError, ValueError):
        message = document_pb.Document(fields=_helpers.encode_dict(dict(fields)))
        data: bytes = document_pb.Document.pb(message).SerializeToString(deterministic=True)
        return data


def decoded(data: bytes, client: firestore.Client | None = None) -> dict[str, Any]:
    """Bytes as values again; a client is needed where a value is a reference to a document."""
    if data.startswith(b"{"):
        return dict(json.loads(data))
    message = document_pb.Document.deserialize(bytes(data))
    values: Any = _helpers.decode_dict(message.fields, client)
    return dict(values)
