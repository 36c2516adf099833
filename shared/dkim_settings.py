"""The settings of DKIM (RFC 6376): what they take, as values that are checked once. Standard library only."""

from __future__ import annotations

import base64
import binascii
import re

_PEM = re.compile(
    r"-----BEGIN (?P<kind>RSA PRIVATE KEY|PRIVATE KEY)-----\s(?P<body>[A-Za-z0-9+/=\s]+)-----END (?P=kind)-----\s*"
)
_RSA = bytes.fromhex("06092a864886f70d010101")
"""The object identifier of RSA encryption (RFC 8017, appendix A.1), as it stands in a PKCS #8 key."""

LEAST_BYTES = 500
"""A DER-encoded private RSA key of 1024 bits (the least that RFC 8301 allows) is longer than this."""


def parse_key(text: str) -> str:
    """A private RSA key, PEM; its line ends may be written as a backslash and an n, as environments hold one line.

    Raises:
        ValueError: what it takes; never what it was.
    """
    key = text.replace("\\n", "\n").replace("\r\n", "\n").strip() + "\n"
    match = _PEM.fullmatch(key)
    wanted = "a private RSA key of at least 1024 bits in PEM (-----BEGIN PRIVATE KEY-----), lines ended by \\n"
    if match is None:
        raise ValueError(wanted)
    try:
        der = base64.b64decode("".join(match["body"].split()), validate=True)
    except binascii.Error:
        raise ValueError(wanted) from None
    if len(der) < LEAST_BYTES or (match["kind"] == "PRIVATE KEY" and _RSA not in der[:40]):
        raise ValueError(wanted)
    return key


def selector(text: str) -> str:
    """A selector (RFC 6376, 3.1), lower-cased.

    Raises:
        ValueError: what it takes.
    """
    return _name(text, "a selector such as mail2026", least=1)


def domain(text: str) -> str:
    """A domain, lower-cased, in ASCII.

    Raises:
        ValueError: what it takes.
    """
    return _name(text, "a domain such as example.com", least=2)


def _name(text: str, wanted: str, *, least: int) -> str:
    labels = text.lower().split(".")
    valid = all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels)
    if not valid or len(labels) < least or len(text) > 253:  # noqa: PLR2004 - DNS's own number
        raise ValueError(wanted)
    return text.lower()
