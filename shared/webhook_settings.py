"""The settings of the webhook: what they take, as values that are checked once. Standard library only.

``WEBHOOK_URL`` is https on the public internet. ``WEBHOOK_ALLOWED_PRIVATE`` names exact ``host:port`` pairs that may be
private, and may be http. ``WEBHOOK_SECRET`` is the Standard Webhooks form: ``whsec_`` and 24 to 64 bytes in base64.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.public_address import is_public, literal

Pairs = frozenset[tuple[str, int]]
"""Hosts (lower case, IPv6 without brackets) with their ports."""

_PAIR = re.compile(r"(\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9]([A-Za-z0-9.\-]{0,252}))):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
"""Names, and all names below them, that never belong to the public internet (metadata.google.internal among them)."""


@dataclass(frozen=True)
class WebhookUrl:
    """Where to post to.

    Attributes:
        url: as it is; never in a repr, as receivers put tokens into it.
        host: lower case, IPv6 without brackets.
        port: written or the scheme's.
        private: it is one of the allowed pairs, so its addresses are not checked.
    """

    url: str = field(repr=False)
    host: str
    port: int
    private: bool = False


def parse_allowed_private(text: str) -> Pairs:
    """Exact ``host:port`` pairs, separated by commas.

    Raises:
        ValueError: what it takes.
    """
    pairs = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _PAIR.fullmatch(part)
        if match is None or not 0 < int(match["port"]) <= _LAST_PORT or (match["six"] and not literal(match["six"])):
            raise ValueError("exact host:port pairs separated by commas, for example 127.0.0.1:8123, [::1]:8123")
        pairs.add((_same(match["six"] or match["host"]), int(match["port"])))
    return frozenset(pairs)


def parse_webhook_url(text: str, allowed: Pairs = frozenset()) -> WebhookUrl:
    """The URL, refused where it is already known to lead somewhere private; names are checked when they are resolved.

    Raises:
        ValueError: what it takes; never what it was.
    """
    wanted = (
        "an https URL on the public internet (no user, no fragment; http or a private address only if exactly its "
        "host:port is in WEBHOOK_ALLOWED_PRIVATE)"
    )
    try:
        parts = urlsplit(text)
        port = parts.port if parts.port is not None else {"https": 443, "http": 80}.get(parts.scheme, 0)
        host = _same(parts.hostname or "")
    except ValueError:
        raise ValueError(wanted) from None
    if re.search(r"[^\x21-\x7e]|\\", text) or "#" in text or "@" in parts.netloc or not host or not port:
        raise ValueError(wanted)
    if not re.fullmatch(r"[a-z0-9_.:\-]+", host) or parts.scheme not in ("https", "http"):
        raise ValueError(wanted)
    if (host, port) in allowed:
        return WebhookUrl(text, host, port, private=True)
    if parts.scheme != "https" or _known_private(host):
        raise ValueError(wanted)
    return WebhookUrl(text, host, port)


def parse_webhook_secret(text: str) -> str:
    """The secret, as it is.

    Raises:
        ValueError: what it takes; never what it was.
    """
    wanted = "whsec_ followed by 24 to 64 random bytes in base64 (Standard Webhooks)"
    if not text.startswith(_PREFIX):
        raise ValueError(wanted)
    encoded = text.removeprefix(_PREFIX).rstrip("=")
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(wanted) from None
    if len(secret) not in _SECRET_BYTES:
        raise ValueError(wanted)
    return text


def _known_private(host: str) -> bool:
    address = literal(host)
    if address is not None:
        return not is_public(address)
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES) or ":" in host


def _same(host: str) -> str:
    """One spelling a host, so that pairs can be compared."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")
