"""What stands for an address where the address itself must not be kept: as the functions that read it make it."""

from __future__ import annotations

import hashlib

from shared.domain import ids


def _keyed(purpose: bytes, key: str, text: str) -> str:
    secret = hashlib.blake2b(key.encode()).digest()
    return hashlib.blake2b(text.encode(), digest_size=16, key=secret, person=purpose).hexdigest()


def address_hash(address: str, key: str) -> str:
    """The keyed hash of an e-mail address in its normal, lower-case form; ``key`` is ``ADDRESS_HASH_KEY``."""
    made = getattr(ids, "address_hash", None)
    return str(made(address, key)) if made is not None else _keyed(b"address", key, address)


def client_hash(client: str, key: str) -> str:
    """Likewise of a network address."""
    made = getattr(ids, "client_hash", None)
    return str(made(client, key)) if made is not None else _keyed(b"client", key, client)
