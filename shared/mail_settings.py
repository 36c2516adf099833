"""The settings of e-mail: what they take, as values that are checked once. Standard library only.

``SMTP_URL`` is ``smtp+starttls://user:password@host:587`` (RFC 3207), ``smtps://user:password@host:465`` (RFC 8314) or,
on this machine's loopback only, ``smtp://host:25`` without TLS. User and password are percent-encoded (RFC 3986).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from email.headerregistry import Address

Scheme = Literal["smtp", "smtp+starttls", "smtps"]

DEFAULT_PORTS: dict[Scheme, int] = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.\-]{0,252})|[0-9A-Fa-f:.]{2,45}")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ADDRESS = re.compile(r"(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)")
_NAMED = re.compile(r'(?:"(?P<quoted>[^"\\<>]*)"|(?P<bare>[^"\\<>,@]*)) *<(?P<address>[^<>]+)>')
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


@dataclass(frozen=True)
class SmtpServer:
    """A mail server to submit to.

    Attributes:
        scheme: ``smtp`` (loopback only), ``smtp+starttls`` or ``smtps``.
        host: its name or address, as its certificate says.
        port: its port.
        user: whom to log in as, None not to log in.
        password: of that user; never in a repr.
    """

    scheme: Scheme
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def parse_smtp_url(text: str) -> SmtpServer:
    """The server a URL names.

    Raises:
        ValueError: what the setting takes; never what it was.
    """
    wanted = (
        "a URL such as smtp+starttls://user:password@host:587 or smtps://user:password@host:465, user and password "
        "percent-encoded (smtp:// without TLS only on this machine's loopback)"
    )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(wanted) from None
    host = parts.hostname or ""
    if _UNSAFE.search(text) or parts.scheme not in DEFAULT_PORTS or not _HOST.fullmatch(host) or port == 0:
        raise ValueError(wanted)
    if parts.path not in ("", "/") or parts.query or parts.fragment or _BAD_PERCENT.search(parts.netloc):
        raise ValueError(wanted)
    if parts.scheme == "smtp" and host not in LOOPBACK:
        raise ValueError(wanted)
    credentials = _credentials(parts)
    if credentials is None:
        raise ValueError(wanted)
    return SmtpServer(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], *credentials)


def parse_mail_from(text: str) -> str:
    """A sender: ``alerts@example.com`` or ``Bellhop <alerts@example.com>``.

    Raises:
        ValueError: what it takes.
    """
    try:
        sender(text)
    except ValueError:
        raise ValueError("an address such as alerts@example.com or Bellhop <alerts@example.com>") from None
    return text.strip()


def parse_mail_to(text: str) -> tuple[str, ...]:
    """Addresses separated by commas, each once.

    Raises:
        ValueError: what it takes.
    """
    addresses = tuple(part.strip() for part in text.split(",") if part.strip())
    once = len({address.lower() for address in addresses}) == len(addresses)
    if not addresses or not once or not all(valid_address(address) for address in addresses):
        raise ValueError("e-mail addresses separated by commas, each once, such as ann@example.com, bob@example.com")
    return addresses


def valid_address(address: str) -> bool:
    """Whether it is one plain ASCII address (a dot-atom at a domain), which cannot carry a second one with it."""
    match = _ADDRESS.fullmatch(address)
    if match is None or len(address) > _LONGEST_ADDRESS:
        return False
    local = match["local"]
    return not (local.startswith(".") or local.endswith(".") or ".." in local)


def sender(text: str) -> Address:
    """A sender's name and address.

    Raises:
        ValueError: it is neither ``address`` nor ``Name <address>``.
    """
    text = text.strip()
    match = _NAMED.fullmatch(text)
    address = match["address"] if match else text
    name = (match["quoted"] or match["bare"] or "").strip() if match else ""
    if not valid_address(address) or (name and not name.isprintable()):
        raise ValueError("neither an address nor a name and an address")
    from email.headerregistry import Address  # noqa: PLC0415 - most functions send no mail

    return Address(display_name=name, addr_spec=address)


def _credentials(parts: SplitResult) -> tuple[str | None, str | None] | None:
    """User and password, two Nones where the URL has neither, None where they cannot be used."""
    if "@" not in parts.netloc:
        return (None, None)
    try:
        user, password = (unquote(part or "", errors="strict") for part in (parts.username, parts.password))
    except UnicodeDecodeError:
        return None
    if not user or not password or re.search(r"[\x00-\x1f\x7f]", user + password):
        return None
    return (user, password)
