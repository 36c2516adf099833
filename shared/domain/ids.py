"""Names of things: hashes where uniqueness is the point, random everywhere else.

Every hash is BLAKE2b with its purpose in the ``person`` parameter, so that two purposes never share a name. Parts are
joined with their lengths, so that ("ab", "c") and ("a", "bc") differ.
"""

from __future__ import annotations

import hashlib
import re

SESSION_ID = re.compile(r"[0-9a-f]{32}")
"""A session id: 128 random bits in lower-case hex, issued by the server, the visitor's secret."""


def conversation_id(session_id: str) -> str:
    """The public name of a session's conversation; the session id cannot be found from it."""
    return _hash(b"conversation", session_id)


def alert_id(conversation: str, kind: str, channel: str) -> str:
    """The name of an alert that may exist once a conversation."""
    return _hash(b"alert", conversation, kind, channel)


def update_id(conversation: str, channel: str, version: int) -> str:
    """The name of the alert that brings a channel to a version of a conversation's lead."""
    return _hash(b"alert", conversation, "update", channel, str(version))


def followup_alert_id(conversation: str, number: int) -> str:
    """The name of the alert of a conversation's n-th follow-up e-mail."""
    return _hash(b"alert", conversation, "followup", str(number))


def address_hash(address: str, key: str) -> str:
    """What stands for an e-mail address where the address itself must not be kept; without the key nobody can guess it.

    Args:
        address: normalised, lower-case.
        key: ``ADDRESS_HASH_KEY``.
    """
    return _keyed(b"address", key, address)


def client_hash(client: str, key: str) -> str:
    """Likewise for the network address a request came from."""
    return _keyed(b"client", key, client)


def escalation_id(alert: str, epoch: int) -> str:
    """The name of the alert that tells of one that failed; one for each epoch."""
    return _hash(b"escalation", alert, str(epoch))


def notice_id(destination: str, block: int, notice: int) -> str:
    """The name of the n-th notice of a destination's n-th block."""
    return _hash(b"notice", destination, str(block), str(notice))


def overdue_id(*alerts: str) -> str:
    """The name of the alert that tells of some that have been waiting for very long."""
    return _hash(b"overdue", *alerts)


def continuation_name(key: str) -> str:
    """The name of the task that asks for another run."""
    return _hash(b"continuation", key)


def task_name(alert: str, generation: int) -> str:
    """The name of an alert's task: never sequential, new for each generation."""
    return _hash(b"task", alert, str(generation))


def claim_id(idempotency_key: str, client: str) -> str:
    """The name of an idempotency key's claim; two clients' equal keys are separate."""
    return _hash(b"claim", idempotency_key, client)


def window_id(client: str, limit: str, start: int) -> str:
    """The name of a client's counter in one window; start in seconds of the epoch."""
    return _hash(b"window", client, limit, str(start))


def request_hash(*parts: str) -> str:
    """What a request asked for, to tell a repeat from another request under the same key."""
    return _hash(b"request", *parts)


def _hash(purpose: bytes, *parts: str) -> str:
    digest = hashlib.blake2b(digest_size=16, person=purpose)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def _keyed(purpose: bytes, key: str, text: str) -> str:
    secret = hashlib.blake2b(key.encode()).digest()
    return hashlib.blake2b(text.encode(), digest_size=16, key=secret, person=purpose).hexdigest()
